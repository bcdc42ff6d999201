//! What few items have.

use std::ops::Range;

use bytestring::ByteString;
use http::{HeaderMap, HeaderValue, Method};

use crate::times::Times;

/// Fields that few items need. They are boxed to keep the others small, because a batch holds all
/// its items until they have run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extras {
    /// The method, if it is not one of [`METHODS`].
    pub(super) method: Option<Method>,
    /// The content type, if it is not `application/json`.
    pub(super) content_type: Option<HeaderValue>,
    /// Ids, each followed by a NUL: a list of strings would use ten times the space for ids of a
    /// byte or two.
    pub(super) depends_on: String,
    /// The atomicity group of the item.
    pub(crate) group: Option<ByteString>,
    pub(crate) ends_group: bool,
    /// The headers of the response if a filter has rejected the item.
    pub(crate) rejection_headers: Option<Box<HeaderMap>>,
    /// The `Content-ID` of the item in a multipart envelope, for the response. `None` if the id was
    /// generated.
    #[cfg_attr(
        not(feature = "multipart"),
        expect(dead_code, reason = "only multipart has labels")
    )]
    pub(crate) label: Option<ByteString>,
    /// What only a few formats set. Boxed again, because a batch of groups holds many extras.
    pub(crate) of_format: Option<Box<OfFormat>>,
    /// The moments of the item, if they are recorded.
    pub(crate) times: Option<Box<Times>>,
}

/// What a few formats set on an item.
#[derive(Clone, Debug, Default)]
pub(crate) struct OfFormat {
    /// What the decoder tells the encoder about the item.
    pub(crate) note: Option<ByteString>,
    pub(crate) created_ids: CreatedIds,
}

/// What an id of something that an earlier item creates is preceded by (RFC 7644 §3.7.2).
pub(crate) const BULK_ID: &str = "bulkId:";

/// Where an item has `bulkId:<id>`, which is replaced by the id of what that other item creates.
#[derive(Clone, Debug, Default)]
pub(crate) struct CreatedIds {
    pub(crate) in_url: Vec<Range<u32>>,
    /// Each is the inside of a JSON string.
    pub(crate) in_body: Vec<Range<u32>>,
}
