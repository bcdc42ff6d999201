//! The JSON format: reads `{"requests":[…]}` and writes `{"responses":[…]}`.

use http::header::CONTENT_TYPE;
use http::request::Parts;

use super::{Decoder, Encoder, Format};
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;
use crate::media_type::MediaType;

mod body;
mod escape;
mod invalid;
mod item;
mod line_splitter;
mod lines;
mod member;
#[cfg(feature = "shapes")]
mod merge;
mod parser;
mod read;
#[cfg(feature = "client")]
mod response_envelope;
#[cfg(feature = "client")]
mod response_item;
#[cfg(feature = "client")]
mod response_lines;
mod skip;
mod swar;
mod token;
mod unique_names;
mod write;
#[cfg(feature = "client")]
mod write_request;

#[cfg(feature = "shapes")]
pub(super) use body::{decode_base64, decode_body};
#[cfg(feature = "shapes")]
pub(super) use escape::{put_base64, put_escaped};
pub(super) use lines::LineReader;
#[cfg(feature = "shapes")]
pub(super) use merge::Defaults;
use read::Reader;
#[cfg(feature = "client")]
use response_envelope::EnvelopeReader;
#[cfg(feature = "client")]
pub(super) use response_lines::ResponseLineReader;
#[cfg(feature = "shapes")]
pub(super) use unique_names::UniqueNames;
#[cfg(feature = "shapes")]
pub(super) use write::{AboutBody, BodyEncoding, put_headers, put_value};
pub(super) use write::{Layout, Writer};
#[cfg(feature = "client")]
pub(super) use write_request::RequestWriter;

/// The JSON envelope of OData 4.01 (JSON Format §19) and Microsoft Graph.
///
/// Its media type is `application/json`. It is read and written. Every layer that
/// [`BatchLayer::new`](crate::BatchLayer::new) makes has it.
///
/// ```json
/// {"requests":[
///   {"id":"a","method":"GET","url":"/users/1"},
///   {"id":"b","method":"POST","url":"/orders","dependsOn":["a"],
///    "headers":{"x-note":"gift"},"body":{"user":1}}]}
/// ```
/// ```json
/// {"responses":[
/// {"id":"a","status":200,"headers":{"Content-Type":"application/json"},"body":{"id":1}},
/// {"id":"b","status":201,"headers":{"Location":"/orders/7"},"body":null}]}
/// ```
///
/// # Requests
///
/// | member | | |
/// | --- | --- | --- |
/// | `id` | required | a string of 1 to 256 bytes without control characters, unique in the batch |
/// | `method` | required | a string, in any case; [which ones](crate::BatchLayer::allow_methods) |
/// | `url` | required | a path and query; one relative to [`base`](crate::BatchLayer::base); or an absolute URL of the batch's own origin |
/// | `headers` | | an object of names to strings, or to arrays of strings, no name twice in any spelling; [which ones](crate::ItemHeaders) |
/// | `body` | | read by the item's `content-type`, as below; `null` is none |
/// | `dependsOn` | | an array of ids of earlier items, at most as many as there are; all must succeed (2xx or 3xx) before this one runs |
///
/// The body depends on the item's `content-type`:
///
/// | `content-type` | `body` |
/// | --- | --- |
/// | `application/json`, `*/*+json`, or none | any JSON, which the item gets byte for byte; without a type, the item gets `content-type: application/json` |
/// | `text/*`, forms (`application/x-www-form-urlencoded`), XML (`application/xml`, `*/*+xml`) | a string, sent as UTF-8 |
/// | any other | a string of base64, in either alphabet, padded or not |
///
/// An error in the structure refuses the batch: text that is not JSON or not UTF-8, a member twice,
/// no `id`, or an unknown dependency. So does a name that differs from `requests` or from one of
/// these members only by case, `_` or `-` (`dependson`, `depends_on`).
///
/// An invalid value (method, URL, header, body) fails its item only. So does a header that is given
/// twice in different spellings (`etag` and `ETag`, `x-a` and `x_a`).
///
/// Other members are ignored, unless
/// [`deny_unknown_members`](Self::deny_unknown_members) is set. The exceptions are `if`, and
/// `atomicityGroup` where [`change_sets`](crate::BatchLayer::change_sets) refuses it: unless they
/// are `null`, the batch is refused with 501.
///
/// # Responses
///
/// There is one response per line, in the order of the items. `headers` and `body` are always
/// there; if empty, they are `{}` and `null`. The values of a header that repeats are joined with
/// `, `, except those of `Set-Cookie`, which are an array.
///
/// | body of the response | `body` |
/// | --- | --- |
/// | JSON that common parsers accept | that JSON, byte for byte |
/// | `text/*`, forms and XML in UTF-8; UTF-8 without a `Content-Type` | a string |
/// | any other; any with a `Content-Encoding`; JSON with a number beyond the range of `f64` | a string of base64, with `"encoding":"base64"` |
///
/// If the batch has `OData-Version: 4.01`, the encoding is `base64url`.
///
/// ```
/// use tower_multistatus::{BatchLayer, Json};
///
/// let layer = BatchLayer::new("/batch").format(Json::new().trust_responses(true));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Json {
    is_trusted: bool,
    rules: Rules,
}

/// The settings for unknown members and for bodies that are strings.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rules {
    pub(super) denies_unknown: bool,
    has_forms_in_base64: bool,
}

impl Rules {
    /// Whether a body of this type is a JSON string of its text.
    fn is_text(self, media_type: &MediaType<'_>) -> bool {
        media_type.is_text() || !self.has_forms_in_base64 && media_type.is_form_or_xml()
    }
}

/// Checks the `charset` of an envelope.
#[inline(always)]
pub(super) fn check_charset(envelope: &Parts) -> Result<(), Error> {
    let content_type = envelope.headers.get(CONTENT_TYPE);
    // Nearly every client sends exactly this.
    let content_type = content_type.filter(|value| *value != "application/json");
    let content_type = content_type.and_then(|value| value.to_str().ok());
    match MediaType::parse(content_type.unwrap_or_default()).parameter("charset") {
        Ok(None) => Ok(()),
        Ok(Some(charset)) if charset.eq_ignore_ascii_case("utf-8") => Ok(()),
        Ok(Some(_)) => Err(ErrorKind::UnsupportedMediaType.into()),
        Err(_) => Err(Error::malformed("`charset` stands twice in `Content-Type`")),
    }
}

/// Checks that a text is one JSON value.
#[cfg(feature = "shapes")]
pub(super) fn check_json(text: &str) -> Result<(), Error> {
    let data = text.as_bytes();
    let read =
        skip::value(data, 0, 0, false).and_then(|mut end| match token::peek(data, &mut end) {
            None => Ok(()),
            Some(_) => Err(invalid::Why::TrailingCharacters.at(end)),
        });
    read.map_err(|invalid| invalid.refusal(data))
}

/// The index after a string of valid JSON whose first quote is before `start`.
#[cfg(feature = "shapes")]
pub(super) fn string_end(data: &[u8], start: usize) -> Option<usize> {
    token::string(data, start, false).ok()
}

impl Json {
    /// Creates the format. By default, it checks JSON bodies of the inner service before it writes
    /// them.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a body whose `Content-Type` is JSON is written to the envelope unchecked. By default
    /// it is checked.
    ///
    /// Without the check, the layer reads large responses once less. This is safe only if each
    /// handler behind the layer, and each server that a handler relays, sends JSON where it says
    /// so. A body that is not JSON breaks the envelope, and a crafted one can forge the responses
    /// of other items.
    #[must_use]
    pub fn trust_responses(mut self, trusted: bool) -> Self {
        self.is_trusted = trusted;
        self
    }

    /// Whether an unknown member, beside `requests` or in an item, refuses the batch. By default
    /// unknown members are ignored.
    ///
    /// ```
    /// use tower_multistatus::{BatchLayer, Json};
    ///
    /// let layer = BatchLayer::new("/batch").format(Json::new().deny_unknown_members(true));
    /// ```
    #[must_use]
    pub fn deny_unknown_members(mut self, denied: bool) -> Self {
        self.rules.denies_unknown = denied;
        self
    }

    /// Whether bodies of forms (`application/x-www-form-urlencoded`) and XML (`application/xml`,
    /// `*/*+xml`) are base64 in requests and responses, as Microsoft Graph and OData define it. By
    /// default they are strings. `text/xml` is always a string.
    ///
    /// ```
    /// use tower_multistatus::{BatchLayer, Json};
    ///
    /// let layer = BatchLayer::new("/batch").format(Json::new().base64_forms_and_xml(true));
    /// ```
    #[must_use]
    pub fn base64_forms_and_xml(mut self, is_base64: bool) -> Self {
        self.rules.has_forms_in_base64 = is_base64;
        self
    }
}

impl Format for Json {
    fn media_types(&self) -> &[&str] {
        &["application/json"]
    }

    fn decoder(
        &self,
        envelope: &Parts,
        limits: &Limits,
    ) -> Option<Result<Box<dyn Decoder>, Error>> {
        let reader = Reader::new(envelope, limits, self.rules);
        Some(reader.map(|reader| Box::new(reader) as _))
    }

    fn encoder(&self, envelope: &Parts) -> Option<Box<dyn Encoder>> {
        let writer = Writer::new(Layout::Envelope, self.is_trusted, envelope);
        Some(Box::new(writer.with_rules(self.rules)))
    }

    #[cfg(feature = "client")]
    fn request_encoder(&self) -> Option<Box<dyn super::RequestEncoder>> {
        Some(Box::new(RequestWriter::new(Layout::Envelope, self.rules)))
    }

    #[cfg(feature = "client")]
    fn response_decoder(
        &self,
        _: &http::response::Parts,
        limits: &Limits,
    ) -> Option<Result<Box<dyn super::ResponseDecoder>, Error>> {
        Some(Ok(Box::new(EnvelopeReader::new(limits, self.rules))))
    }
}
