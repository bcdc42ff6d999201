//! Extensions of requests and responses.

use bytestring::ByteString;

use crate::error::Error;
use crate::subrequest::Subrequest;

/// Request extension: the request is sent alone, never in a batch.
///
/// ```
/// use http::Request;
/// use tower_multistatus::NotBatched;
///
/// let request = Request::get("/events").extension(NotBatched).body(String::new());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotBatched;

/// Request extension: the id of the request in its batch. The default is a number that no other
/// request of the same client has.
///
/// Two requests with the same id are never in the same batch.
///
/// ```
/// use http::Request;
/// use tower_multistatus::{DependsOn, ItemId};
///
/// let first = Request::post("/orders").extension(ItemId::new("order")?).body(String::new());
/// let second = Request::post("/bills").extension(DependsOn::new(["order"])).body(String::new());
/// # Ok::<(), tower_multistatus::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemId(ByteString);

impl ItemId {
    /// Creates an id.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if the id is not 1 to 256 bytes long,
    /// or contains a control character.
    pub fn new(id: impl Into<String>) -> Result<Self, Error> {
        let id = ByteString::from(id.into());
        Subrequest::without_id().set_id(id.clone())?;
        Ok(Self(id))
    }

    pub(super) fn as_bytestring(&self) -> &ByteString {
        &self.0
    }
}

/// Request extension: the requests of the same batch that must succeed before this one runs, by
/// their [`ItemId`].
///
/// They have to be sent before this one, at the same time and with the same
/// [`vary_by`](crate::BatchClientLayer::vary_by) headers, so that one batch has them all. If not,
/// this request is not sent, and fails with
/// [`Dependency`](crate::BatchClientErrorKind::Dependency). If one of them fails, the server
/// responds to this one with 424.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DependsOn(Vec<String>);

impl DependsOn {
    /// Creates the list of ids.
    pub fn new<I>(ids: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Self(ids.into_iter().map(Into::into).collect())
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// Response extension: the batch with which the request was sent. A response to a request that was
/// sent alone has none.
///
/// ```
/// use tower_multistatus::Batched;
///
/// fn log(response: &http::Response<()>) {
///     if let Some(batched) = response.extensions().get::<Batched>() {
///         println!("item {} of a batch of {}", batched.id(), batched.size());
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batched {
    pub(super) size: usize,
    pub(super) id: ByteString,
}

impl Batched {
    /// Number of requests in the batch.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// The id of the request in the batch.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}
