//! The JSON encoder of clients: writes requests as elements of `{"requests":[…]}` or as lines.

use std::str::from_utf8;

use http::HeaderValue;
use http::header::CONTENT_TYPE;

use super::Rules;
use super::escape::{is_plain, put_base64, put_escaped, put_on_one_line};
use super::skip::is_json;
use super::write::Layout;
use crate::format::RequestEncoder;
use crate::frames::Frames;
use crate::media_type::MediaType;
use crate::subrequest::Subrequest;

#[derive(Debug)]
pub(in crate::format) struct RequestWriter {
    layout: Layout,
    rules: Rules,
    /// The position of the first request.
    start: u64,
}

impl RequestWriter {
    pub(in crate::format) fn new(layout: Layout, rules: Rules) -> Self {
        Self {
            layout,
            rules,
            start: 0,
        }
    }

    fn put_body(&self, item: &Subrequest, form: BodyForm<'_>, out: &mut Frames) {
        if !matches!(form, BodyForm::None) {
            out.put(b",\"body\":");
        }
        match form {
            BodyForm::None => {}
            BodyForm::Json => match self.layout {
                Layout::Envelope => out.put_shared(item.body()),
                Layout::Lines => put_on_one_line(item.body(), out),
            },
            BodyForm::Text(text) => {
                out.put_byte(b'"');
                put_escaped(text, out);
                out.put_byte(b'"');
            }
            BodyForm::Base64 => put_base64(item.body(), false, out),
        }
    }
}

impl RequestEncoder for RequestWriter {
    fn content_type(&self) -> HeaderValue {
        self.layout.content_type()
    }

    fn begin(&mut self, out: &mut Frames) {
        if self.layout == Layout::Envelope {
            out.put(b"{\"requests\":[");
        }
        self.start = out.written();
    }

    fn push(&mut self, item: &Subrequest, out: &mut Frames) -> bool {
        let (Some(method), Some(form)) = (item.method(), BodyForm::of(item, self.rules)) else {
            return false;
        };
        out.put(match self.layout {
            Layout::Envelope if out.written() == self.start => b"\n{\"id\":\"",
            Layout::Envelope => b",\n{\"id\":\"",
            Layout::Lines => b"{\"id\":\"",
        });
        put_escaped(item.id(), out);
        out.put(b"\",\"method\":\"");
        out.put(method.as_str().as_bytes());
        out.put(b"\",\"url\":\"");
        put_escaped(item.url(), out);
        out.put_byte(b'"');
        put_dependencies(item, out);
        if !put_headers(item, out) {
            return false;
        }
        self.put_body(item, form, out);
        out.put(match self.layout {
            Layout::Envelope => b"}",
            Layout::Lines => b"}\n",
        });
        true
    }

    fn end(&mut self, out: &mut Frames) {
        if self.layout == Layout::Envelope {
            out.put(b"]}");
        }
    }
}

/// The way in which a body is written.
enum BodyForm<'a> {
    None,
    Json,
    Text(&'a str),
    Base64,
}

impl<'a> BodyForm<'a> {
    /// The form from which a server restores the body exactly. `None` if there is no such form.
    fn of(item: &'a Subrequest, rules: Rules) -> Option<Self> {
        let body = item.body();
        if body.is_empty() {
            return Some(Self::None);
        }
        // A server takes a body without a type for JSON, and adds that type.
        let (_, content_type) = item.headers().find(|(name, _)| *name == CONTENT_TYPE)?;
        let media_type = MediaType::parse(content_type.to_str().ok()?);
        if media_type.is_json() {
            // A server drops white space around JSON, and takes `null` for no body.
            let is_exact = body.trim_ascii().len() == body.len() && body != "null";
            return (is_exact && is_json(body)).then_some(Self::Json);
        }
        if rules.is_text(&media_type) {
            return from_utf8(body).ok().map(Self::Text);
        }
        Some(Self::Base64)
    }
}

fn put_dependencies(item: &Subrequest, out: &mut Frames) {
    for (index, id) in item.dependencies().enumerate() {
        out.put(match index {
            0 => b",\"dependsOn\":[\"",
            _ => b"\",\"",
        });
        put_escaped(id, out);
    }
    if item.dependencies().next().is_some() {
        out.put(b"\"]");
    }
}

/// Writes the member `headers`, unless there are none. The values of a name that repeats are joined
/// (RFC 9110 §5.3). Returns whether all values are text.
fn put_headers(item: &Subrequest, out: &mut Frames) -> bool {
    let mut last = None;
    for (name, value) in item.headers() {
        match last.replace(name) {
            Some(last) if last == name => out.put(b", "),
            before => {
                out.put(match before {
                    None => b",\"headers\":{\"",
                    Some(_) => b"\",\"",
                });
                out.put(name.as_str().as_bytes());
                out.put(b"\":\"");
            }
        }
        if is_plain(value.as_bytes()) {
            out.put(value.as_bytes());
        } else if let Ok(text) = from_utf8(value.as_bytes()) {
            put_escaped(text, out);
        } else {
            return false;
        }
    }
    if last.is_some() {
        out.put(b"\"}");
    }
    true
}
