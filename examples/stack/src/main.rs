//! Serves the application: `cargo run --manifest-path examples/stack/Cargo.toml`. Then send a
//! batch:
//!
//! ```sh
//! curl -sw '\n' http://127.0.0.1:3000/batch \
//!   -H 'authorization: Bearer ada' -H 'content-type: application/json' -d '{"requests": [
//!   {"id": "me", "method": "GET", "url": "/me"},
//!   {"id": "visit", "method": "POST", "url": "/visits"}]}'
//! ```

use axum_prometheus::PrometheusMetricLayer;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    tracing_subscriber::fmt().init();
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    stack::serve(listener, stack::app(PrometheusMetricLayer::pair(), 100)).await
}
