//! A body whose size hint exceeds its limit is not read.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use http::StatusCode;
use http_body::{Frame, SizeHint};
use serde_json::json;
use tower::Layer;
use tower_multistatus::BatchLayer;

use crate::support::{envelope, failed, recorder, response_to, send};

/// A body with a size hint and no frames. Counts how often it is polled.
struct Announced {
    length: u64,
    polls: Arc<AtomicUsize>,
}

impl http_body::Body for Announced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.polls.fetch_add(1, Ordering::SeqCst);
        Poll::Ready(None)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}

fn announced(length: u64, polls: &Arc<AtomicUsize>) -> Body {
    let polls = Arc::clone(polls);
    Body::new(Announced { length, polls })
}

#[tokio::test]
async fn an_envelope_with_too_large_a_size_hint_is_not_read() {
    for (length, status, read) in [
        (1001, StatusCode::PAYLOAD_TOO_LARGE, 0),
        (1000, StatusCode::BAD_REQUEST, 1),
    ] {
        let polls = Arc::default();
        let body = announced(length, &polls);
        let layer = BatchLayer::new("/batch").max_envelope_bytes(1000);
        let reply = send(layer.layer(recorder().1), envelope(body)).await;
        assert_eq!(reply.status, status);
        assert_eq!(polls.load(Ordering::SeqCst), read);
    }
}

#[tokio::test]
async fn a_response_with_too_large_a_size_hint_is_not_read() {
    let title = "the response is too large";
    let too_large = failed("x", 502, "response-too-large", title);
    let empty = json!({ "id": "x", "status": 200, "headers": {}, "body": null });
    for (length, expected, read) in [(1001, too_large, 0), (1000, empty, 1)] {
        let polls = Arc::default();
        let router = Router::new().fallback({
            let polls = Arc::clone(&polls);
            async move || announced(length, &polls)
        });
        let layer =
            BatchLayer::new("/batch").max_response_bytes(1000 + "content-length".len() + 4 + 32);
        assert_eq!(response_to(layer.layer(router), json!({})).await, expected);
        assert_eq!(polls.load(Ordering::SeqCst), read);
    }
}
