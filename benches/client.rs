//! Compares a client with the layer of the client half with the same client alone, over sockets.
//! Prints the wall time and the CPU time of the client. The server has a thread of its own.
//!
//! ```sh
//! cargo bench --bench client --features client [-- --quick]
//! ```
mod support;

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use http::header::{ACCEPT, ACCEPT_LANGUAGE, AUTHORIZATION, USER_AGENT};
use http::{HeaderName, HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::runtime::Runtime;
use tower::{BoxError, Layer, Service, ServiceExt};
use tower_multistatus::{BatchClient, BatchClientLayer, ClientBody, NdJson};

use support::harness::{Mode, median, runtime};
use support::inner::Payload;
use support::net::{Cpu, stay_on_core};
use support::servers::{Servers, cpu_seconds};
use support::{Kind, Load};

const COUNT: usize = 100;

/// Headers of every request.
const HEADERS: [(HeaderName, &str); 4] = [
    (ACCEPT, "application/json"),
    (ACCEPT_LANGUAGE, "en-GB,en;q=0.5"),
    (AUTHORIZATION, "Bearer 0123456789abcdef0123456789abcdef"),
    (USER_AGENT, "parts/1.0 (Linux; x86_64)"),
];

fn main() {
    let Some(mode) = Mode::from_args() else {
        println!("`cargo bench --bench client --features client` runs this");
        return;
    };
    if Cpu::of_this_thread().is_none() {
        println!("this system does not count the CPU time of a thread: ignore its columns");
    }
    let rounds = match mode {
        Mode::Full => 31,
        Mode::Quick => 3,
    };
    // The thread of the server keeps the core on which it is started.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    stay_on_core(0);
    let bench = Bench::new(Servers::start());
    let places = ["Client and server share a core", "Each has its own"];
    for (core, place) in places.iter().enumerate().take(cores) {
        stay_on_core(core);
        println!("# {place}\n");
        bench.many(Pace::Together, rounds);
        bench.many(Pace::Apart, rounds);
        bench.one(rounds);
    }
}

/// The cost of a request in seconds.
#[derive(Clone, Copy, Debug)]
struct Cost {
    wall: f64,
    client: f64,
    server: f64,
}

#[derive(Clone, Copy, Debug)]
enum Way {
    Plain,
    Json,
    Lines,
}

impl Way {
    const ALL: [Self; 3] = [Self::Plain, Self::Json, Self::Lines];

    fn name(self) -> &'static str {
        match self {
            Self::Plain => "the client alone, HTTP/1",
            Self::Json => "with the layer, JSON",
            Self::Lines => "with the layer, NDJSON",
        }
    }
}

/// When a caller makes its next request.
#[derive(Clone, Copy, Debug)]
enum Pace {
    /// When all callers have their responses.
    Together,
    /// When it has its own response.
    Apart,
}

impl Pace {
    fn name(self) -> &'static str {
        match self {
            Self::Together => "100 at once, then the next 100",
            Self::Apart => "100 callers, each of which makes one request after the other",
        }
    }
}

struct Bench {
    runtime: Runtime,
    servers: Servers,
    plain: Client<HttpConnector, Empty<Bytes>>,
    json: BatchClient<Incoming>,
    lines: BatchClient<Incoming>,
    uris: Vec<Uri>,
}

fn http_client<B>() -> Client<HttpConnector, B>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new()).build(connector)
}

impl Bench {
    fn new(servers: Servers) -> Self {
        let runtime = runtime();
        // The layer spawns its worker.
        let entered = runtime.enter();
        let layer = BatchClientLayer::new("/batch");
        let load = Load::new(Kind::Get, Payload::Small, COUNT);
        let uris = load.ready.iter().map(|(_, uri, _)| {
            let uri = format!("http://{}{uri}", servers.ours.address);
            uri.parse().expect("a URI")
        });
        let uris = uris.collect();
        let json = layer.layer(http_client::<ClientBody>());
        let lines = layer
            .format(NdJson::new())
            .layer(http_client::<ClientBody>());
        drop(entered);
        Self {
            runtime,
            servers,
            plain: http_client(),
            json,
            lines,
            uris,
        }
    }

    /// Makes this number of requests at once, as often as this, at this pace.
    fn run(&self, way: Way, pace: Pace, at_once: usize, times: usize) -> Cost {
        let own = Cpu::of_this_thread();
        let reading = || {
            // Wait until both threads are idle and the kernel has counted their time.
            std::thread::sleep(Duration::from_millis(2));
            (cpu_seconds(&own), self.servers.cpu())
        };
        let uris = &self.uris[..at_once];
        let before = reading();
        let start = Instant::now();
        self.runtime.block_on(async {
            match way {
                Way::Plain => load(&self.plain, uris, pace, times).await,
                Way::Json => load(&self.json, uris, pace, times).await,
                Way::Lines => load(&self.lines, uris, pace, times).await,
            }
        });
        let wall = start.elapsed().as_secs_f64();
        let after = reading();
        let each = |sum: f64| sum / (times * at_once) as f64;
        Cost {
            wall: each(wall),
            client: each(after.0 - before.0),
            server: each(after.1 - before.1),
        }
    }

    /// The median cost of each way. They are measured in turn.
    fn measure(
        &self,
        ways: &[Way],
        pace: Pace,
        at_once: usize,
        times: usize,
        rounds: usize,
    ) -> Vec<Cost> {
        let mut costs = vec![Vec::new(); ways.len()];
        for way in ways {
            self.run(*way, pace, at_once, times);
        }
        for _ in 0..rounds {
            for (way, costs) in ways.iter().zip(&mut costs) {
                costs.push(self.run(*way, pace, at_once, times));
            }
        }
        let median_of =
            |costs: &[Cost], field: fn(&Cost) -> f64| median(costs.iter().map(field).collect());
        let medians = costs.iter().map(|costs| Cost {
            wall: median_of(costs, |cost| cost.wall),
            client: median_of(costs, |cost| cost.client),
            server: median_of(costs, |cost| cost.server),
        });
        medians.collect()
    }

    fn many(&self, pace: Pace, rounds: usize) {
        let costs = self.measure(&Way::ALL, pace, COUNT, 20, rounds);
        println!(
            "{}, GETs of 30 B over the loopback, per request\n",
            pace.name()
        );
        table(&Way::ALL, &costs);
        println!();
        for (way, cost) in Way::ALL.iter().zip(&costs).skip(1) {
            let client = cost.client / costs[0].client;
            against(
                &format!("CPU of the client, {}", way.name()),
                client,
                1.0 / 3.0,
            );
            let wall = cost.wall / costs[0].wall;
            against(&format!("time, {}", way.name()), wall, 1.0 / 3.0);
        }
        println!();
    }

    fn one(&self, rounds: usize) {
        let ways = [Way::Plain, Way::Json];
        let costs = self.measure(&ways, Pace::Together, 1, 500, rounds);
        println!("One GET of 30 B after the other\n");
        table(&ways, &costs);
        println!();
        against(
            "CPU of the client, alone",
            costs[1].client / costs[0].client,
            1.2,
        );
        against("time, alone", costs[1].wall / costs[0].wall, 1.2);
        println!();
    }
}

/// Makes these requests at once, as often as this, and reads the responses.
async fn load<S, B>(client: &S, uris: &[Uri], pace: Pace, times: usize)
where
    S: Service<Request<Empty<Bytes>>, Response = Response<B>, Error: std::fmt::Debug> + Clone,
    B: http_body::Body<Error: std::fmt::Debug>,
{
    match pace {
        Pace::Together => {
            for _ in 0..times {
                join_all(uris.iter().map(|uri| fetch(client, uri))).await;
            }
        }
        Pace::Apart => {
            let callers = uris.iter().map(async |uri| {
                for _ in 0..times {
                    fetch(client, uri).await;
                }
            });
            join_all(callers).await;
        }
    }
}

fn fetch<S, B>(client: &S, uri: &Uri) -> impl Future<Output = ()> + use<S, B>
where
    S: Service<Request<Empty<Bytes>>, Response = Response<B>, Error: std::fmt::Debug> + Clone,
    B: http_body::Body<Error: std::fmt::Debug>,
{
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = uri.clone();
    for (name, value) in HEADERS {
        let value = HeaderValue::from_static(value);
        request.headers_mut().insert(name, value);
    }
    let client = client.clone();
    async move {
        let response = client.oneshot(request).await.expect("a response");
        assert!(response.status().is_success(), "{}", response.status());
        let body = response.into_body().collect().await.expect("a body");
        assert!(!body.to_bytes().is_empty());
    }
}

fn table(ways: &[Way], costs: &[Cost]) {
    println!("| | time, µs | client CPU, µs | server CPU, µs | requests a second |");
    println!("| --- | --- | --- | --- | --- |");
    for (way, cost) in ways.iter().zip(costs) {
        let [wall, client, server] = [cost.wall, cost.client, cost.server].map(|time| time * 1e6);
        let rate = 1.0 / cost.wall;
        println!(
            "| {} | {wall:.2} | {client:.2} | {server:.2} | {rate:.0} |",
            way.name()
        );
    }
}

fn against(what: &str, ratio: f64, goal: f64) {
    let verdict = if ratio > goal { "misses" } else { "reaches" };
    println!(
        "{what}: {ratio:.3} of that without the layer, {verdict} the goal of at most {goal:.3}"
    );
}
