//! Decodes the body of an item.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use bytestring::ByteString;

use super::Rules;
use super::parser::Parser;
use crate::item_error::ItemError;
use crate::media_type::MediaType;
use crate::subrequest::Subrequest;

const LENIENT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Returns the bytes that the inner service will read.
///
/// # Errors
///
/// The JSON is not what the content type of the item requires: a string, or base64.
#[inline(always)]
pub(in crate::format) fn decode_body(
    body: ByteString,
    item: &mut Subrequest,
    rules: Rules,
) -> Result<Bytes, ItemError> {
    let content_type = item.content_type_or_json();
    if content_type == "application/json" {
        return Ok(body.into_bytes());
    }
    let media_type = MediaType::parse(content_type.to_str().unwrap_or_default());
    if media_type.is_json() {
        return Ok(body.into_bytes());
    }
    if rules.is_text(&media_type) {
        decode_text(&body).ok_or(ItemError::Body)
    } else {
        decode_base64(&body).ok_or(ItemError::Base64)
    }
}

/// The text of a JSON string. `None` if it is none, or has half a surrogate pair.
#[inline(always)]
pub(super) fn decode_text(string: &ByteString) -> Option<Bytes> {
    let mut parser = Parser::new(string);
    let text = parser.string().ok()??;
    parser.shared_bytes(&text).ok()
}

/// The bytes of a JSON string of base64, in either alphabet, padded or not, with white space
/// anywhere. `None` if it is none.
#[inline(always)]
pub(in crate::format) fn decode_base64(string: &ByteString) -> Option<Bytes> {
    let mut parser = Parser::new(string);
    let text = parser.string().ok()??;
    let text = parser.bytes(&text).ok()?;
    let symbol = |byte: u8| match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => other,
    };
    let mut symbols = Vec::with_capacity(text.len());
    let without_space = text.iter().filter(|byte| !byte.is_ascii_whitespace());
    symbols.extend(without_space.copied().map(symbol));
    LENIENT_BASE64.decode(symbols).map(Bytes::from).ok()
}
