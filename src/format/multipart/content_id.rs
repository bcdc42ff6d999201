//! `Content-ID`: the id of an item in multipart.

use std::borrow::Cow;

use bytes::Bytes;
use bytestring::ByteString;
#[cfg(feature = "client")]
use percent_encoding::percent_decode_str;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::malformed::Malformed;

/// Characters that no token can have (RFC 9110 §5.6.2).
const NOT_IN_TOKENS: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'%')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'*')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// These, and `%`, which begins an encoded byte.
const ENCODED: &AsciiSet = &NOT_IN_TOKENS.add(b'%');

/// The `Content-ID` in a header value, as the part has it. An empty one counts as none.
pub(super) fn content_id_of(value: Bytes) -> Result<Option<ByteString>, Malformed> {
    let id = ByteString::try_from(value).map_err(|_| Malformed("a `Content-ID` is not UTF-8"))?;
    Ok(Some(id).filter(|id| !bare(id).is_empty()))
}

/// The id in a `Content-ID`: `1` for both `<1>` and `1`.
pub(super) fn bare(content_id: &ByteString) -> ByteString {
    let inner = content_id.strip_prefix('<');
    match inner.and_then(|inner| inner.strip_suffix('>')) {
        Some(inner) => content_id.slice_ref(inner),
        None => content_id.clone(),
    }
}

/// The `Content-ID` for an id of another format: a token as it is, any other id percent-encoded in
/// brackets (RFC 2392). A token has no brackets, so clients can distinguish the two.
pub(super) fn of_id(id: &str) -> Cow<'_, str> {
    match Cow::from(utf8_percent_encode(id, NOT_IN_TOKENS)) {
        // The encoding of a single byte is borrowed too.
        Cow::Borrowed(token) if token == id => Cow::Borrowed(token),
        _ => Cow::Owned(format!("<{}>", utf8_percent_encode(id, ENCODED))),
    }
}

/// The id of which [`of_id`] has made this `Content-ID`. `None` if that is no text.
#[cfg(feature = "client")]
pub(super) fn id_of(content_id: &ByteString) -> Option<ByteString> {
    let bare = bare(content_id);
    if bare.len() == content_id.len() {
        return Some(bare);
    }
    match percent_decode_str(&bare).decode_utf8().ok()? {
        Cow::Borrowed(_) => Some(bare),
        Cow::Owned(id) => Some(id.into()),
    }
}
