//! A jsonrpsee server: the same pages by batches of JSON-RPC 2.0.

use std::sync::Arc;

use bytes::Bytes;
use jsonrpsee::RpcModule;
use jsonrpsee::server::{Server, ServerConfig};
use jsonrpsee::types::ErrorObjectOwned;
use serde_json::{Value, json};

use super::support::inner::Payload;
use super::support::net::Peer;
use super::support::real::Page;
use super::support::servers::OtherServer;

pub(crate) fn server() -> OtherServer {
    let peer = Peer::start(async |listener, _| {
        let mut module = RpcModule::new(());
        for payload in [Payload::Small, Payload::Medium, Payload::Large] {
            let page = Arc::new(Page::of(payload));
            let show = move |params: jsonrpsee::types::Params<'_>, _: &(), _: &_| {
                let id: u32 = params.one()?;
                std::hint::black_box(id);
                Ok::<Page, ErrorObjectOwned>(Page::clone(&page))
            };
            module
                .register_method(payload.name(), show)
                .expect("a method");
        }
        let config = ServerConfig::builder()
            .max_response_body_size(u32::MAX)
            .build();
        let listener = listener.into_std().expect("a listener");
        let server = Server::builder()
            .set_config(config)
            .build_from_tcp(listener)
            .expect("a server");
        server.start(module).stopped().await;
    });
    OtherServer { peer, envelope }
}

pub(crate) fn envelope(payload: Payload, count: usize) -> Bytes {
    let call =
        |id: usize| json!({ "jsonrpc": "2.0", "id": id, "method": payload.name(), "params": [id] });
    let calls: Value = (0..count).map(call).collect();
    calls.to_string().into()
}
