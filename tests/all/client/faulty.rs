//! Inner clients that are not ready, or panic, and requests whose body fails.

use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Frame, SizeHint};
use tower::Service;

use super::*;

/// What is wrong with an inner client.
#[derive(Clone, Copy, Debug)]
enum Fault {
    NotReady,
    PanicsAtReadiness,
    PanicsAtCall,
}

/// A client that has its fault if it is a clone: the original is never called.
struct Faulty {
    inner: Connection,
    fault: Fault,
    is_clone: bool,
}

impl Clone for Faulty {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            fault: self.fault,
            is_clone: true,
        }
    }
}

impl Service<Request<ClientBody>> for Faulty {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = <Connection as Service<Request<ClientBody>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self.fault {
            Fault::NotReady if self.is_clone => Poll::Ready(Err("planned".into())),
            Fault::PanicsAtReadiness if self.is_clone => resume_unwind(Box::new("planned")),
            _ => self.inner.poll_ready(cx),
        }
    }

    fn call(&mut self, request: Request<ClientBody>) -> Self::Future {
        match self.fault {
            Fault::PanicsAtCall => resume_unwind(Box::new("planned")),
            _ => self.inner.call(request),
        }
    }
}

#[tokio::test]
async fn an_inner_client_that_fails_or_panics_fails_the_requests_of_its_batch() {
    for (fault, expected) in [
        (Fault::NotReady, "NotSent"),
        (Fault::PanicsAtReadiness, "NotSent"),
        (Fault::PanicsAtCall, "OutcomeUnknown"),
    ] {
        let wire = Wire::default();
        let faulty = Faulty {
            inner: wire.to_server(BatchLayer::new("/batch"), echo()),
            fault,
            is_clone: false,
        };
        let client = layer().layer(faulty);
        // The worker goes on: a second batch has the same outcome.
        for _ in 0..2 {
            let posts = [post("/a", "1"), post("/b", "2")];
            let outcomes = fetch_all(&client, posts).await;
            assert_eq!(shown(&outcomes), [expected; 2], "{fault:?}");
        }
        assert_eq!(wire.lines(), [""; 0]);
    }
}

/// A body that is small enough for a batch, and fails.
struct Broken;

impl http_body::Body for Broken {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Ready(Some(Err("planned".into())))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(2)
    }
}

#[tokio::test]
async fn a_request_whose_body_fails_is_not_sent() {
    let (wire, client) = client(layer());
    let broken = post("/a", "").map(|_| Body::new(Broken));
    let outcomes = fetch_all(&client, [broken, get("/b")]).await;
    assert_eq!(shown(&outcomes), ["NotSent", "200 /b"]);
    assert_eq!(wire.all().len(), 1);
}
