//! Measures when a streamed response sends its first bytes, and when it has sent every item but a
//! slow one. Also measures the cost of streaming where no item is slow.
//!
//! ```sh
//! cargo bench --bench first_byte [-- --quick]
//! ```
mod support;

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use http_body_util::BodyExt;
use support::harness::{Mode, Variant, median, runtime, seconds, served};
use support::inner::{Payload, router};
use support::{Kind, Load, layer};
use tower::{Layer, Service};

const COUNT: usize = 100;
const SLOW: Duration = Duration::from_millis(100);
const TIME: Duration = Duration::from_secs(5);

fn main() {
    let Some(mode) = Mode::from_args() else {
        println!("`cargo bench --bench first_byte` runs this");
        return;
    };
    let rounds = match mode {
        Mode::Full => 21,
        Mode::Quick => 3,
    };
    println!("{COUNT} items, one of which takes {SLOW:?}; milliseconds from the request\n");
    println!("| slow item | | first bytes | all but the slow one | end |");
    println!("| --- | --- | --- | --- | --- |");
    for (name, place) in [("first", 0), ("last", COUNT - 1)] {
        for is_streamed in [true, false] {
            let times: Vec<[f64; 3]> = (0..rounds).map(|_| timed(place, is_streamed)).collect();
            let [first, others, end] =
                [0, 1, 2].map(|part| median(times.iter().map(|times| times[part]).collect()));
            let kind = if is_streamed { "streamed" } else { "buffered" };
            println!("| {name} | {kind} | {first:.2} | {others:.2} | {end:.2} |");
        }
    }
    println!("\nWithout a slow item\n");
    println!("| responses | streamed to buffered | goal |\n| --- | --- | --- |");
    for payload in [Payload::Small, Payload::Medium] {
        let runtime = runtime();
        let load = Load::new(Kind::Get, payload, COUNT);
        let mut variants: Vec<Variant<'_>> = [false, true]
            .map(|is_streamed| {
                let service = layer(COUNT).streamed(is_streamed).layer(router());
                served(&runtime, service, || load.request())
            })
            .into();
        let seconds = seconds(&mut variants, mode.of(TIME));
        let ratio = seconds[1] / seconds[0];
        println!("| {} B | {ratio:.3} | at most 1.05 |", payload.body().len());
    }
}

/// Milliseconds until the first bytes, until the responses of all but the slow item, and until the
/// end.
fn timed(place: usize, is_streamed: bool) -> [f64; 3] {
    let items: Vec<String> = (0..COUNT)
        .map(|id| {
            let path = if id == place {
                "/slow".to_owned()
            } else {
                format!("/small/{id}")
            };
            format!(r#"{{"id":"{id}","method":"GET","url":"{path}"}}"#)
        })
        .collect();
    let envelope = format!(r#"{{"requests":[{}]}}"#, items.join(","));
    let api: Router = router().route("/slow", get(async || tokio::time::sleep(SLOW).await));
    let mut service = layer(COUNT).streamed(is_streamed).layer(api);
    let request = Request::post("/batch").header("content-type", "application/json");
    let request = request.body(Body::from(envelope)).expect("a request");
    runtime().block_on(async {
        let start = Instant::now();
        let since = || start.elapsed().as_secs_f64() * 1e3;
        let response = service.call(request).await.expect("a response");
        let mut body = response.into_body();
        let (mut first, mut others, mut responses) = (None, None, 0);
        while let Some(frame) = body.frame().await {
            let data = frame.expect("a frame").into_data().expect("bytes");
            first.get_or_insert_with(since);
            responses += data
                .windows(6)
                .filter(|bytes| bytes == b"\"id\":\"")
                .count();
            if responses >= COUNT - 1 {
                others.get_or_insert_with(since);
            }
        }
        assert_eq!(
            responses, COUNT,
            "one response per item, none of them split between frames"
        );
        [first, others, Some(since())].map(|time| time.expect("a time for each"))
    })
}
