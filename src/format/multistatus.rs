//! Multi-Status XML (RFC 4918 §13), written only.

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

/// Characters that no URL can have. The URL of an item that failed may have them.
const NOT_IN_URLS: &AsciiSet = &CONTROLS.add(b' ');

/// The Multi-Status envelope of WebDAV (RFC 4918 §13), always with the status 207.
///
/// Its media type is `application/xml` (also `text/xml`). It is written only. Add it to a layer
/// with [`format`](crate::BatchLayer::format); clients choose it by `Accept`.
///
/// The response to an item is a `<D:response>`:
///
/// | element | |
/// | --- | --- |
/// | `<D:href>` | the URL of the item |
/// | `<D:status>` | the status line |
/// | `<D:responsedescription>` | a short description of the error, if the item did not succeed |
/// | `<D:location>` | the target of a redirect |
/// | `<B:id>` | the id of the item |
/// | `<B:body>` | the body and its `type`, unless the body is empty |
///
/// The last two are in the namespace `urn:tower-multistatus`, because RFC 4918 has no elements for
/// them. WebDAV clients ignore them. Ids and bodies that XML 1.0 cannot represent, such as a body
/// that is not UTF-8 or contains NUL, are base64 and have `encoding="base64"`.
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
/// let batch = r#"{"requests":[{"id":"1","method":"GET","url":"/hello"}]}"#;
/// let request = Request::post("/batch")
///     .header("content-type", "application/json")
///     .header("accept", "application/xml")
///     .body(Body::from(batch))
///     .unwrap();
/// let response = service.oneshot(request).await.unwrap();
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
    /// Creates the format. It has no settings.
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

    fn push(&mut self, response: &Subresponse, out: &mut Frames) {
        // Writing to a `Sink` cannot fail.
        let _ = Xml::new(Sink(out))
            .create_element("D:response")
            .write_inner_content(|xml| put_response(response, xml));
        out.put_byte(b'\n');
    }

    fn least_len(&self, id: &str) -> usize {
        // `&` grows most of all characters, to `&amp;`.
        320 + 5 * id.len()
    }

    fn end(&mut self, summary: &Summary, out: &mut Frames) {
        if let Some(error) = summary.error() {
            let mut xml = Xml::new(Sink(out));
            // Writing to a `Sink` cannot fail.
            let _ = put_text("D:responsedescription", &error.to_string(), &mut xml);
        }
        out.put(b"</D:multistatus>\n");
    }
}

fn put_response(response: &Subresponse, xml: &mut Xml<Sink<'_>>) -> io::Result<()> {
    let status = response.status();
    let reason = status.canonical_reason().unwrap_or("Unknown");
    // If the item failed because its URL is too long, the URL is not repeated.
    let href = if response.error.is_some() && response.url().len() > MAX_TARGET {
        Cow::Borrowed("")
    } else {
        encoded_url(response.url().as_bytes())
    };
    put_text("D:href", &href, xml)?;
    put_text(
        "D:status",
        &format!("HTTP/1.1 {} {reason}", status.as_str()),
        xml,
    )?;
    if !response.is_success() {
        let title = problem_title(response).filter(|title| is_xml(title));
        put_text(
            "D:responsedescription",
            title.as_deref().unwrap_or(reason),
            xml,
        )?;
    }
    if let Some(location) = response
        .headers()
        .get(LOCATION)
        .filter(|_| status.is_redirection())
    {
        let location = encoded_url(location.as_bytes());
        xml.create_element("D:location")
            .write_inner_content(|xml| put_text("D:href", &location, xml))?;
    }
    put_content("B:id", None, response.id().as_bytes(), xml)?;
    if response.body().is_empty() {
        return Ok(());
    }
    let content_type = response.headers().get(CONTENT_TYPE);
    put_content("B:body", content_type, response.body(), xml)
}

fn put_text(name: &str, text: &str, xml: &mut Xml<Sink<'_>>) -> io::Result<()> {
    let text = BytesText::from_escaped(partial_escape(text));
    xml.create_element(name)
        .write_text_content(text)
        .map(|_| ())
}

/// Writes text as it is if XML can represent it, and anything else as base64.
fn put_content(
    name: &str,
    content_type: Option<&HeaderValue>,
    content: &[u8],
    xml: &mut Xml<Sink<'_>>,
) -> io::Result<()> {
    let mut element = xml.create_element(name);
    // Each byte of a header value is a character of ISO-8859-1.
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

/// Splits text into pieces of about 4 KiB. If it was escaped as a whole, memory would hold it
/// twice, the escaped copy at up to five times its size.
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

/// Whether each character of a text is a `Char` of XML 1.0 §2.2.
fn is_xml(text: &str) -> bool {
    text.chars().all(|c| {
        matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
    })
}

/// The URL as the item has it, with only those characters percent-encoded that no URL can have.
fn encoded_url(raw: &[u8]) -> Cow<'_, str> {
    percent_encode(raw, NOT_IN_URLS).into()
}

/// The title of a problem document (RFC 9457).
fn problem_title(response: &Subresponse) -> Option<String> {
    #[derive(Deserialize)]
    struct Problem {
        title: String,
    }

    let content_type = response.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    let is_problem = MediaType::parse(content_type).is("application/problem+json");
    let problem = is_problem.then(|| serde_json::from_slice::<Problem>(response.body()));
    Some(problem?.ok()?.title)
}

/// Adapts [`Frames`] to [`io::Write`].
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
