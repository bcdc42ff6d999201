//! A part of the envelope, or of a change set in it.

use std::str::from_utf8;

use bytes::Bytes;
use bytestring::ByteString;

use super::boundary::{NO_BOUNDARY, boundary_of};
use super::content_id::content_id_of;
use super::header_block::HeaderBlock;
use super::malformed::{Malformed, TOO_MANY_HEADERS, TWO_IDS, set_once};
use crate::media_type::MediaType;

/// Maximum bytes of a part's own headers.
const MAX_HEADER_BYTES: usize = 16 * 1024;

/// A part: what its own headers say of it, and its body.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) kind: PartKind,
    /// Whether a `Content-Transfer-Encoding` changes its text.
    pub(super) is_encoded: bool,
    pub(super) content_id: Option<ByteString>,
    pub(super) body: Bytes,
}

#[derive(Debug)]
pub(super) enum PartKind {
    /// A request or a response.
    Message,
    /// With its boundary.
    ChangeSet(String),
}

impl Part {
    /// Reads the headers of a part.
    ///
    /// # Errors
    ///
    /// It is unknown what the part is. This refuses the batch.
    pub(super) fn read(mut text: Bytes) -> Result<Self, Malformed> {
        let (mut kind, mut content_id, mut is_encoded) = (None, None, false);
        let length = text.len();
        let head = HeaderBlock::take(&mut text);
        if length - text.len() > MAX_HEADER_BYTES {
            return Err(Malformed(TOO_MANY_HEADERS));
        }
        head.try_for_each(|name, value| {
            if name.eq_ignore_ascii_case(b"content-type") {
                set_once(
                    &mut kind,
                    kind_of(&value)?,
                    "a part has two `Content-Type`s",
                )
            } else if name.eq_ignore_ascii_case(b"content-id") {
                set_once(&mut content_id, content_id_of(value)?, TWO_IDS)
            } else if name.eq_ignore_ascii_case(b"content-transfer-encoding") {
                is_encoded |= !is_identity(&value);
                Ok(())
            } else {
                Ok(())
            }
        })?;
        let kind = kind.ok_or(Malformed("a part has no `Content-Type`"))?;
        if is_encoded && matches!(kind, PartKind::ChangeSet(_)) {
            // RFC 2046 §5.1 forbids any other encoding of a multipart.
            return Err(Malformed("a change set has a `Content-Transfer-Encoding`"));
        }
        Ok(Self {
            kind,
            is_encoded,
            content_id: content_id.flatten(),
            body: text,
        })
    }
}

/// Whether this `Content-Transfer-Encoding` does not change text (RFC 2045 §6.2).
fn is_identity(encoding: &[u8]) -> bool {
    let name = encoding.split(|byte| *byte == b';').next();
    let name = name.unwrap_or_default().trim_ascii();
    [&b"binary"[..], b"8bit", b"7bit"]
        .iter()
        .any(|identity| name.eq_ignore_ascii_case(identity))
}

fn kind_of(content_type: &[u8]) -> Result<PartKind, Malformed> {
    let media_type = MediaType::parse(from_utf8(content_type).unwrap_or_default());
    if media_type.is("application/http") {
        return Ok(PartKind::Message);
    }
    if !media_type.is("multipart/mixed") {
        return Err(Malformed(
            "a part is neither `application/http` nor `multipart/mixed`",
        ));
    }
    let boundary = boundary_of(&media_type).ok_or(Malformed(NO_BOUNDARY))?;
    Ok(PartKind::ChangeSet(boundary.into_owned()))
}
