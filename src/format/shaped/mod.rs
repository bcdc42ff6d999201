//! JSON batches of other APIs: one codec, and a table of shapes.

use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use http::request::Parts;

use super::json::{Json, check_charset};
use super::{Decoder, Encoder, Format};
use crate::error::Error;
use crate::limits::Limits;
use crate::media_type::MediaType;

mod bulk_ids;
mod cross_site;
mod form;
mod headers;
mod item;
mod members;
mod names;
mod note;
mod read;
mod result;
mod shape;
mod shapes;
mod top;
mod write;

pub use shape::{BodyForm, Document, ItemResult, Member, Output, Shape, Top, TopOutput};

use read::Reader;
use write::Writer;

/// JSON batches in the [`Shape`] of another API. [`Json::shaped`] creates it.
///
/// ```
/// use tower_multistatus::shape::Shape;
/// use tower_multistatus::{BatchLayer, Json};
///
/// let layer = BatchLayer::new("/v1/batch")
///     .clear_formats()
///     .format(Json::shaped(&Shape::KINTO));
/// ```
#[derive(Clone, Debug)]
pub struct ShapedJson {
    shape: &'static Shape,
    is_trusted: bool,
    allows_cross_site: bool,
}

impl Json {
    /// The JSON batches of another API, in this shape.
    ///
    /// It is a format of its own, which replaces [`Json`] in a layer, because both read
    /// `application/json`. It reads and writes with `serde_json`, and is slower than [`Json`].
    ///
    /// ```
    /// use tower_multistatus::shape::Shape;
    /// use tower_multistatus::{BatchLayer, Json};
    ///
    /// let layer = BatchLayer::new("/batch").format(Json::shaped(&Shape::RESULTS));
    /// ```
    #[cfg_attr(docsrs, doc(cfg(feature = "shapes")))]
    pub fn shaped(shape: &'static Shape) -> ShapedJson {
        ShapedJson {
            shape,
            is_trusted: false,
            allows_cross_site: false,
        }
    }
}

impl ShapedJson {
    /// Whether a body whose `Content-Type` is JSON is written to the envelope unchecked, as with
    /// [`Json::trust_responses`]. By default it is checked.
    #[must_use]
    pub fn trust_responses(mut self, trusted: bool) -> Self {
        self.is_trusted = trusted;
        self
    }

    /// Whether any web page may send batches as forms or as `text/plain`. By default it may not.
    ///
    /// A browser sends such requests to your API for a page of any other site, without asking it
    /// first (a CORS preflight), and adds the cookies of the user. So a batch of these types is
    /// refused with 403 (`cross-site`) if it has a `Cookie`, a `Sec-Fetch-Site` other than
    /// `same-origin` and `none`, or an `Origin` other than its own host. Programs that are not
    /// browsers send none of these.
    ///
    /// Allow it only if nothing behind the layer trusts cookies, HTTP authentication by the
    /// browser, or the network that a request comes from.
    ///
    /// ```
    /// use tower_multistatus::shape::Shape;
    /// use tower_multistatus::{BatchLayer, Json};
    ///
    /// let format = Json::shaped(&Shape::PARSE).allow_cross_site(true);
    /// let layer = BatchLayer::parse("/parse/batch").format(format);
    /// ```
    #[must_use]
    pub fn allow_cross_site(mut self, allowed: bool) -> Self {
        self.allows_cross_site = allowed;
        self
    }

    fn reader(&self, envelope: &Parts, limits: &Limits) -> Result<Reader, Error> {
        let content_type = envelope.headers.get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let media_type = MediaType::parse(content_type.unwrap_or_default());
        if !self.allows_cross_site {
            cross_site::check(envelope, &media_type)?;
        }
        check_charset(envelope)?;
        Ok(Reader::new(self.shape, media_type.is_form(), limits))
    }
}

impl Format for ShapedJson {
    fn media_types(&self) -> &[&str] {
        self.shape.media_types
    }

    fn decoder(
        &self,
        envelope: &Parts,
        limits: &Limits,
    ) -> Option<Result<Box<dyn Decoder>, Error>> {
        let reader = self.reader(envelope, limits);
        Some(reader.map(|reader| Box::new(reader) as _))
    }

    fn encoder(&self, _: &Parts) -> Option<Box<dyn Encoder>> {
        Some(Box::new(Writer::new(self.shape, self.is_trusted)))
    }

    fn refusal(&self, error: &Error) -> Option<(HeaderValue, Bytes)> {
        let document = self.shape.document?;
        let (_, document) = document(&ItemResult {
            status: error.kind().status(),
            body: b"",
            code: Some(error.kind().code()),
            title: Some(error.kind().title()),
            is_not_run: true,
        })?;
        let content_type = HeaderValue::from_static(self.shape.content_type);
        Some((content_type, document.into()))
    }

    fn options(&self, limits: &Limits) -> Option<Bytes> {
        let options = self.shape.options?;
        Some(options(limits.max_items()).into())
    }
}
