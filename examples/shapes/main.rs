//! Eight small APIs in the manner of well-known ones. Each has the batch endpoint that its clients
//! know: `cargo run --example shapes --features shapes`, then paste what it prints.
//!
//! It listens on 127.0.0.1:3000, or on the port in `PORT` (0 is any free port).

use std::env;
use std::error::Error;
use std::net::Ipv4Addr;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tower::Layer;
use tower_multistatus::BatchLayer;

mod facebook;
mod jive;
mod kinto;
mod objects;
mod parse;
mod salesforce;
mod scim;
mod servicenow;
mod wordpress;

use objects::Objects;

/// The maximum of items per batch. Kinto, WordPress and SCIM tell it to their clients.
const MAX_ITEMS: usize = 25;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = with_batches(&api());

    let port = env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.parse()?)).await?;
    let address = listener.local_addr()?.to_string();
    println!("# Listening on http://{address}\n");
    for commands in [
        kinto::TRY,
        wordpress::TRY,
        salesforce::TRY,
        servicenow::TRY,
        parse::TRY,
        facebook::TRY,
        scim::TRY,
        jive::TRY,
    ] {
        println!("{}", commands.replace("ADDRESS", &address));
    }
    // Without this, a streamed line waits until the client has acknowledged the one before.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    axum::serve(listener, app).await?;
    Ok(())
}

/// The APIs that the items of a batch reach. They have no code for batches.
fn api() -> Router {
    Router::new()
        .merge(kinto::routes())
        .merge(wordpress::routes())
        .merge(salesforce::routes())
        .merge(servicenow::routes())
        .merge(parse::routes())
        .merge(facebook::routes())
        .merge(scim::routes())
        .merge(jive::routes())
        .with_state(Objects::default())
}

/// The constructor of a batch layer, called with its path.
type Preset = fn(&str) -> BatchLayer;

/// Adds to each API its own batch endpoint.
fn with_batches(api: &Router) -> Router {
    let presets: [(&str, Preset); 9] = [
        ("/v1/batch", BatchLayer::kinto),
        ("/wp-json/batch/v1", BatchLayer::wordpress),
        (
            "/services/data/v60.0/composite/batch",
            BatchLayer::salesforce,
        ),
        // Salesforce has the same batch at a second path.
        ("/services/data/v60.0/connect/batch", BatchLayer::salesforce),
        ("/api/now/v1/batch", BatchLayer::servicenow),
        ("/parse/batch", BatchLayer::parse),
        ("/v19.0/", BatchLayer::facebook),
        ("/scim/v2/Bulk", BatchLayer::scim),
        ("/api/core/v3/executeBatch", BatchLayer::jive),
    ];
    let mut app = api.clone();
    for (path, preset) in presets {
        let batch = preset(path).max_items(MAX_ITEMS);
        app = app.route_service(path, batch.layer(api.clone()));
    }
    app
}
