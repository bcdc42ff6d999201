//! Random requests, groups of callers and faults of the server.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::stream;
use proptest::collection::vec;
use proptest::prelude::*;
use tower::Layer;
use tower_multistatus::{NdJson, Retry};

use super::*;
use crate::support::run;

/// A request: its method, its group, and when it is made.
#[derive(Clone, Debug)]
struct Call {
    method: Method,
    tenant: u8,
    /// In milliseconds.
    start: u64,
    /// After how many milliseconds the caller goes away.
    patience: Option<u64>,
}

/// What the server does with a batch.
#[derive(Clone, Debug)]
enum Fault {
    None,
    /// Refuses the batch before anything runs.
    Refuse(u16),
    /// Fails before anything runs, or after all has run.
    Break {
        has_run: bool,
    },
    /// Breaks off after this part of the response, in percent.
    Cut(usize),
    /// Sends other bytes.
    Garbage,
    /// Removes the response of an item.
    Missing(usize),
    /// Replaces the response of an item by a false one of another item.
    Twice(usize),
    /// Replaces the response of an item by one with an id that no item has.
    Unknown(usize),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Wire {
    Json,
    Lines,
    #[cfg(feature = "multipart")]
    Multipart,
}

impl Wire {
    fn layer(self) -> BatchClientLayer {
        match self {
            Self::Json => layer(),
            Self::Lines => layer().format(NdJson::new()),
            #[cfg(feature = "multipart")]
            Self::Multipart => layer().format(tower_multistatus::Multipart::new()),
        }
    }

    /// Changes the list of responses, each of which is a line.
    fn change(self, envelope: &[u8], change: impl FnOnce(&mut Vec<String>)) -> Vec<u8> {
        let text = String::from_utf8(envelope.to_vec()).expect("UTF-8");
        match self {
            Self::Json => {
                let inner = text
                    .strip_prefix("{\"responses\":[\n")
                    .expect("an envelope");
                let inner = inner.strip_suffix("]}").expect("an envelope");
                let mut lines = inner.split(",\n").map(str::to_owned).collect();
                change(&mut lines);
                format!("{{\"responses\":[{}]}}", lines.join(",")).into()
            }
            Self::Lines => {
                let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
                let summary = lines.pop().expect("a summary");
                change(&mut lines);
                lines.push(summary);
                (lines.join("\n") + "\n").into()
            }
            #[cfg(feature = "multipart")]
            Self::Multipart => envelope.to_vec(),
        }
    }
}

fn call() -> impl Strategy<Value = Call> {
    let method = prop::sample::select(vec![
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
    ]);
    let patience = prop_oneof![4 => Just(None), 1 => (0..20_u64).prop_map(Some)];
    (method, 0..3_u8, 0..4_u64, patience).prop_map(|(method, tenant, start, patience)| Call {
        method,
        tenant,
        start,
        patience,
    })
}

fn fault() -> impl Strategy<Value = Fault> {
    let status = prop::sample::select(vec![400, 401, 404, 405, 413, 415, 429, 500, 503]);
    prop_oneof![
        3 => Just(Fault::None),
        2 => status.prop_map(Fault::Refuse),
        1 => any::<bool>().prop_map(|has_run| Fault::Break { has_run }),
        2 => (0..100_usize).prop_map(Fault::Cut),
        1 => Just(Fault::Garbage),
        1 => (0..5_usize).prop_map(Fault::Missing),
        1 => (0..5_usize).prop_map(Fault::Twice),
        1 => (0..5_usize).prop_map(Fault::Unknown),
    ]
}

fn wire() -> impl Strategy<Value = Wire> {
    prop::sample::select(vec![
        Wire::Json,
        Wire::Lines,
        #[cfg(feature = "multipart")]
        Wire::Multipart,
    ])
}

/// How often each path has run.
type Runs = Arc<Mutex<HashMap<String, usize>>>;

/// A server that has these faults, one per batch.
fn server(wire: Wire, faults: Vec<Fault>, runs: &Runs) -> Connection {
    let runs = Arc::clone(runs);
    let api = Router::new().fallback(async move |request: Request<Body>| {
        let path = request.uri().path().to_owned();
        *runs
            .lock()
            .expect("the runs")
            .entry(path.clone())
            .or_default() += 1;
        tokio::time::sleep(Duration::from_millis(path.len() as u64)).await;
        path
    });
    let batch = BatchLayer::new("/batch").max_items(40);
    #[cfg(feature = "multipart")]
    let batch = batch.format(tower_multistatus::Multipart::new());
    let server = batch.layer(api);
    let faults = Arc::new(Mutex::new(faults.into_iter()));
    super::Wire::default().to(move |sent| {
        let (server, faults) = (server.clone(), Arc::clone(&faults));
        async move {
            let fault = match sent.is_batch() {
                true => faults.lock().expect("the faults").next(),
                false => None,
            };
            let fault = fault.unwrap_or(Fault::None);
            match fault {
                Fault::Refuse(status) => return json_response(status, "refused"),
                Fault::Break { has_run: false } => return Err("no connection".into()),
                _ => {}
            }
            let mut request = Request::new(Body::from(sent.body));
            *request.method_mut() = sent.method;
            *request.uri_mut() = sent.uri.parse()?;
            *request.headers_mut() = sent.headers;
            let response = server.oneshot(request).await?.map(Body::new);
            if matches!(fault, Fault::None) || !response.status().is_success() {
                return Ok(response);
            }
            let (head, body) = response.into_parts();
            let envelope = body.collect().await?.to_bytes();
            let at = |position: usize, lines: &Vec<String>| position % lines.len();
            let changed = match fault {
                Fault::Break { .. } => return Err("the connection was reset".into()),
                Fault::Cut(percent) => {
                    let kept = envelope.slice(..envelope.len() * percent / 100);
                    let broken = std::io::Error::other("the connection was reset");
                    let body = Body::from_stream(stream::iter([Ok(kept), Err(broken)]));
                    return Ok(Response::from_parts(head, body));
                }
                Fault::Garbage => b"{\"responses\":[{\"id\":\"1\",\"status\":200,}]}".to_vec(),
                Fault::Missing(item) => wire.change(&envelope, |lines| {
                    lines.remove(at(item, lines));
                }),
                Fault::Twice(item) => wire.change(&envelope, |lines| {
                    let item = at(item, lines);
                    let other = (item + 1) % lines.len();
                    lines[other] = lines[item].replace("\"body\":\"/", "\"body\":\"/forged");
                }),
                Fault::Unknown(item) => wire.change(&envelope, |lines| {
                    let item = at(item, lines);
                    let forged = lines[item].replace("\"body\":\"/", "\"body\":\"/forged");
                    lines[item] = forged.replacen("\"id\":\"", "\"id\":\"x", 1);
                }),
                Fault::None | Fault::Refuse(_) => envelope.to_vec(),
            };
            Ok(Response::from_parts(head, Body::from(changed)))
        }
    })
}

async fn scenario(
    wire: Wire,
    calls: Vec<Call>,
    faults: Vec<Fault>,
    max_items: usize,
    in_flight: usize,
) {
    let runs = Runs::default();
    let retry = Retry::idempotent(1, Duration::from_secs(1));
    let layer = wire
        .layer()
        .max_items(max_items)
        .max_in_flight(in_flight)
        .retry(retry);
    let client = layer.layer(server(wire, faults, &runs));
    let outcomes = calls.iter().enumerate().map(|(at, call)| {
        let mut request = request(call.method.clone(), &format!("/{at}"));
        let tenant = http::HeaderValue::from(u16::from(call.tenant));
        request.headers_mut().insert("x-tenant", tenant);
        let client = client.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(call.start)).await;
            let patience = Duration::from_millis(call.patience.unwrap_or(3_600_000));
            tokio::time::timeout(patience, fetch(&client, request)).await
        }
    });
    let outcomes = join_all(outcomes).await;
    let runs = runs.lock().expect("the runs");
    for (at, (call, outcome)) in calls.iter().zip(&outcomes).enumerate() {
        let path = format!("/{at}");
        let count = runs.get(&path).copied().unwrap_or_default();
        let shown = format!("{path} {call:?}: {outcome:?}, run {count} times");
        if !call.method.is_idempotent() {
            assert!(count <= 1, "{shown}");
        }
        match outcome {
            Err(_) => assert!(call.patience.is_some(), "no outcome: {shown}"),
            Ok(Ok(reply)) if reply.status == 200 => {
                assert_eq!(reply.body, path, "{shown}");
                assert!(count > 0, "{shown}");
            }
            Ok(Ok(reply)) => {
                assert_eq!(reply.body, "refused", "{shown}");
                assert!(call.method.is_idempotent() || count == 0, "{shown}");
            }
            Ok(Err(kind)) => {
                let is_lost = *kind == BatchClientErrorKind::OutcomeUnknown;
                assert!(!is_lost || !call.method.is_idempotent(), "{shown}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn each_caller_has_its_own_response_or_an_error_and_nothing_unsafe_runs_twice(
        wire in wire(),
        calls in vec(call(), 1..60),
        faults in vec(fault(), 0..8),
        max_items in 2..50_usize,
        in_flight in 1..4_usize,
    ) {
        run(async {
            tokio::time::pause();
            scenario(wire, calls, faults, max_items, in_flight).await;
        });
    }
}
