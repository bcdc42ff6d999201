//! Time, as ratios to the floor: what a batch costs beside calling the service in a loop, and what
//! a handler that one would write by hand costs. Over a service that does nothing, over an axum
//! `Router` that sends ready bytes, and over one whose handlers use extractors, by
//! `Router::oneshot`.
//!
//! ```sh
//! cargo bench --bench ratio [-- --quick]
//! ```
mod support;

use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use support::harness::{Mode, Variant, answered, floored, oneshot, runtime, seconds};
use support::inner::{Answer, Trivial, router};
use support::{Kind, Load, by_hand, layer, real};
use tokio::runtime::Runtime;
use tower::{Layer, Service};
use tower_multistatus::RequestBody;

/// For each row of the table.
const TIME: Duration = Duration::from_millis(800);

fn main() {
    let Some(mode) = Mode::from_args() else {
        println!("`cargo bench --bench ratio` runs this");
        return;
    };
    println!(
        "| service | items | answers | N | floor, ns an item | buffered | streamed | by hand |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    let runtime = runtime();
    for kind in [Kind::Get, Kind::Post] {
        for answer in [Answer::Small, Answer::Medium, Answer::Large] {
            for count in [1, 10, 100, 1000] {
                let load = Load::new(kind, answer, count);
                let size = answer.body().len();
                let floor = floored(&runtime, Trivial(answer.body()), &load, size);
                row(
                    mode,
                    "nothing",
                    floor,
                    Trivial(answer.body()),
                    &runtime,
                    &load,
                );
                let floor = floored(&runtime, router(), &load, size);
                row(mode, "axum", floor, router(), &runtime, &load);
                let floor = oneshot(&runtime, real::router(), &load, size);
                row(mode, "extractors", floor, real::router(), &runtime, &load);
            }
        }
    }
}

fn row<'a, S>(
    mode: Mode,
    name: &str,
    floor: Variant<'a>,
    service: S,
    runtime: &'a Runtime,
    load: &'a Load,
) where
    S: Service<
            Request<Body>,
            Response = Response<Body>,
            Error = std::convert::Infallible,
            Future: Send,
        > + Service<
            Request<RequestBody<Body>>,
            Response = Response<Body>,
            Error = std::convert::Infallible,
            Future: Send,
        > + Clone
        + Send
        + Sync
        + 'static,
{
    let count = load.ready.len();
    let size = load.answer.body().len();
    let batch = || load.request();
    let streamed = layer(count).streamed(true).layer(service.clone());
    let mut variants: Vec<Variant<'_>> = vec![floor, answered(runtime, streamed, batch)];
    // All of it in memory at once, many times over.
    let is_huge = count * size > 32 << 20;
    if !is_huge {
        variants.push(answered(
            runtime,
            layer(count).layer(service.clone()),
            batch,
        ));
        variants.push(answered(runtime, by_hand::app(service), batch));
    }
    let seconds = seconds(&mut variants, mode.of(TIME));
    let floor = seconds[0];
    let ratio = |index: usize| match seconds.get(index) {
        Some(seconds) => format!("{:.2}", seconds / floor),
        None => "-".to_owned(),
    };
    println!(
        "| {name} | {kind} | {size} B | {count} | {floor:.0} | {buffered} | {streamed} | {by_hand} |",
        kind = load.ready[0].0,
        floor = floor * 1e9 / count as f64,
        streamed = ratio(1),
        buffered = ratio(2),
        by_hand = ratio(3),
    );
}
