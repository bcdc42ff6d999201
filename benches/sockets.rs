//! Measures many GETs over sockets: one by one, over six connections, multiplexed by HTTP/2, and as
//! one batch. Prints the wall time, and the CPU time of client and server. Each has its own thread.
//!
//! ```sh
//! cargo bench --bench sockets [-- --quick]
//! ```
mod support;

use std::time::Duration;

use support::client::Way;
use support::comparison::{Comparison, Cost};
use support::harness::Mode;
use support::inner::Payload;
use support::net::{Cpu, stay_on_core};
use support::servers::Servers;

const COUNT: usize = 100;
const ROUND_TRIP: Duration = Duration::from_millis(20);

fn main() {
    let Some(mode) = Mode::from_args() else {
        println!("`cargo bench --bench sockets` runs this");
        return;
    };
    if Cpu::of_this_thread().is_none() {
        println!("this system does not count the CPU time of a thread: ignore its columns");
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    stay_on_core(0);
    let rounds = match mode {
        Mode::Full => 15,
        Mode::Quick => 3,
    };
    let servers = Servers::start();
    let places = ["Client and server share a core", "Each has its own"];
    for (core, place) in places.iter().enumerate().take(cores) {
        stay_on_core(core);
        println!("# {place}\n");
        many(&servers, rounds);
        one(&servers, rounds);
    }
    stay_on_core(0);
    println!("# With a round trip of {ROUND_TRIP:?}\n");
    far(&servers, rounds);
}

/// Measures a hundred GETs.
fn many(servers: &Servers, rounds: usize) {
    let mut near = Comparison::new(servers, None, Payload::Small, COUNT);
    let costs = near.measure(&Way::ALL, rounds, 10);
    println!("{COUNT} GETs of 30 B over the loopback\n");
    table(&costs);
    let [keep_alive, _, multiplexed, _, _, batch] = costs[..] else {
        unreachable!("a cost for each way")
    };
    println!();
    against(
        "server CPU, a batch to HTTP/2",
        batch.server / multiplexed.server,
        0.2,
    );
    against(
        "server CPU, a batch to HTTP/1 keep-alive",
        batch.server / keep_alive.server,
        0.1,
    );
}

/// Measures one GET, plain and as a batch.
fn one(servers: &Servers, rounds: usize) {
    let mut one = Comparison::new(servers, None, Payload::Small, 1);
    let ways = [Way::KeepAlive, Way::Echo, Way::ByHand, Way::Batch];
    let costs = one.measure(&ways, rounds, 300);
    println!();
    let names = [
        "a plain GET",
        "the bytes of a batch of one, sent back",
        "a batch of one, handler by hand",
        "a batch of one, this crate",
    ];
    for (name, cost) in names.iter().zip(&costs) {
        let [wall, server, client] = [cost.wall, cost.server, cost.client].map(|time| time * 1e6);
        println!(
            "{name}: {wall:.1} µs, CPU of the server {server:.1} µs, of the client {client:.1} µs"
        );
    }
    let cpu = |cost: &Cost| cost.server + cost.client;
    against(
        "CPU of both sides, a batch of one to a plain GET",
        cpu(&costs[3]) / cpu(&costs[0]),
        1.1,
    );
    let any_post = cpu(&costs[1]) / cpu(&costs[0]);
    println!("the same bytes, sent back by a handler that does nothing else: {any_post:.2}\n");
}

/// Measures the hundred GETs with a round trip between client and server.
fn far(servers: &Servers, rounds: usize) {
    let mut far = Comparison::new(servers, Some(ROUND_TRIP), Payload::Small, COUNT);
    let costs = far.measure(&Way::ALL, rounds.div_ceil(5), 1);
    println!("{COUNT} GETs of 30 B\n");
    table(&costs);
    let mut single = Comparison::new(servers, Some(ROUND_TRIP), Payload::Small, 1);
    let single = single.measure(&[Way::KeepAlive], rounds, 1);
    let batch = costs.last().expect("a batch");
    println!();
    against(
        "round trips per batch",
        batch.wall / ROUND_TRIP.as_secs_f64(),
        1.2,
    );
    against(
        "a batch to one GET with the same round trip",
        batch.wall / single[0].wall,
        1.2,
    );
}

fn table(costs: &[Cost]) {
    println!("| | wall, ms | server CPU, µs | client CPU, µs | server CPU to a batch |");
    println!("| --- | --- | --- | --- | --- |");
    let batch = costs.last().expect("a batch").server;
    for (way, cost) in Way::ALL.iter().zip(costs) {
        println!(
            "| {} | {:.2} | {:.0} | {:.0} | {:.1} |",
            way.name(),
            cost.wall * 1e3,
            cost.server * 1e6,
            cost.client * 1e6,
            cost.server / batch,
        );
    }
}

fn against(what: &str, figure: f64, goal: f64) {
    let verdict = if figure > goal { "misses" } else { "reaches" };
    println!("{what}: {figure:.3}, {verdict} the goal of at most {goal}");
}
