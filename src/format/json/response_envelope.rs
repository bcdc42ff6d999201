//! The JSON decoder of clients: reads `{"responses":[…]}`.

use bytes::Bytes;
use bytestring::ByteString;

use super::Rules;
use super::invalid::{Invalid, Why};
use super::parser::Parser;
use super::response_item::{Found, read_response};
use crate::chunks::Chunks;
use crate::error::Error;
use crate::format::ResponseDecoder;
use crate::limits::Limits;
use crate::subresponse::Subresponse;

/// The depth of a response's members: the envelope, its array, the response.
const DEPTH: u32 = 3;

/// Collects the envelope, and reads it when it is complete.
#[derive(Debug)]
pub(super) struct EnvelopeReader {
    envelope: Chunks,
    limits: Limits,
    rules: Rules,
}

impl EnvelopeReader {
    pub(super) fn new(limits: &Limits, rules: Rules) -> Self {
        Self {
            envelope: Chunks::default(),
            limits: *limits,
            rules,
        }
    }

    fn read(&self, text: &ByteString, found: &mut Vec<Subresponse>) -> Result<(), Invalid> {
        let parser = &mut Parser::new(text);
        if parser.peek() != Some(b'{') {
            return Err(parser.invalid(Why::NotAnObject));
        }
        let mut has_responses = false;
        let mut is_there = parser.object_first()?;
        while is_there {
            let name = parser.name()?;
            if *parser.bytes(&name)? != *b"responses" {
                parser.value(1)?;
            } else if std::mem::replace(&mut has_responses, true) {
                return Err(Why::DuplicateName.at(name.start()));
            } else {
                self.read_responses(parser, found)?;
            }
            is_there = parser.object_next()?;
        }
        if !has_responses {
            return Err(parser.invalid_end(Why::ResponsesMissing));
        }
        parser.end()
    }

    fn read_responses(
        &self,
        parser: &mut Parser<'_>,
        found: &mut Vec<Subresponse>,
    ) -> Result<(), Invalid> {
        if parser.peek() != Some(b'[') {
            return Err(parser.invalid(Why::NotAnArray));
        }
        let mut count = 0;
        let mut is_there = parser.array_first()?;
        while is_there {
            if count == self.limits.max_items {
                return Err(parser.invalid(Why::TooManyItems));
            }
            count += 1;
            if let Found::Response(response) = read_response(parser, self.rules, DEPTH)? {
                found.push(response);
            }
            is_there = parser.array_next()?;
        }
        Ok(())
    }
}

impl ResponseDecoder for EnvelopeReader {
    fn push(&mut self, chunk: Bytes, _: &mut Vec<Subresponse>) -> Result<(), Error> {
        self.limits.check_held(self.envelope.len() + chunk.len())?;
        self.envelope.push(chunk);
        Ok(())
    }

    fn end(&mut self, found: &mut Vec<Subresponse>) -> Result<(), Error> {
        let bytes = self.envelope.take();
        let text = ByteString::try_from(bytes.clone());
        let text = text.map_err(|error| Why::NotUtf8.at(error.valid_up_to()).refusal(&bytes))?;
        let before = found.len();
        found.reserve(self.limits.max_items);
        self.read(&text, found).map_err(|invalid| {
            // An envelope that is invalid anywhere is used nowhere.
            found.truncate(before);
            invalid.refusal(&bytes)
        })
    }
}
