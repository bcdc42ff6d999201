//! The formats of envelopes in the document.

use super::*;

/// The content of JSON and NDJSON envelopes.
fn content(schema: &str, lines: &str) -> Value {
    let json = json!({ "$ref": format!("#/components/schemas/{schema}") });
    let mut content = json!({ "application/json": { "schema": json } });
    for name in [
        "application/x-ndjson",
        "application/jsonl",
        "application/ndjson",
    ] {
        content[name] = json!({ "schema": { "type": "string", "description": lines } });
    }
    content
}

#[test]
fn the_formats_are_those_that_the_layer_reads_and_writes() {
    let document = BatchLayer::new("/batch").openapi();
    assert_eq!(
        document["paths"]["/batch"]["post"]["requestBody"]["content"],
        content("BatchRequest", "Lines, each a `BatchRequestItem`.")
    );
    let lines = "Lines, each a `BatchResponseLine`. The last one is the summary.";
    assert_eq!(
        responses(&document)["207"]["content"],
        content("BatchResponse", lines)
    );
}

#[test]
#[cfg(feature = "multipart")]
fn a_multipart_envelope_is_a_string_of_limited_length() {
    let layer = BatchLayer::google("/batch").max_envelope_bytes(1000);
    let document = layer.openapi();
    assert_eq!(
        document["paths"]["/batch"]["post"]["requestBody"]["content"],
        json!({
            "multipart/mixed": { "schema": { "type": "string", "maxLength": 1000 } },
            "multipart/batch": { "schema": { "type": "string", "maxLength": 1000 } },
        })
    );
    assert_eq!(schemas(&document), ["BatchProblem"]);
}

#[test]
fn a_custom_format_is_listed_without_a_schema() {
    #[derive(Debug)]
    struct Own;
    impl tower_multistatus::Format for Own {
        fn media_types(&self) -> &[&str] {
            &["application/json"]
        }
        fn encoder(
            &self,
            head: &http::request::Parts,
        ) -> Option<Box<dyn tower_multistatus::Encoder>> {
            Json::new().encoder(head)
        }
    }
    let layer = BatchLayer::new("/batch").clear_formats();
    let document = layer.format(Own).openapi();
    let content = &responses(&document)["207"]["content"];
    assert_eq!(content, &json!({ "application/json": {} }));
    assert_eq!(schemas(&document), ["BatchProblem"]);
}
