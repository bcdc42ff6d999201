//! Servers and a client, and what each of them has computed.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use tokio::runtime::Runtime;
use tower::Layer;
use tower_multistatus::Json;

use super::harness::median;
use super::inner::{Answer, router};
use super::net::{Cpu, Peer};
use super::ways::{Client, Way};
use super::{by_hand, layer};

/// An application with a batch endpoint, and one whose batch endpoint is written by hand. They have
/// threads of their own: what the one leaves in the heap would cost the other time.
#[derive(Clone, Debug)]
pub(crate) struct Servers {
    pub(crate) ours: Peer,
    pub(crate) by_hand: Peer,
    pub(crate) other: Option<Other>,
}

/// A server that reads batches in a form of its own, each a POST to `/`.
#[derive(Clone, Debug)]
pub(crate) struct Other {
    pub(crate) peer: Peer,
    /// So many items of this answer, as this server reads them.
    pub(crate) envelope: fn(Answer, usize) -> Bytes,
}

impl Servers {
    pub(crate) fn start() -> Self {
        Self::of(&router(), None)
    }

    /// With this application behind them.
    pub(crate) fn of(app: &Router, other: Option<Other>) -> Self {
        let trusting = layer(1000).format(Json::new().trust_responses(true));
        let ours = Router::new()
            .nest_service("/trusting", trusting.layer(app.clone()))
            .fallback_service(layer(1000).layer(app.clone()));
        let by_hand = by_hand::app(app.clone());
        Self {
            ours: Peer::server(ours),
            by_hand: Peer::server(by_hand.route("/echo", post(async |body: Bytes| body))),
            other,
        }
    }

    /// The same servers, farther away.
    fn behind(&self, round_trip: Duration) -> Self {
        let wire = |server: &Peer| Peer::slow_wire(server.address, round_trip / 2);
        Self {
            ours: wire(&self.ours),
            by_hand: wire(&self.by_hand),
            other: self.other.as_ref().map(|other| Other {
                peer: wire(&other.peer),
                ..other.clone()
            }),
        }
    }

    fn peers(&self) -> impl Iterator<Item = &Peer> {
        let other = self.other.as_ref().map(|other| &other.peer);
        [&self.ours, &self.by_hand].into_iter().chain(other)
    }

    fn cpu(&self) -> f64 {
        self.peers().map(|peer| seconds(&peer.cpu)).sum()
    }

    fn bytes(&self) -> f64 {
        let bytes = self.peers().map(|peer| peer.bytes.load(Ordering::Relaxed));
        bytes.sum::<u64>() as f64
    }
}

fn seconds(cpu: &Option<Cpu>) -> f64 {
    cpu.as_ref().map_or(0.0, |cpu| cpu.now().as_secs_f64())
}

/// What one run has cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) wall: f64,
    pub(crate) server: f64,
    pub(crate) client: f64,
    pub(crate) bytes: f64,
}

/// Servers, and a client of them that may be far away.
#[derive(Debug)]
pub(crate) struct Scene {
    runtime: Runtime,
    servers: Servers,
    wires: Option<Servers>,
    client: Client,
}

impl Scene {
    pub(crate) fn new(
        servers: &Servers,
        round_trip: Option<Duration>,
        answer: Answer,
        count: usize,
    ) -> Self {
        let runtime = super::harness::runtime();
        let wires = round_trip.map(|round_trip| servers.behind(round_trip));
        let ends = wires.as_ref().unwrap_or(servers);
        Self {
            client: runtime.block_on(Client::new(ends, answer, count)),
            runtime,
            servers: servers.clone(),
            wires,
        }
    }

    /// The medians of so many rounds, in each of which every way runs so many times.
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
            |costs: &[Cost], part: fn(&Cost) -> f64| median(costs.iter().map(part).collect());
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
            // Both threads have come to rest, and the kernel has booked their time.
            std::thread::sleep(Duration::from_millis(2));
            let bytes = self.wires.as_ref().map_or(0.0, Servers::bytes);
            (self.servers.cpu(), seconds(&own), bytes)
        };
        let before = reading();
        let start = Instant::now();
        self.runtime.block_on(async {
            for _ in 0..times {
                self.client.ask(way).await;
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
