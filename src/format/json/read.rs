//! Reads `{"requests":[…]}`.

use bytes::Bytes;
use bytestring::ByteString;
use http::header::CONTENT_TYPE;
use http::request::Parts;

use super::item::Source;
use super::names::Names;
use super::scan::Invalid;
use crate::config::Limits;
use crate::error::{Error, ErrorKind};
use crate::format::Decoder;
use crate::gathered::Gathered;
use crate::media_type::MediaType;
use crate::subrequest::Subrequest;

/// A sound item is not shorter than this: `{"id":"1","method":"GET","url":"/"},`.
const SHORT_ITEM: usize = 36;

impl From<Invalid> for ErrorKind {
    fn from(_: Invalid) -> Self {
        Self::Malformed
    }
}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        ErrorKind::from(invalid).into()
    }
}

/// Gathers the envelope, and reads it when it is whole.
#[derive(Debug)]
pub(super) struct Reader {
    envelope: Gathered,
    max_subrequests: usize,
}

impl Reader {
    pub(super) fn new(envelope: &Parts, limits: &Limits) -> Result<Self, Error> {
        let content_type = envelope.headers.get(CONTENT_TYPE);
        // Nearly every client says this and no more.
        let content_type = content_type.filter(|value| *value != "application/json");
        let content_type = content_type.and_then(|value| value.to_str().ok());
        match MediaType::parse(content_type.unwrap_or_default()).parameter("charset") {
            Ok(None) => {}
            Ok(Some(charset)) if charset.eq_ignore_ascii_case("utf-8") => {}
            Ok(Some(_)) => return Err(ErrorKind::UnsupportedMediaType.into()),
            Err(_) => return Err(ErrorKind::Malformed.into()),
        }
        Ok(Self {
            envelope: Gathered::default(),
            max_subrequests: limits.max_subrequests,
        })
    }

    fn too_many(&self) -> Error {
        Error::over(
            ErrorKind::TooManySubrequests,
            "max_subrequests",
            self.max_subrequests,
        )
    }

    fn requests(&self, source: &mut Source<'_>, found: &mut Vec<Subrequest>) -> Result<(), Error> {
        if !source.scanner.take(b'[') {
            return Err(Invalid.into());
        }
        while source.scanner.element(found.is_empty())? {
            if found.len() == self.max_subrequests {
                return Err(self.too_many());
            }
            let index = found.len();
            // Filled in its place: it is large to move.
            found.push(Subrequest::nameless());
            if let Some((item, earlier)) = found.split_last_mut() {
                let read = source.item(item, earlier);
                read.map_err(|kind| Error::new(kind).at_item(index))?;
            }
        }
        Ok(())
    }
}

impl Decoder for Reader {
    fn push(&mut self, chunk: Bytes, _: &mut Vec<Subrequest>) -> Result<(), Error> {
        self.envelope.push(chunk);
        Ok(())
    }

    fn end(&mut self, found: &mut Vec<Subrequest>) -> Result<(), Error> {
        let envelope = ByteString::try_from(self.envelope.take());
        let envelope = envelope.map_err(|_| ErrorKind::Malformed)?;
        let mut source = Source::new(&envelope);
        found.reserve_exact(self.max_subrequests.min(envelope.len() / SHORT_ITEM));
        if !source.scanner.take(b'{') {
            return Err(Invalid.into());
        }
        let (mut names, mut has_requests) = (Names::default(), false);
        let mut is_first = true;
        while let Some(name) = source.scanner.member(is_first)? {
            is_first = false;
            let name = source.bytes(&name)?;
            let is_requests = *name == *b"requests";
            names.insert(name)?;
            if is_requests {
                has_requests = true;
                self.requests(&mut source, found)?;
            } else {
                source.scanner.value(1)?;
            }
        }
        source.scanner.end()?;
        match has_requests {
            true => Ok(()),
            false => Err(Invalid.into()),
        }
    }
}
