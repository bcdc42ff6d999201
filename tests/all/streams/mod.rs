//! Batches whose items run while others are still to arrive.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;
use tower::{Service, ServiceExt};
use tower_multistatus::ResponseBody;

mod dependencies;
mod faults;
mod groups;
mod limits;
mod random;
mod reading;
mod running;
mod sockets;

/// A POST of NDJSON to `/batch`.
pub(crate) fn lines(body: impl Into<Body>) -> Request<Body> {
    Request::post("/batch")
        .header("host", "api.example")
        .header("content-type", "application/x-ndjson")
        .body(body.into())
        .expect("a request")
}

/// A body of the chunks that are sent to it. It ends when the sender is dropped.
pub(crate) fn channel() -> (UnboundedSender<Bytes>, Body) {
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let chunks = futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx));
    let chunks = futures_util::StreamExt::map(chunks, Ok::<Bytes, Infallible>);
    (sender, Body::from_stream(chunks))
}

/// A GET as a line, with this id and URL.
pub(crate) fn get(id: impl ToString, url: &str) -> String {
    format!(
        "{}\n",
        json!({ "id": id.to_string(), "method": "GET", "url": url })
    )
}

/// A GET that depends on others, as a line.
pub(crate) fn get_after(id: impl ToString, url: &str, depends_on: &[&str]) -> String {
    let id = id.to_string();
    let item = json!({ "id": id, "method": "GET", "url": url, "dependsOn": depends_on });
    format!("{item}\n")
}

/// The response to an upload, line by line.
pub(crate) struct Lines<B = ResponseBody<Body>> {
    body: B,
    text: String,
}

impl Lines {
    /// Sends a batch, and waits for the head of the response.
    pub(crate) async fn of<S>(service: S, upload: impl Into<Body>) -> Self
    where
        S: Service<Request<Body>, Response = Response<ResponseBody<Body>>, Error: std::fmt::Debug>,
    {
        let response = service.oneshot(lines(upload)).await.expect("a response");
        assert_eq!(response.status(), 207);
        assert_eq!(response.headers()["content-type"], "application/x-ndjson");
        Self {
            body: response.into_body(),
            text: String::new(),
        }
    }
}

impl<B> Lines<B>
where
    B: http_body::Body<Data = Bytes, Error: std::fmt::Debug> + Unpin,
{
    /// The next line, if there is one.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some((line, rest)) = self.text.split_once('\n') {
                let line = serde_json::from_str(line).expect("a line is JSON");
                self.text = rest.to_owned();
                return Some(line);
            }
            let frame = tokio::time::timeout(Duration::from_secs(600), self.body.frame()).await;
            let frame = frame.expect("the response goes on")?.expect("no error");
            let bytes = frame.into_data().expect("no trailers");
            self.text
                .push_str(std::str::from_utf8(&bytes).expect("UTF-8"));
        }
    }

    /// The id and the status of the next item.
    pub(crate) async fn next_item(&mut self) -> (String, u64) {
        let line = self.next().await.expect("a line");
        let id = line["id"]
            .as_str()
            .unwrap_or_else(|| panic!("{line} is no item"));
        (id.to_owned(), line["status"].as_u64().expect("a status"))
    }

    /// All other lines. The last is the summary.
    pub(crate) async fn rest(mut self) -> Vec<Value> {
        let mut lines = Vec::new();
        while let Some(line) = self.next().await {
            lines.push(line);
        }
        assert_eq!(self.text, "", "the last line has its end");
        lines
    }

    /// The summary, after this number of other lines.
    pub(crate) async fn summary_after(self, count: usize) -> Value {
        let mut lines = self.rest().await;
        assert_eq!(lines.len(), count + 1, "{lines:?}");
        lines.pop().expect("a line")["summary"].take()
    }
}

/// A summary without an error.
pub(crate) fn summary(total: usize, succeeded: usize) -> Value {
    let failed = total - succeeded;
    json!({ "total": total, "succeeded": succeeded, "failed": failed })
}
