//! Clients as inner services: a gateway that batches for a server behind it.

use std::net::SocketAddr;

use http::uri::Authority;
use serde_json::{Value, json};

use crate::{api, assert_mounted, batch, gets, listener};

/// The authority of a server that runs, and of one that does not.
async fn upstreams() -> [Authority; 2] {
    let (address, upstream) = listener().await;
    tokio::spawn(axum::serve(upstream, api()).into_future());
    let (nobody, closed) = listener().await;
    drop(closed);
    [address, nobody].map(|address| address.to_string().parse().expect("an authority"))
}

/// The upstream is asked under the batch's host, and its redirect is the item's response.
async fn assert_sent_on(gateway: SocketAddr) {
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
async fn a_client_of_hyper_util_sends_items_on() {
    let [upstream, nobody] = upstreams().await;
    let (address, gateway) = listener().await;
    tokio::spawn(hosts::hyper::serve(
        gateway,
        hosts::client::hyper_util(upstream),
    ));
    assert_sent_on(address).await;

    let (address, gateway) = listener().await;
    tokio::spawn(hosts::hyper::serve(
        gateway,
        hosts::client::hyper_util(nobody),
    ));
    assert_bad_gateway(address).await;
}

#[tokio::test]
async fn a_client_of_reqwest_sends_items_on() {
    let [upstream, nobody] = upstreams().await;
    let (address, gateway) = listener().await;
    let client = hosts::client::reqwest(upstream).expect("a client");
    tokio::spawn(hosts::hyper::serve(gateway, client));
    assert_sent_on(address).await;

    let (address, gateway) = listener().await;
    let client = hosts::client::reqwest(nobody).expect("a client");
    tokio::spawn(hosts::hyper::serve(gateway, client));
    assert_bad_gateway(address).await;
}
