//! The other direction of a format: requests to bytes, and bytes to responses.

use bytes::Bytes;
use http::HeaderValue;

use crate::error::Error;
use crate::frames::Frames;
use crate::subrequest::Subrequest;
use crate::subresponse::Subresponse;

/// Writes a batch that a client sends: requests in, bytes out. It does no I/O.
///
/// ```
/// use http::HeaderValue;
/// use tower_multistatus::{Frames, RequestEncoder, Subrequest};
///
/// /// Writes a line per request.
/// struct Lines;
///
/// impl RequestEncoder for Lines {
///     fn content_type(&self) -> HeaderValue {
///         HeaderValue::from_static("text/plain; charset=utf-8")
///     }
///
///     fn push(&mut self, item: &Subrequest, out: &mut Frames) -> bool {
///         // A line has no place for a body.
///         let Some(method) = item.method().filter(|_| item.body().is_empty()) else {
///             return false;
///         };
///         out.put(format!("{} {method} {}\n", item.id(), item.url()).as_bytes());
///         true
///     }
/// }
///
/// let mut out = Frames::default();
/// let item = Subrequest::new("1")?.with_method(b"GET").with_url("/users/1");
/// assert!(Lines.push(&item, &mut out));
/// assert!(!Lines.push(&item.with_body("{}"), &mut out));
/// assert_eq!(out.len(), "1 GET /users/1\n".len());
/// # Ok::<(), tower_multistatus::Error>(())
/// ```
pub trait RequestEncoder: Send {
    /// The `Content-Type` of the batch.
    fn content_type(&self) -> HeaderValue;

    /// Writes the start of the envelope, before the first request.
    fn begin(&mut self, out: &mut Frames) {
        let _ = out;
    }

    /// Writes one request. Returns `false` if the format cannot express the request exactly. That
    /// request is then sent alone, and what was written of it is removed.
    ///
    /// A request that makes the envelope too large is removed, too, and becomes part of a later
    /// batch. So an encoder must not count calls. [`Frames::written`] shows whether anything was
    /// written before.
    fn push(&mut self, item: &Subrequest, out: &mut Frames) -> bool;

    /// Writes the end of the envelope, after the last request.
    fn end(&mut self, out: &mut Frames) {
        let _ = out;
    }
}

/// Reads the response to a batch that a client has sent: bytes in, responses out. It does no I/O.
///
/// The bytes are not trusted. An implementation returns an error
///
/// - as soon as it holds more than
///   [`Limits::max_total_response_bytes`](crate::Limits::max_total_response_bytes),
/// - as soon as it has found more than [`Limits::max_items`](crate::Limits::max_items) responses,
/// - at the end, if the envelope was cut off.
///
/// Responses may have any ids. The layer compares them with the ids of the batch.
///
/// ```
/// use bytes::Bytes;
/// use http::{HeaderMap, StatusCode};
/// use tower_multistatus::{Error, ErrorKind, ResponseDecoder, Subresponse};
///
/// /// Reads an id and a status per line.
/// #[derive(Default)]
/// struct Lines(Vec<u8>);
///
/// impl ResponseDecoder for Lines {
///     fn push(&mut self, chunk: Bytes, _: &mut Vec<Subresponse>) -> Result<(), Error> {
///         self.0.extend_from_slice(&chunk);
///         Ok(())
///     }
///
///     fn end(&mut self, found: &mut Vec<Subresponse>) -> Result<(), Error> {
///         let text = str::from_utf8(&self.0).map_err(|_| ErrorKind::Malformed)?;
///         for line in text.lines() {
///             let (id, status) = line.split_once(' ').ok_or(ErrorKind::Malformed)?;
///             found.push(match StatusCode::from_bytes(status.as_bytes()) {
///                 Ok(status) => Subresponse::new(id, status, HeaderMap::new(), Bytes::new()),
///                 Err(_) => Subresponse::unreadable(id),
///             });
///         }
///         Ok(())
///     }
/// }
///
/// let mut found = Vec::new();
/// let mut lines = Lines::default();
/// lines.push("1 200\n2 abc\n".into(), &mut found)?;
/// lines.end(&mut found)?;
/// assert_eq!((found[0].id(), found[0].status()), ("1", StatusCode::OK));
/// assert!(found[1].is_unreadable());
/// # Ok::<(), Error>(())
/// ```
pub trait ResponseDecoder: Send {
    /// Takes the next bytes of the envelope, and adds the responses that they complete. Their
    /// callers get them at once.
    ///
    /// # Errors
    ///
    /// The rest of the envelope cannot be read. The responses that were added are used.
    fn push(&mut self, chunk: Bytes, found: &mut Vec<Subresponse>) -> Result<(), Error>;

    /// Called at the end of the envelope. Adds the responses that are left.
    ///
    /// # Errors
    ///
    /// The envelope was cut off.
    fn end(&mut self, found: &mut Vec<Subresponse>) -> Result<(), Error>;

    /// Whether the responses that [`end`](Self::end) has added have no ids, are all responses of
    /// the batch, and are in the order of its requests. The default is `false`.
    fn is_positional(&self) -> bool {
        false
    }
}
