//! Random requests that the client half sends to the layer, over a connection that breaks. Each
//! caller checks that the response is that to its own request.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use futures_util::future::join_all;
use futures_util::{StreamExt, TryFutureExt, TryStreamExt};
use http::{Method, Request, Response, StatusCode};
use tokio::time::timeout;
use tower::{BoxError, Layer, ServiceExt, service_fn};
use tower_multistatus::{BatchClient, BatchClientLayer, BatchLayer, ClientBody, NdJson};

use crate::batch::{Executor, Kept, Outcome, layer};
use crate::checks::assert_ended;
use crate::ledger::Ledger;
use crate::random::Random;
use crate::service::{Chaos, ITEM};

const METHODS: [Method; 3] = [Method::GET, Method::POST, Method::HEAD];

/// The end of a request that hangs and is in no batch, as a server would end it.
const LIMIT: Duration = Duration::from_millis(20);

/// Frames of such a response, which may be endless.
const FRAMES: usize = 9;

/// Makes random requests, and checks them.
pub(crate) async fn run(mut random: Random) -> (Outcome, Arc<Ledger>) {
    let items = 1 + random.below(100);
    let kept = Kept::default();
    let server = layer(&mut random, Executor::Tokio, &kept);
    let layer = client_layer(&mut random);
    // The caller of each item: its method, whether others run before, and when it leaves.
    let callers: Vec<_> = (0..items)
        .map(|at| {
            let leaves = random.one_in(6).then(|| random.below(12) as u64);
            (at, METHODS[at % 3].clone(), random.below(3), leaves)
        })
        .collect();
    let dice = Mutex::new(random.clone());
    let ledger = Ledger::new(items, random.one_in(2), random);
    let client = connect(layer, server, &ledger, dice);
    join_all(callers.into_iter().map(|(at, method, yields, leaves)| {
        let call = call(client.clone(), at, method, yields);
        async move {
            match leaves {
                Some(patience) => drop(timeout(Duration::from_millis(patience), call).await),
                None => call.await,
            }
        }
    }))
    .await;
    drop(client);
    // The worker ends a batch after its last caller has gone.
    assert_ended(&ledger, Executor::Tokio).await;
    for at in 0..items {
        let most = if METHODS[at % 3].is_idempotent() {
            2
        } else {
            1
        };
        assert!(ledger.began(at) <= most, "{} ran twice", METHODS[at % 3]);
    }
    (Outcome::Client, ledger)
}

fn client_layer(random: &mut Random) -> BatchClientLayer {
    let layer = BatchClientLayer::new("/batch")
        .max_items(2 + random.below(40))
        .max_in_flight(1 + random.below(4))
        .max_waiting(random.pick(&[3, 1024]))
        .window(Duration::from_millis(random.pick(&[0, 0, 0, 2])));
    match random.below(3) {
        #[cfg(feature = "multipart")]
        0 => layer.format(tower_multistatus::Multipart::new()),
        1 => layer.format(NdJson::new()),
        _ => layer,
    }
}

/// A client with connections to this server.
fn connect(
    layer: BatchClientLayer,
    server: BatchLayer,
    ledger: &Arc<Ledger>,
    dice: Mutex<Random>,
) -> BatchClient<Body> {
    let (ledger, dice) = (Arc::clone(ledger), Arc::new(dice));
    layer.layer(service_fn(move |request: Request<ClientBody>| {
        let fate = dice.lock().expect("the dice").below(24);
        let server = server.layer(Chaos::new(&ledger));
        async move {
            if fate == 0 {
                return Err("the connection was refused".into());
            }
            if fate == 1 {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::NOT_FOUND;
                return Ok(response);
            }
            let is_batch = request.uri().path() == "/batch";
            let responding = server.oneshot(request.map(Body::new));
            // The destructor of the error may panic, so the callers get another one.
            let responding = responding.map_err(|broken| BoxError::from(broken.to_string()));
            if is_batch {
                let response = responding.await?;
                return Ok(response.map(|body| cut(Body::new(body), fate)));
            }
            // A task, because the service may panic where no batch catches it.
            let whole = async {
                let (parts, body) = responding.await?.into_parts();
                let frames = Body::new(body).into_data_stream().take(FRAMES);
                let body: Vec<_> = frames.try_collect().await?;
                Ok::<_, BoxError>((parts.status, parts.headers, body.concat()))
            };
            let (status, headers, body) = tokio::spawn(timeout(LIMIT, whole)).await???;
            let mut response = Response::new(Body::from(body));
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            Ok::<_, BoxError>(response)
        }
    }))
}

/// Breaks the body off after a few frames, if that is its fate.
fn cut(body: Body, fate: usize) -> Body {
    match fate {
        2..6 => {
            let frames = body
                .into_data_stream()
                .map(|frame| frame.map_err(BoxError::from))
                .take(fate - 2);
            let end = futures_util::stream::iter([Err(BoxError::from("the connection broke"))]);
            Body::from_stream(frames.chain(end))
        }
        _ => body,
    }
}

/// Makes a request, and checks its response.
async fn call(client: BatchClient<Body>, at: usize, method: Method, yields: usize) {
    for _ in 0..yields {
        tokio::task::yield_now().await;
    }
    let mut request = Request::new(Body::empty());
    *request.method_mut() = method;
    *request.uri_mut() = format!("/{at}").parse().expect("a URI");
    // The error of a client says nothing about the caller.
    let Ok(response) = client.oneshot(request).await else {
        return;
    };
    let status = response.status().as_u16();
    match response.headers().get(ITEM) {
        Some(item) => assert_eq!(*item, at.to_string(), "the response of another item"),
        None => assert!(status >= 400, "the response of no item: {status}"),
    }
}
