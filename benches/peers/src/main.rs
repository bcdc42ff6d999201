//! Measures many GETs over the loopback, with this crate and with alternatives: CPU time and
//! instructions of the server per call. Prints a table in Markdown.
//!
//! ```sh
//! cargo run --release --manifest-path benches/peers/Cargo.toml --target-dir target
//! cargo run --release --manifest-path benches/peers/Cargo.toml --target-dir target -- --quick
//! ```
#[path = "../../support/mod.rs"]
mod support;

mod rpc;
mod under_valgrind;

use support::client::Way;
use support::comparison::Comparison;
use support::inner::Payload;
use support::net::stay_on_core;
use support::servers::Servers;
use support::{callgrind, real};

const COUNT: usize = 100;

const WAYS: [(Way, &str); 5] = [
    (Way::KeepAlive, "one by one, HTTP/1 keep-alive"),
    (Way::Multiplexed, "HTTP/2, all at once"),
    (Way::Other, "a batch, jsonrpsee"),
    (Way::ByHand, "a batch, axum by hand"),
    (Way::Batch, "a batch, this crate"),
];

fn servers() -> Servers {
    Servers::of(&real::router(), Some(rpc::server()))
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.iter().any(|arg| arg == under_valgrind::SERVE) {
        under_valgrind::serve(&servers());
        return;
    }
    let is_quick = args.iter().any(|arg| arg == "--quick");
    let payloads = if is_quick {
        &[Payload::Small][..]
    } else {
        &[Payload::Small, Payload::Medium, Payload::Large]
    };
    let has_valgrind = callgrind::is_installed();
    if !has_valgrind {
        println!("valgrind is not installed: instructions are not counted.\n");
    }
    // Before this thread is bound to a core: these servers are a process of their own, and would
    // inherit that.
    let instructions = payloads.iter().map(|payload| {
        if has_valgrind {
            WAYS.map(|(way, _)| Some(under_valgrind::instructions(way, *payload, COUNT)))
        } else {
            [None; WAYS.len()]
        }
    });
    let instructions: Vec<_> = instructions.collect();
    stay_on_core(0);
    let servers = servers();
    let rounds = if is_quick { 1 } else { 15 };
    for (payload, instructions) in payloads.iter().zip(instructions) {
        let mut comparison = Comparison::new(&servers, None, *payload, COUNT);
        let costs = comparison.measure(&WAYS.map(|(way, _)| way), rounds, 5);
        let size = payload.body().len();
        println!(
            "| {COUNT} GETs of {size} B | instructions per call | CPU of the server per call |"
        );
        println!("| --- | --- | --- |");
        for (((_, name), cost), instructions) in WAYS.iter().zip(costs).zip(instructions) {
            let instructions = instructions.map_or("-".to_owned(), |count| format!("{count:.0}"));
            let cpu = cost.server / COUNT as f64 * 1e6;
            println!("| {name} | {instructions} | {cpu:.2} µs |");
        }
        println!();
    }
}
