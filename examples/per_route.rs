//! Two batch endpoints in one application, each with its own rules: `cargo run --example
//! per_route`, then paste what it prints.
//!
//! It listens on 127.0.0.1:3000, or on the port in `PORT` (0 is any free port).

use std::env;
use std::error::Error;
use std::net::Ipv4Addr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use axum::serve::ListenerExt;
use http::StatusCode;
use tokio::net::TcpListener;
use tower::Layer;
use tower_multistatus::BatchLayer;

const TRY: &str = r#"# The public endpoint: its items reach only URLs below /catalog.
curl -sw '\n' http://ADDRESS/public/batch -H 'content-type: application/json' -d '{"requests": [
  {"id": "1", "method": "GET", "url": "/catalog/tea"},
  {"id": "2", "method": "GET", "url": "/stock/tea"}]}'

# A batch there has at most three items: this one is refused.
curl -sw '\n' http://ADDRESS/public/batch -H 'content-type: application/json' -d '{"requests": [
  {"id": "1", "method": "GET", "url": "/catalog/tea"},
  {"id": "2", "method": "GET", "url": "/catalog/rum"},
  {"id": "3", "method": "GET", "url": "/catalog/jam"},
  {"id": "4", "method": "GET", "url": "/catalog/ham"}]}'

# The partners' endpoint: its items reach all URLs, at 5 items per minute. The second batch is refused.
for attempt in first second; do
  curl -siw '\n' http://ADDRESS/partners/batch -H 'content-type: application/json' -d '{"requests": [
    {"id": "1", "method": "GET", "url": "/catalog/tea"},
    {"id": "2", "method": "GET", "url": "/stock/tea"},
    {"id": "3", "method": "GET", "url": "/stock/rum"}]}'
done
"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let public = BatchLayer::new("/public/batch")
        .max_items(3)
        .max_envelope_bytes(16 << 10)
        .filter(|item| {
            if item.uri.path().starts_with("/catalog/") {
                Ok(())
            } else {
                Err(StatusCode::FORBIDDEN)
            }
        });

    let budget = Budget::new(5, Duration::from_secs(60));
    let partners = BatchLayer::new("/partners/batch")
        .max_items(50)
        .admit(move |admission| budget.charge(admission.items().len()));

    let api = api();
    let app = api
        .clone()
        .route_service("/public/batch", public.layer(api.clone()))
        .route_service("/partners/batch", partners.layer(api));

    let port = env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.parse()?)).await?;
    let address = listener.local_addr()?.to_string();
    println!("# Listening on http://{address}\n");
    println!("{}", TRY.replace("ADDRESS", &address));
    // Without this, a streamed line waits until the client has acknowledged the one before.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    axum::serve(listener, app).await?;
    Ok(())
}

/// The API that the items of both endpoints reach.
fn api() -> Router {
    Router::new()
        .route(
            "/catalog/{name}",
            get(async |Path(name): Path<String>| format!("{name}: 3.50")),
        )
        .route(
            "/stock/{name}",
            get(async |Path(name): Path<String>| format!("{name}: 12 left")),
        )
}

/// A rate limit: a number of items per window of time, for all clients together.
struct Budget {
    items: usize,
    window: Duration,
    spent: Mutex<(Instant, usize)>,
}

impl Budget {
    fn new(items: usize, window: Duration) -> Self {
        let spent = Mutex::new((Instant::now(), 0));
        Self {
            items,
            window,
            spent,
        }
    }

    /// Charges for all items of a batch. If there are too many, charges for none and refuses the
    /// batch with 429 and `Retry-After`.
    fn charge(&self, items: usize) -> Result<(), tower_multistatus::Error> {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if spent.0.elapsed() >= self.window {
            *spent = (Instant::now(), 0);
        }
        if spent.1 + items > self.items {
            let wait = self.window.saturating_sub(spent.0.elapsed()).as_secs() + 1;
            let refusal = tower_multistatus::Error::from(StatusCode::TOO_MANY_REQUESTS);
            return Err(refusal.retry_after(wait));
        }
        spent.1 += items;
        Ok(())
    }
}
