//! Multi-Status XML (RFC 4918 §13), out.

use std::borrow::Cow;
use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_TYPE, LOCATION};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use percent_encoding::{AsciiSet, CONTROLS, percent_encode};
use quick_xml::Writer as Xml;
use quick_xml::escape::partial_escape;
use quick_xml::events::{BytesText, Event};
use serde::Deserialize;

use super::{Encoder, Format, Frames};
use crate::media_type::MediaType;
use crate::subresponse::Subresponse;
use crate::summary::Summary;
use crate::target::MAX_TARGET;

/// What no URL has in it. It may stand in that of an item which failed for it.
const NOT_IN_URLS: &AsciiSet = &CONTROLS.add(b' ');

/// The Multi-Status envelope of WebDAV (RFC 4918 §13): `application/xml` (also `text/xml`), out,
/// always with the status 207.
///
/// A layer has it if it was added with [`format`](crate::BatchLayer::format). Clients choose it by
/// `Accept`.
///
/// An item is a `<D:response>`: `<D:href>` is its URL, `<D:status>` its status line;
/// `<D:responsedescription>` says in a few words what went wrong, and `<D:location>` where a
/// redirect leads. What RFC 4918 has no place for stands in the namespace `urn:tower-multistatus`,
/// which its clients pass over: `<B:id>` and, unless it is empty, `<B:body>` with its `type`. Those
/// that XML 1.0 cannot hold, such as a body that is not UTF-8 or has a NUL in it, are in base64,
/// and have `encoding="base64"`.
///
/// ```
/// use axum::{Router, body::Body, routing::get};
/// use http::Request;
/// use http_body_util::BodyExt;
/// use tower::{Layer, ServiceExt};
/// use tower_multistatus::{BatchLayer, MultiStatus};
///
/// # #[cfg(feature = "json")]
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let api: Router = Router::new().route("/hello", get(async || "a < b"));
/// let service = BatchLayer::new("/batch").format(MultiStatus::new()).layer(api);
///
/// let envelope = r#"{"requests":[{"id":"1","method":"GET","url":"/hello"}]}"#;
/// let request = Request::post("/batch").header("content-type", "application/json").header("accept", "application/xml");
/// let response = service.oneshot(request.body(Body::from(envelope)).unwrap()).await.unwrap();
///
/// let body = response.into_body().collect().await.unwrap().to_bytes();
/// let expected = concat!(
///     r#"<D:response><D:href>/hello</D:href><D:status>HTTP/1.1 200 OK</D:status><B:id>1</B:id>"#,
///     r#"<B:body type="text/plain; charset=utf-8">a &lt; b</B:body></D:response>"#,
/// );
/// assert!(std::str::from_utf8(&body).unwrap().contains(expected));
/// # });
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
#[non_exhaustive]
pub struct MultiStatus {}

impl MultiStatus {
    /// The format; it has no settings.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Format for MultiStatus {
    fn media_types(&self) -> &[&str] {
        &["application/xml", "text/xml"]
    }

    fn encoder(&self, _: &Parts) -> Option<Box<dyn Encoder>> {
        Some(Box::new(Writer))
    }
}

#[derive(Debug)]
struct Writer;

impl Encoder for Writer {
    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static("application/xml; charset=\"utf-8\"")
    }

    fn status(&self) -> Option<StatusCode> {
        Some(StatusCode::MULTI_STATUS)
    }

    fn is_ordered(&self) -> bool {
        true
    }

    fn begin(&mut self, out: &mut Frames) {
        out.put(b"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
        out.put(b"<D:multistatus xmlns:D=\"DAV:\" xmlns:B=\"urn:tower-multistatus\">");
    }

    fn push(&mut self, answer: &Subresponse, out: &mut Frames) {
        // A sink takes everything.
        let _ = Xml::new(Sink(out))
            .create_element("D:response")
            .write_inner_content(|xml| put_response(answer, xml));
        out.put_byte(b'\n');
    }

    fn least_len(&self, id: &str) -> usize {
        // Of all characters `&` grows most.
        320 + 5 * id.len()
    }

    fn end(&mut self, _: &Summary, out: &mut Frames) {
        out.put(b"</D:multistatus>\n");
    }
}

fn put_response(answer: &Subresponse, xml: &mut Xml<Sink<'_>>) -> io::Result<()> {
    let status = answer.status();
    let reason = status.canonical_reason().unwrap_or("Unknown");
    // The URL of an item that failed for its length is not repeated.
    let href = match answer.error.is_some() && answer.url().len() > MAX_TARGET {
        true => Cow::Borrowed(""),
        false => url(answer.url().as_bytes()),
    };
    put_text("D:href", &href, xml)?;
    put_text(
        "D:status",
        &format!("HTTP/1.1 {} {reason}", status.as_str()),
        xml,
    )?;
    if !answer.is_success() {
        let title = title(answer).filter(|title| is_xml(title));
        put_text(
            "D:responsedescription",
            title.as_deref().unwrap_or(reason),
            xml,
        )?;
    }
    if let Some(location) = answer
        .headers()
        .get(LOCATION)
        .filter(|_| status.is_redirection())
    {
        let location = url(location.as_bytes());
        xml.create_element("D:location")
            .write_inner_content(|xml| put_text("D:href", &location, xml))?;
    }
    put_content("B:id", None, answer.id().as_bytes(), xml)?;
    if answer.body().is_empty() {
        return Ok(());
    }
    let content_type = answer.headers().get(CONTENT_TYPE);
    put_content("B:body", content_type, answer.body(), xml)
}

fn put_text(name: &str, text: &str, xml: &mut Xml<Sink<'_>>) -> io::Result<()> {
    let text = BytesText::from_escaped(partial_escape(text));
    xml.create_element(name)
        .write_text_content(text)
        .map(|_| ())
}

/// Writes text as it is if XML can hold it, and anything else in base64.
fn put_content(
    name: &str,
    content_type: Option<&HeaderValue>,
    content: &[u8],
    xml: &mut Xml<Sink<'_>>,
) -> io::Result<()> {
    let mut element = xml.create_element(name);
    // Every byte of a header's value is a character of ISO-8859-1.
    let content_type = content_type.map(|value| value.as_bytes().iter().copied().map(char::from));
    let content_type = content_type.map(|characters| characters.collect::<String>());
    if let Some(content_type) = &content_type {
        element = element.with_attribute(("type", content_type.as_str()));
    }
    let is_utf8 = MediaType::parse(content_type.as_deref().unwrap_or_default()).is_utf8();
    let text = std::str::from_utf8(content).ok();
    match text.filter(|text| is_utf8 && is_xml(text)) {
        Some(text) => element.write_inner_content(|xml| {
            pieces(text).try_for_each(|piece| {
                let piece = BytesText::from_escaped(partial_escape(piece));
                xml.write_event(Event::Text(piece))
            })
        }),
        None => {
            element = element.with_attribute(("encoding", "base64"));
            element.write_text_content(BytesText::from_escaped(STANDARD.encode(content)))
        }
    }
    .map(|_| ())
}

/// Of about 4 KiB: escaped as a whole, the text would be held twice, and grow to five times its
/// size.
fn pieces(mut rest: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let longest = rest.len().min(4096);
        let end = (0..=longest)
            .rev()
            .find(|end| rest.is_char_boundary(*end))?;
        let (piece, after) = rest.split_at(end);
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

/// The `Char` of XML 1.0 §2.2.
fn is_xml(text: &str) -> bool {
    text.chars().all(|c| {
        matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
    })
}

/// As it came; only what a URL cannot have is percent-encoded.
fn url(raw: &[u8]) -> Cow<'_, str> {
    percent_encode(raw, NOT_IN_URLS).into()
}

/// What a problem document says that the problem is (RFC 9457).
fn title(answer: &Subresponse) -> Option<String> {
    #[derive(Deserialize)]
    struct Problem {
        title: String,
    }

    let content_type = answer.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    let is_problem = MediaType::parse(content_type).is("application/problem+json");
    let problem = is_problem.then(|| serde_json::from_slice::<Problem>(answer.body()));
    Some(problem?.ok()?.title)
}

struct Sink<'a>(&'a mut Frames);

impl io::Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.put(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
