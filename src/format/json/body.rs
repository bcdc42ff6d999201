//! The body of an item, out of its JSON.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use bytestring::ByteString;
use http::HeaderValue;

use super::item::Source;
use crate::media_type::MediaType;
use crate::subrequest::Subrequest;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

const LENIENT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What the inner service will read, or `None` if the body is not encoded as its content type asks.
pub(super) fn decode_body(body: ByteString, item: &mut Subrequest) -> Option<Bytes> {
    let Some(content_type) = &item.content_type else {
        item.content_type = Some(JSON);
        return Some(body.into_bytes());
    };
    if content_type == JSON {
        return Some(body.into_bytes());
    }
    let media_type = MediaType::parse(content_type.to_str().unwrap_or_default());
    if media_type.is_json() {
        return Some(body.into_bytes());
    }
    let mut source = Source::new(&body);
    let text = source.scanner.string().ok()?;
    if media_type.is_text() {
        return source.shared(&text).ok().map(ByteString::into_bytes);
    }
    let symbol = |byte: u8| match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => other,
    };
    let text = source.bytes(&text).ok()?;
    let symbols: Vec<u8> = text
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(symbol)
        .collect();
    LENIENT_BASE64.decode(symbols).ok().map(Bytes::from)
}
