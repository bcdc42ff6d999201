//! The body of an item, out of its JSON.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use bytestring::ByteString;

use super::item::Source;
use crate::media_type::MediaType;
use crate::subrequest::Subrequest;

const LENIENT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What the inner service will read, or `None` if the body is not encoded as its content type asks.
pub(super) fn decode_body(body: ByteString, item: &mut Subrequest) -> Option<Bytes> {
    let content_type = item.content_type_or_json();
    if content_type == "application/json" {
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
    let mut symbols = Vec::with_capacity(text.len());
    let inked = text.iter().filter(|byte| !byte.is_ascii_whitespace());
    symbols.extend(inked.copied().map(symbol));
    LENIENT_BASE64.decode(symbols).ok().map(Bytes::from)
}
