//! Measures the peak of the heap during a large batch: streamed, buffered, and by the handler
//! written by hand.
//!
//! ```sh
//! cargo bench --bench memory [-- --quick]
//! ```
mod support;

use axum::body::Body;
use http::{Request, Response};
use support::build::CASE;
use support::harness::{Mode, Variant, runtime, served};
use support::inner::{Fresh, Payload};
use support::{Kind, Load, by_hand, case, layer};
use tower::{Layer, Service};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [first, words] = &args[..]
        && first == CASE
    {
        println!("{}", case::with(words, peak));
        return;
    }
    let Some(mode) = Mode::from_args() else {
        println!("`cargo bench --bench memory` runs this");
        return;
    };
    let count = match mode {
        Mode::Full => 1000,
        Mode::Quick => 100,
    };
    let load = Load::new(Kind::Get, Payload::Large, count);
    let size = Payload::Large.body().len();
    println!(
        "{count} responses of {} KiB, each a new allocation\n",
        size >> 10
    );
    println!("| | peak, KiB | to the responses |\n| --- | --- | --- |");
    let service = Fresh(Payload::Large.body());
    let streamed = layer(count).streamed(true);
    row("streamed", streamed.clone().layer(service.clone()), &load);
    row(
        "streamed, one at a time",
        streamed.concurrency(1).layer(service.clone()),
        &load,
    );
    row("buffered", layer(count).layer(service.clone()), &load);
    row("by hand", by_hand::app(service), &load);
}

fn row<S, B>(name: &str, service: S, load: &Load)
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: std::fmt::Debug,
    B: http_body::Body + Unpin,
    B::Error: std::fmt::Debug,
{
    let runtime = runtime();
    let peak = peak(&mut served(&runtime, service, || load.request()));
    let responses = load.ready.len() * Payload::Large.body().len();
    println!(
        "| {name} | {} | {:.4} |",
        peak >> 10,
        peak as f64 / responses as f64
    );
}

/// The peak of the heap during one run, in bytes, without what was allocated before.
fn peak(run: &mut Variant<'_>) -> u64 {
    allocation_counter::measure(|| run(1)).bytes_max
}
