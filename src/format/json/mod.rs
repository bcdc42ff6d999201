//! `{"requests":[…]}` in, `{"responses":[…]}` out.

use http::request::Parts;

use super::{Decoder, Encoder, Format};
use crate::error::Error;
use crate::limits::Limits;
use crate::media_type::MediaType;

mod body;
mod escape;
mod invalid;
mod item;
mod member;
mod parser;
mod read;
mod skip;
mod swar;
mod token;
mod unique_names;
mod write;

use read::Reader;
pub(super) use write::{Layout, Writer};

/// The JSON envelope of OData 4.01 (JSON Format §19) and Microsoft Graph: `application/json`, in
/// and out.
///
/// Every layer that [`BatchLayer::new`](crate::BatchLayer::new) makes has it. Microsoft Graph's and
/// OData's clients speak it.
///
/// ```json
/// {"requests":[
///   {"id":"a","method":"GET","url":"/users/1"},
///   {"id":"b","method":"POST","url":"/orders","dependsOn":["a"],"headers":{"x-note":"gift"},"body":{"user":1}}]}
/// ```
/// ```json
/// {"responses":[
/// {"id":"a","status":200,"headers":{"Content-Type":"application/json"},"body":{"id":1}},
/// {"id":"b","status":201,"headers":{"Location":"/orders/7"},"body":null}]}
/// ```
///
/// # Requests
///
/// | member | | |
/// | --- | --- | --- |
/// | `id` | required | a string of 1 to 256 bytes without control characters, unique in the batch |
/// | `method` | required | a string, in any case; [which ones](crate::BatchLayer::allow_methods) |
/// | `url` | required | a path and query; one relative to [`base`](crate::BatchLayer::base); or an absolute URL of the batch's own origin |
/// | `headers` | | an object of names to strings, or to arrays of strings, no name twice in any spelling; [which ones](crate::ItemHeaders) |
/// | `body` | | read by the item's `content-type`, as below; `null` is none |
/// | `dependsOn` | | an array of ids of earlier items, at most as many as there are; all must succeed (2xx or 3xx) before this one runs |
///
/// With a `content-type` of `application/json` or `*/*+json`, or with none, the body is the JSON
/// text itself, byte for byte, and the item gets `content-type: application/json`. For `text/*`,
/// forms (`application/x-www-form-urlencoded`) and XML (`application/xml`, `*/*+xml`) it is a
/// string, sent as UTF-8. For all others it is a string of base64, in either alphabet, padded or
/// not.
///
/// What breaks the structure (text that is not JSON or not UTF-8, a member twice, no `id`, an
/// unknown dependency) refuses the batch, and so does a name that differs from one of these
/// members, or from `requests`, only by case, `_` or `-` (`dependson`, `depends_on`). A bad value
/// (method, URL, header, body) fails its item only, and so does a header that is given twice in
/// different spellings (`etag` and `ETag`, `x-a` and `x_a`). Members that are not listed are
/// ignored, except `atomicityGroup` and `if`: unless they are `null`, the batch is refused with
/// 501; [`deny_unknown_members`](Self::deny_unknown_members) refuses them all.
///
/// # Responses
///
/// One a line, in the order of the requests; `headers` and `body` always stand, empty as `{}` and
/// `null`. Values of a header that repeats are joined with `, `, except those of `Set-Cookie`,
/// which is an array. JSON is spliced in as it came, after one check that it is JSON that common
/// parsers take. `text/*`, forms and XML in UTF-8 are strings, and so is UTF-8 without a
/// `Content-Type`. Everything else, what failed the check (a number beyond the range of `f64` does,
/// too), and what has a `Content-Encoding` is base64, and says so: `"encoding":"base64"`. To a
/// batch that brought `OData-Version: 4.01` it is `base64url`.
///
/// ```
/// use tower_multistatus::{BatchLayer, Json};
///
/// let layer = BatchLayer::new("/batch").format(Json::new().trust_responses(true));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Json {
    trusted: bool,
    rules: Rules,
}

/// What the settings of the format say of reading, and of the bodies that are strings.
#[derive(Clone, Copy, Debug, Default)]
struct Rules {
    denies_unknown: bool,
    has_forms_in_base64: bool,
}

impl Rules {
    /// Whether a body of this type is a string of its text.
    fn is_text(self, media_type: &MediaType<'_>) -> bool {
        media_type.is_text() || !self.has_forms_in_base64 && media_type.is_form_or_xml()
    }
}

impl Json {
    /// The format as it is by default: a JSON response of the inner service is checked before it is
    /// spliced in.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a body is spliced into the envelope unchecked when its `Content-Type` says that it
    /// is JSON. By default it is checked.
    ///
    /// Without the check, large responses are read once less. It is safe only if every handler
    /// behind the layer, and whatever it relays, tells the truth: a body that is not JSON breaks
    /// the envelope, and one that is crafted can forge the responses of other items.
    #[must_use]
    pub fn trust_responses(mut self, trusted: bool) -> Self {
        self.trusted = trusted;
        self
    }

    /// Whether an envelope is refused that has members which mean nothing here, beside `requests`
    /// or in an item. By default they are ignored.
    ///
    /// ```
    /// use tower_multistatus::{BatchLayer, Json};
    ///
    /// let layer = BatchLayer::new("/batch").format(Json::new().deny_unknown_members(true));
    /// ```
    #[must_use]
    pub fn deny_unknown_members(mut self, denied: bool) -> Self {
        self.rules.denies_unknown = denied;
        self
    }

    /// Whether bodies of forms (`application/x-www-form-urlencoded`) and XML (`application/xml`,
    /// `*/*+xml`) are base64, as the protocols of Microsoft Graph and OData have it, in requests
    /// and responses. By default they are strings. `text/xml` is always a string.
    ///
    /// ```
    /// use tower_multistatus::{BatchLayer, Json};
    ///
    /// let layer = BatchLayer::new("/batch").format(Json::new().base64_forms_and_xml(true));
    /// ```
    #[must_use]
    pub fn base64_forms_and_xml(mut self, is_base64: bool) -> Self {
        self.rules.has_forms_in_base64 = is_base64;
        self
    }
}

impl Format for Json {
    fn media_types(&self) -> &[&str] {
        &["application/json"]
    }

    fn decoder(
        &self,
        envelope: &Parts,
        limits: &Limits,
    ) -> Option<Result<Box<dyn Decoder>, Error>> {
        let reader = Reader::new(envelope, limits, self.rules);
        Some(reader.map(|reader| Box::new(reader) as _))
    }

    fn encoder(&self, envelope: &Parts) -> Option<Box<dyn Encoder>> {
        let writer = Writer::new(Layout::Envelope, self.trusted, envelope);
        Some(Box::new(writer.with_rules(self.rules)))
    }
}
