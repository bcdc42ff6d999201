//! NDJSON: one line per item.

use http::request::Parts;

use super::json::{Layout, Writer};
use super::{Encoder, Format};

/// NDJSON: one JSON object per line and item, then a summary line.
///
/// Its media type is `application/x-ndjson`. It is written only, and streamed in the order in which
/// items finish.
///
/// Also known as `application/jsonl` and `application/ndjson`. Every layer that
/// [`BatchLayer::new`](crate::BatchLayer::new) makes has it.
///
/// The last line is `{"summary":{"total":3,"succeeded":2,"failed":1}}`. Without it, the stream was
/// cut off. Line breaks between the tokens of a JSON response are left out, and U+2028, U+2029 and
/// U+0085 inside its strings are escaped. So all readers split the stream into the same lines.
///
/// ```
/// use tower_multistatus::{BatchLayer, NdJson};
///
/// let layer = BatchLayer::new("/batch").format(NdJson::new().trust_responses(true));
/// ```
#[derive(Clone, Debug, Default)]
pub struct NdJson {
    is_trusted: bool,
}

impl NdJson {
    /// Creates the format. By default, it checks JSON bodies of the inner service before it writes
    /// them.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a JSON body is written unchecked, as with
    /// [`Json::trust_responses`](crate::Json::trust_responses), and with the same danger.
    #[must_use]
    pub fn trust_responses(mut self, trusted: bool) -> Self {
        self.is_trusted = trusted;
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
        let writer = Writer::new(Layout::Lines, self.is_trusted, envelope);
        Some(Box::new(writer))
    }
}
