//! Layers of tower and tower-http inside and outside the batch layer. The table is that of the
//! guide, and each of its cells is a test.

mod envelopes;
mod failures;
mod limits;
mod requests;

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use axum::Router;
use axum::body::Body;
use http::Request;
use tower::util::MapRequestLayer;
use tower_multistatus::BatchLayer;

use crate::support::{api, gets, requests, with_header};

/// A layer, and what it does on each side of the batch layer.
struct Row {
    layer: &'static str,
    place: &'static str,
    inside: &'static str,
    outside: &'static str,
}

/// Makes the table, and a test of each cell.
macro_rules! table {
    ($($layer:literal, $place:literal,
        inside: $inside:literal, $inside_file:ident::$inside_test:ident,
        outside: $outside:literal, $outside_file:ident::$outside_test:ident;)*) => {
        const TABLE: &[Row] = &[$(
            Row { layer: $layer, place: $place, inside: $inside, outside: $outside },
        )*];
        $(
            #[tokio::test(start_paused = true)]
            async fn $inside_test() {
                $inside_file::$inside_test().await;
            }

            #[tokio::test(start_paused = true)]
            async fn $outside_test() {
                $outside_file::$outside_test().await;
            }
        )*
    };
}

table! {
    "`ConcurrencyLimit`", "either",
    inside: "limits the items in flight, of all batches together",
    limits::a_concurrency_limit_inside_bounds_items,
    outside: "limits the batches at once, each until its response begins",
    limits::a_concurrency_limit_outside_bounds_batches;

    "`Buffer`", "either",
    inside: "items of all batches take turns",
    limits::a_buffer_inside_takes_turns,
    outside: "batches take turns",
    limits::a_buffer_outside_takes_turns;

    "`LoadShed`", "either",
    inside: "fails an item that would have to wait, with 503 if `map_error` says so",
    limits::a_load_shed_inside_sheds_items_and_its_error_can_be_mapped,
    outside: "refuses a batch that would have to wait",
    limits::a_load_shed_outside_sheds_batches;

    "`RateLimit`", "**inside**",
    inside: "counts every item",
    limits::a_rate_limit_inside_counts_items,
    outside: "counts a batch as one request",
    limits::a_rate_limit_outside_counts_batches;

    "`Timeout`", "inside",
    inside: "fails a slow item, unless only its body is slow",
    failures::a_timeout_inside_ends_an_item,
    outside: "ends a slow batch, with all items and without a response",
    failures::a_timeout_outside_ends_the_batch;

    "`Retry`", "inside",
    inside: "runs an item again, if its policy can copy the body",
    failures::a_retry_inside_runs_an_item_again,
    outside: "runs all items again",
    failures::a_retry_outside_runs_all_items_again;

    "`CatchPanic`", "inside",
    inside: "its response is that of the item",
    failures::a_catch_panic_inside_responds_to_an_item,
    outside: "catches nothing: the batch layer has failed the item with 500",
    failures::a_catch_panic_outside_catches_no_panic_of_an_item;

    "`Trace`", "either",
    inside: "sees every item",
    requests::a_trace_inside_sees_each_item,
    outside: "sees one request",
    requests::a_trace_outside_sees_one_request;

    "`AsyncRequireAuthorization`", "**inside**",
    inside: "checks every item",
    requests::authorization_inside_checks_each_item,
    outside: "refuses a batch early, and checks no item",
    requests::authorization_outside_refuses_early_but_sees_no_item;

    "`Csrf`", "either",
    inside: "fails items of a cross-site batch with 403, unless their method is safe",
    requests::csrf_inside_fails_items_that_are_not_safe,
    outside: "refuses a cross-site batch with 403",
    requests::csrf_outside_refuses_the_batch;

    "`SetRequestId`", "outside",
    inside: "an id for each item, unless the batch has one, which they inherit",
    requests::a_request_id_inside_is_one_for_each_item,
    outside: "one id for the batch and all items; `item_request_ids` makes them differ",
    requests::a_request_id_outside_is_one_for_all_items;

    "`NormalizePath`", "either",
    inside: "trims the paths of items",
    requests::a_normalized_path_inside_is_that_of_an_item,
    outside: "trims the path of the batch, not those of items",
    requests::a_normalized_path_outside_is_that_of_the_batch;

    "`Cors`", "outside",
    inside: "its headers are removed from items",
    envelopes::cors_inside_marks_no_item,
    outside: "responds to preflights, and marks the response to the batch",
    envelopes::cors_outside_handles_preflights_and_marks_the_envelope;

    "`Compression`", "outside",
    inside: "compresses the response to an item that asks for it with its own `Accept-Encoding`",
    envelopes::compression_inside_compresses_items_that_ask_for_it,
    outside: "compresses the whole response",
    envelopes::compression_outside_compresses_the_envelope_and_no_item;

    "`RequestDecompression`", "outside",
    inside: "decompresses the body of an item",
    envelopes::decompression_inside_decompresses_the_body_of_an_item,
    outside: "decompresses the envelope",
    envelopes::decompression_outside_decompresses_the_envelope;

    "`RequestBodyLimit`", "outside",
    inside: "limits the body of each item",
    envelopes::a_body_limit_inside_applies_to_the_body_of_an_item,
    outside: "limits the envelope",
    envelopes::a_body_limit_outside_applies_to_the_envelope;
}

/// The table as Markdown.
fn markdown() -> String {
    let mut text = String::from(
        "| layer | place | inside, every item | outside, the batch |\n| --- | --- | --- | --- |\n",
    );
    for row in TABLE {
        let Row {
            layer,
            place,
            inside,
            outside,
        } = row;
        writeln!(text, "| {layer} | {place} | {inside} | {outside} |").expect("a string");
    }
    text
}

#[test]
fn the_guide_has_the_table() {
    let guide = include_str!("../../../src/guide/stack.md");
    let (start, end) = ("<!-- by tests/all/stacks -->\n", "<!-- end -->\n");
    let (_, rest) = guide.split_once(start).expect("the start of the table");
    let (shown, _) = rest.split_once(end).expect("the end of the table");
    let table = markdown();
    assert!(shown == table, "src/guide/stack.md has to have:\n{table}");
}

const THREE: [&str; 3] = ["/users/1", "/users/2", "/users/3"];

fn layer() -> BatchLayer {
    BatchLayer::new("/batch")
}

fn three_with_header(name: &'static str, value: &'static str) -> Request<Body> {
    with_header(requests(gets(&THREE)), name, value)
}

/// Counts the requests that reach its place.
#[derive(Clone, Default)]
struct Count(Arc<AtomicUsize>);

impl Count {
    fn get(&self) -> usize {
        self.0.load(SeqCst)
    }

    fn add<T>(&self, of: T) -> T {
        self.0.fetch_add(1, SeqCst);
        of
    }

    /// The API with this counter inside.
    fn inside(&self) -> Router {
        let count = self.clone();
        api().layer(MapRequestLayer::new(move |request: Request<Body>| {
            count.add(request)
        }))
    }
}
