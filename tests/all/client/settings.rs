//! Settings that cannot work.

use std::panic::{AssertUnwindSafe, catch_unwind};

use http::HeaderValue;
use http::request::Parts;
use tower_multistatus::{Encoder, Format};

use super::*;

/// Writes responses only.
#[derive(Debug)]
struct ForServers;

impl Format for ForServers {
    fn media_types(&self) -> &[&str] {
        &["text/plain"]
    }

    fn encoder(&self, _: &Parts) -> Option<Box<dyn Encoder>> {
        None
    }
}

#[test]
fn a_setting_that_cannot_work_panics() {
    let settings: [fn() -> BatchClientLayer; 11] = [
        || BatchClientLayer::new("batch"),
        || BatchClientLayer::new(""),
        || BatchClientLayer::new("/a b"),
        || layer().max_items(0),
        || layer().max_items(1),
        || layer().max_bytes(0),
        || layer().max_response_bytes(0),
        || layer().max_in_flight(0),
        || layer().max_waiting(0),
        || layer().vary_by(["a b"]),
        || layer().format(ForServers),
    ];
    for (at, setting) in settings.into_iter().enumerate() {
        let set = catch_unwind(AssertUnwindSafe(|| drop(setting())));
        assert!(set.is_err(), "{at}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_header_of_the_batch_is_on_every_batch() {
    let wire = Wire::default();
    let connection = wire.to(async |sent: Sent| responses(&echoed(&sent)));
    let prefer = HeaderValue::from_static("wait=5");
    let layer = layer().batch_header(http::header::HeaderName::from_static("prefer"), prefer);
    let client = layer.layer(connection);
    fetch_all(&client, [get("/a"), get("/b")]).await;
    assert_eq!(wire.only().header("prefer"), Some("wait=5"));
}

#[test]
fn an_error_says_what_happened_and_has_its_source() {
    let error = futures_util::future::FutureExt::now_or_never(async {
        let connection = Wire::default().to(async |_| Err("refused".into()));
        let (client, worker) = layer().pair(connection);
        let mut request = get("/");
        request
            .extensions_mut()
            .insert(tower_multistatus::NotBatched);
        let error = client.clone().oneshot(request).await.unwrap_err();
        drop(worker);
        error
    });
    let error = error.expect("at once");
    assert_eq!(error.kind(), BatchClientErrorKind::Client);
    assert_eq!(error.to_string(), "the client failed");
    let source = std::error::Error::source(&error).expect("a source");
    assert_eq!(source.to_string(), "refused");
}
