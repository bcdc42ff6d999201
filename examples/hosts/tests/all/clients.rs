//! HTTP clients as inner services: a gateway with a batch endpoint for another server.

use std::net::SocketAddr;

use http::uri::Authority;
use serde_json::{Value, json};

use crate::{api, assert_mounted, batch, gets, listener};

/// The authorities of a server that runs, and of one that does not.
async fn upstreams() -> [Authority; 2] {
    let (address, upstream) = listener().await;
    tokio::spawn(axum::serve(upstream, api()).into_future());
    let (unused, closed) = listener().await;
    drop(closed);
    [address, unused].map(|address| address.to_string().parse().expect("an authority"))
}

/// The upstream gets the `Host` of the batch, and its redirect is the response to the item.
async fn assert_forwarded(gateway: SocketAddr) {
    assert_mounted(gateway).await;
    let items = batch(gateway, gets(&["/host", "/moved"])).await;
    assert_eq!(
        items,
        [(200, json!("Some(\"api.example\")")), (307, Value::Null)]
    );
}

async fn assert_bad_gateway(gateway: SocketAddr) {
    let items = batch(gateway, gets(&["/hello"])).await;
    assert_eq!(
        (items[0].0, &items[0].1["code"]),
        (502, &json!("call-failed"))
    );
}

#[tokio::test]
async fn a_client_of_hyper_util_forwards_items() {
    let [upstream, unused] = upstreams().await;
    let (address, gateway) = listener().await;
    tokio::spawn(hosts::hyper::serve(
        gateway,
        hosts::client::hyper_util(upstream),
    ));
    assert_forwarded(address).await;

    let (address, gateway) = listener().await;
    tokio::spawn(hosts::hyper::serve(
        gateway,
        hosts::client::hyper_util(unused),
    ));
    assert_bad_gateway(address).await;
}

#[tokio::test]
async fn a_client_of_reqwest_forwards_items() {
    let [upstream, unused] = upstreams().await;
    let (address, gateway) = listener().await;
    let client = hosts::client::reqwest(upstream).expect("a client");
    tokio::spawn(hosts::hyper::serve(gateway, client));
    assert_forwarded(address).await;

    let (address, gateway) = listener().await;
    let client = hosts::client::reqwest(unused).expect("a client");
    tokio::spawn(hosts::hyper::serve(gateway, client));
    assert_bad_gateway(address).await;
}
