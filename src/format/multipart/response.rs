//! Reads the response in a part.

use std::str::from_utf8;

use bytes::Bytes;
use bytestring::ByteString;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::content_id::content_id_of;
use super::header_block::{HeaderBlock, Unreadable};
use super::request::take_line;

/// A response, and the `Content-ID` among its own headers.
#[derive(Debug)]
pub(super) struct PartResponse {
    pub(super) content_id: Option<ByteString>,
    pub(super) status: StatusCode,
    /// Without `Content-Length`: only the delimiter ends the body.
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Reads a response. `None` if it is invalid.
pub(super) fn read_response(mut text: Bytes) -> Option<PartResponse> {
    let status = status_of(&take_line(&mut text))?;
    let (mut headers, mut content_id) = (HeaderMap::new(), None);
    let read = HeaderBlock::take(&mut text).try_for_each(|name, value| {
        let name = HeaderName::from_bytes(name).map_err(|_| Unreadable::Invalid)?;
        if name == TRANSFER_ENCODING {
            return Err(Unreadable::Invalid);
        }
        if name == "content-id" {
            content_id = content_id_of(value).map_err(|_| Unreadable::Invalid)?;
        } else if name != CONTENT_LENGTH {
            let value = HeaderValue::from_maybe_shared(value);
            headers.append(name, value.map_err(|_| Unreadable::Invalid)?);
        }
        Ok(())
    });
    read.ok()?;
    Some(PartResponse {
        content_id,
        status,
        headers,
        body: text,
    })
}

/// The final status of `HTTP/1.1 200 OK`, whose reason may be missing.
fn status_of(line: &[u8]) -> Option<StatusCode> {
    let mut words = from_utf8(line).ok()?.split_ascii_whitespace();
    words
        .next()
        .filter(|version| version.starts_with("HTTP/"))?;
    let status = StatusCode::from_bytes(words.next()?.as_bytes()).ok()?;
    (!status.is_informational()).then_some(status)
}
