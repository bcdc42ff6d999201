//! The wire formats: bytes in, items out; answers in, bytes out; no I/O.

use std::any::Any;
use std::fmt;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::config::Limits;
use crate::error::Error;
use crate::frames::Frames;
use crate::policy::Summary;
use crate::subrequest::Subrequest;
use crate::subresponse::Subresponse;

#[cfg(any(feature = "json", feature = "multipart"))]
mod canonical;
#[cfg(feature = "json")]
mod json;
#[cfg(feature = "multipart")]
mod multipart;
#[cfg(feature = "multistatus")]
mod multistatus;
#[cfg(feature = "json")]
mod ndjson;

#[cfg(feature = "json")]
pub use json::Json;
#[cfg(feature = "multipart")]
pub use multipart::Multipart;
#[cfg(feature = "multistatus")]
pub use multistatus::MultiStatus;
#[cfg(feature = "json")]
pub use ndjson::NdJson;

/// A wire format of envelopes.
///
/// A format reads, writes, or both. It does no I/O and knows nothing of how items run: it makes a [`Decoder`] and an
/// [`Encoder`] for each batch. Add one to a layer with [`BatchLayer::format`](crate::BatchLayer::format). One that reads
/// overrides both [`reads`](Self::reads) and [`decoder`](Self::decoder).
///
/// A format that writes one line an item:
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
///     fn push(&mut self, answer: &Subresponse, out: &mut Frames) {
///         out.put(format!("{} {}\n", answer.id(), answer.status().as_u16()).as_bytes());
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
    /// The media types that this format is known by, in lower case and without parameters; the first one is its name.
    fn media_types(&self) -> &[&str];

    /// Whether it is written as items finish, where the layer does not say otherwise. `false` unless overridden.
    fn is_streamed(&self) -> bool {
        false
    }

    /// Whether its answers stand in the order of the request whatever the layer says. `false` unless overridden.
    fn is_ordered(&self) -> bool {
        false
    }

    /// Whether the items of an envelope in this format run one after the other. `false` unless
    /// overridden.
    fn is_sequential(&self) -> bool {
        false
    }

    /// Whether an envelope in this format is answered in it although `Accept` asks for JSON, or for what nobody writes:
    /// clients that mean the items by it. An `Accept` that names another format of the layer counts. `false` unless
    /// overridden.
    fn is_answered_alike(&self) -> bool {
        false
    }

    /// Whether it reads: only then is [`decoder`](Self::decoder) called, and are its media types told in `Accept-Post`. `false`
    /// unless overridden.
    fn reads(&self) -> bool {
        false
    }

    /// What reads the envelope of this request; `None` unless overridden, for a format that only writes.
    ///
    /// # Errors
    ///
    /// Refuses the batch, before its body is read.
    fn decoder(
        &self,
        envelope: &Parts,
        limits: &Limits,
    ) -> Result<Option<Box<dyn Decoder>>, Error> {
        let _ = (envelope, limits);
        Ok(None)
    }

    /// What writes the answer to this request, or `None` for a format that only reads.
    fn encoder(&self, envelope: &Parts) -> Option<Box<dyn Encoder>>;
}

/// Reads an envelope: bytes in, items out. It does no I/O.
///
/// An implementation ends with an error as soon as it has found more than [`Limits::max_items`] items.
///
/// ```
/// use bytes::Bytes;
/// use tower_multistatus::{Decoder, Error, Subrequest};
///
/// /// A GET a line.
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
/// assert_eq!(found.len(), 2);
/// # Ok::<(), Error>(())
/// ```
pub trait Decoder: Send {
    /// Takes the next bytes of the envelope, and adds the items that they complete.
    ///
    /// # Errors
    ///
    /// Refuses the batch.
    fn push(&mut self, chunk: Bytes, found: &mut Vec<Subrequest>) -> Result<(), Error>;

    /// The envelope has ended.
    ///
    /// # Errors
    ///
    /// Refuses the batch.
    fn end(&mut self, found: &mut Vec<Subrequest>) -> Result<(), Error>;
}

/// Writes an envelope: answers in, bytes out. The same code serves buffered and streamed answers.
///
/// See [`Format`] for an example.
pub trait Encoder: Send {
    /// The `Content-Type` of the envelope.
    fn content_type(&self) -> HeaderValue;

    /// The status of the outer response, if the format fixes it; it goes before [`BatchLayer::status`](crate::BatchLayer::status).
    /// One whose response has no body (1xx, 204, 205, 304) is not taken. `None` unless overridden.
    fn status(&self) -> Option<StatusCode> {
        None
    }

    /// Adds further headers to the outer response.
    fn headers(&self, headers: &mut HeaderMap) {
        let _ = headers;
    }

    /// Bytes before the first answer.
    fn begin(&mut self, out: &mut Frames) {
        let _ = out;
    }

    /// Writes one answer.
    fn push(&mut self, subresponse: &Subresponse, out: &mut Frames);

    /// Writes the answers to an atomicity group, in their order. Called only if the format
    /// [is ordered](Format::is_ordered).
    fn push_group(&mut self, group: &[Subresponse], out: &mut Frames) {
        for subresponse in group {
            self.push(subresponse, out);
        }
    }

    /// The last answer has made the envelope too large, and what [`push`](Self::push) wrote was taken back; a shorter one
    /// for the same item comes next. A format that keeps count of its answers goes back by one.
    fn retract(&mut self) {}

    /// Bytes that a response without URL, headers and body takes, at most, for the item with this id. A buffered
    /// envelope keeps so much room for each item whose response is still to be written, so that it stays within
    /// [`max_total_response_bytes`](crate::BatchLayer::max_total_response_bytes). 256 bytes and six times the id unless
    /// overridden.
    fn least_len(&self, id: &str) -> usize {
        256 + 6 * id.len()
    }

    /// Bytes after the last answer.
    fn end(&mut self, summary: &Summary, out: &mut Frames) {
        let _ = (summary, out);
    }
}
