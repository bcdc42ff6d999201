//! Adds the members of one object to others that do not have them.

use std::collections::HashMap;

use bytestring::ByteString;

use super::invalid::{Invalid, Why};
use super::parser::Parser;
use crate::error::{Error, ErrorKind};

/// The members that are added to every item of an envelope.
#[derive(Debug)]
pub(in crate::format) struct Defaults {
    members: Object,
    len: usize,
    /// The bytes that all items may still have.
    left: usize,
    max: usize,
}

/// An object: its members by name, and their names in order.
#[derive(Debug, Default)]
struct Object {
    members: HashMap<String, Member>,
    names: Vec<String>,
}

/// The value of a member: its text, and its members if it is an object.
#[derive(Debug)]
struct Member {
    text: ByteString,
    object: Option<Object>,
}

impl Defaults {
    /// Reads defaults from valid JSON. All items together, each with the defaults, can have `max`
    /// bytes.
    pub(in crate::format) fn new(text: &str, max: usize) -> Result<Self, Error> {
        let text = ByteString::from(text);
        let mut parser = Parser::new(&text);
        if parser.peek() != Some(b'{') {
            return Err(Error::malformed("the defaults are not an object"));
        }
        let members = object(&mut parser).map_err(|invalid| invalid.refusal(text.as_bytes()))?;
        Ok(Self {
            members,
            len: text.len(),
            left: max,
            max,
        })
    }

    /// Returns the text of an item with the defaults that it does not have. Objects inside are
    /// merged, too. What is no object is returned as it is.
    pub(in crate::format) fn merged_with(&mut self, item: &str) -> Result<ByteString, Error> {
        let bytes = item.len() + self.len;
        let over = || Error::over(ErrorKind::EnvelopeTooLarge, "max_envelope_bytes", self.max);
        self.left = self.left.checked_sub(bytes).ok_or_else(over)?;
        let item = ByteString::from(item);
        let mut parser = Parser::new(&item);
        if parser.peek() != Some(b'{') {
            return Ok(item);
        }
        let mut merged = String::with_capacity(bytes);
        let done = merge(&mut parser, &self.members, &mut merged);
        done.map_err(|invalid| invalid.refusal(item.as_bytes()))?;
        Ok(merged.into())
    }
}

/// Reads the object whose `{` is next, and the objects inside. They are not deeper than the
/// envelope.
fn object(parser: &mut Parser<'_>) -> Result<Object, Invalid> {
    let mut object = Object::default();
    let mut is_there = parser.object_first()?;
    while is_there {
        let start = parser.name_start();
        let name = parser.name()?;
        let name = parser.shared(&name)?.to_string();
        let member = member(parser)?;
        if object.members.insert(name.clone(), member).is_some() {
            return Err(Why::DuplicateName.at(start));
        }
        object.names.push(name);
        is_there = parser.object_next()?;
    }
    Ok(object)
}

fn member(parser: &mut Parser<'_>) -> Result<Member, Invalid> {
    if parser.peek() != Some(b'{') {
        let text = parser.value(0)?;
        return Ok(Member {
            text: parser.share(text),
            object: None,
        });
    }
    let start = parser.position();
    let object = object(parser)?;
    Ok(Member {
        text: parser.share(parser.since(start)),
        object: Some(object),
    })
}

/// Writes the object whose `{` is next, with the defaults that it does not have.
fn merge(parser: &mut Parser<'_>, defaults: &Object, merged: &mut String) -> Result<(), Invalid> {
    let mut own = Vec::new();
    let mut separator = '{';
    let mut is_there = parser.object_first()?;
    while is_there {
        let name = parser.name()?;
        merged.push(std::mem::replace(&mut separator, ','));
        merged.push_str(parser.quoted(&name));
        merged.push(':');
        let name = parser.shared(&name)?;
        let default = defaults.members.get(&*name);
        match default.and_then(|default| default.object.as_ref()) {
            Some(inside) if parser.peek() == Some(b'{') => merge(parser, inside, merged)?,
            _ => merged.push_str(parser.value(0)?),
        }
        if default.is_some() {
            own.push(name);
        }
        is_there = parser.object_next()?;
    }
    own.sort_unstable();
    for name in &defaults.names {
        let is_own = own.binary_search_by(|own| (**own).cmp(name)).is_ok();
        if let Some(default) = defaults.members.get(name).filter(|_| !is_own) {
            merged.push(std::mem::replace(&mut separator, ','));
            merged.push_str(&serde_json::Value::from(name.as_str()).to_string());
            merged.push(':');
            merged.push_str(&default.text);
        }
    }
    merged.push_str(if separator == '{' { "{}" } else { "}" });
    Ok(())
}
