//! Which requests can share a batch.

use tower::Layer;
use tower_multistatus::{BatchLayer, ItemHeaders};

use super::*;

#[tokio::test(start_paused = true)]
async fn headers_that_a_server_accepts_from_an_item_may_differ() {
    let (wire, client) = client(layer());
    let with = |at: usize| {
        let mut request = get("/");
        let headers = request.headers_mut();
        headers.insert("accept", format!("text/x{at}").parse().unwrap());
        headers.insert("if-none-match", format!("\"{at}\"").parse().unwrap());
        headers.insert("user-agent", format!("{at}").parse().unwrap());
        headers.insert("traceparent", format!("00-{at}").parse().unwrap());
        headers.insert("authorization", "Bearer same".parse().unwrap());
        headers.insert("x-tenant", "same".parse().unwrap());
        request
    };
    assert_eq!(sizes(&client, (0..2).map(with)).await, [Some(2); 2]);
    let sent = wire.only();
    assert_eq!(sent.header("authorization"), Some("Bearer same"));
    assert_eq!(sent.header("x-tenant"), Some("same"));
    let expected = json!({ "accept": "text/x1", "if-none-match": "\"1\"", "user-agent": "1",
                           "traceparent": "00-1" });
    assert_eq!(sent.items()[1]["headers"], expected);
}

/// The sizes of the batches of two requests, one with and one without this difference.
async fn sizes_with(
    layer: BatchClientLayer,
    name: &'static str,
    values: [&str; 2],
) -> Vec<Option<usize>> {
    let (_, client) = client(layer);
    let requests = [0, 1, 0, 1].map(|at: usize| {
        let mut request = get("/");
        let value = values[at].parse().unwrap();
        request.headers_mut().insert(name, value);
        request
    });
    sizes(&client, requests).await
}

#[tokio::test(start_paused = true)]
async fn headers_that_a_server_takes_from_the_batch_only_split_it() {
    for name in [
        "authorization",
        "cookie",
        "x-tenant",
        "host",
        "x-request-id",
        "from",
    ] {
        assert_eq!(
            sizes_with(layer(), name, ["a", "b"]).await,
            [Some(2); 4],
            "{name}"
        );
        assert_eq!(
            sizes_with(layer(), name, ["a", "a"]).await,
            [Some(4); 4],
            "{name}"
        );
    }
    let allows = layer().item_headers(ItemHeaders::guarded().allow(["x-request-id"]));
    assert_eq!(
        sizes_with(allows, "x-request-id", ["a", "b"]).await,
        [Some(4); 4]
    );
}

#[tokio::test(start_paused = true)]
async fn headers_of_vary_by_split_a_batch_whatever_the_server_accepts() {
    for name in ["accept", "accept-language", "user-agent"] {
        let varies = || layer().vary_by([name]);
        assert_eq!(
            sizes_with(layer(), name, ["a", "b"]).await,
            [Some(4); 4],
            "{name}"
        );
        assert_eq!(
            sizes_with(varies(), name, ["a", "b"]).await,
            [Some(2); 4],
            "{name}"
        );
    }
    let allows = ItemHeaders::guarded().allow(["authorization"]);
    let layer = layer().item_headers(allows);
    assert_eq!(
        sizes_with(layer.clone(), "authorization", ["a", "b"]).await,
        [Some(2); 4]
    );
    let none: [&str; 0] = [];
    let layer = layer.vary_by(none);
    assert_eq!(
        sizes_with(layer, "authorization", ["a", "b"]).await,
        [Some(4); 4]
    );
}

#[tokio::test(start_paused = true)]
async fn a_header_of_vary_by_reaches_its_items() {
    let wire = Wire::default();
    let api = Router::new().fallback(async |request: Request<Body>| {
        let header = |name: &str| request.headers().get(name).cloned().unwrap();
        format!("{:?} {:?}", header("accept"), header("accept-language"))
    });
    let layer = layer().vary_by(["accept", "accept-language"]);
    let client = layer.layer(wire.to_server(BatchLayer::new("/batch"), api));
    let request = |_| {
        let mut request = get("/");
        request
            .headers_mut()
            .insert("accept", "text/plain".parse().unwrap());
        request
            .headers_mut()
            .insert("accept-language", "en".parse().unwrap());
        request
    };
    let outcomes = fetch_all(&client, (0..2).map(request)).await;
    assert_eq!(shown(&outcomes), ["200 \"text/plain\" \"en\""; 2]);
    assert!(wire.only().is_batch());
}

#[tokio::test(start_paused = true)]
async fn requests_to_different_origins_are_in_different_batches() {
    let wire = Wire::default();
    let connection = wire.to(async |sent: Sent| responses(&echoed(&sent)));
    let client = layer().layer(connection);
    let uris = [
        "http://a.example/x",
        "http://b.example/x",
        "https://a.example/x",
        "/x",
    ];
    let requests = uris.iter().flat_map(|uri| [get(uri), get(uri)]);
    assert_eq!(sizes(&client, requests).await, [Some(2); 8]);
    let mut lines = wire.lines();
    lines.sort();
    let expected = [
        "POST /batch",
        "POST http://a.example/batch",
        "POST http://b.example/batch",
        "POST https://a.example/batch",
    ];
    assert_eq!(lines, expected);
    assert_eq!(wire.all()[0].items()[0]["url"], "/x");
}
