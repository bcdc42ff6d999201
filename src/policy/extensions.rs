//! What of the outer request's extensions an item gets.

use std::any::type_name;
use std::sync::Arc;

use bytestring::ByteString;
use http::Extensions;
use http::request::Parts;

use crate::panics::{CatchDrop, catch};

/// What a handler can learn of the batch that its request came in, from the request's extensions.
///
/// Only this crate makes one, so it is also how a batch inside a batch is known. (A handler's tests
/// can, by `SubrequestInfo::new` with the feature `test-util`.)
///
/// ```
/// use axum::{Extension, Router, routing::get};
/// use tower_multistatus::{BatchLayer, SubrequestInfo};
/// use tower::Layer;
///
/// async fn handler(batch: Option<Extension<SubrequestInfo>>) -> String {
///     match batch {
///         Some(Extension(info)) => format!("{} of {}", info.index() + 1, info.total()),
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
    pub(crate) total: usize,
    pub(crate) outer: Arc<CatchDrop<Parts>>,
}

impl SubrequestInfo {
    /// The information of an item that no batch has carried, for a handler's own tests: the id, the
    /// position counted from 0, the number of items, and the head of the outer request.
    ///
    /// # Panics
    ///
    /// If the position is not below the number of items.
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
    ///         Some(Extension(info)) if info.total() > 1 => StatusCode::OK,
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
    pub fn new(id: impl Into<String>, index: usize, total: usize, outer: Parts) -> Self {
        assert!(index < total, "the index is a position in the batch");
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

    /// Its place in the batch, counted from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// How many items the batch has.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Method, URI, headers and extensions of the request that carried the batch.
    pub fn outer(&self) -> &Parts {
        &self.outer
    }
}

/// Drops extensions, any of which may panic then: the others are leaked. What all items share is
/// not left among them.
pub(crate) fn discard(mut extensions: Extensions) {
    extensions.remove::<SubrequestInfo>();
    drop(CatchDrop::new(extensions));
}

/// The types that were registered, each as the function that copies it.
#[derive(Clone, Debug)]
pub(crate) struct InheritedExtensions {
    copies: Vec<fn(&Extensions, &mut Extensions)>,
    names: Vec<&'static str>,
    /// Empty, and to be cloned: a clone keeps the room, so that it need not grow once a router has
    /// put in its own.
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

    /// The names of the types, in the order of their registration.
    pub(crate) fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// What a request's extensions start with.
    pub(crate) fn preallocated(&self) -> Extensions {
        self.room.clone()
    }

    /// Whether no value has panicked when it was cloned.
    #[inline]
    pub(crate) fn copy(&self, outer: &Extensions, item: &mut Extensions) -> bool {
        let mut copies = self.copies.iter();
        copies.all(|copy| catch(|| copy(outer, item)).is_some())
    }
}

impl Default for InheritedExtensions {
    fn default() -> Self {
        let mut room = Extensions::new();
        // Four are more than a table has room for at first.
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
