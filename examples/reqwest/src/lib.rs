//! A client of reqwest that sends its requests in batches, as the page `guide::client` in the
//! documentation of `tower-multistatus` describes it. `cargo test --manifest-path
//! examples/reqwest/Cargo.toml` tests it over a socket.

use http::{Request, Response};
use tower::{BoxError, Layer};
use tower_multistatus::{BatchClient, BatchClientLayer, ClientBody};

/// Sends the requests of a client in batches, to servers with an endpoint at `/batch`.
///
/// # Panics
///
/// Outside of a tokio runtime.
pub fn batched(http: reqwest::Client) -> BatchClient<reqwest::Body> {
    let send = tower::service_fn(move |request: Request<ClientBody>| {
        let http = http.clone();
        async move {
            let request = request.map(reqwest::Body::wrap).try_into()?;
            let response = http.execute(request).await?;
            Ok::<_, BoxError>(Response::from(response))
        }
    });
    BatchClientLayer::new("/batch").layer(send)
}
