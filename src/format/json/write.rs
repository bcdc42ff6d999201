//! Writes answers, as members of `{"responses":[…]}` or as lines.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::scan::is_json;
use super::splice::{put_base64, put_on_one_line, put_string};
use crate::format::canonical::put_name;
use crate::format::{Encoder, Frames};
use crate::media_type::MediaType;
use crate::policy::Summary;
use crate::subresponse::Subresponse;

/// What stands around the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::format) enum Layout {
    Envelope,
    Lines,
}

#[derive(Debug)]
pub(in crate::format) struct Writer {
    layout: Layout,
    is_trusted: bool,
    is_base64_url: bool,
    written: usize,
}

impl Writer {
    pub(in crate::format) fn new(layout: Layout, is_trusted: bool, envelope: &Parts) -> Self {
        let version = envelope.headers.get("odata-version");
        Self {
            layout,
            is_trusted,
            is_base64_url: version.is_some_and(|version| version == "4.01"),
            written: 0,
        }
    }

    fn put_headers(&self, headers: &HeaderMap, out: &mut Frames) {
        out.put_byte(b'{');
        let mut is_first = true;
        for name in headers.keys() {
            if !std::mem::take(&mut is_first) {
                out.put_byte(b',');
            }
            put_member_name(name, out);
            let mut values = headers.get_all(name).iter();
            match (values.next(), values.next()) {
                (Some(value), None) if name != SET_COOKIE => put_value(value, out),
                _ => put_values(name, headers, out),
            }
        }
        out.put_byte(b'}');
    }

    fn put_body(&self, subresponse: &Subresponse, out: &mut Frames) {
        match Kind::of(subresponse, self.is_trusted) {
            Kind::None => out.put(b",\"body\":null"),
            Kind::Json(json) => {
                out.put(b",\"body\":");
                match self.layout {
                    Layout::Envelope => out.put_bytes(json.clone()),
                    Layout::Lines => put_on_one_line(json, out),
                }
            }
            Kind::Text(text) => {
                out.put(b",\"body\":");
                put_string(text, out);
            }
            Kind::Binary(bytes) => {
                out.put(match self.is_base64_url {
                    true => b",\"encoding\":\"base64url\",\"body\":",
                    false => b",\"encoding\":\"base64\",\"body\":",
                });
                put_base64(bytes, self.is_base64_url, out);
            }
        }
    }
}

impl Encoder for Writer {
    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static(match self.layout {
            Layout::Envelope => "application/json",
            Layout::Lines => "application/x-ndjson",
        })
    }

    fn headers(&self, headers: &mut HeaderMap) {
        if self.layout == Layout::Lines {
            // draft-ietf-httpbis-incremental: asks what stands between not to wait for the end.
            headers.insert("incremental", HeaderValue::from_static("?1"));
        }
    }

    fn begin(&mut self, out: &mut Frames) {
        if self.layout == Layout::Envelope {
            out.put(b"{\"responses\":[");
        }
    }

    fn push(&mut self, subresponse: &Subresponse, out: &mut Frames) {
        if self.layout == Layout::Envelope {
            out.put(if self.written == 0 { b"\n" } else { b",\n" });
        }
        self.written += 1;
        out.put(b"{\"id\":");
        put_string(subresponse.id(), out);
        out.put(b",\"status\":");
        out.put(subresponse.status().as_str().as_bytes());
        out.put(b",\"headers\":");
        self.put_headers(subresponse.headers(), out);
        self.put_body(subresponse, out);
        out.put_byte(b'}');
        if self.layout == Layout::Lines {
            out.put_byte(b'\n');
        }
    }

    fn retract(&mut self) {
        self.written -= 1;
    }

    fn end(&mut self, summary: &Summary, out: &mut Frames) {
        match self.layout {
            Layout::Envelope => out.put(b"]}"),
            Layout::Lines => {
                let (total, succeeded) = (summary.total(), summary.succeeded());
                let failed = summary.failed();
                let line = format!(
                    "{{\"summary\":{{\"total\":{total},\"succeeded\":{succeeded},\"failed\":{failed}}}}}\n"
                );
                out.put(line.as_bytes());
            }
        }
    }
}

/// How a body is written.
enum Kind<'a> {
    None,
    Json(&'a Bytes),
    Text(&'a str),
    Binary(&'a Bytes),
}

impl<'a> Kind<'a> {
    fn of(subresponse: &'a Subresponse, is_trusted: bool) -> Self {
        let (headers, body) = (subresponse.headers(), subresponse.body());
        if body.is_empty() {
            return Self::None;
        }
        let media_type = headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let media_type = MediaType::parse(media_type.unwrap_or_default());
        let is_encoded = headers
            .get_all(CONTENT_ENCODING)
            .iter()
            .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"));
        // What the layer itself has written needs no check.
        let is_trusted = is_trusted || subresponse.fault.is_some();
        if is_encoded {
            Self::Binary(body)
        } else if media_type.is_json() && (is_trusted || is_json(body)) {
            Self::Json(body)
        } else if media_type.is_text() && media_type.is_utf8() {
            std::str::from_utf8(body).map_or(Self::Binary(body), Self::Text)
        } else {
            Self::Binary(body)
        }
    }
}

fn put_member_name(name: &HeaderName, out: &mut Frames) {
    if name == CONTENT_TYPE {
        return out.put(b"\"Content-Type\":");
    }
    out.put_byte(b'"');
    put_name(name, out);
    out.put(b"\":");
}

fn put_value(value: &HeaderValue, out: &mut Frames) {
    match value.to_str() {
        Ok(text) => put_string(text, out),
        Err(_) => put_string(&latin1(value), out),
    }
}

/// Several values are one list (RFC 9110 §5.3), except cookies, which have commas in them.
fn put_values(name: &HeaderName, headers: &HeaderMap, out: &mut Frames) {
    let values = headers.get_all(name).iter();
    if name == SET_COOKIE {
        out.put_byte(b'[');
        for (index, value) in values.enumerate() {
            if index > 0 {
                out.put_byte(b',');
            }
            put_value(value, out);
        }
        return out.put_byte(b']');
    }
    let values: Vec<_> = values.map(latin1).collect();
    put_string(&values.join(", "), out);
}

/// Every byte is a character of ISO-8859-1.
fn latin1(value: &HeaderValue) -> String {
    value.as_bytes().iter().copied().map(char::from).collect()
}
