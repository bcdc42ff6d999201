//! A small OData service with batches, as version 4 and as version 2: `cargo run --example odata
//! --features multipart`, then paste what it prints.
//!
//! It listens on 127.0.0.1:3000, or on the port that `PORT` says (0 is any free one).

use std::env;
use std::error::Error;
use std::net::Ipv4Addr;

use axum::Router;
use axum::serve::ListenerExt;
use http::StatusCode;
use tokio::net::TcpListener;
use tower::Layer;
use tower_multistatus::{BatchLayer, ChangeSets};

mod products;
mod version;

use products::Products;
use version::Version;

const TRY: &str = r#"# JSON. The second item changes what the first one has made ($1), if that is still as it was made; the last one fails.
curl -sw '\n' 'http://ADDRESS/odata4/$batch' -H 'content-type: application/json' --data-binary @- <<'END'
{"requests": [
  {"id": "1", "method": "POST",  "url": "Products", "body": {"Id": "rum", "Name": "Rum"}},
  {"id": "2", "method": "PATCH", "url": "$1", "dependsOn": ["1"], "headers": {"if-match": "$1"}, "body": {"Name": "Dark rum"}},
  {"id": "3", "method": "GET",   "url": "Products('rum')", "dependsOn": ["2"]},
  {"id": "4", "method": "GET",   "url": "Products?$filter=Name eq 'Tea'"},
  {"id": "5", "method": "GET",   "url": "Products('ham')"}]}
END

# Multipart: a change set of two, then a read of what came of it.
curl -s 'http://ADDRESS/odata4/$batch' -H 'content-type: multipart/mixed; boundary=b' --data-binary @- <<'END'
--b
Content-Type: multipart/mixed; boundary=c

--c
Content-Type: application/http
Content-ID: new

POST Products HTTP/1.1
Content-Type: application/json

{"Id": "jam", "Name": "Jam"}
--c
Content-Type: application/http
Content-ID: renamed

PATCH $new HTTP/1.1
Content-Type: application/json

{"Name": "Plum jam"}
--c--
--b
Content-Type: application/http

GET Products('jam') HTTP/1.1

--b--
END

# The same products by OData 2.
curl -sw '\n' 'http://ADDRESS/odata2/Products'
"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let products = Products::default();
    let api = Router::new()
        .nest("/odata4", products::service(&products, Version::Four))
        .nest("/odata2", products::service(&products, Version::Two));

    // Products are kept in memory, without transactions: half of a change set can stay done.
    let four = BatchLayer::odata("/odata4/$batch").change_sets(ChangeSets::best_effort());
    let two = BatchLayer::odata("/odata2/$batch")
        .change_sets(ChangeSets::best_effort())
        .status(StatusCode::ACCEPTED);
    let app = api
        .clone()
        .route_service("/odata4/$batch", four.layer(api.clone()))
        .route_service("/odata2/$batch", two.layer(api));

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
