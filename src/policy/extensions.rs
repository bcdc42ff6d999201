//! The extensions that an item inherits from the outer request.

use std::any::type_name;
use std::sync::Arc;

use bytestring::ByteString;
use http::Extensions;
use http::request::Parts;

use crate::panics::{CatchDrop, catch};

/// Information about the batch that a request is part of, in the extensions of the request.
///
/// Only this crate creates it, so a batch inside a batch is recognized by it. (The tests of a
/// handler can create one with `SubrequestInfo::new` and the feature `test-util`.)
///
/// ```
/// use axum::{Extension, Router, routing::get};
/// use tower_multistatus::{BatchLayer, SubrequestInfo};
/// use tower::Layer;
///
/// async fn handler(batch: Option<Extension<SubrequestInfo>>) -> String {
///     match batch {
///         Some(Extension(info)) => match info.total() {
///             Some(total) => format!("{} of {total}", info.index() + 1),
///             None => format!("{} of a stream", info.index() + 1),
///         },
///         None => "alone".to_owned(),
///     }
/// }
///
/// let api: Router = Router::new().route("/hello", get(handler));
/// let batch = BatchLayer::new("/batch").layer(api.clone());
/// let app: Router = api.route_service("/batch", batch);
/// ```
#[derive(Clone, Debug)]
pub struct SubrequestInfo {
    pub(crate) id: ByteString,
    pub(crate) index: usize,
    pub(crate) total: Option<usize>,
    pub(crate) outer: Arc<CatchDrop<Parts>>,
}

impl SubrequestInfo {
    /// Creates the information for a handler's own tests: the id, the index counted from 0, the
    /// number of items (`None` in a stream), and the head of the outer request.
    ///
    /// # Panics
    ///
    /// If the index is not less than the number of items.
    ///
    /// ```
    /// use axum::{Extension, Router, body::Body, routing::get};
    /// use http::{Request, StatusCode};
    /// use tower::ServiceExt;
    /// use tower_multistatus::SubrequestInfo;
    ///
    /// /// Refuses to run on its own.
    /// async fn handler(batch: Option<Extension<SubrequestInfo>>) -> StatusCode {
    ///     match batch {
    ///         Some(Extension(info)) if info.total() != Some(1) => StatusCode::OK,
    ///         _ => StatusCode::CONFLICT,
    ///     }
    /// }
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let (outer, ()) = Request::post("/batch").body(()).unwrap().into_parts();
    /// let mut request = Request::new(Body::empty());
    /// request.extensions_mut().insert(SubrequestInfo::new("a", 0, 2, outer));
    ///
    /// let api: Router = Router::new().route("/", get(handler));
    /// assert_eq!(api.oneshot(request).await.unwrap().status(), StatusCode::OK);
    /// # });
    /// ```
    #[cfg(feature = "test-util")]
    #[cfg_attr(docsrs, doc(cfg(feature = "test-util")))]
    pub fn new(
        id: impl Into<String>,
        index: usize,
        total: impl Into<Option<usize>>,
        outer: Parts,
    ) -> Self {
        let total = total.into();
        assert!(
            total.is_none_or(|total| index < total),
            "the index must be less than the number of items"
        );
        Self {
            id: ByteString::from(id.into()),
            index,
            total,
            outer: Arc::new(CatchDrop::new(outer)),
        }
    }

    /// The id of the item.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The index of the item in the batch, counted from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The number of items in the batch. `None` in a stream of items that run while others are
    /// still to arrive.
    pub fn total(&self) -> Option<usize> {
        self.total
    }

    /// Method, URI, headers and extensions of the outer request.
    pub fn outer(&self) -> &Parts {
        &self.outer
    }
}

/// Drops extensions. If one of them panics, the others are leaked. The information that all items
/// share is removed before, so that it is not leaked.
pub(crate) fn drop_extensions(mut extensions: Extensions) {
    extensions.remove::<SubrequestInfo>();
    drop(CatchDrop::new(extensions));
}

/// The registered types, each with the function that copies its value.
#[derive(Clone, Debug)]
pub(crate) struct InheritedExtensions {
    copies: Vec<fn(&Extensions, &mut Extensions)>,
    names: Vec<&'static str>,
    /// Empty, but with capacity, which a clone keeps: it does not grow when a router adds its own
    /// extensions.
    room: Extensions,
}

impl InheritedExtensions {
    pub(crate) fn register<T: Clone + Send + Sync + 'static>(&mut self) {
        self.names.push(type_name::<T>());
        self.copies.push(|outer, item| {
            if let Some(value) = outer.get::<T>() {
                item.insert(value.clone());
            }
        });
    }

    /// The names of the types, in the order of registration.
    pub(crate) fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// Returns empty extensions for a request.
    pub(crate) fn preallocated(&self) -> Extensions {
        self.room.clone()
    }

    /// Copies the registered values. Returns whether no clone has panicked.
    #[inline]
    pub(crate) fn copy(&self, outer: &Extensions, item: &mut Extensions) -> bool {
        let mut copies = self.copies.iter();
        copies.all(|copy| catch(|| copy(outer, item)).is_some())
    }
}

impl Default for InheritedExtensions {
    fn default() -> Self {
        let mut room = Extensions::new();
        // Four values exceed the initial capacity of a table.
        room.insert([(); 1]);
        room.insert([(); 2]);
        room.insert([(); 3]);
        room.insert([(); 4]);
        room.clear();
        Self {
            copies: Vec::new(),
            names: Vec::new(),
            room,
        }
    }
}
