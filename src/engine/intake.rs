//! Reads an envelope and decodes its items.

use std::error::Error as StdError;
use std::io;
use std::pin::Pin;
use std::task::{Context as Task, Poll, ready};

use bytes::Bytes;
use http_body::Body;
use http_body_util::LengthLimitError;
use pin_project_lite::pin_project;
use tower::BoxError;

use crate::error::{Error, ErrorKind};
use crate::format::Decoder;
use crate::subrequest::Subrequest;

pin_project! {
    /// The envelope of a batch while it arrives.
    pub(crate) struct Intake<B> {
        #[pin]
        body: B,
        decoder: Box<dyn Decoder>,
        length: usize,
        max_bytes: usize,
        // Maximum bytes that are decoded at a time.
        piece: usize,
        // Bytes that have arrived and are not decoded yet.
        rest: Bytes,
    }
}

/// An [`Intake`] of any body.
pub(super) trait Upload: Send {
    fn poll_read(
        self: Pin<&mut Self>,
        found: &mut Vec<Subrequest>,
        cx: &mut Task<'_>,
    ) -> Poll<Result<bool, Error>>;
}

impl<B> Upload for Intake<B>
where
    B: Body<Data = Bytes> + Send,
    B::Error: Into<BoxError>,
{
    fn poll_read(
        self: Pin<&mut Self>,
        found: &mut Vec<Subrequest>,
        cx: &mut Task<'_>,
    ) -> Poll<Result<bool, Error>> {
        Intake::poll_read(self, found, cx)
    }
}

/// Maximum bytes of a stream that are decoded at a time. One frame may hold any number of items.
const PIECE: usize = 16 * 1024;

impl<B> Intake<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    /// Reads an envelope of at most this many bytes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::EnvelopeTooLarge`] if the body announces more.
    pub(crate) fn whole(
        body: B,
        decoder: Box<dyn Decoder>,
        max_bytes: usize,
    ) -> Result<Self, Error> {
        if body.size_hint().lower() > max_bytes as u64 {
            return Err(too_large(max_bytes));
        }
        Ok(Self {
            body,
            decoder,
            length: 0,
            max_bytes,
            piece: usize::MAX,
            rest: Bytes::new(),
        })
    }

    /// Reads an envelope without end.
    pub(crate) fn stream(body: B, decoder: Box<dyn Decoder>) -> Self {
        Self {
            body,
            decoder,
            length: 0,
            max_bytes: usize::MAX,
            piece: PIECE,
            rest: Bytes::new(),
        }
    }

    /// Reads one frame or a piece of one, and adds the items that it completes. Returns whether
    /// there may be more.
    pub(crate) fn poll_read(
        self: Pin<&mut Self>,
        found: &mut Vec<Subrequest>,
        cx: &mut Task<'_>,
    ) -> Poll<Result<bool, Error>> {
        let mut this = self.project();
        let mut chunk = std::mem::take(this.rest);
        if chunk.is_empty() {
            let Some(frame) = ready!(this.body.as_mut().poll_frame(cx)) else {
                this.decoder.end(found)?;
                return Poll::Ready(Ok(false));
            };
            let frame = frame.map_err(|error| upload_error(error.into()))?;
            let Ok(data) = frame.into_data() else {
                return Poll::Ready(Ok(true));
            };
            *this.length = this.length.saturating_add(data.len());
            if *this.length > *this.max_bytes {
                return Poll::Ready(Err(too_large(*this.max_bytes)));
            }
            chunk = data;
        }
        if chunk.len() > *this.piece {
            *this.rest = chunk.split_off(*this.piece);
        }
        this.decoder.push(chunk, found)?;
        if this.rest.is_empty() && this.body.is_end_stream() {
            this.decoder.end(found)?;
            return Poll::Ready(Ok(false));
        }
        Poll::Ready(Ok(true))
    }
}

#[cold]
fn too_large(max: usize) -> Error {
    Error::over(ErrorKind::EnvelopeTooLarge, "max_envelope_bytes", max)
}

/// Classifies an error of the outer body. A limit or a timeout outside the layer has cut the
/// envelope off, or the connection has failed.
#[cold]
fn upload_error(error: BoxError) -> ErrorKind {
    let mut source: Option<&(dyn StdError + 'static)> = Some(&*error);
    while let Some(error) = source {
        if error.is::<LengthLimitError>() {
            return ErrorKind::EnvelopeTooLarge;
        }
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) {
            return ErrorKind::UploadTimeout;
        }
        // `io::Error::source` is the source of the wrapped error, and skips the wrapped error
        // itself.
        source = match io.and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    ErrorKind::UploadFailed
}
