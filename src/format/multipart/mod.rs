//! The multipart format: `multipart/mixed` of `application/http`, read and written.

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
mod malformed;
mod part;
mod read;
#[cfg(feature = "client")]
mod read_responses;
mod request;
#[cfg(feature = "client")]
mod response;
#[cfg(test)]
mod tests;
mod write;
#[cfg(feature = "client")]
mod write_request;

use boundary::{MAX_BOUNDARY, RANDOM_LENGTH};
use read::Reader;
use write::Writer;

/// The multipart envelope of OData 2 to 4 and of Google's APIs.
///
/// Its media type is `multipart/mixed` (also `multipart/batch`) of `application/http` parts. It is
/// read and written. Add it to a layer with [`format`](crate::BatchLayer::format).
///
/// A part is one request, or a change set: a multipart of its own, whose requests succeed or fail
/// together. The `Content-ID` of a part, with or without angle brackets, is the id of the item. An
/// item without one has its position as id, counted from 1.
///
/// The response to a batch in this format has the same format, unless `Accept` names a format of
/// the layer other than JSON.
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
/// let batch = concat!(
///     "--b\r\n",
///     "Content-Type: application/http\r\n",
///     "\r\n",
///     "GET /hello HTTP/1.1\r\n",
///     "\r\n",
///     "--b--\r\n",
/// );
/// let request = Request::post("/batch").header("content-type", "multipart/mixed; boundary=b");
/// let response = service.oneshot(request.body(Body::from(batch)).unwrap()).await.unwrap();
///
/// let body = response.into_body().collect().await.unwrap().to_bytes();
/// let body = String::from_utf8(body.to_vec()).unwrap();
/// assert!(body.starts_with("--batchresponse_"));
/// assert!(body.contains("\r\nHTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"));
/// # });
/// ```
///
/// # What is read
///
/// - Lines end with CRLF or LF. Header lines may be folded.
/// - Blank lines may precede a request line, and its HTTP version may be missing. Spaces in a URL
///   are percent-encoded.
/// - Only a delimiter ends a part. `Content-Length` must be a number, and is then ignored, as
///   `Host` is. A body of line ends only counts as none.
///
/// These errors refuse the batch:
///
/// - The close delimiter is missing.
/// - A part is neither a request nor a change set, or a change set is inside another.
/// - The `Content-Transfer-Encoding` of a change set is not `binary`, `8bit` or `7bit`.
/// - A part has more than 64 headers, or 16 KiB of headers, not counting those of its request.
///
/// These errors fail the item with 400, and the other items run:
///
/// - A header line of the request is invalid, or there is a `Transfer-Encoding`.
/// - There are two `Host` or two `Content-Length`.
/// - The `Content-Transfer-Encoding` of the part is not `binary`, `8bit` or `7bit`.
///
/// # What is written
///
/// The `Content-ID` of a response is that of the request, with or without brackets. For a batch in
/// another format, it is the id of the item: as it is if it is a token (RFC 9110 §5.6.2), otherwise
/// percent-encoded between `<` and `>`. A client of such a batch decodes an id in brackets, and
/// takes any other as it is.
///
/// The boundary has 128 random bits, and each batch has a new one. Nobody knows it before the head
/// of the response is sent. So the responses in a buffered envelope cannot contain it, and are not
/// searched for it. The head of a streamed envelope is sent while items run. There, an item whose
/// response contains the boundary fails with 502.
#[derive(Clone, Debug)]
#[must_use]
pub struct Multipart {
    is_sequential: bool,
    is_streamed: bool,
    flattens: bool,
    wraps: bool,
    marks_responses: bool,
    omits_not_executed: bool,
    #[cfg(feature = "client")]
    uses_positions: bool,
    prefix: Cow<'static, str>,
}

impl Multipart {
    /// Creates the format. By default, items run concurrently, and each has a response.
    pub fn new() -> Self {
        Self {
            is_sequential: false,
            is_streamed: false,
            flattens: false,
            wraps: false,
            marks_responses: false,
            omits_not_executed: false,
            #[cfg(feature = "client")]
            uses_positions: false,
            prefix: Cow::Borrowed("batchresponse_"),
        }
    }
}

/// # Dispatch
impl Multipart {
    /// Whether the items run one after the other, as OData 4.01 Protocol §11.7.7 requires. By
    /// default they run concurrently.
    ///
    /// After an item that fails, the next ones run, unless
    /// [`continue_on_error`](crate::BatchLayer::continue_on_error) or the client disables that.
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

/// # Streams
impl Multipart {
    /// Whether an item may run while later ones are still to arrive, if the response is
    /// [streamed](crate::BatchLayer::streamed) too. By default the envelope is read first.
    ///
    /// See [`guide::streams`](crate::guide::streams). A part may have
    /// [`max_envelope_bytes`](crate::BatchLayer::max_envelope_bytes). A batch in which some items
    /// have a `Content-ID` and others have none may use one id twice, which ends its upload.
    ///
    /// ```
    /// use tower_multistatus::{BatchLayer, Multipart};
    ///
    /// let format = Multipart::new().streamed_requests(true);
    /// let layer = BatchLayer::new("/batch").format(format).streamed(true);
    /// ```
    pub fn streamed_requests(mut self, is_streamed: bool) -> Self {
        self.is_streamed = is_streamed;
        self
    }
}

/// # Responses
impl Multipart {
    /// Whether the responses of a change set are parts of the envelope itself, as SharePoint's
    /// clients expect. By default they are in a multipart of their own.
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

    /// Whether the one response of a failed change set is in a multipart of its own, as Azure
    /// Tables' clients expect. By default it is a part of the envelope itself (OData 4.01 Protocol
    /// §11.7.7). With [`flatten_change_sets`](Self::flatten_change_sets), there is no such
    /// multipart.
    ///
    /// ```
    /// use tower_multistatus::{BatchLayer, Multipart};
    ///
    /// let format = Multipart::new().wrap_failed_change_sets(true);
    /// let layer = BatchLayer::new("/batch").format(format);
    /// ```
    pub fn wrap_failed_change_sets(mut self, wraps: bool) -> Self {
        self.wraps = wraps;
        self
    }

    /// The start of the boundary, before the random digits. The default is `batchresponse_`.
    ///
    /// # Panics
    ///
    /// If it has more than 38 characters, or any other than letters, digits and `'+_-.`, which need
    /// no quotes.
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

    /// Whether the envelope omits items that did not run because another one failed, as OData 4.01
    /// Protocol §11.7.7 requires. By default they have 424.
    ///
    /// ```
    /// use tower_multistatus::{BatchLayer, Multipart};
    ///
    /// let format = Multipart::new().sequential(true).omit_not_executed(true);
    /// let layer = BatchLayer::new("/batch").format(format);
    /// ```
    pub fn omit_not_executed(mut self, omits: bool) -> Self {
        self.omits_not_executed = omits;
        self
    }
}

/// # Clients
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
impl Multipart {
    /// Whether a response without a `Content-ID` is that of the request at the same position, as
    /// OData 4.01 Protocol §11.7.7.5 defines the order of responses. By default no request gets it.
    ///
    /// This holds only if no response has a `Content-ID`, and if there is one for each request.
    ///
    /// ```
    /// use tower_multistatus::{BatchClientLayer, Multipart};
    ///
    /// let format = Multipart::new().match_by_position(true);
    /// let layer = BatchClientLayer::new("/$batch").format(format);
    /// ```
    pub fn match_by_position(mut self, uses_positions: bool) -> Self {
        self.uses_positions = uses_positions;
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
        let reader = Reader::new(envelope, limits, self);
        Some(reader.map(|reader| Box::new(reader) as _))
    }

    fn encoder(&self, envelope: &Parts) -> Option<Box<dyn Encoder>> {
        let content_type = envelope.headers.get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let media_type = MediaType::parse(content_type.unwrap_or_default());
        let is_translated = !self.media_types().iter().any(|name| media_type.is(name));
        Some(Box::new(Writer::new(self.clone(), is_translated)))
    }

    #[cfg(feature = "client")]
    fn request_encoder(&self) -> Option<Box<dyn super::RequestEncoder>> {
        Some(Box::new(write_request::RequestWriter::new()))
    }

    #[cfg(feature = "client")]
    fn response_decoder(
        &self,
        envelope: &http::response::Parts,
        limits: &Limits,
    ) -> Option<Result<Box<dyn super::ResponseDecoder>, Error>> {
        let reader = read_responses::ResponseReader::new(envelope, limits, self);
        Some(reader.map(|reader| Box::new(reader) as _))
    }
}
