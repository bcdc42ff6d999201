//! Many GETs over the loopback, in the ways that one has without this crate and with it: CPU time
//! and instructions of the server, by the call. Prints a table in Markdown.
//!
//! ```sh
//! cargo run --release --manifest-path benches/peers/Cargo.toml --target-dir target
//! cargo run --release --manifest-path benches/peers/Cargo.toml --target-dir target -- --quick
//! ```
#[path = "../../support/mod.rs"]
mod support;

mod rpc;
mod under_valgrind;

use support::inner::Answer;
use support::net::stay_on_core;
use support::scene::{Scene, Servers};
use support::ways::Way;
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
    let answers = match is_quick {
        true => &[Answer::Small][..],
        false => &[Answer::Small, Answer::Medium, Answer::Large],
    };
    let has_valgrind = callgrind::is_there();
    if !has_valgrind {
        println!("There is no valgrind here: instructions are not counted.\n");
    }
    // Before this thread is put on one core, for these servers are a process of their own.
    let instructions = answers.iter().map(|answer| match has_valgrind {
        true => WAYS.map(|(way, _)| Some(under_valgrind::instructions(way, *answer, COUNT))),
        false => [None; WAYS.len()],
    });
    let instructions: Vec<_> = instructions.collect();
    stay_on_core(0);
    let servers = servers();
    let rounds = if is_quick { 1 } else { 15 };
    for (answer, instructions) in answers.iter().zip(instructions) {
        let mut scene = Scene::new(&servers, None, *answer, COUNT);
        let costs = scene.measure(&WAYS.map(|(way, _)| way), rounds, 5);
        let size = answer.body().len();
        println!("| {COUNT} GETs of {size} B | instructions a call | CPU of the server a call |");
        println!("| --- | --- | --- |");
        for (((_, name), cost), instructions) in WAYS.iter().zip(costs).zip(instructions) {
            let instructions = instructions.map_or("-".to_owned(), |count| format!("{count:.0}"));
            let cpu = cost.server / COUNT as f64 * 1e6;
            println!("| {name} | {instructions} | {cpu:.2} µs |");
        }
        println!();
    }
}
