//! References to earlier items: `$<id>` as the first segment of a URL, or as `If-Match` (OData 4.01
//! Protocol, "Referencing Returned Entities"), and `bulkId:<id>` in a URL or a body (RFC 7644).
//!
//! A reference is replaced by text once, and the result passes every check of a target again.
//! Nothing is evaluated.

mod created;

use std::collections::BTreeMap;

use bytestring::ByteString;
use http::header::{ETAG, IF_MATCH, LOCATION};
use http::{HeaderMap, HeaderValue, Method};

use crate::item_error::ItemError;
use crate::subrequest::Subrequest;
use crate::target::MAX_TARGET;

/// The earlier items that an item refers to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct References {
    /// The item whose URL this item's URL continues. For an item with ids of what others create,
    /// any of them.
    pub(super) url: Option<usize>,
    /// The item whose `ETag` becomes this item's `If-Match`.
    pub(super) etag: Option<usize>,
}

/// Finds the references of an item. `index_of` looks for an earlier item by its id. A `$name` that
/// is not the id of an earlier item is an ordinary segment.
pub(super) fn references_of(
    item: &Subrequest,
    index_of: impl Fn(&str) -> Option<usize>,
) -> References {
    let if_match = item.headers.iter().find(|(name, _)| name == IF_MATCH);
    let etag = if_match.and_then(|(_, value)| value.to_str().ok()?.strip_prefix('$'));
    let url = split(&item.url).map(|(id, _)| id);
    References {
        url: url.and_then(&index_of),
        etag: etag.and_then(&index_of),
    }
}

/// Splits `$1/Orders?$top=1` into `1` and `/Orders?$top=1`. Only whole segments are ids.
fn split(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix('/').unwrap_or(url).strip_prefix('$')?;
    Some(rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len())))
}

/// The entities of the items that others refer to.
#[derive(Debug, Default)]
pub(super) struct Entities(BTreeMap<usize, Entity>);

#[derive(Debug)]
struct Entity {
    id: ByteString,
    url: Option<ByteString>,
    etag: Option<HeaderValue>,
}

impl Entities {
    /// Records the URL and the `ETag` of an item's entity. The URL is that of `Location`, else the
    /// requested URL, which does not apply to a POST.
    pub(super) fn record(&mut self, index: usize, item: &Subrequest, headers: &HeaderMap) {
        let location = headers
            .get(LOCATION)
            .or_else(|| headers.get("odata-entityid"));
        // Stored until the batch ends, so the values are copied out of the service's response, and
        // values that are too long to be used are left out.
        let is_short = |value: &&HeaderValue| value.len() <= MAX_TARGET;
        let url = match location {
            Some(value) if is_short(&value) => value.to_str().ok().map(ByteString::from),
            Some(_) => None,
            None => (item.method() != Some(&Method::POST)).then(|| item.url.clone()),
        };
        let etag = headers.get(ETAG).filter(is_short);
        let etag = etag.and_then(|value| HeaderValue::from_bytes(value.as_bytes()).ok());
        let id = item.id.clone();
        self.0.insert(index, Entity { id, url, etag });
    }

    /// Returns the URL of an item that refers to this other item.
    pub(super) fn url(&self, on: usize, item: &Subrequest) -> Result<ByteString, ItemError> {
        if let Some(places) = item.created_ids() {
            return self.url_with_created_ids(item, places);
        }
        let entity = self.0.get(&on).and_then(|entity| entity.url.as_ref());
        let url = entity.ok_or(ItemError::Target)?;
        let (_, rest) = split(&item.url).ok_or(ItemError::Target)?;
        // The rest continues the path, so the query of the entity's URL is removed.
        let (path, _) = url.split_once('?').unwrap_or((url, ""));
        Ok(if rest.is_empty() {
            url.clone()
        } else {
            format!("{path}{rest}").into()
        })
    }

    /// Replaces the references of an item, also for later items that refer to this item in turn.
    pub(super) fn fill(
        &self,
        references: References,
        item: &mut Subrequest,
        max_body_bytes: usize,
    ) -> Result<(), ItemError> {
        if let Some(on) = references.url {
            item.url = self.url(on, item)?;
            self.fill_created_ids(item, max_body_bytes)?;
        }
        match references.etag {
            Some(on) => self.fill_if_match(on, item),
            None => Ok(()),
        }
    }

    /// Sets `If-Match` to the `ETag` of this other item.
    fn fill_if_match(&self, on: usize, item: &mut Subrequest) -> Result<(), ItemError> {
        let entity = self.0.get(&on).and_then(|entity| entity.etag.as_ref());
        let etag = entity.ok_or(ItemError::Header)?;
        for (name, value) in &mut item.headers {
            if *name == IF_MATCH {
                *value = etag.clone();
            }
        }
        Ok(())
    }
}
