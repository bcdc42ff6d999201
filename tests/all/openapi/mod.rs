//! The OpenAPI document of the layer, validated by the specification and by real batches.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus::{BatchLayer, ChangeSets, EnvelopeStatus, ItemHeaders, Json};

use crate::support::{Reply, api, ask_through, envelope, recorder, requests, send};

mod batches;
mod formats;
mod validation;

use validation::Schema;

fn schemas(document: &Value) -> Vec<&str> {
    let schemas = document["components"]["schemas"].as_object();
    let schemas = schemas.expect("an object");
    schemas.keys().map(String::as_str).collect()
}

fn responses(document: &Value) -> Value {
    document["paths"]["/batch"]["post"]["responses"].clone()
}

fn layers() -> Vec<BatchLayer> {
    vec![
        BatchLayer::new("/batch"),
        BatchLayer::new("/batch").clear_formats(),
        BatchLayer::graph("/v1.0/$batch"),
        #[cfg(feature = "multipart")]
        BatchLayer::odata("/odata/$batch"),
        #[cfg(feature = "multipart")]
        BatchLayer::google("/batch/api/v1"),
        BatchLayer::new("/batch")
            .mounted_at("/v1")
            .describe(true)
            .streamed(true)
            .status(EnvelopeStatus::collapse())
            .change_sets(ChangeSets::best_effort())
            .allow_methods(["MERGE"])
            .item_headers(ItemHeaders::only(["accept", "x-goog-*"]))
            .when(|_| true)
            .admit(|_| Ok::<(), StatusCode>(())),
    ]
}

#[test]
fn every_layer_has_a_valid_document() {
    let specification = Schema::of_openapi();
    for layer in layers() {
        specification.assert(&layer.openapi());
    }
}

#[test]
fn a_document_that_breaks_the_specification_is_found() {
    let specification = Schema::of_openapi();
    let sound = BatchLayer::new("/batch").openapi();
    for (pointer, broken) in [
        ("/openapi", json!("2.0")),
        ("/paths/~1batch/post/responses", json!([])),
        ("/paths/~1batch/post/requestBody/content", json!(null)),
        ("/components/schemas/BatchRequest/type", json!("objects")),
    ] {
        let mut document = sound.clone();
        *document.pointer_mut(pointer).expect(pointer) = broken;
        assert!(!specification.allows(&document), "{pointer}");
    }
}

#[test]
fn the_document_merges_into_one_of_utoipa() {
    for layer in layers() {
        let document = layer.openapi();
        let ours: utoipa::openapi::OpenApi =
            serde_json::from_value(document.clone()).expect("utoipa reads it");
        let info = utoipa::openapi::Info::new("An API", "1.2.3");
        let mut whole = utoipa::openapi::OpenApi::new(info, utoipa::openapi::Paths::new());
        whole.merge(ours);
        let whole = serde_json::to_value(whole).expect("JSON");
        assert_eq!(
            whole["info"],
            json!({ "title": "An API", "version": "1.2.3" })
        );
        let paths = |document: &Value| document["paths"].as_object().expect("paths").len();
        assert_eq!(paths(&whole), 1);
        assert_eq!(schemas(&whole), schemas(&document));
        Schema::of_openapi().assert(&whole);
    }
}

#[test]
fn every_name_is_prefixed() {
    for layer in layers() {
        let document = layer.openapi();
        let mut names = schemas(&document).into_iter();
        assert!(names.all(|name| name.starts_with("Batch")));
    }
}

#[test]
fn the_path_includes_the_mount() {
    let document = BatchLayer::new("/batch").mounted_at("/v1").openapi();
    let paths = document["paths"].as_object().expect("paths");
    assert_eq!(Vec::from_iter(paths.keys()), ["/v1/batch"]);
}

#[test]
fn the_schemas_have_the_limits() {
    let layer = BatchLayer::new("/batch").max_items(7);
    let layer = layer.max_item_body_bytes(4000).max_envelope_bytes(9000);
    let document = layer.openapi();
    let schemas = &document["components"]["schemas"];
    assert_eq!(
        schemas["BatchRequest"]["properties"]["requests"]["maxItems"],
        7
    );
    assert_eq!(
        schemas["BatchResponse"]["properties"]["responses"]["maxItems"],
        7
    );
    let envelope = schemas["BatchRequest"]["description"]
        .as_str()
        .expect("text");
    assert!(envelope.contains("9000 bytes"), "{envelope}");
    let item = &schemas["BatchRequestItem"]["properties"];
    assert_eq!(item["id"]["maxLength"], 256);
    assert_eq!(item["url"]["maxLength"], 8192);
    let body = item["body"]["description"].as_str().expect("text");
    assert!(body.contains("4000 bytes"), "{body}");
}

#[test]
fn the_methods_are_those_that_an_item_may_have() {
    let document = BatchLayer::new("/batch").allow_methods(["merge"]).openapi();
    assert_eq!(
        document["components"]["schemas"]["BatchRequestItem"]["properties"]["method"]["enum"],
        json!([
            "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "MERGE"
        ])
    );
}

#[test]
fn the_headers_that_were_allowed_by_name_are_listed() {
    let headers = ItemHeaders::only(["Accept", "x_tenant", "x-goog-*"]);
    let document = BatchLayer::new("/batch").item_headers(headers).openapi();
    let headers = &document["components"]["schemas"]["BatchRequestItem"]["properties"]["headers"];
    let value = json!({ "$ref": "#/components/schemas/BatchHeaderValue" });
    assert_eq!(
        headers["properties"],
        json!({ "accept": value, "x-tenant": value })
    );
    assert_eq!(headers["additionalProperties"], value);
}

#[test]
fn change_sets_are_in_the_schema_only_if_they_are_run() {
    let group = |layer: BatchLayer| {
        let document = layer.openapi();
        let item = &document["components"]["schemas"]["BatchRequestItem"];
        item["properties"]["atomicityGroup"]["type"].clone()
    };
    let layer = BatchLayer::new("/batch");
    assert_eq!(group(layer.clone()), "null");
    let layer = layer.change_sets(ChangeSets::best_effort());
    assert_eq!(group(layer), json!(["string", "null"]));
}

#[test]
fn the_outer_statuses_are_those_that_the_policy_gives() {
    let successes = |layer: BatchLayer| {
        let responses = responses(&layer.openapi());
        let responses = responses.as_object().expect("responses");
        let mut successes: Vec<_> = responses.keys().cloned().collect();
        successes.retain(|status| status.starts_with('2'));
        successes
    };
    let layer = BatchLayer::new("/batch");
    assert_eq!(successes(layer.clone()), ["207"]);
    let ok = layer.clone().status(StatusCode::OK);
    assert_eq!(successes(ok), ["200"]);
    let collapse = layer.clone().status(EnvelopeStatus::collapse());
    assert_eq!(successes(collapse), ["200", "207"]);
    let streamed = layer.status(EnvelopeStatus::with(|_| StatusCode::ACCEPTED));
    let responses = responses(&streamed.openapi());
    let content = |status: &str| {
        let content = responses[status]["content"].as_object().expect("content");
        Vec::from_iter(content.keys().cloned())
    };
    // The head of a streamed envelope is sent before there is a summary.
    assert_eq!(content("202"), ["application/json"]);
    assert_eq!(
        content("207"),
        [
            "application/jsonl",
            "application/ndjson",
            "application/x-ndjson"
        ]
    );
}

#[test]
fn refusals_of_admit_are_documented_only_with_admit() {
    let layer = BatchLayer::new("/batch");
    assert_eq!(responses(&layer.openapi())["default"], Value::Null);
    let layer = layer.admit(|_| Ok::<(), StatusCode>(()));
    let problem = json!({ "schema": { "$ref": "#/components/schemas/BatchProblem" } });
    assert_eq!(
        responses(&layer.openapi())["default"]["content"],
        json!({ "application/problem+json": problem })
    );
}

#[tokio::test]
async fn a_description_matches_the_schema_in_its_documentation() {
    let text = include_str!("../../../src/openapi/description.json");
    let schema: Value = serde_json::from_str(text).expect("JSON");
    let layer = BatchLayer::new("/batch").describe(true);
    let document = layer.openapi();
    assert_eq!(
        document["components"]["schemas"]["BatchDescription"],
        schema
    );
    for (layer, has_request_ids) in [
        (layer.clone(), false),
        (layer.clone().item_timeout(None).batch_timeout(None), false),
        (layer.clone().item_request_ids("x-request-id"), true),
        (layer.clear_formats(), false),
    ] {
        let request = Request::get("/batch").body(Body::empty());
        let reply = send(layer.layer(Router::new()), request.expect("a request")).await;
        Schema::new(schema.clone()).assert(&reply.json());
        // The description has all members of the schema and no others.
        let mut expected = names(&schema["properties"]);
        if !has_request_ids {
            expected.retain(|name| name != "item_request_ids");
        }
        assert_eq!(names(&reply.json()), expected);
        let limits = &schema["properties"]["limits"];
        assert_eq!(names(&reply.json()["limits"]), names(&limits["properties"]));
    }
    for broken in [
        json!({}),
        json!({ "limits": {}, "formats": [], "methods": [] }),
    ] {
        assert!(!Schema::new(schema.clone()).allows(&broken), "{broken}");
    }
}

fn names(object: &Value) -> Vec<String> {
    let object = object.as_object().expect("an object");
    object.keys().cloned().collect()
}

#[test]
fn the_get_of_a_described_path_is_in_the_document() {
    let document = BatchLayer::new("/batch").describe(true).openapi();
    let get = &document["paths"]["/batch"]["get"]["responses"]["200"];
    assert_eq!(
        get["content"]["application/json"]["schema"],
        json!({ "$ref": "#/components/schemas/BatchDescription" })
    );
    let document = BatchLayer::new("/batch").openapi();
    assert_eq!(document["paths"]["/batch"]["get"], Value::Null);
}
