//! Reads an envelope.

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

pin_project! {
    /// The envelope of a batch while it arrives.
    pub(crate) struct Intake<B> {
        #[pin]
        body: B,
        length: usize,
        max_bytes: usize,
    }
}

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
    pub(crate) fn whole(body: B, max_bytes: usize) -> Result<Self, Error> {
        if body.size_hint().lower() > max_bytes as u64 {
            return Err(*too_large(max_bytes));
        }
        Ok(Self {
            body,
            length: 0,
            max_bytes,
        })
    }

    /// Reads an envelope without end.
    pub(crate) fn stream(body: B) -> Self {
        Self {
            body,
            length: 0,
            max_bytes: usize::MAX,
        }
    }

    /// Reads one frame. Returns its bytes, or `None` at the end. A frame of trailers has no bytes.
    ///
    /// # Errors
    ///
    /// The error is boxed, because this is called for each frame.
    #[inline]
    pub(crate) fn poll_chunk(
        self: Pin<&mut Self>,
        cx: &mut Task<'_>,
    ) -> Poll<Result<Option<Bytes>, Box<Error>>> {
        let this = self.project();
        let Some(frame) = ready!(this.body.poll_frame(cx)) else {
            return Poll::Ready(Ok(None));
        };
        let frame = frame.map_err(|error| Box::new(upload_error(error.into()).into()))?;
        let chunk = frame.into_data().unwrap_or_default();
        *this.length = this.length.saturating_add(chunk.len());
        Poll::Ready(if *this.length > *this.max_bytes {
            Err(too_large(*this.max_bytes))
        } else {
            Ok(Some(chunk))
        })
    }

    /// Whether it is certain that nothing more arrives.
    pub(crate) fn is_at_end(&self) -> bool {
        self.body.is_end_stream()
    }
}

/// An [`Intake`] of any body.
pub(super) trait Upload: Send {
    fn poll_chunk(
        self: Pin<&mut Self>,
        cx: &mut Task<'_>,
    ) -> Poll<Result<Option<Bytes>, Box<Error>>>;

    fn is_at_end(&self) -> bool;
}

impl<B> Upload for Intake<B>
where
    B: Body<Data = Bytes> + Send,
    B::Error: Into<BoxError>,
{
    fn poll_chunk(
        self: Pin<&mut Self>,
        cx: &mut Task<'_>,
    ) -> Poll<Result<Option<Bytes>, Box<Error>>> {
        Intake::poll_chunk(self, cx)
    }

    fn is_at_end(&self) -> bool {
        Intake::is_at_end(self)
    }
}

#[cold]
fn too_large(max: usize) -> Box<Error> {
    let kind = ErrorKind::EnvelopeTooLarge;
    Box::new(Error::over(kind, "max_envelope_bytes", max))
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
