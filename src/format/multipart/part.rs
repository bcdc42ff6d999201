//! A part of the envelope, or of a change set in it.

use std::str::from_utf8;

use bytes::Bytes;
use bytestring::ByteString;

use super::boundary::boundary_of;
use super::content_id::content_id_of;
use super::head::{Head, Unreadable};
use crate::error::ErrorKind;
use crate::media_type::MediaType;

/// A part whose own headers are longer is not read.
const MAX_HEADER_BYTES: usize = 16 * 1024;

/// What a part's own headers say of it.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) kind: Kind,
    /// Whether its text does not stand there as it is.
    pub(super) is_encoded: bool,
    pub(super) content_id: Option<ByteString>,
    pub(super) body: Bytes,
}

#[derive(Debug)]
pub(super) enum Kind {
    Request,
    /// With its boundary.
    ChangeSet(String),
}

impl From<Unreadable> for ErrorKind {
    fn from(_: Unreadable) -> Self {
        Self::Malformed
    }
}

impl Part {
    /// # Errors
    ///
    /// Refuses the batch: it cannot be said what the part is.
    pub(super) fn read(mut text: Bytes) -> Result<Self, ErrorKind> {
        let (mut kind, mut content_id, mut is_encoded) = (None, None, false);
        let length = text.len();
        let head = Head::take(&mut text);
        if length - text.len() > MAX_HEADER_BYTES {
            return Err(ErrorKind::Malformed);
        }
        head.each(|name, value| {
            if name.eq_ignore_ascii_case(b"content-type") {
                set_once(&mut kind, kind_of(&value)?)
            } else if name.eq_ignore_ascii_case(b"content-id") {
                set_once(&mut content_id, content_id_of(value)?)
            } else if name.eq_ignore_ascii_case(b"content-transfer-encoding") {
                is_encoded |= !is_identity(&value);
                Ok(())
            } else {
                Ok(())
            }
        })?;
        let kind = kind.ok_or(ErrorKind::Malformed)?;
        if is_encoded && matches!(kind, Kind::ChangeSet(_)) {
            // RFC 2046 §5.1 allows a multipart no other encoding.
            return Err(ErrorKind::Malformed);
        }
        Ok(Self {
            kind,
            is_encoded,
            content_id: content_id.flatten(),
            body: text,
        })
    }
}

pub(super) fn set_once<T>(place: &mut Option<T>, value: T) -> Result<(), ErrorKind> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(ErrorKind::Malformed),
    }
}

/// Whether this `Content-Transfer-Encoding` leaves text as it is (RFC 2045 §6.2).
fn is_identity(encoding: &[u8]) -> bool {
    let name = encoding.split(|byte| *byte == b';').next();
    let name = name.unwrap_or_default().trim_ascii();
    [&b"binary"[..], b"8bit", b"7bit"]
        .iter()
        .any(|identity| name.eq_ignore_ascii_case(identity))
}

fn kind_of(content_type: &[u8]) -> Result<Kind, ErrorKind> {
    let content_type = from_utf8(content_type).map_err(|_| ErrorKind::Malformed)?;
    let media_type = MediaType::parse(content_type);
    if media_type.is("application/http") {
        return Ok(Kind::Request);
    }
    let boundary = boundary_of(&media_type).filter(|_| media_type.is("multipart/mixed"));
    let boundary = boundary.ok_or(ErrorKind::Malformed)?;
    Ok(Kind::ChangeSet(boundary.into_owned()))
}
