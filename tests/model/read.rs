//! Reads envelopes with parsers that are not those of the crate.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::Value;
use serde_json::value::RawValue;

use super::exchange::Exchange;
use super::parts::{self, ItemResponse, Part};
use super::xml;

/// The response to an item, as a client reads it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Response {
    pub(crate) id: Option<String>,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// `None` if there is none.
    pub(crate) body: Option<Vec<u8>>,
    /// Whether it is one of a change set.
    pub(crate) is_grouped: bool,
}

impl Response {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(self.body.as_deref().unwrap_or_default()).unwrap_or_default()
    }
}

/// The responses of an accepted batch, in the order of the envelope.
pub(crate) fn responses(exchange: &Exchange) -> Vec<Response> {
    match exchange.media_type() {
        "application/json" => json(&exchange.body),
        "application/x-ndjson" => lines(&exchange.body).0,
        "application/xml" => xml(&exchange.body),
        _ => {
            let content_type = exchange.header("content-type").unwrap_or_default();
            multipart(content_type, &exchange.body)
        }
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<'a> {
    #[serde(borrow)]
    responses: Vec<&'a RawValue>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonItem<'a> {
    id: String,
    status: u16,
    headers: serde_json::Map<String, Value>,
    encoding: Option<String>,
    #[serde(borrow)]
    body: &'a RawValue,
}

fn json(envelope: &[u8]) -> Vec<Response> {
    // Nothing in it may be out of the reach of a common parser.
    let _: Value = serde_json::from_slice(envelope).expect("JSON");
    let envelope: Envelope<'_> = serde_json::from_slice(envelope).expect("an envelope");
    let items = envelope.responses.iter();
    items.map(|item| json_item(item.get())).collect()
}

/// The responses, and the summary.
pub(crate) fn lines(envelope: &[u8]) -> (Vec<Response>, Value) {
    let text = std::str::from_utf8(envelope).expect("UTF-8");
    let text = text.strip_suffix('\n').expect("a line end");
    let mut lines: Vec<_> = text.split('\n').collect();
    let summary = lines.pop().expect("a summary");
    let mut summary: Value = serde_json::from_str(summary).expect("JSON");
    let summary = summary["summary"].take();
    assert!(summary.is_object(), "a summary");
    (lines.into_iter().map(json_item).collect(), summary)
}

fn json_item(text: &str) -> Response {
    let _: Value = serde_json::from_str(text).expect("JSON");
    let item: JsonItem<'_> = serde_json::from_str(text).expect("an item");
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let headers = item.headers.iter();
    let headers: Vec<_> = headers
        .map(|(name, value)| (name.clone(), text(value)))
        .collect();
    let raw = item.body.get();
    let body = match item.encoding.as_deref() {
        _ if raw == "null" && !is_json(&headers) => None,
        Some(encoding) => {
            let text: String = serde_json::from_str(raw).expect("a string");
            Some(decoded(encoding, &text))
        }
        None if is_json(&headers) => Some(raw.as_bytes().to_vec()),
        None => {
            let text: String = serde_json::from_str(raw).expect("a string");
            Some(text.into())
        }
    };
    Response {
        id: Some(item.id),
        status: item.status,
        headers,
        body,
        is_grouped: false,
    }
}

fn decoded(encoding: &str, text: &str) -> Vec<u8> {
    match encoding {
        "base64" => STANDARD.decode(text),
        "base64url" => URL_SAFE.decode(text),
        other => panic!("the encoding {other}"),
    }
    .expect("base64")
}

fn is_json(headers: &[(String, String)]) -> bool {
    let value = headers.iter().find(|(name, _)| name == "Content-Type");
    let essence = value.and_then(|(_, value)| value.split(';').next());
    let essence = essence.unwrap_or_default().trim_matches([' ', '\t']);
    let essence = essence.to_ascii_lowercase();
    essence == "application/json" || essence.ends_with("+json")
}

fn multipart(content_type: &str, envelope: &[u8]) -> Vec<Response> {
    let mut items = Vec::new();
    for part in parts::parse(content_type, envelope) {
        match part {
            Part::Response(response) => items.push(part_item(response, false)),
            Part::ChangeSet(all) => {
                items.extend(all.into_iter().map(|response| part_item(response, true)));
            }
        }
    }
    items
}

fn part_item(response: ItemResponse, is_grouped: bool) -> Response {
    let latin1 = |value: &[u8]| value.iter().copied().map(char::from).collect();
    let headers = response.headers.iter();
    let headers = headers.map(|(name, value)| (name.clone(), latin1(value)));
    Response {
        id: response.content_id,
        status: response.status,
        headers: headers.collect(),
        body: (!response.body.is_empty()).then_some(response.body),
        is_grouped,
    }
}

fn xml(envelope: &[u8]) -> Vec<Response> {
    xml::responses(envelope).into_iter().map(xml_item).collect()
}

fn xml_item(elements: Vec<xml::Element>) -> Response {
    const BASE64: &str = " encoding=base64";
    let text = |start: &str| {
        let mut elements = elements.iter();
        let (name, text) = elements.find(|(name, _)| name.starts_with(start))?;
        Some(match name.ends_with(BASE64) {
            true => STANDARD.decode(text).expect("base64"),
            false => text.clone().into_bytes(),
        })
    };
    let status = String::from_utf8(text("D:status").expect("a status")).expect("UTF-8");
    let id = text("B:id").expect("an id");
    Response {
        id: Some(String::from_utf8(id).expect("UTF-8")),
        status: status[9..12].parse().expect("a status"),
        headers: Vec::new(),
        body: text("B:body"),
        is_grouped: false,
    }
}
