//! The servers whose costs are compared.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use tower::Layer;
use tower_multistatus::Json;

use super::inner::{Payload, router};
use super::net::{Cpu, Peer};
use super::{by_hand, layer};

/// An application with this crate's batch endpoint, and one whose endpoint is written by hand. Each
/// has its own thread, so that the heap of one does not slow down the other.
#[derive(Clone, Debug)]
pub(crate) struct Servers {
    pub(crate) ours: Peer,
    pub(crate) by_hand: Peer,
    pub(crate) other: Option<OtherServer>,
}

/// A server with its own format of batches, each a POST to `/`.
#[derive(Clone, Debug)]
pub(crate) struct OtherServer {
    pub(crate) peer: Peer,
    /// Makes an envelope of this number of items with this payload.
    pub(crate) envelope: fn(Payload, usize) -> Bytes,
}

impl Servers {
    pub(crate) fn start() -> Self {
        Self::of(&router(), None)
    }

    /// Starts servers of this application.
    pub(crate) fn of(app: &Router, other: Option<OtherServer>) -> Self {
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

    /// The same servers, behind slow wires.
    pub(crate) fn behind(&self, round_trip: Duration) -> Self {
        let wire = |server: &Peer| Peer::slow_wire(server.address, round_trip / 2);
        Self {
            ours: wire(&self.ours),
            by_hand: wire(&self.by_hand),
            other: self.other.as_ref().map(|other| OtherServer {
                peer: wire(&other.peer),
                ..other.clone()
            }),
        }
    }

    fn peers(&self) -> impl Iterator<Item = &Peer> {
        let other = self.other.as_ref().map(|other| &other.peer);
        [&self.ours, &self.by_hand].into_iter().chain(other)
    }

    pub(crate) fn cpu(&self) -> f64 {
        self.peers().map(|peer| cpu_seconds(&peer.cpu)).sum()
    }

    pub(crate) fn bytes(&self) -> f64 {
        let bytes = self.peers().map(|peer| peer.bytes.load(Ordering::Relaxed));
        bytes.sum::<u64>() as f64
    }
}

pub(crate) fn cpu_seconds(cpu: &Option<Cpu>) -> f64 {
    cpu.as_ref().map_or(0.0, |cpu| cpu.now().as_secs_f64())
}
