//! Writes answers as parts.

use std::borrow::Cow;
use std::slice;

use http::HeaderValue;
use http::header::CONTENT_LENGTH;

use super::Multipart;
use super::boundary::Boundary;
use super::content_id::of_id;
use crate::format::Encoder;
use crate::format::header_case::put_name;
use crate::frames::Frames;
use crate::item_error::ItemError;
use crate::subresponse::Subresponse;
use crate::summary::Summary;
use crate::trace::item_replaced;

/// What an answer takes besides its body, with a header or two.
const SMALL_PART: usize = 320;

#[derive(Debug)]
pub(super) struct Writer {
    format: Multipart,
    /// Whether the batch came in another format, whose ids are all its client's.
    is_translated: bool,
    boundary: Boundary,
}

impl Writer {
    pub(super) fn new(format: Multipart, is_translated: bool) -> Self {
        Self {
            boundary: Boundary::draw(&format.prefix),
            format,
            is_translated,
        }
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

    /// Whether the boundary stands in what an item responded with. It has no space and no colon, so
    /// it would stand in one piece: the body, the value or the name of a header. Ids were read
    /// before anybody could know the boundary.
    fn stands_in(&self, answer: &Subresponse) -> bool {
        let headers = answer.headers();
        self.boundary.is_in(answer.body())
            || headers
                .values()
                .any(|value| self.boundary.is_in(value.as_bytes()))
            || headers.keys().any(|name| self.boundary.is_in_name(name))
    }

    /// Writes the response, or what takes its place. The head of a streamed envelope tells the
    /// boundary while items run. That of a buffered one is told when all is written: no response
    /// can repeat it.
    fn put_framed(&self, boundary: &Boundary, answer: &Subresponse, out: &mut Frames) {
        put_delimiter(boundary, out);
        if out.is_streamed() && self.stands_in(answer) {
            item_replaced(ItemError::Unframed, answer.index());
            return self.put_part(&answer.with_error(ItemError::Unframed), out);
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
        // Of what follows: a client that counts must not count wrong, also where HEAD asked how
        // long it would be.
        out.put(b"Content-Length: ");
        out.put(answer.body().len().to_string().as_bytes());
        out.put(b"\r\n\r\n");
        out.put_bytes(answer.body().clone());
        out.put(b"\r\n");
    }

    /// Writes the answers as a multipart of its own. Its boundary is drawn when they are complete.
    fn put_change_set(&self, answers: &[Subresponse], out: &mut Frames) {
        let boundary = Boundary::draw("changesetresponse_");
        put_delimiter(&self.boundary, out);
        out.put(b"Content-Type: multipart/mixed; boundary=");
        out.put(boundary.as_bytes());
        out.put(b"\r\n\r\n");
        for answer in answers {
            self.put_framed(&boundary, answer, out);
        }
        put_close_delimiter(&boundary, out);
        out.put(b"\r\n");
    }

    fn is_left_out(&self, answer: &Subresponse) -> bool {
        self.format.omits_not_executed && answer.is_not_executed()
    }
}

impl Encoder for Writer {
    fn content_type(&self) -> HeaderValue {
        let value = [b"multipart/mixed; boundary=", self.boundary.as_bytes()].concat();
        HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("multipart/mixed"))
    }

    fn is_ordered(&self) -> bool {
        true
    }

    fn push(&mut self, answer: &Subresponse, out: &mut Frames) {
        if !self.is_left_out(answer) {
            self.put_framed(&self.boundary, answer, out);
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
        put_close_delimiter(&self.boundary, out);
    }
}

fn put_delimiter(boundary: &Boundary, out: &mut Frames) {
    out.put(b"--");
    out.put(boundary.as_bytes());
    out.put(b"\r\n");
}

fn put_close_delimiter(boundary: &Boundary, out: &mut Frames) {
    out.put(b"--");
    out.put(boundary.as_bytes());
    out.put(b"--\r\n");
}
