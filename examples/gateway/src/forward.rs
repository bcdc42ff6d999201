//! What goes to an upstream, and what comes back.

use std::mem::take;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::header::{self, CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, VIA};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri, Version};
use http_body::Body as _;
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;
use tower_multistatus::RequestBody;

use crate::error::Error;

/// Maximum bytes of a body that the gateway reads to its end before it sends the request. Bodies of
/// items are in memory anyway.
pub const MAX_WHOLE: usize = 256 << 10;

/// The body of a request to an upstream: in memory, so that it can be sent again, or streamed.
pub type Outgoing = Either<Full<Bytes>, RequestBody<Body>>;

pub type Client = legacy::Client<HttpConnector, Outgoing>;

/// Headers about one connection (RFC 9110 §7.6.1). Items come without them.
const HOP_BY_HOP: [HeaderName; 8] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Creates the client that all upstreams share. It keeps a pool of connections to each.
#[must_use]
pub fn client() -> Client {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(Duration::from_secs(1)));
    legacy::Client::builder(TokioExecutor::new()).build(connector)
}

/// Prepares a request for whichever upstream will get it.
///
/// `Host` stays that of the client, because an upstream creates absolute URLs from it.
///
/// # Errors
///
/// The body is short, and cannot be read.
pub async fn prepare(request: Request<RequestBody<Body>>) -> Result<Request<Outgoing>, Error> {
    let (mut parts, body) = request.into_parts();
    remove_hop_by_hop(&mut parts.headers);
    // HTTP/2 has the host in the URI. The layer has copied it for items.
    if let Some(authority) = parts.uri.authority()
        && !parts.headers.contains_key(HOST)
    {
        let host = HeaderValue::from_str(authority.as_str());
        let host = host.map_err(|error| Error::Gateway(error.into()))?;
        parts.headers.insert(HOST, host);
    }
    let via = match parts.version {
        Version::HTTP_2 => "2.0 gateway",
        Version::HTTP_10 => "1.0 gateway",
        _ => "1.1 gateway",
    };
    parts.headers.append(VIA, HeaderValue::from_static(via));
    parts.version = Version::HTTP_11;
    parts.extensions.clear();

    let is_short = |bytes| bytes <= MAX_WHOLE as u64;
    let body = if body.size_hint().upper().is_some_and(is_short) {
        let whole = body.collect().await;
        let whole = whole.map_err(|error| Error::Streamed(error.into()))?;
        Either::Left(Full::new(whole.to_bytes()))
    } else {
        Either::Right(body)
    };
    Ok(Request::from_parts(parts, body))
}

/// Sends a request to an upstream. The path and the query stay as they are.
///
/// A streamed request has no time limit: an upload may take long.
///
/// # Errors
///
/// There is no response.
pub async fn send(
    client: Client,
    upstream: Authority,
    max_time: Duration,
    mut request: Request<Outgoing>,
) -> Result<Response<Incoming>, Error> {
    let mut uri = take(request.uri_mut()).into_parts();
    uri.scheme = Some(Scheme::HTTP);
    uri.authority = Some(upstream);
    uri.path_and_query
        .get_or_insert(PathAndQuery::from_static("/"));
    let uri = Uri::from_parts(uri);
    *request.uri_mut() = uri.map_err(|error| Error::Gateway(error.into()))?;

    let is_streamed = matches!(request.body(), Either::Right(_));
    let response = client.request(request);
    let response = if is_streamed {
        response.await
    } else {
        let response = timeout(max_time, response).await;
        response.map_err(|_| Error::TimedOut)?
    };
    let mut response = response.map_err(|error| match error {
        error if error.is_connect() => Error::Unreachable(error),
        error if is_streamed => Error::Streamed(error.into()),
        error => Error::Broken(error),
    })?;
    remove_hop_by_hop(response.headers_mut());
    Ok(response)
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let connection: Vec<_> = headers.get_all(CONNECTION).iter().cloned().collect();
    let names = connection
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    for name in names.filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok()) {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}
