//! Packs requests into a batch.

use std::collections::HashSet;
use std::fmt::Write;

use bytes::BytesMut;
use bytestring::ByteString;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Request};

use super::super::body::ClientBody;
use super::super::error::{BatchClientError, BatchClientErrorKind};
use super::super::extensions::ItemId;
use super::super::settings::Settings;
use super::super::waiting::Waiting;
use super::endpoints::Endpoint;
use super::queue::Group;
use crate::format::RequestEncoder;
use crate::frames::Frames;

/// A batch that can be sent.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) request: Request<ClientBody>,
    /// Bytes of the envelope.
    pub(super) bytes: usize,
    /// Each has its id.
    pub(super) items: Vec<Box<Waiting>>,
}

/// Packs as many requests of the group as fit. Those that no batch can have are sent alone. `None`
/// if there are not two for a batch.
pub(super) fn pack(
    group: &mut Group,
    endpoint: Endpoint,
    last_id: &mut u64,
    settings: &Settings,
) -> Option<Batch> {
    let mut encoder = settings.format.request_encoder()?;
    let mut out = Frames::default();
    encoder.begin(&mut out);
    let items = fill(&mut *encoder, &mut out, group, endpoint, last_id, settings);
    encoder.end(&mut out);
    let first = items.first().filter(|_| items.len() > 1);
    let Some(head) = first.map(|item| item.entry.key.batch_head(settings)) else {
        items.into_iter().for_each(|item| item.send_alone());
        return None;
    };
    let envelope = out.into_bytes();
    let bytes = envelope.len();
    let mut request = Request::from_parts(head, ClientBody::from(envelope));
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
    })
}

fn fill(
    encoder: &mut dyn RequestEncoder,
    out: &mut Frames,
    group: &mut Group,
    endpoint: Endpoint,
    last_id: &mut u64,
    settings: &Settings,
) -> Vec<Box<Waiting>> {
    let max_items = settings.max_items.min(endpoint.max_items);
    let max_bytes = settings.max_bytes.min(endpoint.max_bytes);
    let mut items = Vec::with_capacity(max_items.min(group.waiting.len()));
    let mut ids = Ids::default();
    while items.len() < max_items
        && let Some(mut waiting) = group.waiting.pop_front()
    {
        let Some(id) = ids.id_of(&waiting, &items, last_id) else {
            // The two are in different batches.
            group.waiting.push_front(waiting);
            break;
        };
        if waiting.depends_on_others() && !ids.has_all(&waiting, &items) {
            waiting.fail(BatchClientError::new(BatchClientErrorKind::Dependency));
            continue;
        }
        waiting.entry.item.id = id;
        let length = out.len();
        let is_exact = encoder.push(&waiting.entry.item, out);
        let fits = out.len() <= max_bytes;
        if is_exact && fits {
            ids.add(&waiting.entry.item.id);
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

/// The ids of a batch.
#[derive(Default)]
struct Ids {
    /// The memory of generated ids.
    generated: BytesMut,
    /// All ids. `None` as long as all are generated, and nothing depends on them.
    known: Option<HashSet<ByteString>>,
}

impl Ids {
    /// The id of a request: its own, or the next number. `None` if the batch has that id already.
    fn id_of(
        &mut self,
        waiting: &Waiting,
        items: &[Box<Waiting>],
        last_id: &mut u64,
    ) -> Option<ByteString> {
        let id = match waiting.request.extensions().get::<ItemId>() {
            Some(id) => {
                self.known(items);
                id.as_bytestring().clone()
            }
            None => {
                *last_id += 1;
                // Digits are UTF-8, and memory can always be written to.
                let _ = write!(self.generated, "{last_id}");
                ByteString::try_from(self.generated.split().freeze()).unwrap_or_default()
            }
        };
        let is_known = self.known.as_ref().is_some_and(|known| known.contains(&id));
        (!is_known).then_some(id)
    }

    /// Whether the batch has all items on which this one depends.
    fn has_all(&mut self, waiting: &Waiting, items: &[Box<Waiting>]) -> bool {
        let known = self.known(items);
        waiting
            .entry
            .item
            .dependencies()
            .all(|id| known.contains(id))
    }

    fn known(&mut self, items: &[Box<Waiting>]) -> &HashSet<ByteString> {
        let ids = || {
            items
                .iter()
                .map(|item| item.entry.item.id.clone())
                .collect()
        };
        self.known.get_or_insert_with(ids)
    }

    fn add(&mut self, id: &ByteString) {
        if let Some(known) = &mut self.known {
            known.insert(id.clone());
        }
    }
}
