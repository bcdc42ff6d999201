//! A streamed answer does not wait for its slowest item: when the first bytes are out, and when all
//! but that item are. And what streaming costs where no item is slow.
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
use support::harness::{Mode, Variant, answered, median, runtime, seconds};
use support::inner::{Answer, router};
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
    println!("{COUNT} items, one of them of {SLOW:?}; milliseconds from the request\n");
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
    println!("| answers | streamed to buffered | goal |\n| --- | --- | --- |");
    for answer in [Answer::Small, Answer::Medium] {
        let runtime = runtime();
        let load = Load::new(Kind::Get, answer, COUNT);
        let mut variants: Vec<Variant<'_>> = [false, true]
            .map(|is_streamed| {
                let service = layer(COUNT).streamed(is_streamed).layer(router());
                answered(&runtime, service, || load.request())
            })
            .into();
        let seconds = seconds(&mut variants, mode.of(TIME));
        let ratio = seconds[1] / seconds[0];
        println!("| {} B | {ratio:.3} | at most 1.05 |", answer.body().len());
    }
}

/// Milliseconds to the first bytes, to the answers of all but the slow item, and to the end.
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
        let answer = service.call(request).await.expect("an answer");
        let mut body = answer.into_body();
        let (mut first, mut others, mut answered) = (None, None, 0);
        while let Some(frame) = body.frame().await {
            let data = frame.expect("a frame").into_data().expect("bytes");
            first.get_or_insert_with(since);
            answered += data
                .windows(6)
                .filter(|bytes| bytes == b"\"id\":\"")
                .count();
            if answered >= COUNT - 1 {
                others.get_or_insert_with(since);
            }
        }
        assert_eq!(
            answered, COUNT,
            "every item is answered, none across two frames"
        );
        [first, others, Some(since())].map(|time| time.expect("it came"))
    })
}
