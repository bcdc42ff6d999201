//! Finds `bulkId:<id>` in an item: what stands for the id of what another item creates (RFC 7644
//! §3.7.2).

use std::collections::BTreeSet;
use std::ops::Range;

use memchr::memchr;

use crate::format::json::string_end;
use crate::item_error::ItemError;
use crate::subrequest::{BULK_ID, CreatedIds, Subrequest};

/// Finds the references of an item, and makes it wait for the items that it refers to.
pub(super) fn find(item: &mut Subrequest) {
    let body = std::str::from_utf8(&item.body).unwrap_or_default();
    let in_url = in_url(&item.url);
    let Some(in_body) = in_body(body) else {
        return item.fail(ItemError::Body);
    };
    if in_url.is_empty() && in_body.is_empty() {
        return;
    }
    let of_url = in_url.iter().filter_map(|place| id_at(&item.url, place));
    let of_body = in_body.iter().filter_map(|place| id_at(body, place));
    let ids: BTreeSet<&str> = of_url.chain(of_body).collect();
    let ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
    for id in &ids {
        item.add_dependency(id);
    }
    item.of_format_mut().created_ids = CreatedIds { in_url, in_body };
}

fn id_at<'a>(text: &'a str, place: &Range<u32>) -> Option<&'a str> {
    let reference = text.get(place.start as usize..place.end as usize)?;
    reference.strip_prefix(BULK_ID)
}

/// The segments of the path that are references.
fn in_url(url: &str) -> Vec<Range<u32>> {
    let path = url.find('?').map_or(url.len(), |end| end);
    let mut places = Vec::new();
    let mut start = 0;
    for segment in url.get(..path).unwrap_or_default().split('/') {
        let end = start + segment.len();
        if segment.starts_with(BULK_ID) {
            places.extend(place(start, end));
        }
        start = end + 1;
    }
    places
}

/// The strings of a JSON text that are references. Names of members are not. `None` if one of them
/// has an escape.
fn in_body(json: &str) -> Option<Vec<Range<u32>>> {
    let data = json.as_bytes();
    let mut places = Vec::new();
    let mut index = 0;
    while let Some(quote) = data.get(index..).and_then(|rest| memchr(b'"', rest)) {
        let start = index + quote + 1;
        index = string_end(data, start)?;
        let inside = data.get(start..index - 1)?;
        if inside.starts_with(BULK_ID.as_bytes()) && !is_name(data.get(index..)?) {
            if inside.contains(&b'\\') {
                return None;
            }
            places.extend(place(start, index - 1));
        }
    }
    Some(places)
}

/// Whether the string before is the name of a member.
fn is_name(rest: &[u8]) -> bool {
    let mut after = rest.iter().skip_while(|byte| byte.is_ascii_whitespace());
    after.next() == Some(&b':')
}

fn place(start: usize, end: usize) -> Option<Range<u32>> {
    Some(u32::try_from(start).ok()?..u32::try_from(end).ok()?)
}
