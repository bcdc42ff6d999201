//! Settings that cannot work.

use std::panic::{AssertUnwindSafe, catch_unwind};

use http::HeaderValue;
use http::request::Parts;
use tower_multistatus::{Encoder, Error, Format, Json, Limits, RequestEncoder, ResponseDecoder};

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

/// JSON that notes the limits that it gets for a response.
#[derive(Debug)]
struct Curious(Arc<Mutex<Option<Limits>>>);

impl Format for Curious {
    fn media_types(&self) -> &[&str] {
        &["application/json"]
    }

    fn encoder(&self, _: &Parts) -> Option<Box<dyn Encoder>> {
        None
    }

    fn request_encoder(&self) -> Option<Box<dyn RequestEncoder>> {
        Json::new().request_encoder()
    }

    fn response_decoder(
        &self,
        envelope: &http::response::Parts,
        limits: &Limits,
    ) -> Option<Result<Box<dyn ResponseDecoder>, Error>> {
        *self.0.lock().expect("the limits") = Some(*limits);
        Json::new().response_decoder(envelope, limits)
    }
}

#[tokio::test(start_paused = true)]
async fn a_custom_format_gets_the_limits_of_the_response() {
    let seen = Arc::<Mutex<Option<Limits>>>::default();
    let connection = Wire::default().to(async |sent: Sent| responses(&echoed(&sent)));
    let layer = layer().max_response_bytes(5_000);
    let client = layer.format(Curious(Arc::clone(&seen))).layer(connection);
    fetch_all(&client, [get("/a"), get("/b"), get("/c")]).await;
    let limits = seen.lock().expect("the limits").expect("it was asked");
    assert_eq!(limits.max_items(), 3);
    assert_eq!(limits.max_response_bytes(), 5_000);
    assert_eq!(limits.max_total_response_bytes(), 5_000);
}
