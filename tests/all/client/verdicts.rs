//! What the server says, and what the client does.

use std::time::Duration;

use futures_util::stream;
use tower::Layer;
use tower_multistatus::NdJson;

use super::*;

/// GETs of `/a` and `/b`, and a POST of `/c`.
pub(super) fn mixed() -> [Request<Body>; 3] {
    [get("/a"), get("/b"), post("/c", "{}")]
}

/// A connection whose server has this response to batches, and echoes the path of single requests.
pub(super) fn says<F>(wire: &Wire, respond: F) -> Connection
where
    F: Fn(&Sent) -> Result<Response<Body>, BoxError> + Clone + Send + Sync + 'static,
{
    wire.to(move |sent| {
        let response = if sent.is_batch() {
            respond(&sent)
        } else {
            Ok(Response::new(Body::from(format!("single {}", sent.uri))))
        };
        std::future::ready(response)
    })
}

#[tokio::test(start_paused = true)]
async fn without_an_endpoint_all_requests_go_singly_for_a_minute() {
    for status in [404, 405, 406, 415, 501] {
        let wire = Wire::default();
        let client = layer().layer(says(&wire, move |_| json_response(status, "{}")));
        let all = fetch_all(&client, mixed()).await;
        let expected = ["200 single /a", "200 single /b", "200 single /c"];
        assert_eq!(shown(&all), expected, "{status}");
        let singles = ["GET /a", "GET /b", "POST /c"];
        assert_eq!(wire.lines()[0], "POST /batch");
        assert_eq!(wire.lines()[1..], singles);

        tokio::time::advance(Duration::from_secs(59)).await;
        assert_eq!(shown(&fetch_all(&client, mixed()).await), expected);
        assert_eq!(wire.lines()[4..], singles);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(shown(&fetch_all(&client, mixed()).await), expected);
        assert_eq!(wire.lines()[7], "POST /batch");
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_missing_at_one_host_is_used_at_another() {
    let wire = Wire::default();
    let connection = wire.to(async |sent: Sent| match sent.uri.contains("none.example") {
        true => json_response(404, "{}"),
        false => responses(&echoed(&sent)),
    });
    let client = layer().layer(connection);
    for _ in 0..2 {
        for host in ["none", "some"] {
            let uri = format!("http://{host}.example/x");
            fetch_all(&client, [get(&uri), get(&uri)]).await;
        }
    }
    let batches: Vec<_> = wire.all().into_iter().filter(Sent::is_batch).collect();
    let uris: Vec<_> = batches.iter().map(|batch| batch.uri.as_str()).collect();
    let some = "http://some.example/batch";
    assert_eq!(uris, ["http://none.example/batch", some, some]);
}

#[tokio::test(start_paused = true)]
async fn a_413_that_names_a_limit_splits_the_batch_by_it() {
    let wire = Wire::default();
    let server = BatchLayer::new("/batch").max_items(3);
    let client = layer().layer(wire.to_server(server, echo()));
    let gets = || (0..7).map(|at| get(&format!("/{at}")));
    let expected: Vec<_> = (0..7).map(|at| format!("200 /{at}")).collect();
    assert_eq!(shown(&fetch_all(&client, gets()).await), expected);
    let sizes = |wire: &Wire| -> Vec<usize> {
        let batches = wire.all().into_iter().filter(Sent::is_batch);
        batches.map(|batch| batch.items().len()).collect()
    };
    assert_eq!(sizes(&wire), [7, 3, 3]);
    // It is remembered.
    assert_eq!(shown(&fetch_all(&client, gets()).await), expected);
    assert_eq!(sizes(&wire), [7, 3, 3, 3, 3]);

    let wire = Wire::default();
    let server = BatchLayer::new("/batch").max_envelope_bytes(200);
    let client = layer().layer(wire.to_server(server, echo()));
    assert_eq!(shown(&fetch_all(&client, gets()).await), expected);
    assert!(wire.all()[1..].iter().all(|sent| sent.body.len() <= 200));
    assert_eq!(wire.lines().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn any_other_413_halves_the_batch() {
    for document in [
        "",
        "no JSON",
        r#"{"limit":"other","max":3}"#,
        r#"{"limit":"max_items"}"#,
    ] {
        let wire = Wire::default();
        let client = layer().layer(says(&wire, move |sent| match sent.items().len() {
            ..3 => responses(&echoed(sent)),
            _ => json_response(413, document),
        }));
        let posts = (0..8).map(|at| post(&format!("/{at}"), "{}"));
        let expected: Vec<_> = (0..8).map(|at| format!("200 /{at}")).collect();
        assert_eq!(shown(&fetch_all(&client, posts).await), expected);
        let batches: Vec<_> = wire.all().iter().map(|sent| sent.items().len()).collect();
        assert_eq!(batches, [8, 4, 4, 2, 2, 2, 2], "{document}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_every_batch_as_too_large_gets_single_requests() {
    let wire = Wire::default();
    let lies = r#"{"limit":"max_items","max":1000}"#;
    let client = layer().layer(says(&wire, move |_| json_response(413, lies)));
    let all = fetch_all(&client, mixed()).await;
    assert_eq!(
        shown(&all),
        ["200 single /a", "200 single /b", "200 single /c"]
    );
    let posts = wire.lines().into_iter().filter(|line| line == "POST /c");
    assert_eq!(posts.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn any_other_refusal_of_the_batch_is_the_response_to_every_caller() {
    for status in [400, 401, 403, 408, 429, 500, 503, 301] {
        let wire = Wire::default();
        let client = layer().layer(says(&wire, move |_| {
            let mut response = json_response(status, r#"{"no":1}"#)?;
            response
                .headers_mut()
                .insert("retry-after", http::HeaderValue::from_static("1"));
            Ok(response)
        }));
        for outcome in fetch_all(&client, mixed()).await {
            let reply = outcome.unwrap();
            assert_eq!(
                (reply.status.as_u16(), &reply.body[..]),
                (status, &br#"{"no":1}"#[..])
            );
            assert_eq!(reply.header("retry-after"), Some("1"));
        }
        assert_eq!(wire.lines(), ["POST /batch"]);
    }
}

/// Bodies that break off after this text.
fn cut(text: impl Into<Bytes>) -> Body {
    let broken = std::io::Error::other("the connection was reset");
    Body::from_stream(stream::iter([Ok(text.into()), Err(broken)]))
}

/// Asserts that only the requests that are safe to send twice are sent again.
async fn assert_lost(
    layer: BatchClientLayer,
    respond: impl Fn(&Sent) -> Result<Response<Body>, BoxError> + Clone + Send + Sync + 'static,
) {
    let wire = Wire::default();
    let client = layer.layer(says(&wire, respond));
    let [a, b, c] = mixed();
    let more = [Method::PUT, Method::DELETE, Method::PATCH].map(|method| request(method, "/d"));
    let all = fetch_all(&client, [a, b, c].into_iter().chain(more)).await;
    let unknown = "OutcomeUnknown";
    let (d, e) = ("200 single /d", "200 single /d");
    assert_eq!(
        shown(&all),
        ["200 single /a", "200 single /b", unknown, d, e, unknown]
    );
    assert_eq!(
        wire.lines(),
        ["POST /batch", "GET /a", "GET /b", "PUT /d", "DELETE /d"]
    );
}

#[tokio::test(start_paused = true)]
async fn after_a_lost_response_only_idempotent_requests_are_sent_again() {
    let whole = |sent: &Sent| json!({ "responses": echoed(sent) }).to_string();
    assert_lost(layer(), |_| Err("the connection was reset".into())).await;
    assert_lost(layer(), move |sent| json_response(200, cut(whole(sent)))).await;
    assert_lost(layer(), move |sent| {
        let mut text = whole(sent);
        text.truncate(text.len() / 2);
        json_response(200, text)
    })
    .await;
    for garbage in [
        "",
        "<html>",
        "[]",
        "{}",
        r#"{"responses":1}"#,
        r#"{"responses":[1]}"#,
    ] {
        assert_lost(layer(), move |_| json_response(200, garbage)).await;
    }
    // A 2xx of another type is no response to a batch.
    assert_lost(layer(), move |sent| {
        let mut response = json_response(200, whole(sent))?;
        let html = http::HeaderValue::from_static("text/html");
        response.headers_mut().insert("content-type", html);
        Ok(response)
    })
    .await;
    // The refusal itself broke off.
    assert_lost(layer(), |_| json_response(400, cut("{"))).await;
    // More bytes than the client accepts.
    let small = layer().max_response_bytes(100);
    assert_lost(small.clone(), move |sent| json_response(200, whole(sent))).await;
    assert_lost(small, |_| json_response(500, "x".repeat(101))).await;
    // More responses than requests.
    assert_lost(layer(), |sent| {
        let mut items = echoed(sent);
        items.push(json!({ "id": "x", "status": 200 }));
        responses(&items)
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_cut_loses_only_the_responses_behind_the_cut() {
    for has_summary in [false, true] {
        let wire = Wire::default();
        let connection = wire.to(move |sent: Sent| async move {
            if sent.uri != "/batch" {
                return Ok(Response::new(Body::from(format!("single {}", sent.uri))));
            }
            let text = String::from_utf8(sent.body.to_vec()).expect("UTF-8");
            let items = text.lines().map(|line| serde_json::from_str(line).expect("JSON"));
            let items: Vec<Value> = items.collect();
            let line = |item: &Value| {
                json!({ "id": item["id"], "status": 200, "headers": {}, "body": "batch" })
            };
            let mut lines = format!("{}\n{}\n", line(&items[0]), line(&items[2]));
            if has_summary {
                lines += r#"{"summary":{"total":2,"succeeded":2,"failed":0}}"#;
            }
            let mut response = Response::new(Body::from(lines));
            let ndjson = http::HeaderValue::from_static("application/x-ndjson");
            response.headers_mut().insert("content-type", ndjson);
            Ok(response)
        });
        let client = layer().format(NdJson::new()).layer(connection);
        let [a, b, c] = mixed();
        let all = fetch_all(&client, [a, b, c, post("/d", "{}")]).await;
        let lost = match has_summary {
            true => [
                "200 batch",
                "MissingResponse",
                "200 batch",
                "MissingResponse",
            ],
            false => ["200 batch", "200 single /b", "200 batch", "OutcomeUnknown"],
        };
        assert_eq!(shown(&all), lost);
    }
}

#[tokio::test(start_paused = true)]
async fn an_inner_client_that_is_never_ready_or_panics_fails_its_callers() {
    let unready = service_fn(
        async |_: Request<ClientBody>| -> Result<Response<Body>, BoxError> {
            panic!("the client panics")
        },
    );
    let client = layer().layer(Connection::new(unready));
    let outcomes = fetch_all(&client, mixed()).await;
    assert_eq!(shown(&outcomes), ["OutcomeUnknown"; 3]);
    // The worker goes on.
    let outcomes = fetch_all(&client, mixed()).await;
    assert_eq!(shown(&outcomes), ["OutcomeUnknown"; 3]);

    let limited = tower::ServiceBuilder::new()
        .load_shed()
        .concurrency_limit(1)
        .service(Wire::default().to(async |_| std::future::pending().await));
    let client = layer().layer(Connection::new(limited));
    let call = |path| tokio::time::timeout(Duration::from_secs(1), fetch(&client, get(path)));
    let both = async { tokio::join!(call("/a"), call("/b")) };
    let later = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        fetch_all(&client, mixed()).await
    };
    let (_, outcomes) = tokio::join!(both, later);
    // `LoadShed` is always ready, and fails the call.
    let expected = ["Client", "Client", "OutcomeUnknown"];
    assert_eq!(shown(&outcomes), expected);
}
