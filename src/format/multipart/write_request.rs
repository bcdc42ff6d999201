//! The multipart encoder of clients: writes requests as parts.

use http::HeaderValue;

use super::boundary::Boundary;
use super::content_id::of_id;
use super::write::{PART_HEAD, content_type, put_close_delimiter, put_delimiter};
use crate::format::RequestEncoder;
use crate::format::header_case::put_name;
use crate::frames::Frames;
use crate::subrequest::Subrequest;

#[derive(Debug)]
pub(super) struct RequestWriter {
    /// Chosen when the requests are known, so they cannot contain it.
    boundary: Boundary,
}

impl RequestWriter {
    pub(super) fn new() -> Self {
        Self {
            boundary: Boundary::random("batch_"),
        }
    }
}

impl RequestEncoder for RequestWriter {
    fn content_type(&self) -> HeaderValue {
        content_type(&self.boundary)
    }

    fn push(&mut self, item: &Subrequest, out: &mut Frames) -> bool {
        let Some(method) = item.method() else {
            return false;
        };
        // A part has no place for dependencies. A server takes a body of line ends for none.
        let is_exact = item.dependencies().next().is_none() && !is_blank(item.body());
        if !is_exact {
            return false;
        }
        put_delimiter(&self.boundary, out);
        out.put(PART_HEAD);
        out.put(b"Content-ID: ");
        out.put(of_id(item.id()).as_bytes());
        out.put(b"\r\n\r\n");
        out.put(method.as_str().as_bytes());
        out.put_byte(b' ');
        out.put(item.url().as_bytes());
        out.put(b" HTTP/1.1\r\n");
        for (name, value) in item.headers() {
            put_name(name, out);
            out.put(b": ");
            out.put(value.as_bytes());
            out.put(b"\r\n");
        }
        if !item.body().is_empty() {
            out.put(b"Content-Length: ");
            out.put(item.body().len().to_string().as_bytes());
            out.put(b"\r\n");
        }
        out.put(b"\r\n");
        out.put_bytes(item.body().clone());
        out.put(b"\r\n");
        true
    }

    fn end(&mut self, out: &mut Frames) {
        put_close_delimiter(&self.boundary, out);
    }
}

/// Whether the body has line ends only.
fn is_blank(body: &[u8]) -> bool {
    !body.is_empty() && body.iter().all(|byte| matches!(byte, b'\r' | b'\n'))
}
