//! The format of the response to a multipart envelope.

use tower::Layer;
use tower_multistatus::{BatchLayer, Multipart};

use super::{envelope, layer};
use crate::support::{recorder, send};

#[tokio::test]
async fn a_multipart_envelope_gets_a_multipart_response() {
    let mut cases = vec![
        (None, "multipart/mixed"),
        (Some("*/*"), "multipart/mixed"),
        (Some("application/json"), "multipart/mixed"),
        (
            Some("application/json;odata.metadata=none, text/javascript, */*; q=0.01"),
            "multipart/mixed",
        ),
        (Some("image/png"), "multipart/mixed"),
        (Some("application/*"), "multipart/mixed"),
        (Some("multipart/batch;q=0"), "multipart/mixed"),
        (
            Some("multipart/mixed, application/json;q=0.5"),
            "multipart/mixed",
        ),
    ];
    let ndjson = if cfg!(feature = "json") {
        "application/x-ndjson"
    } else {
        "multipart/mixed"
    };
    cases.extend([
        (Some("application/x-ndjson"), ndjson),
        (Some("application/json, application/jsonl;q=0.1"), ndjson),
        (Some("application/x-ndjson;q=0"), "multipart/mixed"),
        (
            Some("application/x-ndjson;q=0.5, multipart/mixed"),
            "multipart/mixed",
        ),
        (Some("application/xml"), "multipart/mixed"),
    ]);
    for (accept, expected) in cases {
        let (_, inner) = recorder();
        let mut request = envelope("multipart/mixed; boundary=b", &[b"--b--"]);
        if let Some(accept) = accept {
            request
                .headers_mut()
                .insert("accept", accept.parse().expect("a value"));
        }
        let reply = send(layer().layer(inner), request).await;
        let content_type = reply.header("content-type").expect("one");
        assert!(
            content_type.starts_with(expected),
            "{accept:?}: {content_type}"
        );
    }
    let (_, inner) = recorder();
    let mut request = envelope("multipart/mixed; boundary=b", &[b"--b--"]);
    request
        .headers_mut()
        .insert("accept", "application/xml".parse().expect("a value"));
    let only_multipart = BatchLayer::new("/v1/batch")
        .clear_formats()
        .format(Multipart::new());
    let reply = send(only_multipart.layer(inner), request).await;
    assert!(
        reply
            .header("content-type")
            .expect("one")
            .starts_with("multipart/mixed")
    );
}
