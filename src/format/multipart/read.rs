//! The multipart decoder: reads an envelope chunk by chunk.

use bytes::Bytes;
use bytestring::ByteString;
use http::request::Parts;

use super::Multipart;
use super::boundary::boundary_in;
use super::content_id::bare;
use super::delimiter::{Splitter, Window};
use super::malformed::{Malformed, NOT_CLOSED};
use super::part::{Part, PartKind};
use super::request::read_request;
use crate::error::{Error, ErrorKind};
use crate::format::{Decoder, ids};
use crate::item_error::ItemError;
use crate::limits::Limits;
use crate::subrequest::{InvalidId, Subrequest};

/// Reads an item as soon as its part is complete, and the items of a change set together.
#[derive(Debug)]
pub(super) struct Reader {
    splitter: Splitter,
    window: Window,
    change_sets: usize,
    /// The number of items so far.
    items: usize,
    limits: Limits,
    is_sequential: bool,
    is_streamed: bool,
}

impl Reader {
    pub(super) fn new(
        envelope: &Parts,
        limits: &Limits,
        format: &Multipart,
    ) -> Result<Self, Error> {
        Ok(Self {
            splitter: Splitter::new(&boundary_in(&envelope.headers)?),
            window: Window::default(),
            change_sets: 0,
            items: 0,
            limits: *limits,
            is_sequential: format.is_sequential,
            is_streamed: format.is_streamed,
        })
    }

    fn read(&mut self, is_last: bool, found: &mut Vec<Subrequest>) -> Result<(), Error> {
        while let Some(part) = self.splitter.next(&mut self.window, is_last) {
            let part = if self.is_streamed {
                // A copy, because an item may be kept for much longer than its neighbours.
                Bytes::copy_from_slice(&part)
            } else {
                part
            };
            self.read_part(part, found)?;
        }
        let max = self.limits.max_envelope_bytes;
        // The layer itself limits a whole envelope.
        if self.is_streamed && self.window.len() > max {
            let kind = ErrorKind::EnvelopeTooLarge;
            return Err(Error::over(kind, "max_envelope_bytes", max));
        }
        Ok(())
    }

    fn read_part(&mut self, part: Bytes, found: &mut Vec<Subrequest>) -> Result<(), Error> {
        let part = Part::read(part).map_err(|why| self.at_next_item(why))?;
        let PartKind::ChangeSet(boundary) = &part.kind else {
            return self.read_item(part, None, found);
        };
        self.change_sets += 1;
        let group = ids::of_change_set(boundary, self.change_sets);
        let (mut splitter, mut window) = (Splitter::new(boundary), Window::from(part.body));
        while let Some(member) = splitter.next(&mut window, true) {
            let member = Part::read(member).map_err(|why| self.at_next_item(why))?;
            if !matches!(member.kind, PartKind::Message) {
                let why = Malformed("a change set in a change set");
                return Err(self.at_next_item(why));
            }
            self.read_item(member, Some(group.clone()), found)?;
        }
        self.check_closed(&splitter)
    }

    fn read_item(
        &mut self,
        part: Part,
        group: Option<ByteString>,
        found: &mut Vec<Subrequest>,
    ) -> Result<(), Error> {
        if self.items == self.limits.max_items {
            return Err(self.limits.too_many_items());
        }
        let mut item = Subrequest::without_id();
        if group.is_some() {
            item.extras_mut().group = group;
        }
        let inner_id = if part.is_encoded {
            item.fail(ItemError::UnsupportedEncoding);
            None
        } else {
            read_request(part.body, part.content_id.is_none(), &mut item)
                .map_err(|why| self.at_next_item(why))?
        };
        let label = part.content_id.or(inner_id);
        let id = match &label {
            Some(label) => bare(label),
            None => ids::of_item(self.items),
        };
        if label.is_some() {
            item.extras_mut().label = label;
        }
        item.set_id(id)
            .map_err(|_| self.at_next_item(Malformed(InvalidId::DETAIL)))?;
        found.push(item);
        self.items += 1;
        Ok(())
    }
}

impl Reader {
    /// Checks that the close delimiter was found. Without it, the body may be cut off.
    fn check_closed(&self, splitter: &Splitter) -> Result<(), Error> {
        if splitter.is_closed() {
            Ok(())
        } else {
            Err(self.at_next_item(Malformed(NOT_CLOSED)))
        }
    }

    /// The refusal of an envelope, at the item after those that were found.
    fn at_next_item(&self, Malformed(detail): Malformed) -> Error {
        Error::malformed(detail).at_item(self.items)
    }
}

impl Decoder for Reader {
    fn is_streamed(&self) -> bool {
        self.is_streamed
    }

    fn is_sequential(&self) -> bool {
        self.is_sequential
    }

    fn accept_is_for_items(&self) -> bool {
        true
    }

    fn push(&mut self, chunk: Bytes, found: &mut Vec<Subrequest>) -> Result<(), Error> {
        self.window.push(chunk);
        self.read(false, found)
    }

    fn end(&mut self, found: &mut Vec<Subrequest>) -> Result<(), Error> {
        self.read(true, found)?;
        self.check_closed(&self.splitter)?;
        ids::avoid_collisions(found, |_, item| item.label().is_none());
        Ok(())
    }
}
