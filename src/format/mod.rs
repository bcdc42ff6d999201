//! The wire formats. A decoder turns bytes into items, an encoder turns responses into bytes.

use std::any::Any;
use std::fmt;
use std::num::NonZeroUsize;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::error::Error;
use crate::frames::Frames;
use crate::limits::Limits;
use crate::subrequest::Subrequest;
use crate::subresponse::Subresponse;
use crate::summary::Summary;

#[cfg(feature = "client")]
mod client;
#[cfg(any(feature = "json", feature = "multipart"))]
mod header_case;
#[cfg(any(feature = "multipart", feature = "shapes"))]
mod ids;
#[cfg(feature = "json")]
mod json;
#[cfg(feature = "multipart")]
mod multipart;
#[cfg(feature = "multistatus")]
mod multistatus;
#[cfg(feature = "json")]
mod ndjson;
#[cfg(feature = "shapes")]
mod shaped;

#[cfg(feature = "client")]
pub use client::{RequestEncoder, ResponseDecoder};
#[cfg(feature = "json")]
pub use json::Json;
#[cfg(feature = "multipart")]
pub use multipart::Multipart;
#[cfg(feature = "multistatus")]
pub use multistatus::MultiStatus;
#[cfg(feature = "json")]
pub use ndjson::NdJson;
#[cfg(feature = "shapes")]
pub use shaped::{
    BodyForm, Document, ItemResult, Member, Output, Shape, ShapedJson, Top, TopOutput,
};

/// A wire format of envelopes.
///
/// A format reads, writes, or both. It does no I/O and knows nothing of how items run: it makes a
/// [`Decoder`] and an [`Encoder`] for each batch. Add one to a layer with
/// [`BatchLayer::format`](crate::BatchLayer::format).
///
/// A format that writes one line per item:
///
/// ```
/// use http::{HeaderValue, request::Parts};
/// use tower_multistatus::{BatchLayer, Encoder, Format, Frames, Subresponse, Summary};
///
/// #[derive(Debug)]
/// struct Lines;
///
/// impl Format for Lines {
///     fn media_types(&self) -> &[&str] {
///         &["text/plain"]
///     }
///
///     fn encoder(&self, _: &Parts) -> Option<Box<dyn Encoder>> {
///         Some(Box::new(Lines))
///     }
/// }
///
/// impl Encoder for Lines {
///     fn content_type(&self) -> HeaderValue {
///         HeaderValue::from_static("text/plain; charset=utf-8")
///     }
///
///     fn push(&mut self, response: &Subresponse, out: &mut Frames) {
///         out.put(format!("{} {}\n", response.id(), response.status().as_u16()).as_bytes());
///     }
/// }
///
/// let layer = BatchLayer::new("/batch").format(Lines);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a wire format of envelopes",
    note = "implement `tower_multistatus::Format`, or use one of the formats of this crate"
)]
pub trait Format: fmt::Debug + Any + Send + Sync {
    /// The media types of this format, in lower case and without parameters. The first one is its
    /// name.
    fn media_types(&self) -> &[&str];

    /// Returns the decoder for the envelope of this request, or `None` if the format only writes.
    ///
    /// Also called to list the formats that read, in `Accept-Post` for example. The request then
    /// has another media type or none, and the decoder is dropped. So whether this returns `None`
    /// must not depend on the request. The default is `None`.
    ///
    /// # Errors
    ///
    /// An error refuses the batch, before its body is read.
    fn decoder(
        &self,
        envelope: &Parts,
        limits: &Limits,
    ) -> Option<Result<Box<dyn Decoder>, Error>> {
        let _ = (envelope, limits);
        None
    }

    /// Returns the encoder for the response to this request, or `None` if the format only reads.
    fn encoder(&self, envelope: &Parts) -> Option<Box<dyn Encoder>>;

    /// Returns the encoder for a batch of [`BatchClientLayer`](crate::BatchClientLayer), or `None`
    /// if the format is for servers only. The default is `None`.
    #[cfg(feature = "client")]
    #[cfg_attr(docsrs, doc(cfg(feature = "client")))]
    fn request_encoder(&self) -> Option<Box<dyn RequestEncoder>> {
        None
    }

    /// Returns the decoder for the response to a batch of
    /// [`BatchClientLayer`](crate::BatchClientLayer), or `None` if the format is for servers only.
    /// The default is `None`.
    ///
    /// Called if the response has a 2xx status and one of the [media types](Self::media_types).
    ///
    /// # Errors
    ///
    /// The envelope cannot be read.
    #[cfg(feature = "client")]
    #[cfg_attr(docsrs, doc(cfg(feature = "client")))]
    fn response_decoder(
        &self,
        envelope: &http::response::Parts,
        limits: &Limits,
    ) -> Option<Result<Box<dyn ResponseDecoder>, Error>> {
        let _ = (envelope, limits);
        None
    }

    /// Returns the body of the refusal of a batch, and its `Content-Type`, for clients that cannot
    /// read a problem document. The default is `None`: a problem document.
    ///
    /// Called on the format that the `Content-Type` of the batch names, else on the first one of
    /// the layer.
    fn refusal(&self, error: &Error) -> Option<(HeaderValue, Bytes)> {
        let _ = error;
        None
    }

    /// Returns the JSON document of the layer's response to OPTIONS on the batch path, for clients
    /// that look for the limits there. The default is `None`: OPTIONS goes to the inner service. A
    /// CORS preflight always does.
    fn options(&self, limits: &Limits) -> Option<Bytes> {
        let _ = limits;
        None
    }
}

/// What an envelope says about its batch as a whole. Every value can only make a batch stricter
/// than the layer's settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Terms {
    /// The number of failed items after which no further item starts. `None` is no maximum.
    pub max_failures: Option<NonZeroUsize>,
    /// Whether nothing runs unless each item passes the checks that need no handler: of its method,
    /// URL, headers and body. Otherwise, the valid items fail with 424.
    pub all_valid: bool,
}

/// Reads an envelope: bytes in, items out. It does no I/O.
///
/// An implementation returns an error as soon as it has found more than [`Limits::max_items`]
/// items. Its tests can assert on the items with the getters of [`Subrequest`]:
///
/// ```
/// use bytes::Bytes;
/// use tower_multistatus::{Decoder, Error, Subrequest};
///
/// /// A GET per line.
/// #[derive(Debug, Default)]
/// struct Urls(Vec<u8>);
///
/// impl Decoder for Urls {
///     fn push(&mut self, chunk: Bytes, _: &mut Vec<Subrequest>) -> Result<(), Error> {
///         self.0.extend_from_slice(&chunk);
///         Ok(())
///     }
///
///     fn end(&mut self, found: &mut Vec<Subrequest>) -> Result<(), Error> {
///         for line in self.0.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
///             let id = found.len().to_string();
///             found.push(Subrequest::new(id)?.with_method(b"GET").with_url(line.to_vec()));
///         }
///         Ok(())
///     }
/// }
///
/// let mut found = Vec::new();
/// let mut urls = Urls::default();
/// urls.push("/a\n/b\n".into(), &mut found)?;
/// urls.end(&mut found)?;
/// let [a, b] = &found[..] else { panic!("two lines are two items") };
/// assert_eq!((a.id(), a.method(), a.url()), ("0", Some(&http::Method::GET), "/a"));
/// assert_eq!((b.id(), b.url(), b.body().len(), b.rejection()), ("1", "/b", 0, None));
/// # Ok::<(), Error>(())
/// ```
pub trait Decoder: Send {
    /// Whether the items run one after the other. The default is `false`.
    fn is_sequential(&self) -> bool {
        false
    }

    /// Whether clients of this format send an `Accept` that is meant for the items. The response
    /// then has the same format as the batch, even if `Accept` asks for JSON or for a type that no
    /// format writes. It has another format only if `Accept` names one of the layer, other than
    /// JSON. The default is `false`.
    fn accept_is_for_items(&self) -> bool {
        false
    }

    /// Whether items may run while others are still to arrive. Only for a format that adds each
    /// item as soon as it is complete. The default is `false`.
    ///
    /// If so, and if the response is [streamed](Encoder::is_streamed) too, the batch is a stream:
    ///
    /// - `found` is empty at each call of [`push`](Self::push) and [`end`](Self::end), because the
    ///   items before have started. So a decoder cannot count them by it.
    /// - An error does not refuse the batch. The items before it run, nothing after it does, and
    ///   the end of the response reports it: see [`Summary::error`].
    /// - The [`Limits`] are those of a stream. The envelope has no end, so a decoder refuses one
    ///   item that is larger than [`Limits::max_envelope_bytes`].
    /// - An item should not share memory with its neighbours, because it may wait for long.
    fn is_streamed(&self) -> bool {
        false
    }

    /// Returns what the envelope says about the batch as a whole. Called after [`end`](Self::end),
    /// unless the batch is a stream. By default it says nothing.
    fn terms(&self) -> Terms {
        Terms::default()
    }

    /// Takes the next bytes of the envelope, and adds the items that they complete.
    ///
    /// # Errors
    ///
    /// An error refuses the batch.
    fn push(&mut self, chunk: Bytes, found: &mut Vec<Subrequest>) -> Result<(), Error>;

    /// Called at the end of the envelope. Adds the items that are left.
    ///
    /// # Errors
    ///
    /// An error refuses the batch.
    fn end(&mut self, found: &mut Vec<Subrequest>) -> Result<(), Error>;
}

/// Writes an envelope: responses in, bytes out. The same code serves buffered and streamed
/// envelopes.
///
/// See [`Format`] for an example.
pub trait Encoder: Send {
    /// The `Content-Type` of the envelope.
    fn content_type(&self) -> HeaderValue;

    /// The status of the outer response, if the format prescribes it. It takes precedence over
    /// [`BatchLayer::status`](crate::BatchLayer::status). A status whose response has no body (1xx,
    /// 204, 205, 304) is ignored. The default is `None`.
    fn status(&self) -> Option<StatusCode> {
        None
    }

    /// Whether the envelope is sent while items run.
    /// [`BatchLayer::streamed`](crate::BatchLayer::streamed) takes precedence. The default is
    /// `false`.
    fn is_streamed(&self) -> bool {
        false
    }

    /// Whether the responses have to be in the order of the items. This takes precedence over
    /// [`BatchLayer::order`](crate::BatchLayer::order). The default is `false`.
    fn is_ordered(&self) -> bool {
        false
    }

    /// Adds headers to the outer response.
    fn headers(&self, headers: &mut HeaderMap) {
        let _ = headers;
    }

    /// Writes the start of the envelope, before the first response.
    fn begin(&mut self, out: &mut Frames) {
        let _ = out;
    }

    /// Writes one response.
    ///
    /// If the response makes the envelope too large, the layer removes it, and calls this again
    /// with a shorter response for the same item. So an encoder must not count calls.
    /// [`Frames::written`] shows whether anything was written before, and [`Subresponse::index`]
    /// which item it is.
    fn push(&mut self, response: &Subresponse, out: &mut Frames);

    /// Writes the responses of an atomicity group, in the order of its items. Called only if the
    /// envelope [is ordered](Self::is_ordered). The default calls [`push`](Self::push) for each.
    fn push_group(&mut self, group: &[Subresponse], out: &mut Frames) {
        for response in group {
            self.push(response, out);
        }
    }

    /// Maximum bytes of a response without URL, headers and body, for the item with this id. The
    /// default is 256 bytes and six times the length of the id.
    ///
    /// A buffered envelope reserves this space for each response that is still to be written. So it
    /// stays within [`max_total_response_bytes`](crate::BatchLayer::max_total_response_bytes).
    fn least_len(&self, id: &str) -> usize {
        256 + 6 * id.len()
    }

    /// Writes the end of the envelope, after the last response.
    fn end(&mut self, summary: &Summary, out: &mut Frames) {
        let _ = (summary, out);
    }
}
