//! The JSON encoder: writes responses as elements of `{"responses":[…]}` or as lines.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::Rules;
use super::escape::{is_plain, put_base64, put_escaped, put_on_one_line};
use super::skip::is_json;
use crate::format::Encoder;
use crate::format::header_case::put_name;
use crate::frames::Frames;
use crate::media_type::MediaType;
use crate::subresponse::Subresponse;
use crate::summary::Summary;

const ODATA_VERSION: HeaderName = HeaderName::from_static("odata-version");

/// The bytes of a response with one or two headers, without its body.
const SMALL_ITEM: usize = 192;

/// Bytes of a header value that are converted at a time.
const PIECE: usize = 1024;

const JSON: &[u8] = b"application/json";

/// The frame of the responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::format) enum Layout {
    Envelope,
    Lines,
}

impl Layout {
    pub(super) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Envelope => "application/json",
            Self::Lines => "application/x-ndjson",
        })
    }
}

#[derive(Debug)]
pub(in crate::format) struct Writer {
    layout: Layout,
    is_trusted: bool,
    is_base64_url: bool,
    rules: Rules,
    /// The position of the first response.
    start: u64,
}

impl Writer {
    pub(in crate::format) fn new(layout: Layout, is_trusted: bool, envelope: &Parts) -> Self {
        let version = envelope.headers.get(ODATA_VERSION);
        Self {
            layout,
            is_trusted,
            is_base64_url: version.is_some_and(|version| version == "4.01"),
            rules: Rules::default(),
            start: 0,
        }
    }

    pub(super) fn with_rules(self, rules: Rules) -> Self {
        Self { rules, ..self }
    }

    /// Writes the end of the headers, and the body.
    fn put_body(&self, body: &Bytes, encoding: BodyEncoding<'_>, out: &mut Frames) {
        match encoding {
            BodyEncoding::Null => out.put(b"},\"body\":null}"),
            BodyEncoding::Json => {
                out.put(b"},\"body\":");
                match self.layout {
                    Layout::Envelope => out.put_shared(body),
                    Layout::Lines => put_on_one_line(body, out),
                }
                out.put_byte(b'}');
            }
            BodyEncoding::Text(text) => {
                out.put(b"},\"body\":\"");
                put_escaped(text, out);
                out.put(b"\"}");
            }
            BodyEncoding::Base64 => {
                out.put(match self.is_base64_url {
                    true => b"},\"encoding\":\"base64url\",\"body\":",
                    false => b"},\"encoding\":\"base64\",\"body\":",
                });
                put_base64(body, self.is_base64_url, out);
                out.put_byte(b'}');
            }
        }
    }
}

impl Encoder for Writer {
    fn content_type(&self) -> HeaderValue {
        self.layout.content_type()
    }

    fn is_streamed(&self) -> bool {
        self.layout == Layout::Lines
    }

    fn headers(&self, headers: &mut HeaderMap) {
        if self.layout == Layout::Lines {
            // draft-ietf-httpbis-incremental: asks proxies to forward each line at once.
            headers.insert("incremental", HeaderValue::from_static("?1"));
        }
    }

    fn begin(&mut self, out: &mut Frames) {
        if self.layout == Layout::Envelope {
            out.put(b"{\"responses\":[");
        }
        self.start = out.written();
    }

    fn push(&mut self, subresponse: &Subresponse, out: &mut Frames) {
        out.reserve(SMALL_ITEM + subresponse.body().len());
        match self.layout {
            Layout::Envelope if out.written() == self.start => out.put(b"\n{\"id\":\""),
            Layout::Envelope => out.put(b",\n{\"id\":\""),
            Layout::Lines => out.put(b"{\"id\":\""),
        }
        put_escaped(subresponse.id(), out);
        match subresponse.status() {
            // The usual status, in one piece.
            StatusCode::OK => out.put(b"\",\"status\":200,\"headers\":{"),
            status => {
                out.put(b"\",\"status\":");
                out.put(status.as_str().as_bytes());
                out.put(b",\"headers\":{");
            }
        }
        let about_body = put_headers(subresponse.headers(), subresponse.is_head, out);
        let encoding = BodyEncoding::of(subresponse, about_body, self.is_trusted, self.rules);
        self.put_body(subresponse.body(), encoding, out);
        if self.layout == Layout::Lines {
            out.put_byte(b'\n');
        }
    }

    fn least_len(&self, id: &str) -> usize {
        // An escape at most doubles the bytes of what an id can have: quotes, backslashes, and
        // characters that a reader may take for a line break.
        64 + 2 * id.len()
    }

    fn end(&mut self, summary: &Summary, out: &mut Frames) {
        match self.layout {
            Layout::Envelope => {
                out.put_byte(b']');
                put_error(summary, out);
                out.put_byte(b'}');
            }
            Layout::Lines => {
                let (total, succeeded) = (summary.total(), summary.succeeded());
                let failed = summary.failed();
                let counts = format!(
                    "{{\"summary\":{{\"total\":{total},\"succeeded\":{succeeded},\"failed\":{failed}"
                );
                out.put(counts.as_bytes());
                put_error(summary, out);
                out.put(b"}}\n");
            }
        }
    }
}

/// Writes why a stream ended early, as the last member of an object.
fn put_error(summary: &Summary, out: &mut Frames) {
    if let Some(error) = summary.error() {
        out.put(b",\"error\":");
        out.put_bytes(error.problem_document());
    }
}

/// The way in which a body is written.
pub(in crate::format) enum BodyEncoding<'a> {
    Null,
    Json,
    Text(&'a str),
    Base64,
}

/// The headers that describe the body.
#[derive(Default)]
pub(in crate::format) struct AboutBody<'a> {
    content_type: &'a [u8],
    /// By a `Content-Encoding`, or in an unknown way.
    is_encoded: bool,
}

#[cfg(feature = "shapes")]
impl<'a> AboutBody<'a> {
    /// What these headers say about the body.
    pub(in crate::format) fn of(headers: &'a HeaderMap) -> Self {
        let mut types = headers.get_all(CONTENT_TYPE).iter();
        let content_type = types.next().map(HeaderValue::as_bytes).unwrap_or_default();
        let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
        let is_identity = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
        let is_plain = encodings.next().is_none_or(is_identity) && encodings.next().is_none();
        Self {
            content_type,
            is_encoded: !is_plain || types.next().is_some(),
        }
    }
}

impl<'a> BodyEncoding<'a> {
    /// A body that may be JSON is checked, unless it is trusted or the layer has written it.
    #[inline(always)]
    pub(in crate::format) fn of(
        subresponse: &'a Subresponse,
        about: AboutBody<'_>,
        is_trusted: bool,
        rules: Rules,
    ) -> Self {
        let body = subresponse.body();
        // A body that the layer itself has written needs no check.
        let is_safe = || is_trusted || subresponse.error.is_some() || is_json(body);
        if body.is_empty() {
            Self::Null
        } else if about.is_encoded {
            Self::Base64
        } else if about.content_type == JSON && is_safe() {
            Self::Json
        } else {
            let media_type = std::str::from_utf8(about.content_type).unwrap_or_default();
            let media_type = MediaType::parse(media_type);
            if media_type.is_json() && is_safe() {
                Self::Json
            } else if about.content_type.is_empty()
                || rules.is_text(&media_type) && media_type.is_utf8()
            {
                // Text without a type is usually an error message, for people to read.
                std::str::from_utf8(body).map_or(Self::Base64, Self::Text)
            } else {
                Self::Base64
            }
        }
    }
}

/// Writes the members of the object `headers`. Returns the headers that describe the body.
#[inline(always)]
pub(in crate::format) fn put_headers<'a>(
    headers: &'a HeaderMap,
    is_head: bool,
    out: &mut Frames,
) -> AboutBody<'a> {
    let mut about = AboutBody::default();
    let has_lists = headers.len() > headers.keys_len();
    let mut last = None;
    let mut is_first = true;
    for (name, value) in headers {
        // The length of a body is written only in the response to a HEAD, which asks for it.
        if name == CONTENT_LENGTH && !is_head {
            continue;
        }
        // The values of one name are adjacent, and were written with the first.
        if has_lists && last.replace(name) == Some(name) {
            continue;
        }
        if !std::mem::take(&mut is_first) {
            out.put_byte(b',');
        }
        let is_single = !has_lists || headers.get_all(name).iter().nth(1).is_none();
        if name == CONTENT_TYPE {
            about.content_type = value.as_bytes();
            if is_single && about.content_type == JSON {
                out.put(b"\"Content-Type\":\"application/json\"");
                continue;
            }
            out.put(b"\"Content-Type\":");
        } else {
            let identity = value.as_bytes().eq_ignore_ascii_case(b"identity");
            about.is_encoded |= name == CONTENT_ENCODING && !identity;
            out.put_byte(b'"');
            put_name(name, out);
            out.put(b"\":");
        }
        // With two encodings or two types, it is unknown what the body is.
        about.is_encoded |= !is_single && (name == CONTENT_ENCODING || name == CONTENT_TYPE);
        if is_single && name != SET_COOKIE {
            put_value(value, out);
        } else {
            put_values(name, headers, out);
        }
    }
    about
}

pub(in crate::format) fn put_value(value: &HeaderValue, out: &mut Frames) {
    out.put_byte(b'"');
    put_latin1(value, out);
    out.put_byte(b'"');
}

/// Writes several values as one list (RFC 9110 §5.3). Cookies are an array, because their values
/// can contain commas.
fn put_values(name: &HeaderName, headers: &HeaderMap, out: &mut Frames) {
    let values = headers.get_all(name).iter().enumerate();
    if name == SET_COOKIE {
        out.put_byte(b'[');
        for (index, value) in values {
            if index > 0 {
                out.put_byte(b',');
            }
            put_value(value, out);
        }
        return out.put_byte(b']');
    }
    out.put_byte(b'"');
    for (index, value) in values {
        if index > 0 {
            out.put(b", ");
        }
        put_latin1(value, out);
    }
    out.put_byte(b'"');
}

/// Writes a value as the inside of a JSON string. Each byte is a character of ISO-8859-1.
fn put_latin1(value: &HeaderValue, out: &mut Frames) {
    let bytes = value.as_bytes();
    if is_plain(bytes) {
        return out.put(bytes);
    }
    // In pieces, so that memory never holds the whole value twice.
    for piece in bytes.chunks(PIECE) {
        let text: String = piece.iter().copied().map(char::from).collect();
        put_escaped(&text, out);
    }
}
