//! A response body that ends when the response is stored.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use http::{HeaderMap, StatusCode};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::{Attempt, new_reply};

pin_project! {
    /// The body of an item's response. The layer limits its size, so what it does not read is not
    /// stored either.
    pub(crate) struct JournalBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<B> {
        Stored {
            body: Bytes,
        },
        Storing {
            #[pin]
            body: B,
            read: Vec<Bytes>,
            // What is stored with the body. `None` when the body has ended.
            head: Option<Head>,
            write: Option<BoxFuture<'static, ()>>,
        },
    }
}

struct Head {
    attempt: Arc<Attempt>,
    item: usize,
    status: StatusCode,
    headers: HeaderMap,
}

impl<B> JournalBody<B> {
    /// The body of a response that is stored.
    pub(super) fn stored(body: Bytes) -> Self {
        let kind = Kind::Stored { body };
        Self { kind }
    }

    /// Stores the response as soon as its body ends.
    pub(super) fn storing(
        body: B,
        attempt: Arc<Attempt>,
        item: usize,
        (status, headers): (StatusCode, HeaderMap),
    ) -> Self {
        let head = Head {
            attempt,
            item,
            status,
            headers,
        };
        let kind = Kind::Storing {
            body,
            read: Vec::new(),
            head: Some(head),
            write: None,
        };
        Self { kind }
    }
}

impl<B: Body<Data = Bytes>> Body for JournalBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let (body, read, head, write) = match self.project().kind.project() {
            KindProjection::Stored { body } if body.is_empty() => return Poll::Ready(None),
            KindProjection::Stored { body } => {
                return Poll::Ready(Some(Ok(Frame::data(std::mem::take(body)))));
            }
            KindProjection::Storing {
                body,
                read,
                head,
                write,
            } => (body, read, head, write),
        };
        if head.is_some() {
            if let Some(frame) = ready!(body.poll_frame(cx)) {
                if let Some(chunk) = frame.as_ref().ok().and_then(Frame::data_ref) {
                    read.push(chunk.clone());
                }
                return Poll::Ready(Some(frame));
            }
            *write = head
                .take()
                .map(|head| Box::pin(head.store(std::mem::take(read))) as _);
        }
        if let Some(storing) = write {
            ready!(storing.as_mut().poll(cx));
            *write = None;
        }
        Poll::Ready(None)
    }

    // `is_end_stream` stays `false`, and the size unknown: the layer has to poll to the end.
    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Stored { body } => SizeHint::with_exact(body.len() as u64),
            Kind::Storing { .. } => SizeHint::default(),
        }
    }
}

impl Head {
    async fn store(self, read: Vec<Bytes>) {
        let body = match <[Bytes; 1]>::try_from(read) {
            Ok([only]) => only,
            Err(chunks) => chunks
                .iter()
                .fold(BytesMut::new(), |mut body, chunk| {
                    body.extend_from_slice(chunk);
                    body
                })
                .freeze(),
        };
        let reply = new_reply(self.status, self.headers, body);
        self.attempt.store(self.item, reply).await;
    }
}

impl<B> fmt::Debug for JournalBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JournalBody").finish_non_exhaustive()
    }
}
