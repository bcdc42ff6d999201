//! The NDJSON decoder of clients: reads a response per line.

use bytes::Bytes;
use bytestring::ByteString;

use super::Rules;
use super::invalid::{Invalid, Why};
use super::line_splitter::LineSplitter;
use super::parser::Parser;
use super::response_item::{Found, read_response};
use crate::error::Error;
use crate::format::ResponseDecoder;
use crate::limits::Limits;
use crate::subresponse::Subresponse;

/// The depth of a response's members: the response itself.
const DEPTH: u32 = 1;

/// Reads a response as soon as its line is complete.
#[derive(Debug)]
pub(in crate::format) struct ResponseLineReader {
    splitter: LineSplitter,
    limits: Limits,
    rules: Rules,
    count: usize,
    /// Whether the summary has arrived, after which nothing follows.
    is_complete: bool,
}

impl ResponseLineReader {
    pub(in crate::format) fn new(limits: &Limits, rules: Rules) -> Self {
        Self {
            splitter: LineSplitter::default(),
            limits: *limits,
            rules,
            count: 0,
            is_complete: false,
        }
    }

    fn line(&mut self, line: &[u8], found: &mut Vec<Subresponse>) -> Result<(), Error> {
        self.limits.check_held(line.len())?;
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        if self.is_complete {
            return Err(Error::malformed("a line after the summary"));
        }
        let text = ByteString::try_from(line);
        let text = text.map_err(|error| Why::NotUtf8.at(error.valid_up_to()).refusal(line))?;
        let read = read_line(&text, self.rules);
        match read.map_err(|invalid| invalid.refusal(line))? {
            Found::Summary => {
                self.is_complete = true;
                return Ok(());
            }
            _ if self.count == self.limits.max_items => return Err(self.limits.too_many_items()),
            Found::Response(response) => found.push(response),
            Found::Unknown => {}
        }
        self.count += 1;
        Ok(())
    }
}

fn read_line(text: &ByteString, rules: Rules) -> Result<Found, Invalid> {
    let mut parser = Parser::new(text);
    let found = read_response(&mut parser, rules, DEPTH)?;
    parser.end()?;
    Ok(found)
}

impl ResponseDecoder for ResponseLineReader {
    fn push(&mut self, chunk: Bytes, found: &mut Vec<Subresponse>) -> Result<(), Error> {
        let mut splitter = std::mem::take(&mut self.splitter);
        let rest = splitter.push(&chunk, |line| self.line(line, found))?;
        self.limits
            .check_held(splitter.partial_len() + rest.len())?;
        splitter.keep(rest);
        self.splitter = splitter;
        Ok(())
    }

    fn end(&mut self, found: &mut Vec<Subresponse>) -> Result<(), Error> {
        let line = self.splitter.take();
        self.line(&line, found)?;
        if self.is_complete {
            Ok(())
        } else {
            Err(Error::malformed("the summary is missing"))
        }
    }
}
