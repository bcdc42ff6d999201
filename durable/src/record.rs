//! The format in which a worker gets the responses of the layer.

use std::sync::Arc;

use http::HeaderValue;
use http::request::Parts;
use tower_multistatus::{Encoder, Format, Frames, Subresponse};

use crate::journal::{Attempt, new_reply};

/// The media type that a worker accepts. No client gets it.
pub(crate) const RECORD: HeaderValue =
    HeaderValue::from_static("application/vnd.tower-multistatus.record");

/// Stores the responses that the layer has made itself, such as those of items that have failed a
/// check or were too slow. The journal has stored the others.
#[derive(Clone, Debug)]
pub(crate) struct Record(pub(crate) Arc<Attempt>);

impl Format for Record {
    fn media_types(&self) -> &[&str] {
        &["application/vnd.tower-multistatus.record"]
    }

    fn encoder(&self, _: &Parts) -> Option<Box<dyn Encoder>> {
        Some(Box::new(self.clone()))
    }
}

impl Encoder for Record {
    fn content_type(&self) -> HeaderValue {
        RECORD
    }

    fn is_streamed(&self) -> bool {
        true
    }

    fn push(&mut self, response: &Subresponse, out: &mut Frames) {
        self.0.record(response.index(), || {
            let (headers, body) = (response.headers().clone(), response.body().clone());
            new_reply(response.status(), headers, body)
        });
        out.put(b"\n");
    }
}
