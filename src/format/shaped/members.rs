//! Reads objects and arrays by `serde_json`, one level at a time. Values stay text.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::Error;
use crate::format::json::UniqueNames;

pub(super) const DUPLICATE_NAME: &str = "a name that stands twice in an object";
const HALF_A_PAIR: &str = "half a surrogate pair in a string";
pub(super) const MISSPELT: &str = "a known name in another spelling";

/// Reads an object, and returns the text of the values of these members, in the order of the table.
///
/// # Errors
///
/// The text is not an object, a name occurs twice, is a known one in another spelling, or has half
/// a surrogate pair.
pub(super) fn members<'a, T>(
    text: &'a str,
    table: &[(&str, T)],
    not_an_object: &'static str,
) -> Result<Vec<Option<&'a str>>, Error> {
    let mut values = vec![None; table.len()];
    let mut unknown = UniqueNames::default();
    let mut refused = None;
    let read = for_each_member(text, |name, value| {
        let place = table.iter().position(|(known, _)| *known == name);
        let is_new = match place.and_then(|place| values.get_mut(place)) {
            Some(known) => known.replace(value).is_none(),
            None if table.iter().any(|(known, _)| resembles(&name, known)) => {
                refused = Some(MISSPELT);
                return false;
            }
            None => unknown.insert(match name {
                Cow::Borrowed(name) => Cow::Borrowed(name.as_bytes()),
                Cow::Owned(name) => Cow::Owned(name.into_bytes()),
            }),
        };
        if !is_new {
            refused = Some(DUPLICATE_NAME);
        }
        is_new
    });
    match refused {
        Some(detail) => Err(Error::malformed(detail)),
        None if !text.starts_with('{') => Err(Error::malformed(not_an_object)),
        None if read.is_none() => Err(Error::malformed(HALF_A_PAIR)),
        None => Ok(values),
    }
}

/// Calls a function with each member of an object, until it returns `false`. Returns `None` if the
/// text is not an object, or the function has returned `false`.
pub(super) fn for_each_member<'a>(
    text: &'a str,
    each: impl FnMut(Cow<'a, str>, &'a str) -> bool,
) -> Option<()> {
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.deserialize_map(Members(each)).ok()
}

/// Calls a function with each element of an array, until it returns `false`. Returns `None` if the
/// text is not an array, or the function has returned `false`.
pub(super) fn for_each_element<'a>(text: &'a str, each: impl FnMut(&'a str) -> bool) -> Option<()> {
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.deserialize_seq(Elements(each)).ok()
}

/// The text of a string. `None` for any other value, and for half a surrogate pair.
pub(super) fn string(value: &str) -> Option<Cow<'_, str>> {
    let Name(text) = serde_json::from_str(value).ok()?;
    Some(text)
}

/// Whether a name is the same as a known one but for case, `_` and `-`.
pub(super) fn resembles(name: &str, known: &str) -> bool {
    fn letters(text: &str) -> impl Iterator<Item = u8> {
        let bytes = text.bytes().filter(|byte| !matches!(byte, b'_' | b'-'));
        bytes.map(|byte| byte.to_ascii_lowercase())
    }
    letters(name).eq(letters(known))
}

/// A string that is borrowed unless it has escapes.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

struct Members<F>(F);

impl<'a, F: FnMut(Cow<'a, str>, &'a str) -> bool> Visitor<'a> for Members<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(mut self, mut map: M) -> Result<(), M::Error> {
        while let Some(Name(name)) = map.next_key()? {
            let value: &'a RawValue = map.next_value()?;
            if !(self.0)(name, value.get()) {
                return Err(serde::de::Error::custom("refused"));
            }
        }
        Ok(())
    }
}

struct Elements<F>(F);

impl<'a, F: FnMut(&'a str) -> bool> Visitor<'a> for Elements<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<S: SeqAccess<'a>>(mut self, mut array: S) -> Result<(), S::Error> {
        while let Some(value) = array.next_element::<&'a RawValue>()? {
            if !(self.0)(value.get()) {
                return Err(serde::de::Error::custom("refused"));
            }
        }
        Ok(())
    }
}
