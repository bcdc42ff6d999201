//! What a decoder sets.

use bytes::Bytes;
use bytestring::ByteString;
use http::StatusCode;

use super::Subrequest;
use crate::item_error::ItemError;

/// # Setters
impl Subrequest {
    /// Sets the method, in upper or lower case.
    #[must_use]
    pub fn with_method(mut self, method: &[u8]) -> Self {
        self.set_method(method);
        self
    }

    /// Sets the URL: a path and query, a relative reference, or an absolute URL with the origin of
    /// the outer request.
    #[must_use]
    pub fn with_url(mut self, url: impl Into<Bytes>) -> Self {
        match ByteString::try_from(url.into()) {
            Ok(url) => self.url = url,
            Err(_) => self.fail(ItemError::Target),
        }
        self
    }

    /// Adds a header. The maximum is 64 headers, and 16 KiB of names and values together.
    #[must_use]
    pub fn with_header(mut self, name: &[u8], value: impl Into<Bytes>) -> Self {
        self.add_header(name, value.into());
        self
    }

    /// Sets the decoded body, which the inner service reads.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets a text that the layer passes on to the encoder, as [`Subresponse::note`]: what a format
    /// has read, and needs again when it writes the response.
    ///
    /// ```
    /// use tower_multistatus::Subrequest;
    ///
    /// // An id that is a number in the envelope is written as a number again.
    /// let item = Subrequest::new("7")?.with_note("number");
    /// # Ok::<(), tower_multistatus::Error>(())
    /// ```
    ///
    /// [`Subresponse::note`]: crate::Subresponse::note
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.of_format_mut().note = Some(note.into().into());
        self
    }

    /// Adds a dependency: the item runs after the item with this id has succeeded. That item must
    /// come before this one.
    #[must_use]
    pub fn with_dependency(mut self, id: impl Into<Bytes>) -> Self {
        // No item has an id that is not UTF-8, or an empty one.
        let id = ByteString::try_from(id.into()).unwrap_or_default();
        self.add_dependency(&id);
        self
    }

    /// Puts the item into an atomicity group. The items of a group must be adjacent, and the name
    /// must not be the id of an item.
    #[must_use]
    pub fn in_group(mut self, name: impl Into<Bytes>) -> Self {
        let name = ByteString::try_from(name.into()).unwrap_or_default();
        self.extras_mut().group = Some(name);
        self
    }

    /// Fails the item with this status, so that it is not dispatched. A 1xx, which is not final,
    /// becomes 500.
    #[must_use]
    pub fn reject(mut self, status: StatusCode) -> Self {
        self.fail(ItemError::Rejected(status));
        self
    }
}
