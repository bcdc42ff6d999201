//! Reads the request in a part.

use std::borrow::Cow;

use bytes::Bytes;
use bytestring::ByteString;
use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};

use memchr::memchr;
use percent_encoding::{AsciiSet, percent_encode};

use super::content_id::content_id_of;
use super::header_block::{HeaderBlock, Unreadable};
use super::malformed::{Malformed, TWO_IDS, set_once};
use crate::item_error::ItemError;
use crate::subrequest::Subrequest;

/// Spaces; `percent_encode` adds all bytes that are not ASCII.
const SPACES: &AsciiSet = &AsciiSet::EMPTY.add(b' ');

/// Reads a request into an item. An error in the request fails the item. With `wants_id`, because
/// the part has no `Content-ID`, returns that of the request.
///
/// # Errors
///
/// The request has two ids, or an invalid one. This refuses the batch.
pub(super) fn read_request(
    mut text: Bytes,
    wants_id: bool,
    item: &mut Subrequest,
) -> Result<Option<ByteString>, Malformed> {
    while matches!(*text, [b'\n', ..] | [b'\r', b'\n', ..]) {
        take_line(&mut text);
    }
    read_request_line(&take_line(&mut text), item);
    let mut content_id = None;
    let mut framing = Framing::default();
    let read = HeaderBlock::take(&mut text).try_for_each(|name, value| {
        if wants_id && is(name, b"content-id") {
            set_once(&mut content_id, content_id_of(value)?, TWO_IDS)?;
        } else if !framing.takes(name, &value) {
            item.add_header(name, value);
        }
        Ok(())
    });
    match read {
        Ok(()) => {}
        Err(HeaderError::Id(why)) => return Err(why),
        Err(HeaderError::Unreadable(Unreadable::TooMany)) => item.fail(ItemError::TooManyHeaders),
        Err(HeaderError::Unreadable(Unreadable::Invalid)) => item.fail(ItemError::Header),
    }
    if framing.is_invalid {
        item.fail(ItemError::Header);
    }
    // Many clients put blank lines between a request without a body and the delimiter.
    if !text.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
        item.body = text;
    }
    Ok(content_id.flatten())
}

/// Why not all headers were read.
enum HeaderError {
    Unreadable(Unreadable),
    Id(Malformed),
}

impl From<Unreadable> for HeaderError {
    fn from(why: Unreadable) -> Self {
        Self::Unreadable(why)
    }
}

impl From<Malformed> for HeaderError {
    fn from(why: Malformed) -> Self {
        Self::Id(why)
    }
}

/// The headers for the length of a request and for its host. The length is given by the delimiter,
/// and the host by the batch. So these headers are only checked: a request that is ambiguous fails.
#[derive(Debug, Default)]
struct Framing {
    has_host: bool,
    has_length: bool,
    is_invalid: bool,
}

impl Framing {
    /// Checks a header. Returns whether it is one of these, which the item does not get.
    fn takes(&mut self, name: &[u8], value: &[u8]) -> bool {
        let seen = if is(name, HOST) {
            &mut self.has_host
        } else if is(name, CONTENT_LENGTH) {
            let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
            self.is_invalid |= !is_number;
            &mut self.has_length
        } else {
            self.is_invalid |= is(name, TRANSFER_ENCODING);
            return is(name, TRANSFER_ENCODING);
        };
        self.is_invalid |= std::mem::replace(seen, true);
        true
    }
}

fn is(name: &[u8], header: impl AsRef<[u8]>) -> bool {
    name.eq_ignore_ascii_case(header.as_ref())
}

#[inline]
pub(super) fn take_line(text: &mut Bytes) -> Bytes {
    let end = memchr(b'\n', text).map_or(text.len(), |at| at + 1);
    text.split_to(end)
}

/// Reads `METHOD target`, which a version may follow. The version is ignored. The target may
/// contain spaces.
fn read_request_line(line: &Bytes, item: &mut Subrequest) {
    let line_text = line.trim_ascii();
    let end = memchr(b' ', line_text).unwrap_or(line_text.len());
    let (method, rest) = line_text.split_at(end);
    item.set_method(method);
    let mut target = rest.trim_ascii();
    let last = target
        .rsplit(|byte| *byte == b' ')
        .next()
        .unwrap_or_default();
    if last.starts_with(b"HTTP/") {
        let before = target.len() - last.len();
        target = target.get(..before).unwrap_or_default().trim_ascii_end();
    }
    let url = match Cow::from(percent_encode(target, SPACES)) {
        // The encoding of a single byte is borrowed too.
        Cow::Borrowed(same) if same.len() == target.len() => {
            ByteString::try_from(line.slice_ref(target)).ok()
        }
        encoded => Some(encoded.into_owned().into()),
    };
    match url {
        Some(url) => item.url = url,
        None => item.fail(ItemError::Target),
    }
}
