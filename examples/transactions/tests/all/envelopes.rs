//! Batches in both formats that have groups.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use serde_json::{Value, json};
use tower::ServiceExt;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Format {
    Json,
    Multipart,
}

pub(crate) const FORMATS: [Format; 2] = [Format::Json, Format::Multipart];

/// The path and body of a POST.
pub(crate) type Post = (String, Value);

/// What a batch consists of.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    Single(Post),
    Group(Vec<Post>),
}

/// The result of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Of the item that has failed, if one has.
    pub(crate) status: u16,
    pub(crate) has_retry_after: bool,
}

impl Outcome {
    pub(crate) fn is_success(self) -> bool {
        (200..400).contains(&self.status)
    }
}

pub(crate) fn open(name: impl Into<String>) -> Post {
    let body = json!({ "name": name.into(), "balance": 10 });
    ("/accounts".to_owned(), body)
}

pub(crate) fn transfer(from: &str, to: &str, amount: u32, reference: &str) -> Post {
    let body = json!({ "from": from, "to": to, "amount": amount, "reference": reference });
    ("/transfers".to_owned(), body)
}

/// A POST to one of the paths in `routes`.
pub(crate) fn post(path: &str) -> Post {
    (path.to_owned(), json!({}))
}

/// Creates the request of a batch.
pub(crate) fn request(format: Format, batch: &[Entry]) -> Request<Body> {
    let (content_type, body) = match format {
        Format::Json => ("application/json", to_json(batch)),
        Format::Multipart => ("multipart/mixed; boundary=batch", to_multipart(batch)),
    };
    Request::post("/batch")
        .header("content-type", content_type)
        .body(Body::from(body))
        .expect("a request")
}

/// Sends a batch, and returns the result of each entry.
pub(crate) async fn send(app: &Router, format: Format, batch: &[Entry]) -> Vec<Outcome> {
    let response = app.clone().oneshot(request(format, batch)).await;
    let (head, body) = response.expect("a response").into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    let body = String::from_utf8(body.to_vec()).expect("a text");
    assert!(head.status.is_success(), "{} {body}", head.status);
    let outcomes = match format {
        Format::Json => from_json(&body, batch),
        Format::Multipart => {
            let content_type = head.headers["content-type"].to_str().expect("a text");
            let (_, boundary) = content_type.split_once("boundary=").expect("a boundary");
            from_multipart(&body, boundary.trim_matches('"'))
        }
    };
    assert_eq!(outcomes.len(), batch.len(), "{body}");
    outcomes
}

fn to_json(batch: &[Entry]) -> String {
    let mut items = Vec::new();
    for (nth, entry) in batch.iter().enumerate() {
        let (posts, group) = match entry {
            Entry::Single(post) => (std::slice::from_ref(post), Value::Null),
            Entry::Group(posts) => (&**posts, json!(format!("group{nth}"))),
        };
        for (path, body) in posts {
            let id = items.len().to_string();
            let mut item = json!({ "id": id, "method": "POST", "url": path, "body": body });
            if !group.is_null() {
                item["atomicityGroup"] = group.clone();
            }
            items.push(item);
        }
    }
    json!({ "requests": items }).to_string()
}

fn from_json(body: &str, batch: &[Entry]) -> Vec<Outcome> {
    let envelope: Value = serde_json::from_str(body).expect("JSON");
    let mut items = envelope["responses"].as_array().expect("items").as_slice();
    let mut outcomes = Vec::new();
    for entry in batch {
        let count = match entry {
            Entry::Single(_) => 1,
            Entry::Group(posts) => posts.len(),
        };
        let (own, others) = items.split_at(count);
        items = others;
        let status = |item: &&Value| item["status"].as_u64().expect("a status");
        let failed = own.iter().find(|item| !matches!(status(item), 201 | 424));
        let decisive = failed.unwrap_or(&own[0]);
        outcomes.push(Outcome {
            status: status(&decisive).try_into().expect("a status"),
            has_retry_after: decisive["headers"]["Retry-After"].is_string(),
        });
    }
    outcomes
}

fn to_multipart(batch: &[Entry]) -> String {
    let part = |(path, body): &Post| {
        let body = body.to_string();
        let length = body.len();
        format!(
            "Content-Type: application/http\r\n\r\nPOST {path} HTTP/1.1\r\n\
            Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}\r\n"
        )
    };
    let mut text = String::new();
    for (nth, entry) in batch.iter().enumerate() {
        text += "--batch\r\n";
        match entry {
            Entry::Single(post) => text += &part(post),
            Entry::Group(posts) => {
                text += &format!("Content-Type: multipart/mixed; boundary=set{nth}\r\n\r\n");
                for post in posts {
                    text += &format!("--set{nth}\r\n{}", part(post));
                }
                text += &format!("--set{nth}--\r\n");
            }
        }
    }
    text + "--batch--\r\n"
}

/// A change set that has failed has one part, that of the item that has failed.
fn from_multipart(body: &str, boundary: &str) -> Vec<Outcome> {
    let delimiter = format!("--{boundary}");
    let mut parts = body.split(&delimiter).skip(1);
    let mut outcomes = Vec::new();
    for part in parts.by_ref().take_while(|part| !part.starts_with("--")) {
        let statuses = part
            .lines()
            .filter_map(|line| line.strip_prefix("HTTP/1.1 "))
            .map(|line| line[..3].parse::<u16>().expect("a status"));
        let statuses: Vec<_> = statuses.collect();
        let failed = statuses.iter().find(|status| **status != 201);
        assert!(failed.is_none() || statuses.len() == 1, "{part}");
        outcomes.push(Outcome {
            status: *failed.unwrap_or(&statuses[0]),
            has_retry_after: part.to_lowercase().contains("\nretry-after: "),
        });
    }
    outcomes
}
