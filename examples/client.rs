//! A client of hyper-util that makes 200 requests at once, alone and with `BatchClientLayer`:
//! `cargo run --release --example client --features client`.
//!
//! It starts a server of its own. With an address, it uses the example `server` there:
//! `cargo run --release --example client --features client -- 127.0.0.1:3000`.

use std::env;
use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use axum::extract::Path;
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use futures_util::future::try_join_all;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use tower::{BoxError, Layer, Service, ServiceExt};
use tower_multistatus::{BatchClientLayer, BatchLayer, ClientBody, NdJson};

const REQUESTS: usize = 200;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let address = match env::args().nth(1) {
        Some(address) => address.parse()?,
        None => start_server()?,
    };
    println!("{REQUESTS} requests at once to http://{address}\n");
    println!("| | requests on the wire | time | CPU of the client |");
    println!("| --- | --- | --- | --- |");
    let sent = Arc::new(AtomicUsize::new(0));
    measure("alone", address, counted(&sent), &sent).await?;
    let layer = BatchClientLayer::new("/batch");
    measure("JSON", address, layer.clone().layer(counted(&sent)), &sent).await?;
    let lines = layer.format(NdJson::new());
    measure("NDJSON", address, lines.layer(counted(&sent)), &sent).await
}

/// A client that counts what it sends.
fn counted(
    sent: &Arc<AtomicUsize>,
) -> impl Service<
    Request<ClientBody>,
    Response = Response<hyper::body::Incoming>,
    Error = hyper_util::client::legacy::Error,
    Future: Send,
> + Clone
+ Send
+ 'static {
    let sent = Arc::clone(sent);
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<_, ClientBody> = Client::builder(TokioExecutor::new()).build(connector);
    client.map_request(move |request| {
        sent.fetch_add(1, Ordering::Relaxed);
        request
    })
}

/// Makes the requests twice, and prints the cost of the second time, when connections are open.
async fn measure<S, B>(
    name: &str,
    address: SocketAddr,
    client: S,
    sent: &AtomicUsize,
) -> Result<(), BoxError>
where
    S: Service<Request<ClientBody>, Response = Response<B>, Error: Into<BoxError>> + Clone,
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>>,
{
    fetch_all(address, &client).await?;
    let (before, cpu, start) = (sent.load(Ordering::Relaxed), cpu_time(), Instant::now());
    fetch_all(address, &client).await?;
    let time = start.elapsed();
    let cpu = cpu_time().zip(cpu).map(|(after, before)| after - before);
    let cpu = cpu.map_or("unknown".to_owned(), |cpu| format!("{cpu:.1?}"));
    let count = sent.load(Ordering::Relaxed) - before;
    println!("| {name} | {count} | {time:.1?} | {cpu} |");
    Ok(())
}

async fn fetch_all<S, B>(address: SocketAddr, client: &S) -> Result<(), BoxError>
where
    S: Service<Request<ClientBody>, Response = Response<B>, Error: Into<BoxError>> + Clone,
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>>,
{
    let calls = (0..REQUESTS).map(|at| {
        let uri = format!("http://{address}/users/{}", 1 + at % 2);
        let client = client.clone();
        async move {
            let request = Request::get(uri).body(ClientBody::from(Bytes::new()))?;
            let response = client.oneshot(request).await.map_err(Into::into)?;
            let status = response.status();
            response.into_body().collect().await.map_err(Into::into)?;
            match status.is_success() {
                true => Ok(()),
                false => Err(BoxError::from(format!("the server responds with {status}"))),
            }
        }
    });
    try_join_all(calls).await.map(drop)
}

/// Starts a server on a thread of its own.
fn start_server() -> Result<SocketAddr, BoxError> {
    let user = async |Path(id): Path<u32>| Json(json!({ "id": id, "name": "Ada" }));
    let api = Router::new().route("/users/{id}", get(user));
    let batch = BatchLayer::new("/batch").max_items(REQUESTS);
    let app = api.clone().route_service("/batch", batch.layer(api));
    let (started, address) = mpsc::channel();
    std::thread::spawn(move || -> std::io::Result<()> {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build()?.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
            let _ = started.send(listener.local_addr()?);
            axum::serve(listener, app).await
        })
    });
    Ok(address.recv()?)
}

/// The CPU time of this thread, which runs the client. `None` on systems that do not count it.
fn cpu_time() -> Option<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos = text.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}
