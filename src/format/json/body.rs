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
    let is_text = rules.is_text(&media_type);
    let fault = if is_text {
        ItemError::Body
    } else {
        ItemError::Base64
    };
    let mut parser = Parser::new(&body);
    let string = parser.string().ok().flatten().ok_or(fault)?;
    if is_text {
        return parser.shared_bytes(&string).map_err(|_| fault);
    }
    decode_base64(&parser.bytes(&string).map_err(|_| fault)?)
}

/// Decodes base64 in either alphabet, padded or not, with white space.
pub(in crate::format) fn decode_base64(text: &[u8]) -> Result<Bytes, ItemError> {
    let symbol = |byte: u8| match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => other,
    };
    let mut symbols = Vec::with_capacity(text.len());
    let without_space = text.iter().filter(|byte| !byte.is_ascii_whitespace());
    symbols.extend(without_space.copied().map(symbol));
    let decoded = LENIENT_BASE64.decode(symbols);
    decoded.map(Bytes::from).map_err(|_| ItemError::Base64)
}
