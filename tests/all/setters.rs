//! Invalid settings panic in their setters, not when a request arrives.

use tower_multistatus::{BatchLayer, ItemHeaders};

#[test]
#[should_panic = "the batch path must start with a slash"]
fn a_batch_path_without_a_slash_panics() {
    let _ = BatchLayer::new("batch");
}

#[test]
#[should_panic = "`max_items` must be more than 0"]
fn an_item_limit_of_zero_panics() {
    let _ = BatchLayer::new("/batch").max_items(0);
}

#[test]
#[should_panic = "`max_envelope_bytes` must be more than 0"]
fn an_envelope_limit_of_zero_panics() {
    let _ = BatchLayer::new("/batch").max_envelope_bytes(0);
}

#[test]
#[should_panic = "`max_response_bytes` must be more than 0"]
fn a_response_limit_of_zero_panics() {
    let _ = BatchLayer::new("/batch").max_response_bytes(0);
}

#[test]
#[should_panic = "`max_total_response_bytes` must be more than 0"]
fn a_total_response_limit_of_zero_panics() {
    let _ = BatchLayer::new("/batch").max_total_response_bytes(0);
}

#[test]
#[should_panic = "`concurrency` must be more than 0"]
fn a_concurrency_of_zero_panics() {
    let _ = BatchLayer::new("/batch").concurrency(0);
}

#[test]
#[should_panic = "an item cannot be CONNECT or TRACE"]
fn allowing_connect_panics() {
    let _ = BatchLayer::new("/batch").allow_methods(["MERGE", "CONNECT"]);
}

#[test]
#[should_panic = "an item cannot be CONNECT or TRACE"]
fn allowing_trace_in_any_case_panics() {
    let _ = BatchLayer::new("/batch").allow_methods(["trace"]);
}

#[test]
fn a_request_id_header_that_is_invalid_or_not_inherited_panics() {
    for name in [
        "x id",
        "",
        "content-type",
        "connection",
        "Idempotency-Key",
        "if-match",
    ] {
        let set = std::panic::catch_unwind(|| BatchLayer::new("/batch").item_request_ids(name));
        let payload = set.expect_err("it panics");
        let message = payload.downcast_ref::<&str>();
        let expected = "the header for request ids must be one that items inherit";
        assert_eq!(message, Some(&expected), "{name}");
    }
}

#[test]
#[should_panic = "a method must be a token"]
fn allowing_an_invalid_method_panics() {
    let _ = BatchLayer::new("/batch").allow_methods(["GE T"]);
}

#[test]
fn a_pattern_with_an_asterisk_in_the_middle_panics() {
    let setters: [fn(&str) -> ItemHeaders; 3] = [
        |pattern| ItemHeaders::guarded().allow([pattern]),
        |pattern| ItemHeaders::guarded().protect([pattern]),
        |pattern| ItemHeaders::only([pattern]),
    ];
    for setter in setters {
        for pattern in ["x-tenant", "x-*", "*-id", "*tenant*", "*", "X_Tenant*"] {
            setter(pattern);
        }
        for pattern in [
            "x-*-id", "a*b", "*a*b", "a*b*", "**", "x-**", "**-id", "", "x y", "x:", "é*",
        ] {
            let set = std::panic::catch_unwind(|| setter(pattern));
            let payload = set.expect_err(pattern);
            let message = payload.downcast_ref::<&str>();
            let expected = "a pattern must be a header name with at most one `*` at either end";
            assert_eq!(message, Some(&expected), "{pattern}");
        }
    }
}
