//! Packs requests into a batch.

use std::collections::HashSet;
use std::fmt::Write;
use std::mem::take;

use bytes::{BufMut, BytesMut};
use bytestring::ByteString;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Request};

use super::super::body::ClientBody;
use super::super::error::{BatchClientError, BatchClientErrorKind};
use super::super::extensions::ItemId;
use super::super::key::BatchKey;
use super::super::settings::Settings;
use super::super::waiting::Waiting;
use super::endpoints::Endpoint;
use super::queue::Group;
use crate::format::RequestEncoder;
use crate::frames::Frames;
use crate::subrequest::Subrequest;

/// A batch that can be sent.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) request: Request<ClientBody>,
    /// Bytes of the envelope.
    pub(super) bytes: usize,
    pub(super) items: Vec<Box<Waiting>>,
    /// The id of each item.
    pub(super) ids: Vec<ByteString>,
}

/// Packs as many requests of the group as fit. Those that no batch can have are sent alone. `None`
/// if there are not two for a batch.
pub(super) fn pack(
    key: &BatchKey,
    group: &mut Group,
    endpoint: Endpoint,
    last_id: &mut u64,
    settings: &Settings,
) -> Option<Batch> {
    let mut encoder = settings.format.request_encoder()?;
    let mut out = Frames::default();
    encoder.begin(&mut out);
    let mut ids = Ids::new(last_id, group.waiting.len().min(settings.max_items));
    let items = fill(&mut *encoder, &mut out, group, endpoint, &mut ids, settings);
    encoder.end(&mut out);
    if items.len() < 2 {
        items.into_iter().for_each(|item| item.send_alone());
        return None;
    }
    let envelope = out.into_bytes();
    let bytes = envelope.len();
    let mut request = Request::from_parts(key.batch_head(settings), ClientBody::from(envelope));
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, encoder.content_type());
    let name = settings.format.media_types().first();
    if let Some(Ok(name)) = name.map(|name| HeaderValue::from_str(name)) {
        headers.insert(ACCEPT, name);
    }
    Some(Batch {
        request,
        bytes,
        items,
        ids: ids.all,
    })
}

fn fill(
    encoder: &mut dyn RequestEncoder,
    out: &mut Frames,
    group: &mut Group,
    endpoint: Endpoint,
    ids: &mut Ids<'_>,
    settings: &Settings,
) -> Vec<Box<Waiting>> {
    let max_items = settings.max_items.min(endpoint.max_items);
    let max_bytes = settings.max_bytes.min(endpoint.max_bytes);
    let mut items = Vec::with_capacity(max_items.min(group.waiting.len()));
    // One item is written after the other, with the same memory.
    let mut memory = Memory::default();
    while items.len() < max_items
        && let Some(mut waiting) = group.waiting.pop_front()
    {
        let Some(id) = ids.id_of(&waiting) else {
            // The two are in different batches.
            group.waiting.push_front(waiting);
            break;
        };
        if waiting.depends_on_others() && !ids.has_all(&waiting) {
            waiting.fail(BatchClientError::new(BatchClientErrorKind::Dependency));
            continue;
        }
        let item = memory.item(&waiting, id, settings);
        let length = out.len();
        let is_exact = encoder.push(&item, out);
        let id = memory.take_back(item);
        let fits = out.len() <= max_bytes;
        if is_exact && fits {
            ids.add(id);
            waiting.place = None;
            items.push(waiting);
            continue;
        }
        out.rewind(length);
        if is_exact && !items.is_empty() {
            group.waiting.push_front(waiting);
            break;
        }
        waiting.send_alone();
    }
    items
}

/// The memory of an item, which the next one uses again.
#[derive(Default)]
struct Memory {
    headers: Vec<(HeaderName, HeaderValue)>,
    url: BytesMut,
}

impl Memory {
    fn item(&mut self, waiting: &Waiting, id: ByteString, settings: &Settings) -> Subrequest {
        let request = &waiting.request;
        let mut item = Subrequest::without_id();
        item.id = id;
        item.headers = take(&mut self.headers);
        item.set_method(request.method().as_str().as_bytes());
        let url = request.uri().path_and_query();
        self.url.put_slice(
            url.and_then(|url| settings.item_url(url))
                .unwrap_or_default()
                .as_bytes(),
        );
        item.url = ByteString::try_from(self.url.split().freeze()).unwrap_or_default();
        item.body = request.body().clone();
        waiting
            .dependencies()
            .for_each(|id| item.add_dependency(id));
        for (name, value) in waiting.travel.in_item(request.headers()) {
            item.add_valid_header(name.clone(), value.clone());
        }
        item
    }

    /// Returns the id of the item.
    fn take_back(&mut self, item: Subrequest) -> ByteString {
        self.headers = item.headers;
        self.headers.clear();
        item.id
    }
}

/// Digits of a generated id. More need more memory.
const USUAL_DIGITS: usize = 8;

/// The ids of a batch.
struct Ids<'a> {
    last: &'a mut u64,
    /// The memory of generated ids.
    generated: BytesMut,
    all: Vec<ByteString>,
    /// All ids. `None` as long as all are generated, and nothing depends on them.
    known: Option<HashSet<ByteString>>,
}

impl<'a> Ids<'a> {
    fn new(last: &'a mut u64, items: usize) -> Self {
        Self {
            last,
            generated: BytesMut::with_capacity(items * USUAL_DIGITS),
            all: Vec::with_capacity(items),
            known: None,
        }
    }

    /// The id of a request: its own, or the next number. `None` if the batch has that id already.
    fn id_of(&mut self, waiting: &Waiting) -> Option<ByteString> {
        let id = match waiting.request.extensions().get::<ItemId>() {
            Some(id) => {
                self.known();
                id.as_bytestring().clone()
            }
            None => {
                *self.last += 1;
                // Digits are UTF-8, and memory can always be written to.
                let _ = write!(self.generated, "{}", self.last);
                ByteString::try_from(self.generated.split().freeze()).unwrap_or_default()
            }
        };
        let is_known = self.known.as_ref().is_some_and(|known| known.contains(&id));
        (!is_known).then_some(id)
    }

    /// Whether the batch has all items on which this one depends.
    fn has_all(&mut self, waiting: &Waiting) -> bool {
        let known = self.known();
        waiting.dependencies().all(|id| known.contains(id))
    }

    fn known(&mut self) -> &HashSet<ByteString> {
        let all = || self.all.iter().cloned().collect();
        self.known.get_or_insert_with(all)
    }

    /// Adds the id of an item that is in the batch.
    fn add(&mut self, id: ByteString) {
        if let Some(known) = &mut self.known {
            known.insert(id.clone());
        }
        self.all.push(id);
    }
}
