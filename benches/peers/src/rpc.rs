//! The same pages by JSON-RPC 2.0, whose batches jsonrpsee reads.

use std::sync::Arc;

use bytes::Bytes;
use jsonrpsee::RpcModule;
use jsonrpsee::server::{Server, ServerConfig};
use jsonrpsee::types::ErrorObjectOwned;
use serde_json::{Value, json};

use super::support::inner::Answer;
use super::support::net::Peer;
use super::support::real::Page;
use super::support::scene::Other;

pub(crate) fn server() -> Other {
    let peer = Peer::start(async |listener, _| {
        let mut module = RpcModule::new(());
        for answer in [Answer::Small, Answer::Medium, Answer::Large] {
            let page = Arc::new(Page::of(answer));
            let show = move |params: jsonrpsee::types::Params<'_>, _: &(), _: &_| {
                let id: u32 = params.one()?;
                std::hint::black_box(id);
                Ok::<Page, ErrorObjectOwned>(Page::clone(&page))
            };
            module
                .register_method(answer.name(), show)
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
    Other { peer, envelope }
}

pub(crate) fn envelope(answer: Answer, count: usize) -> Bytes {
    let call =
        |id: usize| json!({ "jsonrpc": "2.0", "id": id, "method": answer.name(), "params": [id] });
    let calls: Value = (0..count).map(call).collect();
    calls.to_string().into()
}
