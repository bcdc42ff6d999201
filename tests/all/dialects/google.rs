//! The preset for Google's APIs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tower::Layer;
use tower_multistatus::BatchLayer;

use super::{counting, multipart, parsed, part};
use crate::support::{recorder, send};

#[tokio::test(start_paused = true)]
async fn items_of_google_run_concurrently_with_responses_in_request_order() {
    let most = Arc::new(AtomicUsize::new(0));
    let service = BatchLayer::google("/batch/demo/v1").layer(counting(&most));
    let with_id = |id: &str, path: &str| {
        format!(
            "--b\r\nContent-Type: application/http\r\nContent-ID: {id}\r\n\r\nGET {path}\r\n\r\n"
        )
    };
    let lines = [
        with_id("<x + 1>", "/demo/slow"),
        with_id("y", "/demo/fail"),
        with_id("<z>", "/demo/last"),
    ];
    let request = multipart(
        "/batch/demo/v1",
        &[&lines[0], &lines[1], &lines[2], "--b--"],
    );
    let reply = send(service, request).await;
    assert!(
        reply
            .header("content-type")
            .unwrap()
            .starts_with("multipart/mixed; boundary=batch_")
    );
    let ids: Vec<_> = parsed(&reply)
        .into_iter()
        .map(|response| (response.content_id, response.status))
        .collect();
    let expected = [
        ("<response-x + 1>", 200),
        ("response-y", 409),
        ("<response-z>", 200),
    ];
    assert_eq!(
        ids,
        expected.map(|(id, status)| (Some(id.to_owned()), status))
    );
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn items_of_google_have_their_own_authorization_and_no_compression() {
    let (log, inner) = recorder();
    let request = "GET /a HTTP/1.1\r\nAuthorization: Bearer own\r\nX-Goog-User-Project: p\r\nAccept-Encoding: gzip\r\n\
                   User-Agent: own\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n";
    let mut outer = multipart("/b", &[&part(request), "--b--"]);
    outer
        .headers_mut()
        .insert("authorization", "Bearer outer".parse().unwrap());
    outer
        .headers_mut()
        .insert("user-agent", "outer".parse().unwrap());
    send(BatchLayer::google("/b").layer(inner), outer).await;
    let received = log.only();
    assert_eq!(received.header("authorization"), ["Bearer own"]);
    assert_eq!(received.header("user-agent"), ["own"]);
    assert_eq!(received.header("x-goog-user-project"), ["p"]);
    assert_eq!(received.header("accept-encoding"), [""; 0]);
    assert_eq!(received.header("x-forwarded-for"), [""; 0]);
}
