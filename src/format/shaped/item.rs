//! Reads one item.

use std::borrow::Cow;

use bytes::Bytes;
use bytestring::ByteString;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};

use super::bulk_ids;
use super::headers::{self, shared};
use super::members::{for_each_element, members, string};
use super::names::Names;
use super::note::{IdKind, Needs, Note, text_or_number};
use super::shape::{BodyForm, Member, Shape};
use super::top::Envelope;
use crate::error::{Error, ErrorKind};
use crate::format::ids;
use crate::format::json::{Rules, decode_base64, decode_body};
use crate::item_error::ItemError;
use crate::subrequest::{Subrequest, WHOLE_BATCH};

/// Reads the items of an envelope, one after the other.
#[derive(Debug)]
pub(super) struct ItemReader<'a> {
    shape: &'static Shape,
    needs: Needs,
    envelope: &'a Envelope<'a>,
    names: Names,
}

impl<'a> ItemReader<'a> {
    pub(super) fn new(shape: &'static Shape, envelope: &'a Envelope<'a>) -> Self {
        Self {
            shape,
            needs: Needs::of(shape),
            envelope,
            names: Names::default(),
        }
    }

    /// Reads an item from its text. Also returns whether its id is generated.
    pub(super) fn read(
        &mut self,
        text: &ByteString,
        index: usize,
    ) -> Result<(Subrequest, bool), Error> {
        let mut reading = Reading {
            text,
            index,
            item: Subrequest::without_id(),
            note: Note::default(),
            name: None,
            depends_on: Vec::new(),
            has_method: false,
        };
        reading.read_members(text, self.shape.item)?;
        let Reading {
            mut item,
            mut note,
            name,
            depends_on,
            has_method,
            ..
        } = reading;
        let is_generated = item.id.is_empty();
        if is_generated {
            item.id = ids::of_item(index);
            note.id = IdKind::Generated;
        }
        for on in &depends_on {
            item.add_dependency(self.names.id_of(on)?);
        }
        if let Some(name) = name {
            self.names.add(name, &item.id);
        }
        if !has_method {
            match self.shape.method {
                Some(method) => item.set_method(method.as_bytes()),
                None => item.fail(ItemError::Method),
            }
        }
        for (name, value) in &self.envelope.headers {
            if !item.has_header(name.as_bytes()) {
                item.add_header(name.as_bytes(), Bytes::from(value.to_string()));
            }
        }
        for (name, value) in &self.envelope.query {
            add_to_query(&mut item, name, value);
        }
        if self.shape.has_bulk_ids {
            bulk_ids::find(&mut item);
        }
        if self.envelope.is_atomic {
            item.extras_mut().group = Some(ByteString::from_static(WHOLE_BATCH));
        }
        if is_evaluated(&item, self.shape) {
            item.fail(ItemError::UnsupportedMember);
        }
        note.is_without_headers |= self.envelope.is_without_headers;
        if index == 0 {
            // Once is enough: it is written once.
            note.echo.clone_from(&self.envelope.echo);
        }
        let method = item.method().cloned();
        note.method = method.as_ref().map_or("", |method| method.as_str());
        if let Some(note) = note.to_text(self.needs) {
            item.of_format_mut().note = Some(note.into());
        }
        Ok((item, is_generated))
    }
}

/// An item that is read.
struct Reading<'a> {
    text: &'a ByteString,
    index: usize,
    item: Subrequest,
    note: Note<'static>,
    name: Option<String>,
    depends_on: Vec<String>,
    has_method: bool,
}

impl<'a> Reading<'a> {
    fn read_members(
        &mut self,
        object: &'a str,
        table: &'static [(&'static str, Member)],
    ) -> Result<(), Error> {
        let values = members(object, table, "the item is not an object")?;
        for ((_, member), value) in table.iter().zip(values) {
            if let Some(value) = value.filter(|value| *value != "null") {
                self.read(*member, value)?;
            }
        }
        Ok(())
    }

    fn read(&mut self, member: Member, value: &'a str) -> Result<(), Error> {
        match member {
            Member::Id => self.id(value)?,
            Member::Name => {
                let name = string(value).map(Cow::into_owned);
                let invalid = || Error::malformed("a name is not a string");
                self.name = Some(name.ok_or_else(invalid)?);
            }
            Member::Method => {
                self.has_method = true;
                match string(value) {
                    Some(method) => self.item.set_method(method.as_bytes()),
                    None => self.item.fail(ItemError::Method),
                }
            }
            Member::Url => match string(value) {
                Some(url) => self.item.url = shared(self.text, url),
                None => self.item.fail(ItemError::Target),
            },
            Member::Headers => headers::read(&mut self.item, self.text, value)?,
            Member::Header(name) => match string(value) {
                Some(value) => headers::put(&mut self.item, self.text, name, value),
                None => self.item.fail(ItemError::Header),
            },
            Member::Body(form) => match self.body(form, value) {
                Ok(body) => self.item.body = body,
                Err(error) => self.item.fail(error),
            },
            Member::DependsOn => self.depends_on(value)?,
            Member::Object(table) => self.read_members(value, table)?,
            Member::NullOnSuccess => self.note.is_null_on_success = self.is_true(value),
            Member::WithoutHeaders => self.note.is_without_headers = self.is_true(value),
            Member::Unsupported => self.item.fail(ItemError::UnsupportedMember),
        }
        Ok(())
    }

    fn id(&mut self, value: &str) -> Result<(), Error> {
        let invalid = || Error::malformed("an id is not a string or a number");
        let (kind, id) = text_or_number(value).ok_or_else(invalid)?;
        self.item.set_id(id)?;
        self.note.id = kind;
        Ok(())
    }

    fn is_true(&mut self, value: &str) -> bool {
        if !matches!(value, "true" | "false") {
            self.item.fail(ItemError::UnsupportedMember);
        }
        value == "true"
    }

    fn body(&mut self, form: BodyForm, value: &'a str) -> Result<Bytes, ItemError> {
        match form {
            BodyForm::Json => {
                let body = self.text.slice_ref(value);
                decode_body(body, &mut self.item, Rules::default())
            }
            BodyForm::Text(content_type) => {
                let text = string(value).ok_or(ItemError::Body)?;
                if !self.item.has_header(b"content-type") {
                    let content_type = Bytes::from_static(content_type.as_bytes());
                    self.item.add_header(b"content-type", content_type);
                }
                Ok(shared(self.text, text).into_bytes())
            }
            BodyForm::Base64 => {
                let text = self.text.slice_ref(value);
                decode_base64(&text).ok_or(ItemError::Base64)
            }
        }
    }

    /// Reads the names of earlier items. Among more names than there are earlier items, one is
    /// unknown or a repetition, so memory never holds more.
    fn depends_on(&mut self, value: &str) -> Result<(), Error> {
        if let Some(on) = string(value) {
            self.depends_on.push(on.into_owned());
            return Ok(());
        }
        let read = for_each_element(value, |on| {
            let on = string(on);
            let is_string = on.is_some();
            self.depends_on.extend(on.map(Cow::into_owned));
            is_string && self.depends_on.len() <= self.index
        });
        if self.depends_on.len() > self.index {
            return Err(ErrorKind::UnknownDependency.into());
        }
        read.ok_or_else(|| Error::malformed("a dependency is not a string"))
    }
}

/// Whether the URL or the text of an item has something that the API would evaluate.
fn is_evaluated(item: &Subrequest, shape: &Shape) -> bool {
    if shape.evaluated.is_empty() {
        return false;
    }
    let is_json = item
        .content_type()
        .is_some_and(|value| value == "application/json");
    let body: &[u8] = if is_json { b"" } else { &item.body };
    [item.url.as_bytes(), body].iter().any(|text| {
        let decoded = percent_decode(text).decode_utf8_lossy();
        shape.evaluated.iter().any(|part| decoded.contains(part))
    })
}

/// Adds a parameter to the query of an item, unless it has one of this name.
fn add_to_query(item: &mut Subrequest, name: &str, value: &str) {
    let (_, query) = item.url.split_once('?').unwrap_or((&item.url, ""));
    let mut names = query
        .split('&')
        .map(|parameter| parameter.split('=').next());
    if names.any(|known| known == Some(name)) {
        return;
    }
    let separator = match item.url.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
    item.url = format!("{}{separator}{name}={value}", item.url).into();
}
