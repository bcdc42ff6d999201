//! The NDJSON decoder: reads an item per line.

use std::num::NonZeroU32;

use bytes::Bytes;
use bytestring::ByteString;
use http::request::Parts;

use super::invalid::{Invalid, Why};
use super::item::ItemReader;
use super::line_splitter::LineSplitter;
use super::{Rules, check_charset};
use crate::error::{Error, ErrorKind};
use crate::format::Decoder;
use crate::limits::Limits;
use crate::subrequest::Subrequest;

/// The bytes that a line may have beside those of a body.
const BESIDE_BODY: usize = 16 * 1024;

/// The depth of an item's members: the item itself.
const DEPTH: u32 = 1;

/// Reads an item as soon as its line is complete.
#[derive(Debug)]
pub(in crate::format) struct LineReader {
    splitter: LineSplitter,
    /// The number of complete lines.
    lines: u64,
    /// The number of bytes of complete lines.
    offset: u64,
    limits: Limits,
    rules: Rules,
}

impl LineReader {
    pub(in crate::format) fn new(
        envelope: &Parts,
        limits: &Limits,
        rules: Rules,
    ) -> Result<Self, Error> {
        check_charset(envelope)?;
        Ok(Self {
            splitter: LineSplitter::default(),
            lines: 0,
            offset: 0,
            limits: *limits,
            rules,
        })
    }

    /// Reads a line, with its line end if it has one.
    fn line(&mut self, line: &[u8], found: &mut Vec<Subrequest>) -> Result<(), Error> {
        self.check_length(line.len())?;
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if !text.trim_ascii().is_empty() {
            if found.len() == self.limits.max_items {
                return Err(self.limits.too_many_items());
            }
            let mut item = self.item(text)?;
            let number = u32::try_from(self.lines + 1).ok();
            item.line = number.and_then(NonZeroU32::new);
            found.push(item);
        }
        self.lines += 1;
        self.offset += line.len() as u64;
        Ok(())
    }

    fn item(&self, line: &[u8]) -> Result<Subrequest, Error> {
        // A copy, because an item may be kept for much longer than its neighbours.
        let copy = Bytes::copy_from_slice(line);
        let mut item = Subrequest::without_id();
        let read = match ByteString::try_from(copy) {
            Ok(text) => read_line(&text, self.rules, &mut item),
            Err(error) => Err(Why::NotUtf8.at(error.valid_up_to())),
        };
        match read {
            Ok(()) => Ok(item),
            Err(invalid) => Err(self.refusal(invalid, line)),
        }
    }

    #[cold]
    fn refusal(&self, invalid: Invalid, line: &[u8]) -> Error {
        let mut error = invalid.refusal(line).at_line(self.lines + 1);
        error.offset = error.offset.map(|offset| self.offset + offset);
        error
    }

    fn check_length(&self, length: usize) -> Result<(), Error> {
        let max_body = self.limits.max_item_body_bytes;
        if length <= max_body.saturating_add(BESIDE_BODY) {
            return Ok(());
        }
        let error = Error::over(ErrorKind::EnvelopeTooLarge, "max_item_body_bytes", max_body);
        Err(error.detail("a line is too long").at_line(self.lines + 1))
    }
}

/// Reads the item of a line.
fn read_line(text: &ByteString, rules: Rules, item: &mut Subrequest) -> Result<(), Invalid> {
    let mut items = ItemReader::new(text, rules, DEPTH);
    items.read(item, None)?;
    items.parser.end()
}

impl Decoder for LineReader {
    fn is_streamed(&self) -> bool {
        true
    }

    fn push(&mut self, chunk: Bytes, found: &mut Vec<Subrequest>) -> Result<(), Error> {
        let mut splitter = std::mem::take(&mut self.splitter);
        let rest = splitter.push(&chunk, |line| self.line(line, found))?;
        self.check_length(splitter.partial_len() + rest.len())?;
        splitter.keep(rest);
        self.splitter = splitter;
        Ok(())
    }

    fn end(&mut self, found: &mut Vec<Subrequest>) -> Result<(), Error> {
        let line = self.splitter.take();
        self.line(&line, found)
    }
}
