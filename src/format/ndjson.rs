//! NDJSON: one line per item.

use http::request::Parts;

use super::json::{Layout, LineReader, Rules, Writer};
#[cfg(feature = "client")]
use super::json::{RequestWriter, ResponseLineReader};
use super::{Decoder, Encoder, Format};
use crate::error::Error;
use crate::limits::Limits;

/// NDJSON: one JSON object per line and item, then a summary line.
///
/// Its media type is `application/x-ndjson`, also known as `application/jsonl` and
/// `application/ndjson`. It is read and written. Every layer that
/// [`BatchLayer::new`](crate::BatchLayer::new) makes has it.
///
/// ```json
/// {"id":"a","method":"GET","url":"/users/1"}
/// {"id":"b","method":"POST","url":"/orders","dependsOn":["a"],"body":{"user":1}}
/// ```
/// ```json
/// {"id":"a","status":200,"headers":{"Content-Type":"application/json"},"body":{"id":1}}
/// {"id":"b","status":201,"headers":{"Location":"/orders/7"},"body":null}
/// {"summary":{"total":2,"succeeded":2,"failed":0}}
/// ```
///
/// # Requests
///
/// Each line is an object with the members of an item of [`Json`](crate::Json). LF ends a line, and
/// a CR before it is dropped. Empty lines are skipped, and the last line needs no end. A line may
/// have 16 KiB more than [`max_item_body_bytes`](crate::BatchLayer::max_item_body_bytes).
///
/// If the response is NDJSON too, as it is unless `Accept` names another format, the batch is a
/// stream. See [`guide::streams`](crate::guide::streams). If not, the whole envelope is read first,
/// as that of any other format.
///
/// # Responses
///
/// Each item has a line, which is sent when the item finishes. The last line is
/// `{"summary":{"total":3,"succeeded":2,"failed":1}}`. Without it, the stream was cut off. If the
/// upload of a stream ended early, the summary has a member `error`, which is a problem document
/// with the `line`. Line breaks between the tokens of a JSON response are left out, and U+2028,
/// U+2029 and U+0085 inside its strings are escaped. So all readers split the stream into the same
/// lines.
///
/// ```
/// use tower_multistatus::{BatchLayer, NdJson};
///
/// let layer = BatchLayer::new("/batch").format(NdJson::new().trust_responses(true));
/// ```
#[derive(Clone, Debug, Default)]
pub struct NdJson {
    is_trusted: bool,
    rules: Rules,
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

    /// Whether an unknown member of an item is an error. By default unknown members are ignored.
    ///
    /// ```
    /// use tower_multistatus::{BatchLayer, NdJson};
    ///
    /// let layer = BatchLayer::new("/batch").format(NdJson::new().deny_unknown_members(true));
    /// ```
    #[must_use]
    pub fn deny_unknown_members(mut self, denied: bool) -> Self {
        self.rules.denies_unknown = denied;
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

    fn decoder(
        &self,
        envelope: &Parts,
        limits: &Limits,
    ) -> Option<Result<Box<dyn Decoder>, Error>> {
        let reader = LineReader::new(envelope, limits, self.rules);
        Some(reader.map(|reader| Box::new(reader) as _))
    }

    fn encoder(&self, envelope: &Parts) -> Option<Box<dyn Encoder>> {
        let writer = Writer::new(Layout::Lines, self.is_trusted, envelope);
        Some(Box::new(writer))
    }

    #[cfg(feature = "client")]
    fn request_encoder(&self) -> Option<Box<dyn super::RequestEncoder>> {
        Some(Box::new(RequestWriter::new(Layout::Lines, self.rules)))
    }

    #[cfg(feature = "client")]
    fn response_decoder(
        &self,
        _: &http::response::Parts,
        limits: &Limits,
    ) -> Option<Result<Box<dyn super::ResponseDecoder>, Error>> {
        Some(Ok(Box::new(ResponseLineReader::new(limits, self.rules))))
    }
}
