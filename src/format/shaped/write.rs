//! The encoder of shaped envelopes.

use bytestring::ByteString;
use http::{HeaderValue, StatusCode};

use super::note::Note;
use super::result::{ResultWriter, put_string};
use super::shape::{Shape, TopOutput};
use crate::format::Encoder;
use crate::format::json::put_escaped;
use crate::frames::Frames;
use crate::subresponse::Subresponse;
use crate::summary::Summary;

/// The codes of items that did not run.
const STOPPED: &str = "stopped";
const NOT_VALIDATED: &str = "not-validated";

/// The bytes of a result besides its id, URL, headers and body: the names of members, and a short
/// document of the shape.
const LEAST_RESULT: usize = 1024;

#[derive(Debug)]
pub(super) struct Writer {
    shape: &'static Shape,
    results: ResultWriter,
    /// The position of the first result.
    start: u64,
    echo: Option<ByteString>,
    /// The indices and ids of the items that are left out.
    not_run: Vec<(usize, String)>,
    is_not_validated: bool,
}

impl Writer {
    pub(super) fn new(shape: &'static Shape, is_trusted: bool) -> Self {
        Self {
            shape,
            results: ResultWriter { shape, is_trusted },
            start: 0,
            echo: None,
            not_run: Vec::new(),
            is_not_validated: false,
        }
    }

    fn lists_not_run(&self) -> bool {
        let mut outputs = self.shape.response.iter();
        outputs.any(|(_, output)| matches!(output, TopOutput::NotRun))
    }

    /// Writes a member after the array of results. Returns `false` if it has no value.
    fn put_after(&self, output: TopOutput, summary: &Summary, name: &str, out: &mut Frames) {
        let put_name = |out: &mut Frames| {
            out.put(b",\"");
            put_escaped(name, out);
            out.put(b"\":");
        };
        match output {
            // Written before the results.
            TopOutput::Responses | TopOutput::Fixed(_) => {}
            TopOutput::HasFailures => {
                put_name(out);
                let has_failures = summary.failed() > 0;
                out.put(if has_failures { b"true" } else { b"false" });
            }
            TopOutput::Echo => {
                if let Some(echo) = &self.echo {
                    put_name(out);
                    put_string(echo, out);
                }
            }
            TopOutput::NotRun => {
                put_name(out);
                for (nth, (_, id)) in self.not_run.iter().enumerate() {
                    out.put(if nth == 0 { b"[" } else { b"," });
                    put_string(id, out);
                }
                out.put(if self.not_run.is_empty() { b"[]" } else { b"]" });
            }
            TopOutput::NotValidated(word) if self.is_not_validated => {
                put_name(out);
                put_string(word, out);
            }
            TopOutput::NotValidated(_) => {}
        }
    }
}

impl Encoder for Writer {
    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static(self.shape.content_type)
    }

    fn status(&self) -> Option<StatusCode> {
        Some(self.shape.status)
    }

    fn is_ordered(&self) -> bool {
        true
    }

    fn begin(&mut self, out: &mut Frames) {
        for (nth, (name, output)) in self.shape.response.iter().enumerate() {
            // Only these two are known before the results. The others follow on them.
            if let TopOutput::Fixed(json) = output {
                out.put(if nth == 0 { b"{\"" } else { b",\"" });
                put_escaped(name, out);
                out.put(b"\":");
                out.put(json.as_bytes());
            }
        }
        let mut names = self.shape.response.iter();
        match names.find(|(_, output)| matches!(output, TopOutput::Responses)) {
            Some((name, _)) => {
                out.put(if out.written() == 0 { b"{\"" } else { b",\"" });
                put_escaped(name, out);
                out.put(b"\":[");
            }
            None => out.put_byte(b'['),
        }
        self.start = out.written();
    }

    fn push(&mut self, response: &Subresponse, out: &mut Frames) {
        let note = Note::parse(response.note());
        self.is_not_validated |= response.error_code() == Some(NOT_VALIDATED);
        if self.echo.is_none() {
            self.echo.clone_from(&note.echo);
        }
        if response.is_not_executed() && self.lists_not_run() {
            let index = response.index();
            // A response that is too large is written again.
            if self.not_run.last().is_none_or(|(last, _)| *last != index) {
                self.not_run.push((index, response.id().to_owned()));
            }
            return;
        }
        if self.shape.omits_stopped && response.error_code() == Some(STOPPED) {
            return;
        }
        if out.written() > self.start {
            out.put_byte(b',');
        }
        out.put_byte(b'\n');
        self.results.put(response, &note, out);
    }

    fn least_len(&self, id: &str) -> usize {
        LEAST_RESULT + 6 * id.len()
    }

    fn end(&mut self, summary: &Summary, out: &mut Frames) {
        if self.shape.response.is_empty() {
            // An array has no other place for it.
            if let Some(error) = summary.error() {
                out.put(if out.written() > self.start {
                    b","
                } else {
                    b""
                });
                out.put(b"\n{\"error\":");
                out.put_bytes(error.problem_document());
                out.put_byte(b'}');
            }
            return out.put_byte(b']');
        }
        out.put_byte(b']');
        for (name, output) in self.shape.response {
            self.put_after(*output, summary, name, out);
        }
        if let Some(error) = summary.error() {
            out.put(b",\"error\":");
            out.put_bytes(error.problem_document());
        }
        out.put_byte(b'}');
    }
}
