//! What a decoder has set, for its tests.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method, StatusCode};

use super::Subrequest;
use crate::item_error::ItemError;

/// # Getters
///
/// The values that were set, for the tests of a [`Decoder`](crate::Decoder). The checks that depend
/// on the layer, such as [`filter`](crate::BatchLayer::filter), happen later.
impl Subrequest {
    /// The id, which is also the id of the response.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The method. `None` if none was set or the method is invalid.
    pub fn method(&self) -> Option<&Method> {
        self.known_method()
            .or_else(|| self.extras.as_ref()?.method.as_ref())
    }

    /// The URL as it was set. Empty if none was set or it is not UTF-8.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The valid headers. `Content-Type` comes first, and the others follow in the order in which
    /// they were added.
    ///
    /// ```
    /// use http::{HeaderName, HeaderValue};
    /// use tower_multistatus::Subrequest;
    ///
    /// let item = Subrequest::new("1")?
    ///     .with_header(b"Accept", "text/plain")
    ///     .with_header(b"Content-Type", "text/html");
    /// let headers: Vec<_> = item.headers().map(|(name, value)| (name.as_str(), value)).collect();
    /// assert_eq!(headers[0], ("content-type", &HeaderValue::from_static("text/html")));
    /// assert_eq!(headers[1], ("accept", &HeaderValue::from_static("text/plain")));
    /// # Ok::<(), tower_multistatus::Error>(())
    /// ```
    pub fn headers(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        static NAME: HeaderName = CONTENT_TYPE;
        let content_type = self.content_type().map(|value| (&NAME, value));
        let others = self.headers.iter().map(|(name, value)| (name, value));
        content_type.into_iter().chain(others)
    }

    /// The decoded body. Empty if there is none.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The ids of the items that must succeed before this one runs.
    pub fn dependencies(&self) -> impl Iterator<Item = &str> {
        let extras = self.extras.iter();
        extras.flat_map(|extras| extras.depends_on.split_terminator(['\0']))
    }

    /// The atomicity group of the item.
    pub fn group(&self) -> Option<&str> {
        self.extras.as_ref()?.group.as_deref()
    }

    /// The status with which the item fails, if it was [rejected](Self::reject) or a value is
    /// invalid. Of several errors, the first one counts.
    ///
    /// ```
    /// use http::StatusCode;
    /// use tower_multistatus::Subrequest;
    ///
    /// let item = Subrequest::new("1")?.with_method(b"G T").reject(StatusCode::CONFLICT);
    /// assert_eq!(item.rejection(), Some(StatusCode::BAD_REQUEST));
    /// # Ok::<(), tower_multistatus::Error>(())
    /// ```
    pub fn rejection(&self) -> Option<StatusCode> {
        self.error.map(ItemError::status)
    }
}
