//! A batch endpoint on plain hyper, HTTP/1 and HTTP/2: `cargo run --example hyper`, then paste what
//! it prints.
//!
//! It listens on 127.0.0.1:3000, or on the port in `PORT` (0 is any free port).

use std::convert::Infallible;
use std::env;
use std::error::Error;
use std::net::Ipv4Addr;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::{Layer, service_fn};
use tower_multistatus::{BatchLayer, RequestBody};

const TRY: &str = r#"# A batch over HTTP/1.1.
curl -sw '\n' http://ADDRESS/batch -H 'content-type: application/json' -d '{"requests": [
  {"id": "1", "method": "GET",  "url": "/hello"},
  {"id": "2", "method": "POST", "url": "/echo", "headers": {"content-type": "text/plain"}, "body": "bounced"},
  {"id": "3", "method": "GET",  "url": "/nowhere"}]}'

# The same endpoint over HTTP/2, streamed.
curl -sN --http2-prior-knowledge http://ADDRESS/batch \
  -H 'content-type: application/json' -H 'accept: application/x-ndjson' -d '{"requests": [
  {"id": "1", "method": "GET", "url": "/hello"},
  {"id": "2", "method": "GET", "url": "/nowhere"}]}'

# Any other request goes to the service unchanged.
curl -sw '\n' http://ADDRESS/echo -d 'not a batch'
"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let service = BatchLayer::new("/batch").layer(service_fn(serve));

    let port = env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.parse()?)).await?;
    let address = listener.local_addr()?.to_string();
    println!("# Listening on http://{address}\n");
    println!("{}", TRY.replace("ADDRESS", &address));
    loop {
        let (stream, _) = listener.accept().await?;
        // Without this, a streamed line waits until the client has acknowledged the one before.
        drop(stream.set_nodelay(true));
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            let server = auto::Builder::new(TokioExecutor::new());
            let served = server.serve_connection(TokioIo::new(stream), service);
            if let Err(error) = served.await {
                eprintln!("connection failed: {error}");
            }
        });
    }
}

/// `RequestBody` is the body of an item, or hyper's own body of any other request.
async fn serve(
    request: Request<RequestBody<Incoming>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(match (request.method(), request.uri().path()) {
        (&Method::GET, "/hello") => text(StatusCode::OK, "hello"),
        (&Method::POST, "/echo") => match request.into_body().collect().await {
            Ok(body) => text(StatusCode::OK, body.to_bytes()),
            Err(_) => text(StatusCode::BAD_REQUEST, "the body is incomplete"),
        },
        _ => text(StatusCode::NOT_FOUND, "not found"),
    })
}

fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    let content_type = http::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert("content-type", content_type);
    response
}
