//! `{"requests":[…]}` in, `{"responses":[…]}` out.

use http::request::Parts;

use super::{Decoder, Encoder, Format};
use crate::config::Limits;
use crate::error::Error;

mod body;
mod item;
mod names;
mod read;
mod scan;
mod splice;
mod word;
mod write;

use read::Reader;
pub(super) use write::{Layout, Writer};

/// The JSON envelope of OData 4.01 (JSON Format §19) and Microsoft Graph: `application/json`, in and out.
///
/// Every layer that [`BatchLayer::new`](crate::BatchLayer::new) makes has it.
///
/// ```
/// use tower_multistatus::{BatchLayer, Json};
///
/// let layer = BatchLayer::new("/batch").format(Json::new().trust_answers());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Json {
    trusted: bool,
}

impl Json {
    /// The format as it is by default: a JSON answer of the inner service is checked before it is spliced in.
    pub fn new() -> Self {
        Self::default()
    }

    /// Splices a body into the envelope unchecked when its `Content-Type` says that it is JSON.
    ///
    /// It saves reading large answers once. It is safe only if every handler behind the layer, and whatever it relays,
    /// tells the truth: a body that is not JSON breaks the envelope, and one that is crafted can forge other items' answers.
    #[must_use]
    pub fn trust_answers(mut self) -> Self {
        self.trusted = true;
        self
    }
}

impl Format for Json {
    fn media_types(&self) -> &[&str] {
        &["application/json"]
    }

    fn reads(&self) -> bool {
        true
    }

    fn decoder(
        &self,
        envelope: &Parts,
        limits: &Limits,
    ) -> Result<Option<Box<dyn Decoder>>, Error> {
        Ok(Some(Box::new(Reader::new(envelope, limits)?)))
    }

    fn encoder(&self, envelope: &Parts) -> Option<Box<dyn Encoder>> {
        Some(Box::new(Writer::new(
            Layout::Envelope,
            self.trusted,
            envelope,
        )))
    }
}
