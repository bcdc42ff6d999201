//! Reads the headers of an item.

use std::borrow::Cow;

use bytestring::ByteString;

use super::members::{DUPLICATE_NAME, for_each_element, for_each_member, members, string};
use crate::error::Error;
use crate::format::json::UniqueNames;
use crate::item_error::ItemError;
use crate::subrequest::Subrequest;

/// Reads the headers of an item: an object of names to strings or arrays of strings, or an array of
/// objects with `name` and `value`.
pub(super) fn read<'a>(
    item: &mut Subrequest,
    text: &'a ByteString,
    value: &'a str,
) -> Result<(), Error> {
    let mut names = UniqueNames::default();
    let mut has_duplicate = false;
    if value.starts_with('{') {
        let read = for_each_member(value, |name, value| {
            let known = match &name {
                Cow::Borrowed(name) => Cow::Borrowed(name.as_bytes()),
                Cow::Owned(name) => Cow::Owned(name.clone().into_bytes()),
            };
            has_duplicate |= !names.insert(known);
            if item.has_header(name.as_bytes()) {
                item.fail(ItemError::Header);
            }
            put_values(item, text, &name, value);
            !has_duplicate
        });
        if read.is_none() {
            item.fail(ItemError::Header);
        }
        return match has_duplicate {
            true => Err(Error::malformed(DUPLICATE_NAME)),
            false => Ok(()),
        };
    }
    let mut refused = None;
    let read = for_each_element(value, |header| {
        match members(header, &[("name", ()), ("value", ())], "") {
            Ok(values) => {
                let mut texts = values.into_iter().map(|value| string(value?));
                match (texts.next().flatten(), texts.next().flatten()) {
                    (Some(name), Some(value)) => put(item, text, &name, value),
                    _ => item.fail(ItemError::Header),
                }
            }
            Err(error) if error.detail == Some(DUPLICATE_NAME) => refused = Some(error),
            Err(_) => item.fail(ItemError::Header),
        }
        // The rest would be read in vain.
        refused.is_none() && item.error != Some(ItemError::TooManyHeaders)
    });
    if read.is_none() {
        item.fail(ItemError::Header);
    }
    refused.map_or(Ok(()), Err)
}

fn put_values(item: &mut Subrequest, text: &ByteString, name: &str, value: &str) {
    if !value.starts_with('[') {
        return match string(value) {
            Some(value) => put(item, text, name, value),
            None => item.fail(ItemError::Header),
        };
    }
    for_each_element(value, |value| {
        match string(value) {
            Some(value) => put(item, text, name, value),
            None => item.fail(ItemError::Header),
        }
        true
    });
}

/// Adds a header. `value` is text of the envelope unless it has escapes.
pub(super) fn put(item: &mut Subrequest, text: &ByteString, name: &str, value: Cow<'_, str>) {
    item.add_header(name.as_bytes(), shared(text, value).into_bytes());
}

/// The text as a slice of the envelope, unless it has escapes.
pub(super) fn shared(envelope: &ByteString, text: Cow<'_, str>) -> ByteString {
    match text {
        Cow::Borrowed(text) => envelope.slice_ref(text),
        Cow::Owned(text) => text.into(),
    }
}
