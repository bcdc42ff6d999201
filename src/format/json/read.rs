//! The JSON decoder: reads `{"requests":[…]}`.

use bytes::Bytes;
use bytestring::ByteString;
use http::request::Parts;

use super::invalid::{Invalid, Why};
use super::item::ItemReader;
use super::member::resembles;
use super::parser::Parser;
use super::unique_names::UniqueNames;
use super::{Rules, check_charset};
use crate::chunks::Chunks;
use crate::error::Error;
use crate::format::Decoder;
use crate::limits::Limits;
use crate::subrequest::Subrequest;

/// Minimum bytes of a valid item: `{"id":"1","method":"GET","url":"/"},`.
const SHORT_ITEM: usize = 36;

/// The depth of an item's members: the envelope, its array, the item.
const DEPTH: u32 = 3;

/// Collects the envelope, and reads it when it is complete.
#[derive(Debug)]
pub(super) struct Reader {
    envelope: Chunks,
    limits: Limits,
    rules: Rules,
}

impl Reader {
    pub(super) fn new(envelope: &Parts, limits: &Limits, rules: Rules) -> Result<Self, Error> {
        check_charset(envelope)?;
        Ok(Self {
            envelope: Chunks::default(),
            limits: *limits,
            rules,
        })
    }

    /// Reads the whole envelope.
    fn read_envelope(&self, text: &ByteString, found: &mut Vec<Subrequest>) -> Result<(), Refused> {
        let items = &mut ItemReader::new(text, self.rules, DEPTH);
        if items.parser.peek() != Some(b'{') {
            return Err(items.parser.invalid(Why::NotAnObject).into());
        }
        let (mut names, mut has_requests) = (UniqueNames::default(), false);
        let mut is_there = items.parser.object_first()?;
        while is_there {
            if self.is_requests(&mut items.parser, &mut names)? {
                has_requests = true;
                self.read_requests(items, found)?;
            } else {
                items.parser.value(1)?;
            }
            is_there = items.parser.object_next()?;
        }
        if !has_requests {
            return Err(items.parser.invalid_end(Why::RequestsMissing).into());
        }
        Ok(items.parser.end()?)
    }

    /// Reads the name of a member of the envelope. Returns whether it is `requests`.
    ///
    /// # Errors
    ///
    /// The name is not allowed, or a repetition.
    fn is_requests<'a>(
        &self,
        parser: &mut Parser<'a>,
        names: &mut UniqueNames<'a>,
    ) -> Result<bool, Invalid> {
        let name = parser.name()?;
        let start = name.start();
        let name = parser.bytes(&name)?;
        let is_requests = *name == *b"requests";
        if !is_requests && resembles(&name, b"requests") {
            return Err(Why::RequestsMisspelt.at(start));
        }
        if !is_requests && self.rules.denies_unknown {
            return Err(Why::UnknownMember.at(start));
        }
        if names.insert(name) {
            Ok(is_requests)
        } else {
            Err(Why::DuplicateName.at(start))
        }
    }

    fn read_requests(
        &self,
        items: &mut ItemReader<'_>,
        found: &mut Vec<Subrequest>,
    ) -> Result<(), Refused> {
        if items.parser.peek() != Some(b'[') {
            return Err(items.parser.invalid(Why::NotAnArray).into());
        }
        let mut is_there = items.parser.array_first()?;
        while is_there {
            if found.len() == self.limits.max_items {
                return Err(items.parser.invalid(Why::TooManyItems).into());
            }
            let index = found.len();
            // Filled in place, because an item is expensive to move.
            found.push(Subrequest::without_id());
            if let Some((item, earlier)) = found.split_last_mut() {
                let read = items.read(item, Some(earlier));
                read.map_err(|invalid| Refused {
                    invalid,
                    item: Some(index),
                })?;
            }
            is_there = items.parser.array_next()?;
        }
        Ok(())
    }

    /// Refuses an envelope whose first `valid` bytes are UTF-8. If these have an error of their
    /// own, that one is reported.
    #[cold]
    fn not_utf8(&self, bytes: &Bytes, valid: usize, found: &mut Vec<Subrequest>) -> Error {
        let text = ByteString::try_from(bytes.slice(..valid)).unwrap_or_default();
        let refused = match self.read_envelope(&text, found) {
            Err(refused) if refused.invalid.offset < valid => refused,
            _ => Why::NotUtf8.at(valid).into(),
        };
        self.refusal(bytes, refused)
    }

    /// The refusal of an envelope.
    #[cold]
    fn refusal(&self, envelope: &[u8], Refused { invalid, item }: Refused) -> Error {
        if invalid.why == Why::TooManyItems {
            return self.limits.too_many_items();
        }
        let refusal = invalid.refusal(envelope);
        match item {
            Some(index) => refusal.at_item(index),
            None => refusal,
        }
    }
}

/// The error in an envelope, and the index of its item.
struct Refused {
    invalid: Invalid,
    item: Option<usize>,
}

impl From<Invalid> for Refused {
    fn from(invalid: Invalid) -> Self {
        Self {
            invalid,
            item: None,
        }
    }
}

impl Decoder for Reader {
    fn push(&mut self, chunk: Bytes, _: &mut Vec<Subrequest>) -> Result<(), Error> {
        self.envelope.push(chunk);
        Ok(())
    }

    fn end(&mut self, found: &mut Vec<Subrequest>) -> Result<(), Error> {
        let bytes = self.envelope.take();
        let text = match ByteString::try_from(bytes.clone()) {
            Ok(text) => text,
            Err(error) => return Err(self.not_utf8(&bytes, error.valid_up_to(), found)),
        };
        found.reserve_exact(self.limits.max_items.min(text.len() / SHORT_ITEM));
        let read = self.read_envelope(&text, found);
        read.map_err(|refused| self.refusal(&bytes, refused))
    }
}
