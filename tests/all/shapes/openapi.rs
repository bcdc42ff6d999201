//! The OpenAPI document of a layer with a shape.

use serde_json::{Value, json};
use tower_multistatus::BatchLayer;
use tower_multistatus::shape::Shape;

fn responses(layer: &BatchLayer) -> Value {
    layer.openapi()["paths"]["/batch"]["post"]["responses"].clone()
}

#[test]
fn refusals_are_documented_as_they_are_written() {
    let scim = responses(&BatchLayer::scim("/batch"));
    let content = &scim["413"]["content"];
    assert!(content.get("application/problem+json").is_none());
    let examples = &content["application/scim+json"]["examples"];
    let expected = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": "413",
        "detail": "the batch has too many items",
    });
    assert_eq!(examples["too-many-items"]["value"], expected);
    assert!(scim.get("403").is_none());
}

#[test]
fn forms_of_other_sites_are_documented_as_refused() {
    for layer in [BatchLayer::facebook("/batch"), BatchLayer::parse("/batch")] {
        let refused = &responses(&layer)["403"]["content"]["application/json"];
        assert!(refused["examples"]["cross-site"].is_object());
    }
    let allowed = tower_multistatus::Json::shaped(&Shape::PARSE).allow_cross_site(true);
    let layer = BatchLayer::parse("/batch").format(allowed);
    assert!(responses(&layer).get("403").is_none());
}
