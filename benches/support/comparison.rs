//! Compares the costs of requests that are made in different ways.

use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use super::client::{Client, Way};
use super::harness::median;
use super::inner::Payload;
use super::net::Cpu;
use super::servers::{Servers, cpu_seconds};

/// The cost of one run: seconds of wall and CPU time, and bytes over the wire.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) wall: f64,
    pub(crate) server: f64,
    pub(crate) client: f64,
    pub(crate) bytes: f64,
}

/// Servers and a client of them, with or without a slow wire between.
#[derive(Debug)]
pub(crate) struct Comparison {
    runtime: Runtime,
    servers: Servers,
    wires: Option<Servers>,
    client: Client,
}

impl Comparison {
    pub(crate) fn new(
        servers: &Servers,
        round_trip: Option<Duration>,
        payload: Payload,
        count: usize,
    ) -> Self {
        let runtime = super::harness::runtime();
        let wires = round_trip.map(|round_trip| servers.behind(round_trip));
        let ends = wires.as_ref().unwrap_or(servers);
        Self {
            client: runtime.block_on(Client::new(ends, payload, count)),
            runtime,
            servers: servers.clone(),
            wires,
        }
    }

    /// Measures the median cost of each way over several rounds. Each way runs `times` times in a
    /// round.
    pub(crate) fn measure(&mut self, ways: &[Way], rounds: usize, times: usize) -> Vec<Cost> {
        for way in ways {
            self.run(*way, 1);
        }
        let mut costs = vec![Vec::new(); ways.len()];
        for _ in 0..rounds {
            for (way, costs) in ways.iter().zip(&mut costs) {
                costs.push(self.run(*way, times));
            }
        }
        let median_of =
            |costs: &[Cost], field: fn(&Cost) -> f64| median(costs.iter().map(field).collect());
        costs
            .iter()
            .map(|costs| Cost {
                wall: median_of(costs, |cost| cost.wall),
                server: median_of(costs, |cost| cost.server),
                client: median_of(costs, |cost| cost.client),
                bytes: median_of(costs, |cost| cost.bytes),
            })
            .collect()
    }

    pub(crate) fn run(&mut self, way: Way, times: usize) -> Cost {
        let own = Cpu::of_this_thread();
        let reading = || {
            // Wait until both threads are idle and the kernel has counted their time.
            std::thread::sleep(Duration::from_millis(2));
            let bytes = self.wires.as_ref().map_or(0.0, Servers::bytes);
            (self.servers.cpu(), cpu_seconds(&own), bytes)
        };
        let before = reading();
        let start = Instant::now();
        self.runtime.block_on(async {
            for _ in 0..times {
                self.client.request_all(way).await;
            }
        });
        let wall = start.elapsed().as_secs_f64();
        let after = reading();
        let each = |sum: f64| sum / times as f64;
        Cost {
            wall: each(wall),
            server: each(after.0 - before.0),
            client: each(after.1 - before.1),
            bytes: each(after.2 - before.2),
        }
    }
}
