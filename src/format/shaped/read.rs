//! The decoder of shaped envelopes.

use bytes::Bytes;
use bytestring::ByteString;

use super::form;
use super::item::ItemReader;
use super::members::{for_each_element, members};
use super::shape::Shape;
use super::top::Envelope;
use crate::chunks::Chunks;
use crate::error::Error;
use crate::format::json::{Defaults, check_json};
use crate::format::{Decoder, Terms, ids};
use crate::limits::Limits;
use crate::subrequest::Subrequest;

/// Collects the envelope, and reads it when it is complete.
#[derive(Debug)]
pub(super) struct Reader {
    shape: &'static Shape,
    is_form: bool,
    limits: Limits,
    envelope: Chunks,
    terms: Terms,
}

impl Reader {
    pub(super) fn new(shape: &'static Shape, is_form: bool, limits: &Limits) -> Self {
        Self {
            shape,
            is_form,
            limits: *limits,
            envelope: Chunks::default(),
            terms: Terms::default(),
        }
    }

    fn read(&mut self, text: &ByteString, found: &mut Vec<Subrequest>) -> Result<(), Error> {
        let shape = self.shape;
        if self.is_form {
            let fields = form::fields(text.as_bytes(), shape.envelope)?;
            let values = fields.iter().map(Option::as_deref);
            let envelope = Envelope::new(shape, values)?;
            self.terms = envelope.terms;
            return self.read_items(&ByteString::from(envelope.items), &envelope, found);
        }
        check_json(text)?;
        let envelope = if shape.envelope.is_empty() {
            Envelope {
                items: text,
                ..Envelope::default()
            }
        } else {
            let values = members(text, shape.envelope, "the envelope is not an object")?;
            Envelope::new(shape, values.into_iter())?
        };
        self.terms = envelope.terms;
        self.read_items(&text.slice_ref(envelope.items), &envelope, found)
    }

    fn read_items(
        &self,
        items: &ByteString,
        envelope: &Envelope<'_>,
        found: &mut Vec<Subrequest>,
    ) -> Result<(), Error> {
        let mut defaults = match envelope.defaults {
            Some(text) => Some(Defaults::new(text, self.limits.max_envelope_bytes())?),
            None => None,
        };
        let mut reader = ItemReader::new(self.shape, envelope);
        let mut are_generated = Vec::new();
        let mut refused = None;
        let read = for_each_element(items, |raw| {
            let index = found.len();
            let item = if index == self.limits.max_items() {
                Err(self.limits.too_many_items())
            } else {
                let raw = match &mut defaults {
                    Some(defaults) => defaults.merged_with(raw),
                    None => Ok(items.slice_ref(raw)),
                };
                let item = raw.and_then(|raw| reader.read(&raw, index));
                item.map_err(|error| error.at_item(index))
            };
            match item {
                Ok((item, is_generated)) => {
                    found.push(item);
                    are_generated.push(is_generated);
                }
                Err(error) => refused = Some(error),
            }
            refused.is_none()
        });
        if let Some(error) = refused {
            return Err(error);
        }
        read.ok_or_else(|| Error::malformed("the items are not an array"))?;
        ids::avoid_collisions(found, |index, _| are_generated.get(index) == Some(&true));
        Ok(())
    }
}

impl Decoder for Reader {
    fn is_sequential(&self) -> bool {
        self.shape.is_sequential
    }

    fn terms(&self) -> Terms {
        self.terms
    }

    fn push(&mut self, chunk: Bytes, _: &mut Vec<Subrequest>) -> Result<(), Error> {
        self.envelope.push(chunk);
        Ok(())
    }

    fn end(&mut self, found: &mut Vec<Subrequest>) -> Result<(), Error> {
        let text = ByteString::try_from(self.envelope.take());
        let text = text.map_err(|error| {
            let valid = error.valid_up_to();
            Error::malformed("not UTF-8").offset(valid as u64)
        })?;
        self.read(&text, found)
    }
}
