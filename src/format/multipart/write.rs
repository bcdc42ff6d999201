//! The multipart encoder: writes responses as parts.

use std::borrow::Cow;
use std::slice;

use http::HeaderValue;
use http::header::CONTENT_LENGTH;

use super::Multipart;
use super::boundary::Boundary;
use super::content_id::of_id;
use crate::error::Error;
use crate::format::Encoder;
use crate::format::header_case::put_name;
use crate::frames::Frames;
use crate::item_error::ItemError;
use crate::subresponse::Subresponse;
use crate::summary::Summary;
use crate::trace::item_replaced;

/// The bytes of a part with one or two headers, without the body.
const SMALL_PART: usize = 320;

/// The headers of every part.
pub(super) const PART_HEAD: &[u8] =
    b"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n";

#[derive(Debug)]
pub(super) struct Writer {
    format: Multipart,
    /// Whether the batch was in another format, where the client gives every id.
    is_translated: bool,
    boundary: Boundary,
}

impl Writer {
    pub(super) fn new(format: Multipart, is_translated: bool) -> Self {
        Self {
            boundary: Boundary::random(&format.prefix),
            format,
            is_translated,
        }
    }

    /// The `Content-ID` of a response: that of the request, or one made of the id that an item has
    /// in another format.
    fn content_id<'a>(&self, response: &'a Subresponse) -> Option<Cow<'a, str>> {
        let content_id = match response.label() {
            Some(label) => Cow::Borrowed(label),
            None if self.is_translated => of_id(response.id()),
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

    /// Whether a response contains the boundary. The boundary has no space and no colon, so it can
    /// only be within the body, within a header value or within a header name. It cannot be in the
    /// id, which was read before anybody could know the boundary.
    fn contains_boundary(&self, response: &Subresponse) -> bool {
        let headers = response.headers();
        self.boundary.is_in(response.body())
            || headers
                .values()
                .any(|value| self.boundary.is_in(value.as_bytes()))
            || headers.keys().any(|name| self.boundary.is_in_name(name))
    }

    /// Writes a response, or an error in its place if it contains the boundary.
    ///
    /// The head of a streamed envelope reveals the boundary while items run. That of a buffered one
    /// is sent when all responses are written, so none of them can contain it.
    fn put_framed(&self, boundary: &Boundary, response: &Subresponse, out: &mut Frames) {
        put_delimiter(boundary, out);
        if out.is_streamed() && self.contains_boundary(response) {
            item_replaced(ItemError::Unframed, response.index());
            return self.put_part(&response.with_error(ItemError::Unframed), out);
        }
        self.put_part(response, out);
    }

    fn put_part(&self, response: &Subresponse, out: &mut Frames) {
        out.reserve(SMALL_PART + response.body().len());
        out.put(PART_HEAD);
        if let Some(id) = self.content_id(response) {
            out.put(b"Content-ID: ");
            out.put(id.as_bytes());
            out.put(b"\r\n");
        }
        let status = response.status();
        out.put(b"\r\nHTTP/1.1 ");
        out.put(status.as_str().as_bytes());
        out.put_byte(b' ');
        out.put(status.canonical_reason().unwrap_or("Unknown").as_bytes());
        out.put(b"\r\n");
        for (name, value) in response.headers() {
            if name != CONTENT_LENGTH {
                put_name(name, out);
                out.put(b": ");
                out.put(value.as_bytes());
                out.put(b"\r\n");
            }
        }
        // The length of the body that follows, also in the response to a HEAD, so that clients
        // which rely on it read the part correctly.
        out.put(b"Content-Length: ");
        out.put(response.body().len().to_string().as_bytes());
        out.put(b"\r\n\r\n");
        out.put_bytes(response.body().clone());
        out.put(b"\r\n");
    }

    /// Writes responses as a multipart of its own. Its boundary is chosen when they are complete,
    /// so they cannot contain it.
    fn put_change_set(&self, responses: &[Subresponse], out: &mut Frames) {
        let boundary = Boundary::random("changesetresponse_");
        put_delimiter(&self.boundary, out);
        out.put(b"Content-Type: multipart/mixed; boundary=");
        out.put(boundary.as_bytes());
        out.put(b"\r\n\r\n");
        for response in responses {
            self.put_framed(&boundary, response, out);
        }
        put_close_delimiter(&boundary, out);
        out.put(b"\r\n");
    }

    fn is_omitted(&self, response: &Subresponse) -> bool {
        self.format.omits_not_executed && response.is_not_executed()
    }
}

impl Encoder for Writer {
    fn content_type(&self) -> HeaderValue {
        content_type(&self.boundary)
    }

    fn is_ordered(&self) -> bool {
        true
    }

    fn push(&mut self, response: &Subresponse, out: &mut Frames) {
        if !self.is_omitted(response) {
            self.put_framed(&self.boundary, response, out);
        }
    }

    fn push_group(&mut self, group: &[Subresponse], out: &mut Frames) {
        let failed = |response: &&Subresponse| !response.is_success();
        let cause = |response: &&Subresponse| failed(response) && !response.is_not_executed();
        let failure = group
            .iter()
            .find(cause)
            .or_else(|| group.iter().find(failed));
        match failure {
            Some(response) if self.is_omitted(response) => {}
            Some(response) if self.format.wraps && !self.format.flattens => {
                self.put_change_set(slice::from_ref(response), out);
            }
            Some(response) => self.push(response, out),
            None if self.format.flattens => {
                group.iter().for_each(|response| self.push(response, out));
            }
            None => self.put_change_set(group, out),
        }
    }

    fn least_len(&self, id: &str) -> usize {
        // A change set around the response is included. An id may be percent-encoded.
        512 + 3 * id.len()
    }

    fn end(&mut self, summary: &Summary, out: &mut Frames) {
        if let Some(error) = summary.error() {
            // The response to the part that could not be read.
            put_delimiter(&self.boundary, out);
            put_error(error, out);
        }
        put_close_delimiter(&self.boundary, out);
    }
}

/// Writes the error that has ended a stream as a response.
fn put_error(error: &Error, out: &mut Frames) {
    let (status, document) = (error.kind().status(), error.problem_document());
    let reason = status.canonical_reason().unwrap_or("Unknown");
    let head = format!(
        "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n\
         HTTP/1.1 {} {reason}\r\nContent-Type: application/problem+json\r\n\
         Content-Length: {}\r\n\r\n",
        status.as_str(),
        document.len(),
    );
    out.put(head.as_bytes());
    out.put_bytes(document);
    out.put(b"\r\n");
}

pub(super) fn content_type(boundary: &Boundary) -> HeaderValue {
    let value = [b"multipart/mixed; boundary=", boundary.as_bytes()].concat();
    HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("multipart/mixed"))
}

pub(super) fn put_delimiter(boundary: &Boundary, out: &mut Frames) {
    out.put(b"--");
    out.put(boundary.as_bytes());
    out.put(b"\r\n");
}

pub(super) fn put_close_delimiter(boundary: &Boundary, out: &mut Frames) {
    out.put(b"--");
    out.put(boundary.as_bytes());
    out.put(b"--\r\n");
}
