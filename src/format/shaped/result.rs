//! Writes one result: the response of an item, in the members of a shape.

use std::borrow::Cow;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::note::{IdKind, Note};
use super::shape::{BodyForm, ItemResult, Output, Shape};
use crate::format::header_case::put_name;
use crate::format::json::{
    AboutBody, BodyEncoding, Rules, put_base64, put_escaped, put_headers, put_value,
};
use crate::frames::Frames;
use crate::subresponse::{Subresponse, is_success};

/// Maximum bytes of a document of a shape for a response that has been made short, because the
/// responses are too large together.
const MAX_SHORT_DOCUMENT: usize = 256;

#[derive(Debug)]
pub(super) struct ResultWriter {
    pub(super) shape: &'static Shape,
    pub(super) is_trusted: bool,
}

/// A response, or what the hook of the shape has made of it.
struct Result<'a> {
    response: &'a Subresponse,
    note: &'a Note<'a>,
    status: StatusCode,
    /// The document of the hook, which is JSON.
    document: Option<String>,
}

impl ResultWriter {
    pub(super) fn put(&self, response: &Subresponse, note: &Note<'_>, out: &mut Frames) {
        let result = self.result(response, note);
        if note.is_null_on_success && is_success(result.status) {
            return out.put(b"null");
        }
        out.reserve(256 + response.body().len());
        let mut separator: &[u8] = b"{\"";
        for (name, output) in self.shape.result {
            if self.has(*output, &result) {
                out.put(std::mem::replace(&mut separator, b",\""));
                put_escaped(name, out);
                out.put(b"\":");
                self.put_output(*output, &result, out);
            }
        }
        out.put(if separator == b"{\"" { b"{}" } else { b"}" });
    }

    fn result<'a>(&self, response: &'a Subresponse, note: &'a Note<'a>) -> Result<'a> {
        let hook = self.shape.document.and_then(|document| {
            document(&ItemResult {
                status: response.status(),
                body: response.body(),
                code: response.error_code(),
                title: response.error_title(),
                is_not_run: response.is_not_executed(),
            })
        });
        let is_short = response.body().is_empty() && response.error_code().is_some();
        let hook = hook.filter(|(_, json)| !is_short || json.len() <= MAX_SHORT_DOCUMENT);
        Result {
            response,
            note,
            status: hook
                .as_ref()
                .map_or(response.status(), |(status, _)| *status),
            document: hook.map(|(_, document)| document),
        }
    }

    /// Whether a result has this member.
    fn has(&self, output: Output, result: &Result<'_>) -> bool {
        let headers = result.response.headers();
        match output {
            Output::Id => result.note.id != IdKind::Generated,
            Output::Method => !result.note.method.is_empty(),
            Output::Header(name) => headers.contains_key(name),
            Output::Location => {
                is_success(result.status)
                    || result.note.method != "POST"
                    || headers.contains_key(LOCATION)
            }
            Output::BodyOfSuccess(_) => is_success(result.status),
            Output::BodyOfFailure(_) => !is_success(result.status),
            _ => true,
        }
    }

    fn put_output(&self, output: Output, result: &Result<'_>, out: &mut Frames) {
        let (response, status) = (result.response, result.status);
        match output {
            Output::Id if result.note.id == IdKind::Number => out.put(response.id().as_bytes()),
            Output::Id | Output::IdOrPosition => put_string(response.id(), out),
            Output::Status => out.put(status.as_str().as_bytes()),
            Output::StatusText => put_string(status.as_str(), out),
            Output::StatusLine => put_string(&status_line(status), out),
            Output::Reason => put_string(status.canonical_reason().unwrap_or_default(), out),
            Output::Method => put_string(result.note.method, out),
            Output::Url => put_string(response.url(), out),
            Output::Headers => {
                out.put_byte(b'{');
                if !result.note.is_without_headers {
                    put_headers(&headers(result), response.is_head, out);
                }
                out.put_byte(b'}');
            }
            Output::HeaderList => put_header_list(result, out),
            Output::Header(name) => match response.headers().get(name) {
                Some(value) => put_value(value, out),
                None => out.put(b"null"),
            },
            Output::Location => match response.headers().get(LOCATION) {
                Some(value) => put_value(value, out),
                None => put_string(response.url(), out),
            },
            Output::Body(form) | Output::BodyOfSuccess(form) | Output::BodyOfFailure(form) => {
                self.put_body(form, result, out);
            }
        }
    }

    fn put_body(&self, form: BodyForm, result: &Result<'_>, out: &mut Frames) {
        if let Some(document) = &result.document {
            return match form {
                BodyForm::Json => out.put(document.as_bytes()),
                BodyForm::Text(_) => put_string(document, out),
                BodyForm::Base64 => put_base64(document.as_bytes(), false, out),
            };
        }
        let body = result.response.body();
        let encoding = match form {
            BodyForm::Json => {
                let about = AboutBody::of(result.response.headers());
                BodyEncoding::of(result.response, about, self.is_trusted, Rules::default())
            }
            BodyForm::Text(_) => {
                std::str::from_utf8(body).map_or(BodyEncoding::Base64, BodyEncoding::Text)
            }
            BodyForm::Base64 => return put_base64(body, false, out),
        };
        match encoding {
            BodyEncoding::Null => out.put(b"null"),
            BodyEncoding::Json => out.put_shared(body),
            BodyEncoding::Text(text) => put_string(text, out),
            BodyEncoding::Base64 => {
                put_base64(body, false, out);
                out.put(b",\"encoding\":\"base64\"");
            }
        }
    }
}

/// The headers of a result. A document of the shape is JSON.
fn headers<'a>(result: &Result<'a>) -> Cow<'a, HeaderMap> {
    let mut headers = Cow::Borrowed(result.response.headers());
    if result.document.is_some() {
        let json = HeaderValue::from_static("application/json");
        headers.to_mut().insert(CONTENT_TYPE, json);
    }
    headers
}

/// Writes an object for each field.
fn put_header_list(result: &Result<'_>, out: &mut Frames) {
    out.put_byte(b'[');
    let headers = headers(result);
    let fields = headers.iter().filter(|(name, _)| {
        !result.note.is_without_headers && (**name != CONTENT_LENGTH || result.response.is_head)
    });
    for (nth, (name, value)) in fields.enumerate() {
        out.put(match nth {
            0 => b"{\"name\":\"",
            _ => b",{\"name\":\"",
        });
        put_name(name, out);
        out.put(b"\",\"value\":");
        put_value(value, out);
        out.put_byte(b'}');
    }
    out.put_byte(b']');
}

fn status_line(status: StatusCode) -> String {
    let reason = status.canonical_reason().unwrap_or_default();
    format!("HTTP/1.1 {} {reason}", status.as_str())
}

pub(super) fn put_string(text: &str, out: &mut Frames) {
    out.put_byte(b'"');
    put_escaped(text, out);
    out.put_byte(b'"');
}
