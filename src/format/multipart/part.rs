//! A part of the envelope, or of a change set in it.

use std::str::from_utf8;

use bytes::Bytes;
use bytestring::ByteString;

use super::boundary::boundary_of;
use super::head::{Head, Unreadable};
use crate::error::ErrorKind;
use crate::media_type::MediaType;

/// What a part's own headers say of it.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) kind: Kind,
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
        let (mut kind, mut content_id) = (None, None);
        Head::take(&mut text).each(|name, value| {
            if name.eq_ignore_ascii_case(b"content-type") {
                set_once(&mut kind, kind_of(&value)?)
            } else if name.eq_ignore_ascii_case(b"content-id") {
                set_once(&mut content_id, content_id_of(value)?)
            } else {
                Ok(())
            }
        })?;
        Ok(Self {
            kind: kind.ok_or(ErrorKind::Malformed)?,
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

/// The `Content-ID` as it stands; one that is empty is none.
pub(super) fn content_id_of(value: Bytes) -> Result<Option<ByteString>, ErrorKind> {
    let id = ByteString::try_from(value).map_err(|_| ErrorKind::Malformed)?;
    Ok(Some(id).filter(|id| !bare(id).is_empty()))
}

/// The id in a `Content-ID`: `1` of `<1>`, and of `1`.
pub(super) fn bare(content_id: &ByteString) -> ByteString {
    let inner = content_id.strip_prefix('<');
    match inner.and_then(|inner| inner.strip_suffix('>')) {
        Some(inner) => content_id.slice_ref(inner),
        None => content_id.clone(),
    }
}
