//! One line an item, as they come.

use http::request::Parts;

use super::json::{Layout, Writer};
use super::{Encoder, Format};

/// A JSON object a line, then a summary line: `application/x-ndjson`, out, streamed in the order of
/// completion.
///
/// Also known as `application/jsonl` and `application/ndjson`. Every layer that
/// [`BatchLayer::new`](crate::BatchLayer::new) makes has it.
///
/// The last line is `{"summary":{"total":3,"succeeded":2,"failed":1}}`, so that a stream that was
/// cut can be told from a whole one. Line breaks between the tokens of a JSON response are left
/// out, and U+2028, U+2029 and U+0085 inside its strings are escaped, so that whoever splits lines
/// gets the same ones.
///
/// ```
/// use tower_multistatus::{BatchLayer, NdJson};
///
/// let layer = BatchLayer::new("/batch").format(NdJson::new().trust_responses(true));
/// ```
#[derive(Clone, Debug, Default)]
pub struct NdJson {
    trusted: bool,
}

impl NdJson {
    /// The format as it is by default: a JSON response of the inner service is checked before it is
    /// spliced in.
    pub fn new() -> Self {
        Self::default()
    }

    /// As [`Json::trust_responses`](crate::Json::trust_responses), with the same danger.
    #[must_use]
    pub fn trust_responses(mut self, trusted: bool) -> Self {
        self.trusted = trusted;
        self
    }
}

impl Format for NdJson {
    fn media_types(&self) -> &[&str] {
        &[
            "application/x-ndjson",
            "application/jsonl",
            "application/ndjson",
        ]
    }

    fn encoder(&self, envelope: &Parts) -> Option<Box<dyn Encoder>> {
        Some(Box::new(Writer::new(Layout::Lines, self.trusted, envelope)))
    }
}
