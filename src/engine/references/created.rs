//! `bulkId:<id>` stands for the id of what an earlier item creates (RFC 7644 §3.7.2): the last
//! segment of its `Location`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use bytes::Bytes;
use bytestring::ByteString;
use percent_encoding::percent_decode_str;

use super::Entities;
use crate::item_error::ItemError;
use crate::subrequest::{BULK_ID, CreatedIds, Subrequest};

/// Maximum bytes of an id, because it can be copied to many places.
const MAX_CREATED_ID: usize = 256;

impl Entities {
    pub(super) fn url_with_created_ids(
        &self,
        item: &Subrequest,
        places: &CreatedIds,
    ) -> Result<ByteString, ItemError> {
        let ids = self.created_ids();
        let filled = fill(&item.url, &places.in_url, usize::MAX, |id| {
            ids.get(id).copied().map(Cow::Borrowed)
        });
        filled.map(ByteString::from).map_err(|_| ItemError::Target)
    }

    /// Replaces the references in the body of an item.
    pub(super) fn fill_created_ids(
        &self,
        item: &mut Subrequest,
        max_bytes: usize,
    ) -> Result<(), ItemError> {
        let Some(places) = item
            .created_ids()
            .filter(|places| !places.in_body.is_empty())
        else {
            return Ok(());
        };
        let ids = self.created_ids();
        let body = std::str::from_utf8(&item.body).map_err(|_| ItemError::Body)?;
        let filled = fill(body, &places.in_body, max_bytes, |id| {
            let decoded = percent_decode_str(ids.get(id)?).decode_utf8().ok()?;
            let needs_no_escape = |char: char| !char.is_control() && !matches!(char, '"' | '\\');
            decoded.chars().all(needs_no_escape).then_some(decoded)
        })?;
        item.body = Bytes::from(filled);
        Ok(())
    }

    /// The ids of what has been created, by the ids of the items, percent-encoded.
    fn created_ids(&self) -> HashMap<&str, &str> {
        let created = self.0.values().filter_map(|entity| {
            let url = entity.url.as_deref()?;
            let (path, _) = url.split_once(['?', '#']).unwrap_or((url, ""));
            let (_, created) = path.trim_end_matches('/').rsplit_once('/')?;
            let is_usable = (1..=MAX_CREATED_ID).contains(&created.len());
            is_usable.then_some((&*entity.id, created))
        });
        created.collect()
    }
}

/// Replaces the text at each place.
fn fill<'a>(
    text: &str,
    places: &[Range<u32>],
    max_bytes: usize,
    created: impl Fn(&str) -> Option<Cow<'a, str>>,
) -> Result<String, ItemError> {
    let slice = |range: Range<usize>| text.get(range).ok_or(ItemError::Body);
    let (mut filled, mut end) = (String::with_capacity(text.len()), 0);
    for place in places {
        let place = place.start as usize..place.end as usize;
        filled.push_str(slice(end..place.start)?);
        end = place.end;
        let id = slice(place)?.strip_prefix(BULK_ID);
        filled.push_str(&id.and_then(&created).ok_or(ItemError::Body)?);
        if filled.len() > max_bytes {
            return Err(ItemError::BodyTooLarge);
        }
    }
    filled.push_str(slice(end..text.len())?);
    if filled.len() > max_bytes {
        return Err(ItemError::BodyTooLarge);
    }
    Ok(filled)
}
