//! Reads `{"requests":[…]}`.

use bytes::Bytes;
use bytestring::ByteString;
use http::header::CONTENT_TYPE;
use http::request::Parts;

use super::Rules;
use super::invalid::Invalid;
use super::item::Source;
use super::member::resembles;
use super::names::Names;
use super::scan::Str;
use crate::chunks::Chunks;
use crate::error::{Error, ErrorKind};
use crate::format::Decoder;
use crate::limits::Limits;
use crate::media_type::MediaType;
use crate::subrequest::Subrequest;

/// A sound item is not shorter than this: `{"id":"1","method":"GET","url":"/"},`.
const SHORT_ITEM: usize = 36;

/// Gathers the envelope, and reads it when it is whole.
#[derive(Debug)]
pub(super) struct Reader {
    envelope: Chunks,
    max_items: usize,
    rules: Rules,
}

impl Reader {
    pub(super) fn new(envelope: &Parts, limits: &Limits, rules: Rules) -> Result<Self, Error> {
        let content_type = envelope.headers.get(CONTENT_TYPE);
        // Nearly every client says this and no more.
        let content_type = content_type.filter(|value| *value != "application/json");
        let content_type = content_type.and_then(|value| value.to_str().ok());
        match MediaType::parse(content_type.unwrap_or_default()).parameter("charset") {
            Ok(None) => {}
            Ok(Some(charset)) if charset.eq_ignore_ascii_case("utf-8") => {}
            Ok(Some(_)) => return Err(ErrorKind::UnsupportedMediaType.into()),
            Err(_) => return Err(Error::malformed("`charset` stands twice in `Content-Type`")),
        }
        Ok(Self {
            envelope: Chunks::default(),
            max_items: limits.max_items,
            rules,
        })
    }

    fn too_many(&self) -> Error {
        Error::over(ErrorKind::TooManyItems, "max_items", self.max_items)
    }

    fn requests(&self, source: &mut Source<'_>, found: &mut Vec<Subrequest>) -> Result<(), Error> {
        if !source.scanner.take(b'[') {
            return Err(source.refusal(Invalid::NotAnArray));
        }
        loop {
            match source.scanner.element(found.is_empty()) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(why) => return Err(source.refusal(why)),
            }
            if found.len() == self.max_items {
                return Err(self.too_many());
            }
            let index = found.len();
            // Filled in its place: it is large to move.
            found.push(Subrequest::nameless());
            if let Some((item, earlier)) = found.split_last_mut() {
                let read = source.item(item, earlier);
                read.map_err(|why| source.refusal(why).at_item(index))?;
            }
        }
    }

    /// Reads the envelope itself.
    fn envelope(&self, source: &mut Source<'_>, found: &mut Vec<Subrequest>) -> Result<(), Error> {
        if !source.scanner.take(b'{') {
            return Err(source.refusal(Invalid::NotAnObject));
        }
        let (mut names, mut has_requests) = (Names::default(), false);
        let mut is_first = true;
        loop {
            let member = source.scanner.member(is_first);
            let Some(name) = member.map_err(|why| source.refusal(why))? else {
                break;
            };
            is_first = false;
            let at = name.inner.start - 1;
            let is_requests = self.is_requests(&name, source, &mut names);
            if is_requests.map_err(|why| source.refusal_at(why, at))? {
                has_requests = true;
                self.requests(source, found)?;
            } else {
                let value = source.scanner.value(1);
                value.map_err(|why| source.refusal(why))?;
            }
        }
        let end = source.scanner.end();
        end.map_err(|why| source.refusal(why))?;
        match has_requests {
            true => Ok(()),
            false => Err(source.refusal(Invalid::RequestsMissing)),
        }
    }

    /// Whether this member is the one with the items; if not, whether it may stand there.
    fn is_requests<'a>(
        &self,
        name: &Str,
        source: &Source<'a>,
        names: &mut Names<'a>,
    ) -> Result<bool, Invalid> {
        let name = source.bytes(name)?;
        let is_requests = *name == *b"requests";
        if !is_requests && resembles(&name, b"requests") {
            return Err(Invalid::RequestsMisspelt);
        }
        if !is_requests && self.rules.denies_unknown {
            return Err(Invalid::UnknownMember);
        }
        names.insert(name)?;
        Ok(is_requests)
    }
}

impl Decoder for Reader {
    fn push(&mut self, chunk: Bytes, _: &mut Vec<Subrequest>) -> Result<(), Error> {
        self.envelope.push(chunk);
        Ok(())
    }

    fn end(&mut self, found: &mut Vec<Subrequest>) -> Result<(), Error> {
        let envelope = ByteString::try_from(self.envelope.take());
        let envelope =
            envelope.map_err(|error| Invalid::NotUtf8.refusal(&[], error.valid_up_to()))?;
        found.reserve_exact(self.max_items.min(envelope.len() / SHORT_ITEM));
        self.envelope(&mut Source::new(&envelope, self.rules), found)
    }
}
