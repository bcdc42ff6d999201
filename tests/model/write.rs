//! Writes a batch as a client does.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use serde_json::Value;

use super::batch::{Batch, Content, Item, PATH, Wire};
use super::exchange::{Upload, post};

/// The request of this batch, with this envelope.
pub(crate) fn request(batch: &Batch, envelope: &[u8]) -> Request<Upload> {
    let (content_type, accept) = media_types(batch.wire);
    let mut headers = vec![
        ("content-type", content_type.as_bytes()),
        ("accept", accept.as_bytes()),
    ];
    let outer = batch.outer.iter();
    headers.extend(outer.map(|(name, value)| (*name, value.as_bytes())));
    if batch.settings.is_minimal {
        headers.push(("prefer", b"return=minimal"));
    }
    let chunks = envelope.chunks(batch.settings.chunk);
    post(PATH, &headers, chunks.map(Bytes::copy_from_slice).collect())
}

fn media_types(wire: Wire) -> (&'static str, &'static str) {
    match wire {
        Wire::Json => ("application/json", "*/*"),
        Wire::JsonToLines => ("application/json", "application/x-ndjson"),
        Wire::JsonToParts => ("application/json", "multipart/mixed"),
        Wire::Parts => ("multipart/mixed; boundary=b", "*/*"),
        Wire::Stream => ("application/x-ndjson", "*/*"),
        Wire::LinesToJson => ("application/x-ndjson", "application/json"),
    }
}

/// The bytes of the envelope.
pub(crate) fn envelope(batch: &Batch) -> Vec<u8> {
    let items = batch.items.iter();
    match batch.wire {
        Wire::Stream | Wire::LinesToJson => items
            .map(|item| json(item) + "\n")
            .collect::<String>()
            .into(),
        Wire::Parts => {
            let mut envelope: Vec<u8> = items.flat_map(part).collect();
            envelope.extend_from_slice(b"--b--\r\n");
            envelope
        }
        _ => {
            let items: Vec<_> = items.map(json).collect();
            format!("{{\"requests\":[{}]}}", items.join(",\n")).into()
        }
    }
}

fn json(item: &Item) -> String {
    let string = |text: &str| Value::from(text).to_string();
    let mut members = vec![
        format!("\"id\":{}", string(&item.id)),
        format!("\"method\":{}", string(&item.method)),
        format!("\"url\":{}", string(&item.url)),
    ];
    let mut headers: Vec<_> = item.headers.clone();
    let content_type = item.content_type.clone();
    headers.extend(content_type.map(|value| ("Content-Type".to_owned(), value)));
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| format!("{}:{}", string(name), string(value)))
        .collect();
    members.push(format!("\"headers\":{{{}}}", headers.join(",")));
    let body = match &item.content {
        Content::None => None,
        Content::Json(text) => Some(text.clone()),
        Content::Text(text) => Some(string(text)),
        Content::Bytes(bytes) => Some(string(&STANDARD.encode(bytes))),
        Content::NoBase64 => Some(string("*")),
        Content::NoText => Some("1".to_owned()),
    };
    members.extend(body.map(|body| format!("\"body\":{body}")));
    if !item.on.is_empty() {
        members.push(format!("\"dependsOn\":{}", Value::from(item.on.clone())));
    }
    let group = item.group.iter();
    members.extend(group.map(|group| format!("\"atomicityGroup\":{}", string(group))));
    format!("{{{}}}", members.join(","))
}

fn part(item: &Item) -> Vec<u8> {
    let mut part = format!(
        "--b\r\nContent-Type: application/http\r\nContent-ID: {}\r\n\r\n{} {} HTTP/1.1\r\n",
        item.id, item.method, item.url
    );
    for (name, value) in &item.headers {
        part += &format!("{name}: {value}\r\n");
    }
    if let Some(content_type) = &item.content_type {
        part += &format!("Content-Type: {content_type}\r\n");
    }
    let body = match &item.content {
        Content::None => &b""[..],
        Content::Json(text) | Content::Text(text) => text.as_bytes(),
        Content::Bytes(bytes) => bytes,
        Content::NoBase64 => b"*",
        Content::NoText => b"1",
    };
    [part.as_bytes(), b"\r\n", body, b"\r\n"].concat()
}
