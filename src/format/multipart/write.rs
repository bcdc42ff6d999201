//! Writes answers as parts.

use std::borrow::Cow;
use std::slice;

use http::header::CONTENT_LENGTH;
use http::{HeaderName, HeaderValue};
use memchr::memmem::{self, Finder};

use super::Multipart;
use super::boundary::{RANDOM_LENGTH, draw};
use super::content_id::of_id;
use crate::fault::Fault;
use crate::format::canonical::put_name;
use crate::format::{Encoder, Frames};
use crate::policy::Summary;
use crate::subresponse::Subresponse;

/// What an answer takes besides its body, with a header or two.
const SMALL_PART: usize = 320;

#[derive(Debug)]
pub(super) struct Writer {
    format: Multipart,
    /// Whether the batch came in another format, whose ids are all its client's.
    is_translated: bool,
    /// Of the envelope's boundary.
    finder: Finder<'static>,
}

impl Writer {
    pub(super) fn new(format: Multipart, is_translated: bool) -> Self {
        let boundary = draw(&format.prefix, format.random, |_| false);
        Self {
            format,
            is_translated,
            finder: Finder::new(&boundary).into_owned(),
        }
    }

    fn boundary(&self) -> &[u8] {
        self.finder.needle()
    }

    /// The `Content-ID` of the response: as the request brought it, or the id that an item has in
    /// another format.
    fn content_id<'a>(&self, answer: &'a Subresponse) -> Option<Cow<'a, str>> {
        let content_id = match answer.label() {
            Some(label) => Cow::Borrowed(label),
            None if self.is_translated => of_id(answer.id()),
            None => return None,
        };
        Some(
            match (self.format.marks_responses, content_id.strip_prefix('<')) {
                (false, _) => content_id,
                (true, Some(inner)) => Cow::Owned(format!("<response-{inner}")),
                (true, None) => Cow::Owned(format!("response-{content_id}")),
            },
        )
    }

    /// Whether this boundary stands in what is written of the answer. It has no space and no colon, so it would stand in one
    /// piece of it: a body, a header's name or value, the id.
    fn stands_in(&self, boundary: &Finder<'_>, answer: &Subresponse) -> bool {
        let token = boundary.needle();
        let has = |text: &[u8]| text.len() >= token.len() && boundary.find(text).is_some();
        // Names are written in a case of their own.
        let (_, digits) = token.split_at(token.len() - RANDOM_LENGTH);
        let is_named = |name: &HeaderName| memmem::find(name.as_str().as_bytes(), digits).is_some();
        let headers = answer.headers();
        has(answer.body())
            || headers.values().any(|value| has(value.as_bytes()))
            || headers.keys().any(is_named)
            || self.content_id(answer).is_some_and(|id| has(id.as_bytes()))
    }

    /// Sees to it that the boundary stands in none of these, nor in anything before. All its places so far are delimiters: so
    /// it is replaced wherever it stands. That cannot be done once it may have been sent.
    fn make_room(&mut self, answers: &[Subresponse], out: &mut Frames) -> Room {
        let is_taken = answers
            .iter()
            .any(|answer| self.stands_in(&self.finder, answer));
        if !is_taken {
            return Room::Enough;
        }
        if out.is_streamed() {
            return Room::Scarce;
        }
        let written = out.all_mut();
        let boundary = draw(&self.format.prefix, self.format.random, |token| {
            let token = Finder::new(token);
            let is_in = |answer| self.stands_in(&token, answer);
            token.find(written).is_some() || answers.iter().any(is_in)
        });
        let places: Vec<_> = self.finder.find_iter(written).collect();
        for place in places {
            let delimiter = written.get_mut(place..place + boundary.len());
            delimiter
                .unwrap_or_default()
                .copy_from_slice(boundary.as_bytes());
        }
        self.finder = Finder::new(&boundary).into_owned();
        Room::Enough
    }

    fn put_delimiter(&self, out: &mut Frames) {
        put_delimiter(self.boundary(), out);
    }

    /// Writes the answer, or what takes its place where it cannot stand.
    fn put_framed(&self, answer: &Subresponse, room: Room, out: &mut Frames) {
        if room == Room::Scarce && self.stands_in(&self.finder, answer) {
            return self.put_part(&answer.instead(Fault::Unframed), out);
        }
        self.put_part(answer, out);
    }

    fn put_part(&self, answer: &Subresponse, out: &mut Frames) {
        out.reserve(SMALL_PART + answer.body().len());
        out.put(b"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n");
        if let Some(id) = self.content_id(answer) {
            out.put(b"Content-ID: ");
            out.put(id.as_bytes());
            out.put(b"\r\n");
        }
        let status = answer.status();
        out.put(b"\r\nHTTP/1.1 ");
        out.put(status.as_str().as_bytes());
        out.put_byte(b' ');
        out.put(status.canonical_reason().unwrap_or("Unknown").as_bytes());
        out.put(b"\r\n");
        for (name, value) in answer.headers() {
            if name != CONTENT_LENGTH {
                put_name(name, out);
                out.put(b": ");
                out.put(value.as_bytes());
                out.put(b"\r\n");
            }
        }
        // Of what follows: a client that counts must not count wrong, also where HEAD asked how long it would be.
        out.put(b"Content-Length: ");
        out.put(answer.body().len().to_string().as_bytes());
        out.put(b"\r\n\r\n");
        out.put_bytes(answer.body().clone());
        out.put(b"\r\n");
    }

    /// Writes the answers as a multipart of its own.
    fn put_change_set(&mut self, answers: &[Subresponse], out: &mut Frames) {
        let room = self.make_room(answers, out);
        let boundary = draw("changesetresponse_", self.format.random, |token| {
            let finder = Finder::new(token);
            let is_in = |answer| self.stands_in(&finder, answer);
            memmem::find(token, self.boundary()).is_some() || answers.iter().any(is_in)
        });
        self.put_delimiter(out);
        out.put(b"Content-Type: multipart/mixed; boundary=");
        out.put(boundary.as_bytes());
        out.put(b"\r\n\r\n");
        for answer in answers {
            put_delimiter(boundary.as_bytes(), out);
            self.put_framed(answer, room, out);
        }
        put_close_delimiter(boundary.as_bytes(), out);
        out.put(b"\r\n");
    }

    fn is_left_out(&self, answer: &Subresponse) -> bool {
        self.format.omits_not_executed && answer.is_not_executed()
    }
}

impl Encoder for Writer {
    fn content_type(&self) -> HeaderValue {
        let value = [b"multipart/mixed; boundary=", self.boundary()].concat();
        HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("multipart/mixed"))
    }

    fn push(&mut self, answer: &Subresponse, out: &mut Frames) {
        if !self.is_left_out(answer) {
            let room = self.make_room(slice::from_ref(answer), out);
            self.put_delimiter(out);
            self.put_framed(answer, room, out);
        }
    }

    fn push_group(&mut self, group: &[Subresponse], out: &mut Frames) {
        let failed = |answer: &&Subresponse| !answer.is_success();
        let cause = |answer: &&Subresponse| failed(answer) && !answer.is_not_executed();
        let failure = group
            .iter()
            .find(cause)
            .or_else(|| group.iter().find(failed));
        match failure {
            Some(answer) if self.is_left_out(answer) => {}
            Some(answer) if self.format.wraps && !self.format.flattens => {
                self.put_change_set(slice::from_ref(answer), out);
            }
            Some(answer) => self.push(answer, out),
            None if self.format.flattens => {
                group.iter().for_each(|answer| self.push(answer, out));
            }
            None => self.put_change_set(group, out),
        }
    }

    fn least_len(&self, id: &str) -> usize {
        // With a change set of its own around it. An id may be percent-encoded.
        512 + 3 * id.len()
    }

    fn end(&mut self, _: &Summary, out: &mut Frames) {
        put_close_delimiter(self.boundary(), out);
    }
}

/// Whether every answer can stand between delimiters of the boundary as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    Enough,
    Scarce,
}

fn put_delimiter(boundary: &[u8], out: &mut Frames) {
    out.put(b"--");
    out.put(boundary);
    out.put(b"\r\n");
}

fn put_close_delimiter(boundary: &[u8], out: &mut Frames) {
    out.put(b"--");
    out.put(boundary);
    out.put(b"--\r\n");
}
