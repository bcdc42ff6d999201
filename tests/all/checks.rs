//! `BatchLayer::check`: the same refusals as a batch that runs, and nothing runs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use serde_json::json;
use tower::Layer;
use tower_multistatus::{BatchLayer, ChangeSets, CheckedBatch};

use crate::support::{envelope, numbered_gets, read, recorder, requests, run, send};

/// The head of a request with this content type.
fn outer(content_type: &str) -> Parts {
    let request = Request::post("/batch").header("content-type", content_type);
    request.body(()).expect("a request").into_parts().0
}

async fn check(layer: &BatchLayer, json: &str) -> Result<CheckedBatch, Response<Bytes>> {
    layer
        .check(outer("application/json"), Body::from(json.to_owned()))
        .await
}

#[tokio::test]
async fn a_checked_batch_has_its_items_as_they_were_sent() {
    let json = r#"{"requests":[
        {"id":"a","method":"post","url":"/orders","headers":{"Idempotency-Key":"k"},"body":{"n":1}},
        {"id":"b","method":"G T","url":"/x"}]}"#;
    let checked = check(&BatchLayer::new("/batch"), json)
        .await
        .expect("a batch");
    let [a, b] = checked.items() else {
        panic!("there are two items")
    };
    assert_eq!(
        (a.id(), a.method(), a.url()),
        ("a", Some(&Method::POST), "/orders")
    );
    assert!(
        a.headers()
            .any(|(name, value)| name == "idempotency-key" && value == "k")
    );
    assert_eq!(
        (a.body().as_ref(), a.rejection()),
        (&br#"{"n":1}"#[..], None)
    );
    assert_eq!(b.rejection(), Some(StatusCode::BAD_REQUEST));
    assert!(!checked.has_transactions());
}

#[tokio::test]
async fn a_check_refuses_with_the_response_of_a_batch_that_runs() {
    let layer = BatchLayer::new("/batch")
        .max_items(2)
        .max_envelope_bytes(200);
    let layer = layer.admit(|admission| match admission.items() {
        [item] if item.id() == "no" => Err(StatusCode::PAYMENT_REQUIRED),
        _ => Ok(()),
    });
    let item = |id: &str| json!({ "id": id, "method": "GET", "url": "/" });
    let cases = [
        "{".to_owned(),
        json!({ "requests": [item("a"), item("a")] }).to_string(),
        json!({ "requests": [item("a"), item("b"), item("c")] }).to_string(),
        json!({ "requests": [item("no")] }).to_string(),
        json!({ "requests": [item(&"a".repeat(200))] }).to_string(),
    ];
    for json in cases {
        let refusal = check(&layer, &json).await.expect_err("a refusal");
        let refusal = read(refusal.map(Body::from)).await;
        let ran = send(layer.layer(recorder().1), envelope(json)).await;
        assert!(ran.status.is_client_error());
        assert_eq!(
            (refusal.status, refusal.headers, refusal.body),
            (ran.status, ran.headers, ran.body)
        );
    }
}

#[tokio::test]
async fn a_check_refuses_an_envelope_that_no_format_reads_and_a_response_that_none_writes() {
    let layer = BatchLayer::new("/batch");
    let refused = layer.check(outer("text/plain"), Body::empty()).await;
    let refusal = refused.expect_err("a refusal");
    assert_eq!(refusal.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(refusal.headers().contains_key("accept-post"));

    let mut outer = outer("application/json");
    outer
        .headers
        .insert("accept", "text/html".parse().expect("a value"));
    let refused = layer.check(outer, Body::from(r#"{"requests":[]}"#)).await;
    assert_eq!(
        refused.expect_err("a refusal").status(),
        StatusCode::NOT_ACCEPTABLE
    );
}

#[tokio::test]
async fn lines_that_could_run_while_they_arrive_are_checked_as_a_whole() {
    let mut outer = outer("application/x-ndjson");
    outer
        .headers
        .insert("accept", "application/x-ndjson".parse().expect("a value"));
    let layer = BatchLayer::new("/batch").max_items(2);
    let lines = |ids: &[&str]| {
        let line = |id: &&str| format!("{{\"id\":\"{id}\",\"method\":\"GET\",\"url\":\"/\"}}\n");
        Body::from(ids.iter().map(line).collect::<String>())
    };
    let checked = layer.check(outer.clone(), lines(&["a", "b"])).await;
    assert_eq!(checked.expect("a batch").items().len(), 2);
    for ids in [&["a", "a"][..], &["a", "b", "c"]] {
        assert!(layer.check(outer.clone(), lines(ids)).await.is_err());
    }
}

#[tokio::test]
async fn a_check_asks_admit_once_and_filters_nothing() {
    let (admitted, filtered) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
    let counts = (Arc::clone(&admitted), Arc::clone(&filtered));
    let layer = BatchLayer::new("/batch")
        .admit(move |admission| {
            counts
                .0
                .fetch_add(admission.items().len(), Ordering::Relaxed);
            Ok::<_, StatusCode>(())
        })
        .filter(move |_| {
            counts.1.fetch_add(1, Ordering::Relaxed);
            Ok::<_, StatusCode>(())
        });
    let json = json!({ "requests": numbered_gets(3) }).to_string();
    check(&layer, &json).await.expect("a batch");
    assert_eq!(admitted.load(Ordering::Relaxed), 3);
    assert_eq!(filtered.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_group_has_a_transaction_only_if_the_application_provides_one() {
    let json = r#"{"requests":[{"id":"a","atomicityGroup":"g","method":"POST","url":"/"}]}"#;
    let refusing = BatchLayer::new("/batch");
    let refusal = check(&refusing, json).await.expect_err("a refusal");
    assert_eq!(refusal.status(), StatusCode::NOT_IMPLEMENTED);

    let best_effort = refusing.clone().change_sets(ChangeSets::best_effort());
    let checked = check(&best_effort, json).await.expect("a batch");
    assert!(!checked.has_transactions());

    let atomic = refusing.change_sets(ChangeSets::in_transactions(NoTransactions));
    let checked = check(&atomic, json).await.expect("a batch");
    assert!(checked.has_transactions());
}

/// Begins no transaction, because a check does not.
#[derive(Debug)]
struct NoTransactions;

impl tower_multistatus::Transactions for NoTransactions {
    type Transaction = ();

    async fn begin(&self, _: &Parts) -> Result<(), tower_multistatus::TransactionError> {
        panic!("a check begins no transaction")
    }

    async fn commit(&self, (): ()) -> Result<(), tower_multistatus::TransactionError> {
        Ok(())
    }

    async fn rollback(&self, (): ()) {}
}

#[test]
fn a_request_is_a_batch_by_its_method_its_path_and_when() {
    let layer = BatchLayer::new("/batch").mounted_at("/v1");
    assert_eq!((layer.path(), layer.mount()), ("/batch", "/v1"));
    let layer = layer.when(|request| request.uri.query() != Some("comp=list"));
    let is_batch = |method: &str, uri: &str| {
        let request = Request::builder().method(method).uri(uri);
        layer.is_batch(&request.body(()).expect("a request").into_parts().0)
    };
    assert!(is_batch("POST", "/batch"));
    assert!(is_batch("POST", "/batch?comp=batch"));
    assert!(!is_batch("POST", "/batch?comp=list"));
    assert!(!is_batch("GET", "/batch"));
    assert!(!is_batch("POST", "/batch/"));
    assert!(!is_batch("POST", "/v1/batch"));
}

#[test]
fn an_item_of_another_batch_is_refused() {
    let checking = BatchLayer::new("/inner");
    let inner = tower::service_fn(move |request: Request<tower_multistatus::RequestBody<_>>| {
        let checking = checking.clone();
        async move {
            let _: &Request<tower_multistatus::RequestBody<Body>> = &request;
            let refused = checking.check(request.into_parts().0, Body::empty()).await;
            let refusal = refused.expect_err("a refusal");
            Ok::<_, std::convert::Infallible>(refusal.map(Body::from))
        }
    });
    let item = json!([{ "id": "a", "method": "POST", "url": "/inner", "body": {} }]);
    let reply = run(send(BatchLayer::new("/batch").layer(inner), requests(item)));
    assert_eq!(reply.statuses(), [508]);
}

#[tokio::test]
async fn only_a_refused_check_is_the_end_of_a_batch() {
    let ends = Arc::<Mutex<Vec<bool>>>::default();
    let told = Arc::clone(&ends);
    let layer = BatchLayer::new("/batch").on_batch(move |batch| {
        told.lock().expect("the ends").push(batch.is_refused());
    });
    let passed = check(
        &layer,
        r#"{"requests":[{"id":"a","method":"GET","url":"/"}]}"#,
    )
    .await;
    drop(passed.expect("a batch"));
    assert_eq!(*ends.lock().expect("the ends"), [false; 0]);
    check(&layer, "{").await.expect_err("a refusal");
    assert_eq!(*ends.lock().expect("the ends"), [true]);
}
