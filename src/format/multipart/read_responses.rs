//! The multipart decoder of clients: reads responses part by part.

use bytes::Bytes;
use bytestring::ByteString;
use http::response::Parts;

use super::Multipart;
use super::boundary::boundary_in;
use super::content_id::id_of;
use super::delimiter::{Splitter, Window};
use super::malformed::{Malformed, NOT_CLOSED};
use super::part::{Part, PartKind};
use super::response::read_response;
use crate::error::Error;
use crate::format::ResponseDecoder;
use crate::limits::Limits;
use crate::subresponse::Subresponse;

/// Reads a response as soon as its part is complete.
#[derive(Debug)]
pub(super) struct ResponseReader {
    splitter: Splitter,
    window: Window,
    limits: Limits,
    count: usize,
    marks_responses: bool,
    /// Responses without an id, if their positions are used in its place.
    unlabelled: Option<Vec<Subresponse>>,
    /// The bytes of these responses.
    unlabelled_len: usize,
    is_positional: bool,
}

impl ResponseReader {
    pub(super) fn new(
        envelope: &Parts,
        limits: &Limits,
        format: &Multipart,
    ) -> Result<Self, Error> {
        Ok(Self {
            splitter: Splitter::new(&boundary_in(&envelope.headers)?),
            window: Window::default(),
            limits: *limits,
            count: 0,
            marks_responses: format.marks_responses,
            unlabelled: format.uses_positions.then(Vec::new),
            unlabelled_len: 0,
            is_positional: false,
        })
    }

    fn read(&mut self, is_last: bool, found: &mut Vec<Subresponse>) -> Result<(), Error> {
        while let Some(part) = self.splitter.next(&mut self.window, is_last) {
            if self.count == self.limits.max_items {
                return Err(self.limits.too_many_items());
            }
            self.read_part(part, found)
                .map_err(|Malformed(detail)| Error::malformed(detail).at_item(self.count))?;
            self.count += 1;
        }
        let held = self.window.len() + self.unlabelled_len;
        self.limits.check_held(held)
    }

    fn read_part(&mut self, part: Bytes, found: &mut Vec<Subresponse>) -> Result<(), Malformed> {
        let length = part.len();
        let part = Part::read(part)?;
        if !matches!(part.kind, PartKind::Message) {
            return Err(Malformed("a change set, which the batch has not"));
        }
        let read = Some(part.body).filter(|_| !part.is_encoded);
        let mut read = read.and_then(read_response);
        let inner = read.as_mut().and_then(|read| read.content_id.take());
        let id = part.content_id.or(inner).map(|label| self.id_of(&label));
        let response = |id| match read {
            Some(read) => Subresponse::with_parts(id, read.status, read.headers, read.body),
            None => Subresponse::unreadable(id),
        };
        match (id, &mut self.unlabelled) {
            (Some(Some(id)), _) => found.push(response(id)),
            (None, Some(unlabelled)) => {
                unlabelled.push(response(ByteString::default()));
                self.unlabelled_len += length;
            }
            // No item gets it.
            (None, None) | (Some(None), _) => {}
        }
        Ok(())
    }

    /// The id of the item, by the `Content-ID` of its response.
    fn id_of(&self, label: &ByteString) -> Option<ByteString> {
        let id = id_of(label)?;
        if self.marks_responses {
            let unmarked = id.strip_prefix("response-")?;
            Some(id.slice_ref(unmarked))
        } else {
            Some(id)
        }
    }
}

impl ResponseDecoder for ResponseReader {
    fn push(&mut self, chunk: Bytes, found: &mut Vec<Subresponse>) -> Result<(), Error> {
        self.window.push(chunk);
        self.read(false, found)
    }

    fn end(&mut self, found: &mut Vec<Subresponse>) -> Result<(), Error> {
        self.read(true, found)?;
        if !self.splitter.is_closed() {
            return Err(Error::malformed(NOT_CLOSED));
        }
        let unlabelled = self.unlabelled.take().unwrap_or_default();
        // A position means an item only if no response was left out.
        self.is_positional = unlabelled.len() == self.limits.max_items;
        if self.is_positional {
            found.extend(unlabelled);
        }
        Ok(())
    }

    fn is_positional(&self) -> bool {
        self.is_positional
    }
}
