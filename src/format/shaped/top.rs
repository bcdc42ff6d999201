//! Reads the members of an envelope.

use std::borrow::Cow;
use std::num::NonZeroUsize;

use bytestring::ByteString;

use super::members::string;
use super::note::text_or_number;
use super::shape::{Shape, Top};
use crate::error::Error;
use crate::format::Terms;

/// Maximum bytes of a string that is written again.
const MAX_ECHO: usize = 256;

/// What an envelope has.
#[derive(Debug, Default)]
pub(super) struct Envelope<'a> {
    /// The array of items.
    pub(super) items: &'a str,
    pub(super) defaults: Option<&'a str>,
    pub(super) terms: Terms,
    pub(super) is_atomic: bool,
    pub(super) is_without_headers: bool,
    pub(super) echo: Option<ByteString>,
    pub(super) headers: Vec<(&'static str, Cow<'a, str>)>,
    pub(super) query: Vec<(&'static str, Cow<'a, str>)>,
}

impl<'a> Envelope<'a> {
    /// Reads the values of the members, in the order of the shape.
    pub(super) fn new(
        shape: &'static Shape,
        values: impl Iterator<Item = Option<&'a str>>,
    ) -> Result<Self, Error> {
        let mut envelope = Self::default();
        for ((_, member), value) in shape.envelope.iter().zip(values) {
            if let Some(value) = value.filter(|value| *value != "null") {
                envelope.set(*member, value)?;
            }
        }
        match envelope.items {
            "" => Err(Error::malformed("the array of items is missing")),
            _ => Ok(envelope),
        }
    }

    fn set(&mut self, member: Top, value: &'a str) -> Result<(), Error> {
        match member {
            Top::Items => self.items = value,
            Top::Defaults => self.defaults = Some(value),
            Top::StopOnFailure => {
                self.terms.max_failures = NonZeroUsize::new(usize::from(is_true(value)?));
            }
            Top::MaxFailures => self.terms.max_failures = max_failures(value)?,
            Top::AllValid(word) => self.terms.all_valid = text(value)? == word,
            Top::WithHeaders => self.is_without_headers = !is_true(value)?,
            Top::Atomic => self.is_atomic = is_true(value)?,
            Top::Echo => {
                let echo = text_or_number(value).map(|(_, echo)| echo);
                let echo = echo.filter(|echo| echo.len() <= MAX_ECHO);
                let invalid = Error::malformed("a member is not a short string or a number");
                self.echo = Some(echo.ok_or(invalid)?);
            }
            Top::ItemHeader(name) => self.headers.push((name, text(value)?)),
            Top::ItemQuery(name) => self.query.push((name, text(value)?)),
            Top::Unsupported => {
                return Err(Error::malformed(
                    "a member of the envelope is not supported",
                ));
            }
        }
        Ok(())
    }
}

fn text(value: &str) -> Result<Cow<'_, str>, Error> {
    string(value).ok_or_else(|| Error::malformed("a member of the envelope is not a string"))
}

fn is_true(value: &str) -> Result<bool, Error> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Error::malformed(
            "a member of the envelope is not true or false",
        )),
    }
}

/// The number of failures that stops a batch. 0 is no maximum, as an absent one.
fn max_failures(value: &str) -> Result<Option<NonZeroUsize>, Error> {
    if !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::malformed("a maximum of failures is not a number"));
    }
    // A number that is too large to be parsed is larger than the number of items.
    Ok(NonZeroUsize::new(value.parse().unwrap_or(usize::MAX)))
}
