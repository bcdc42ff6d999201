//! `multipart/mixed` of `application/http`, in and out.

use std::borrow::Cow;

use http::header::CONTENT_TYPE;
use http::request::Parts;

use super::{Decoder, Encoder, Format};
use crate::error::Error;
use crate::limits::Limits;
use crate::media_type::MediaType;

mod boundary;
mod content_id;
mod delimiter;
mod header_block;
mod ids;
mod part;
mod read;
mod request;
#[cfg(test)]
mod tests;
mod unsound;
mod write;

use boundary::{MAX_BOUNDARY, RANDOM_LENGTH};
use read::Reader;
use write::Writer;

/// The multipart envelope of OData 2 to 4 and of Google's APIs: `multipart/mixed` (also
/// `multipart/batch`) of `application/http` parts, in and out.
///
/// A part is one request, or a change set: a multipart of its own, whose requests succeed or fail
/// together. A part's `Content-ID`, with or without angle brackets, is the item's id. The response
/// has it as it came. An item without one has its position as id, counted from 1.
///
/// The response to a batch in this format has the same format, unless its `Accept` names another
/// format of the layer than JSON.
///
/// ```
/// use axum::{Router, body::Body, routing::get};
/// use http::Request;
/// use http_body_util::BodyExt;
/// use tower::{Layer, ServiceExt};
/// use tower_multistatus::{BatchLayer, Multipart};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let api: Router = Router::new().route("/hello", get(async || "hello"));
/// let service = BatchLayer::new("/batch").format(Multipart::new()).layer(api);
///
/// let envelope = "--b\r\nContent-Type: application/http\r\n\r\nGET /hello HTTP/1.1\r\n\r\n--b--\r\n";
/// let request = Request::post("/batch").header("content-type", "multipart/mixed; boundary=b");
/// let response = service.oneshot(request.body(Body::from(envelope)).unwrap()).await.unwrap();
///
/// let body = response.into_body().collect().await.unwrap().to_bytes();
/// let body = String::from_utf8(body.to_vec()).unwrap();
/// assert!(body.starts_with("--batchresponse_"));
/// assert!(body.contains("\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"));
/// # });
/// ```
///
/// # What is read
///
/// Lines may end with CRLF or LF; blank lines may stand before a request line; the HTTP version may
/// be missing; spaces in a URL are percent-encoded; header lines may be folded. The delimiter alone
/// ends a part: its `Content-Length` must be a number, and is then ignored, as `Host` is. A body of
/// nothing but line ends is none.
///
/// Refused are an envelope whose close delimiter is missing, a part that is neither a request nor a
/// change set, a change set in a change set, a change set whose `Content-Transfer-Encoding` is none
/// of `binary`, `8bit` and `7bit`, and a part with more than 64 headers or 16 KiB of headers of its
/// own. A request with a header that is none, with a `Transfer-Encoding`, with two `Host` or
/// `Content-Length`, or in a part with such a `Content-Transfer-Encoding` fails with 400, and the
/// others go on.
///
/// # What is written
///
/// The `Content-ID` of a response is the one that the request brought, as it came. For a batch in
/// another format it is the item's id: as it is if it is a token (RFC 9110 §5.6.2), otherwise
/// percent-encoded between `<` and `>`. So a client of such a batch decodes what stands in
/// brackets, and takes everything else as it is.
///
/// The boundary has 128 random bits. It is drawn for each batch, and told to nobody before the head
/// of the response is sent: the responses to the items of a buffered envelope cannot repeat it, and
/// are not searched for it. The head of a streamed envelope is sent while items run: an item whose
/// response contains the boundary fails with 502.
#[derive(Clone, Debug)]
#[must_use]
pub struct Multipart {
    is_sequential: bool,
    flattens: bool,
    wraps: bool,
    marks_responses: bool,
    omits_not_executed: bool,
    prefix: Cow<'static, str>,
}

impl Multipart {
    /// The format as it is by default: items run concurrently, and each has a response.
    pub fn new() -> Self {
        Self {
            is_sequential: false,
            flattens: false,
            wraps: false,
            marks_responses: false,
            omits_not_executed: false,
            prefix: Cow::Borrowed("batchresponse_"),
        }
    }
}

/// # Dispatch
impl Multipart {
    /// Whether the items run one after the other, as OData 4.01 Protocol §11.7.7 has it. By default
    /// they run concurrently.
    ///
    /// They go on after one that fails, unless
    /// [`continue_on_error`](crate::BatchLayer::continue_on_error) or the client says otherwise.
    ///
    /// ```
    /// use tower_multistatus::{BatchLayer, Multipart};
    ///
    /// let layer = BatchLayer::new("/batch").format(Multipart::new().sequential(true));
    /// ```
    pub fn sequential(mut self, is_sequential: bool) -> Self {
        self.is_sequential = is_sequential;
        self
    }
}

/// # Responses
impl Multipart {
    /// Whether the responses of a change set stand in the envelope itself, as SharePoint's clients
    /// want it. By default they stand in a multipart of their own.
    ///
    /// ```
    /// use tower_multistatus::{BatchLayer, Multipart};
    ///
    /// let layer = BatchLayer::new("/batch").format(Multipart::new().flatten_change_sets(true));
    /// ```
    pub fn flatten_change_sets(mut self, flattens: bool) -> Self {
        self.flattens = flattens;
        self
    }

    /// Whether the one response of a change set that failed stands in a multipart of its own, as
    /// Azure Tables' clients want it. By default it stands in the envelope itself (OData 4.01
    /// Protocol §11.7.7). A [flat](Self::flatten_change_sets) envelope has no such multipart.
    ///
    /// ```
    /// use tower_multistatus::{BatchLayer, Multipart};
    ///
    /// let layer = BatchLayer::new("/batch").format(Multipart::new().wrap_failed_change_sets(true));
    /// ```
    pub fn wrap_failed_change_sets(mut self, wraps: bool) -> Self {
        self.wraps = wraps;
        self
    }

    /// What stands before the random part of the boundary; the default is `batchresponse_`.
    ///
    /// # Panics
    ///
    /// If it has more than 38 characters, or others than letters, digits and `'+_-.`, which need no
    /// quotes.
    ///
    /// ```
    /// use tower_multistatus::{BatchLayer, Multipart};
    ///
    /// let layer = BatchLayer::new("/batch").format(Multipart::new().boundary_prefix("batch_"));
    /// ```
    pub fn boundary_prefix(mut self, prefix: &str) -> Self {
        let needs_no_quotes = |byte: u8| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'\'' | b'+' | b'_' | b'-' | b'.')
        };
        assert!(
            prefix.bytes().all(needs_no_quotes),
            "a boundary has letters, digits and '+_-."
        );
        assert!(
            prefix.len() + RANDOM_LENGTH <= MAX_BOUNDARY,
            "a boundary has at most 70 characters"
        );
        self.prefix = Cow::Owned(prefix.to_owned());
        self
    }

    /// Whether the `Content-ID` of a response has the prefix that Google's clients expect:
    /// `<response-x>` for `<x>`, and `response-x` for `x`. By default it has none.
    ///
    /// ```
    /// use tower_multistatus::{BatchLayer, Multipart};
    ///
    /// let layer = BatchLayer::new("/batch").format(Multipart::new().response_ids(true));
    /// ```
    pub fn response_ids(mut self, marks_responses: bool) -> Self {
        self.marks_responses = marks_responses;
        self
    }

    /// Whether items that did not run because another one failed are left out of the envelope, as
    /// OData 4.01 Protocol §11.7.7 has it. By default they get 424.
    ///
    /// ```
    /// use tower_multistatus::{BatchLayer, Multipart};
    ///
    /// let layer = BatchLayer::new("/batch").format(Multipart::new().sequential(true).omit_not_executed(true));
    /// ```
    pub fn omit_not_executed(mut self, omits: bool) -> Self {
        self.omits_not_executed = omits;
        self
    }
}

impl Default for Multipart {
    fn default() -> Self {
        Self::new()
    }
}

impl Format for Multipart {
    fn media_types(&self) -> &[&str] {
        &["multipart/mixed", "multipart/batch"]
    }

    fn decoder(
        &self,
        envelope: &Parts,
        limits: &Limits,
    ) -> Option<Result<Box<dyn Decoder>, Error>> {
        let reader = Reader::new(envelope, limits, self.is_sequential);
        Some(reader.map(|reader| Box::new(reader) as _))
    }

    fn encoder(&self, envelope: &Parts) -> Option<Box<dyn Encoder>> {
        let content_type = envelope.headers.get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let came = MediaType::parse(content_type.unwrap_or_default());
        let is_translated = !self.media_types().iter().any(|name| came.is(name));
        Some(Box::new(Writer::new(self.clone(), is_translated)))
    }
}
