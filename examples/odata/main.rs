//! A small OData service with batches, in versions 4 and 2: `cargo run --example odata --features
//! multipart`, then paste what it prints.
//!
//! It listens on 127.0.0.1:3000, or on the port in `PORT` (0 is any free port).

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

const TRY: &str = r#"# JSON. The second item changes the product of the first ($1), if its ETag is the same. The last one fails.
curl -sw '\n' 'http://ADDRESS/odata4/$batch' -H 'content-type: application/json' --data-binary @- <<'END'
{"requests": [
  {"id": "1", "method": "POST",  "url": "Products", "body": {"Id": "rum", "Name": "Rum"}},
  {"id": "2", "method": "PATCH", "url": "$1", "dependsOn": ["1"], "headers": {"if-match": "$1"}, "body": {"Name": "Dark rum"}},
  {"id": "3", "method": "GET",   "url": "Products('rum')", "dependsOn": ["2"]},
  {"id": "4", "method": "GET",   "url": "Products?$filter=Name eq 'Tea'"},
  {"id": "5", "method": "GET",   "url": "Products('ham')"}]}
END

# Multipart: a change set of two items, then a read of the result.
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

# The same products in OData 2.
curl -sw '\n' 'http://ADDRESS/odata2/Products'
"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let products = Products::default();
    let api = Router::new()
        .nest("/odata4", products::service(&products, Version::Four))
        .nest("/odata2", products::service(&products, Version::Two));

    // Products are in memory, without transactions: if a change set fails, its first items remain.
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
