//! Texts that are longer than the block that is escaped at once.

use serde_json::json;

use super::{ask, layer};
use crate::support::response;

#[tokio::test]
async fn long_texts_are_written_whole() {
    for length in 4090..4100 {
        let text = "x".repeat(length) + &"é<😀&".repeat(3000);
        let items = json!([{ "id": "1", "method": "GET", "url": "/" }]);
        let inner = response(200, &[("content-type", "text/plain")], text.clone());
        let reply = ask(layer(), items, vec![inner]).await;
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
        let shown = format!("<B:body type=\"text/plain\">{escaped}</B:body>");
        let document = std::str::from_utf8(&reply.body).expect("UTF-8");
        assert!(document.contains(&shown), "{length}");
    }
}
