//! Reads one response that a server has written.

use bytes::Bytes;
use bytestring::ByteString;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::Rules;
use super::body::{decode_base64, decode_text};
use super::invalid::{Invalid, Why};
use super::parser::Parser;
use super::unique_names::UniqueNames;
use crate::media_type::MediaType;
use crate::subresponse::{MAX_FIELDS, Subresponse};

/// What an object of the envelope is.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all are responses")]
pub(super) enum Found {
    Response(Subresponse),
    /// The last line of NDJSON.
    Summary,
    /// It has no id, so no item gets it.
    Unknown,
}

/// The members of a response.
#[derive(Default)]
struct Members<'a> {
    id: Option<ByteString>,
    status: Option<StatusCode>,
    headers: HeaderMap,
    /// With the white space around it.
    body: Option<&'a str>,
    is_base64: bool,
    is_summary: bool,
    is_invalid: bool,
}

/// Reads the object that is next, whose members are inside `depth` containers. An invalid value
/// makes this response unreadable, and no other.
///
/// # Errors
///
/// An error in the structure: the rest of the envelope cannot be read.
pub(super) fn read_response(
    parser: &mut Parser<'_>,
    rules: Rules,
    depth: u32,
) -> Result<Found, Invalid> {
    if parser.peek() != Some(b'{') {
        return Err(parser.invalid(Why::ItemNotAnObject));
    }
    let (mut members, mut names) = (Members::default(), UniqueNames::default());
    let mut is_there = parser.object_first()?;
    while is_there {
        let name = parser.name()?;
        let start = name.start();
        let name = parser.bytes(&name)?;
        members.read(&name, parser, depth)?;
        if !names.insert(name) {
            return Err(Why::DuplicateName.at(start));
        }
        is_there = parser.object_next()?;
    }
    Ok(members.into_found(parser, rules))
}

impl<'a> Members<'a> {
    fn read(&mut self, name: &[u8], parser: &mut Parser<'a>, depth: u32) -> Result<(), Invalid> {
        match name {
            b"id" => match parser.string()? {
                Some(id) => self.id = Some(parser.shared(&id)?),
                None => drop(parser.value(depth)?),
            },
            b"status" => self.status = status_of(parser.value(depth)?),
            b"headers" => self.read_headers(parser, depth)?,
            b"body" => self.body = Some(parser.spaced_value(depth)?),
            b"encoding" => {
                self.is_base64 = matches!(parser.value(depth)?, "\"base64\"" | "\"base64url\"");
                self.is_invalid |= !self.is_base64;
            }
            b"summary" => {
                parser.value(depth)?;
                self.is_summary = true;
            }
            _ => drop(parser.value(depth)?),
        }
        Ok(())
    }

    fn read_headers(&mut self, parser: &mut Parser<'a>, depth: u32) -> Result<(), Invalid> {
        if parser.peek() != Some(b'{') {
            self.is_invalid |= parser.value(depth)? != "null";
            return Ok(());
        }
        let mut is_there = parser.object_first()?;
        while is_there {
            let name = parser.name()?;
            let name = HeaderName::from_bytes(&parser.bytes(&name)?).ok();
            if parser.peek() == Some(b'[') {
                let mut is_there = parser.array_first()?;
                while is_there {
                    self.read_value(name.as_ref(), parser, depth + 2)?;
                    is_there = parser.array_next()?;
                }
            } else {
                self.read_value(name.as_ref(), parser, depth + 1)?;
            }
            is_there = parser.object_next()?;
        }
        Ok(())
    }

    /// Reads the value of a header. `name` is `None` if it is invalid.
    fn read_value(
        &mut self,
        name: Option<&HeaderName>,
        parser: &mut Parser<'a>,
        depth: u32,
    ) -> Result<(), Invalid> {
        let Some(value) = parser.string()? else {
            parser.value(depth)?;
            self.is_invalid = true;
            return Ok(());
        };
        let value = header_value(parser.shared(&value)?);
        match (name, value) {
            // A `HeaderMap` panics when it has too many names.
            (Some(name), Some(value)) if self.headers.len() < MAX_FIELDS => {
                self.headers.append(name, value);
            }
            _ => self.is_invalid = true,
        }
        Ok(())
    }

    fn into_found(mut self, parser: &Parser<'a>, rules: Rules) -> Found {
        let Some(id) = self.id.take() else {
            return match self.is_summary {
                true => Found::Summary,
                false => Found::Unknown,
            };
        };
        let status = self.status.filter(|_| !self.is_invalid);
        Found::Response(match (status, self.decoded_body(parser, rules)) {
            (Some(status), Some(body)) => Subresponse::with_parts(id, status, self.headers, body),
            _ => Subresponse::unreadable(id),
        })
    }

    /// The bytes that the handler has sent. `None` if the value does not match the headers.
    fn decoded_body(&self, parser: &Parser<'a>, rules: Rules) -> Option<Bytes> {
        let Some(spaced) = self.body else {
            return Some(Bytes::new());
        };
        let value = spaced.trim_ascii();
        let string = || parser.share(value);
        if self.is_base64 {
            return decode_base64(&string());
        }
        let content_type = self.headers.get(CONTENT_TYPE);
        let content_type = content_type.map(|value| value.to_str().unwrap_or_default());
        let media_type = content_type.map(MediaType::parse);
        // A server writes an encoded body as base64, so `null` is no body there.
        let is_encoded = self.headers.contains_key(CONTENT_ENCODING);
        let is_none = is_encoded && value == "null";
        if !is_none && media_type.as_ref().is_some_and(MediaType::is_json) {
            return Some(parser.share(spaced).into_bytes());
        }
        match (value.as_bytes().first(), media_type) {
            _ if value == "null" => Some(Bytes::new()),
            (Some(b'"'), Some(media_type)) if !rules.is_text(&media_type) => {
                decode_base64(&string())
            }
            (Some(b'"'), _) => decode_text(&string()),
            // A server that leaves the type out means JSON.
            (_, None) => Some(parser.share(spaced).into_bytes()),
            (_, Some(_)) => None,
        }
    }
}

/// A final status.
fn status_of(text: &str) -> Option<StatusCode> {
    let status = StatusCode::from_bytes(text.as_bytes()).ok();
    status.filter(|status| !status.is_informational())
}

/// The bytes of a header value. A server reads each byte that is not ASCII as a character of
/// ISO-8859-1. A value with other characters is UTF-8.
fn header_value(text: ByteString) -> Option<HeaderValue> {
    if text.is_ascii() {
        return HeaderValue::from_maybe_shared(text.into_bytes()).ok();
    }
    let latin1: Option<Vec<u8>> = text.chars().map(|char| u8::try_from(char).ok()).collect();
    let bytes = latin1.map_or_else(|| text.into_bytes(), Bytes::from);
    HeaderValue::from_maybe_shared(bytes).ok()
}
