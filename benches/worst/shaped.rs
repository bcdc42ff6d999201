//! The most expensive envelopes in the shapes of other APIs.

use tower_multistatus::Json;
use tower_multistatus::shape::Shape;

use super::cases::{Case, case, fill, repeat};
use super::exchange::Exchange;

pub(crate) const CASES: &[Case] = &[
    case("shaped-items", "shaped: items as short as can be", || {
        shaped(&Shape::JIVE, format!("[{}{{}}]", repeat("{},")))
    }),
    case("shaped-members", "shaped: unknown members", || {
        let members = fill(|at| format!(r#""{at}":0,"#));
        shaped(
            &Shape::RESULTS,
            format!(r#"{{"requests":[{{{members}"id":"a"}}]}}"#),
        )
    }),
    case("shaped-headers", "shaped: an array of headers", || {
        let headers = repeat(r#"{"name":"a","value":""},"#);
        let item = format!(r#"{{"id":"a","headers":[{headers}{{}}]}}"#);
        shaped(
            &Shape::SERVICENOW,
            format!(r#"{{"rest_requests":[{item}]}}"#),
        )
    }),
    case("shaped-defaults", "shaped: defaults that are deep", || {
        let deep = |inside: &str| format!("{}{inside}{}", r#"{"a":"#.repeat(100), "}".repeat(100));
        let deep_defaults = deep("0");
        let items = fill(|_| deep(r#"{"b":1}"#) + ",");
        shaped(
            &Shape::KINTO,
            format!(r#"{{"defaults":{deep_defaults},"requests":[{items}{{}}]}}"#),
        )
    }),
    case("shaped-bulk-ids", "shaped: references", || {
        let first = r#"{"method":"POST","path":"/","bulkId":"a","data":{}}"#;
        let references = repeat(r#""bulkId:a","#);
        let second = format!(r#"{{"method":"POST","path":"/","data":[{references}0]}}"#);
        shaped(
            &Shape::SCIM,
            format!(r#"{{"Operations":[{first},{second}]}}"#),
        )
    }),
    case("shaped-form", "shaped: a form", || {
        let mut exchange = shaped(
            &Shape::FACEBOOK,
            format!("batch=%5B%5D&access_token={}", repeat("%61+")),
        );
        exchange.set_type("application/x-www-form-urlencoded");
        exchange
    }),
];

/// A batch in this shape, whatever its outer status is.
fn shaped(shape: &'static Shape, envelope: String) -> Exchange {
    let mut exchange = Exchange::json(envelope).of_many_items();
    exchange.set_type(shape.media_types[0]);
    exchange.layer = exchange.layer.format(Json::shaped(shape));
    exchange.statuses = &[200, 207, 400, 413];
    exchange
}
