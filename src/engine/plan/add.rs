//! How items are added to a plan, and checked against those before them.

use std::collections::{BinaryHeap, VecDeque};

use bytestring::ByteString;

use super::groups::Groups;
use super::names::{Dependency, Names};
use super::whole::{Ids, WholeNames, are_ascending};
use super::{Graph, Links, MAX_ITEMS, Plan, Previous, Slot, Stream, count, links_of};
use crate::engine::references::{References, references_of};
use crate::error::{Error, ErrorKind};
use crate::item_error::ItemError;
use crate::policy::ChangeSets;
use crate::subrequest::Subrequest;

impl Plan {
    /// The plan of a whole envelope.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::DuplicateId`], [`ErrorKind::UnknownDependency`],
    /// [`ErrorKind::UnsupportedAtomicity`], and [`ErrorKind::Malformed`] for a group whose members
    /// are not adjacent.
    pub(crate) fn new(
        mut items: Vec<Subrequest>,
        change_sets: &ChangeSets,
        has_references: bool,
    ) -> Result<Self, Error> {
        let graph = if has_references || items.iter().any(has_links) {
            let mut graph = Box::new(Graph::new(change_sets, None));
            graph.has_references = has_references;
            graph.add_whole(&items)?;
            mark_ends_of_groups(&mut items);
            Some(graph)
        } else {
            if !are_ascending(&items) {
                Ids::new(&items)?;
            }
            None
        };
        Ok(Self {
            total: items.len(),
            items,
            cursor: 0,
            graph,
        })
    }

    /// The plan of a stream, without items.
    pub(crate) fn growing(change_sets: &ChangeSets, max_remembered_ids: usize) -> Self {
        let stream = Box::new(Stream {
            names: Names::default(),
            max_remembered_ids,
            ready: VecDeque::new(),
            hashes: Vec::new(),
            free: Vec::new(),
            waiting_bytes: 0,
        });
        Self {
            items: Vec::new(),
            total: 0,
            cursor: 0,
            graph: Some(Box::new(Graph::new(change_sets, Some(stream)))),
        }
    }

    /// Adds an item to the plan of a stream.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    pub(in crate::engine) fn push(&mut self, mut item: Subrequest) -> Result<(), Error> {
        let Some(graph) = &mut self.graph else {
            return Ok(());
        };
        if self.total == MAX_ITEMS {
            return Err(ErrorKind::TooManyItems.into());
        }
        let Some(mut stream) = graph.stream.take() else {
            return Ok(());
        };
        let position = stream.free.last().copied().unwrap_or(self.items.len());
        let slot = Slot::new(self.total, position);
        let linked = graph.link_next(&item, slot, &mut stream);
        if linked.is_ok() {
            stream.free.pop();
            stream.waiting_bytes += item.memory();
        }
        graph.stream = Some(stream);
        if let Some(error) = linked? {
            item.error = Some(error);
        }
        self.total += 1;
        match self.items.get_mut(position) {
            Some(place) => *place = item,
            None => self.items.push(item),
        }
        Ok(())
    }
}

impl Graph {
    fn new(change_sets: &ChangeSets, stream: Option<Box<Stream>>) -> Self {
        Self {
            links: Vec::new(),
            cursor: 0,
            released: BinaryHeap::new(),
            previous: Previous::default(),
            groups: Groups::new(change_sets),
            has_references: false,
            awaited: Vec::new(),
            stream,
        }
    }

    fn add_whole(&mut self, items: &[Subrequest]) -> Result<(), Error> {
        let names = WholeNames::new(items, self.groups.are_allowed)?;
        self.groups.set_ranges(|| names.ranges());
        self.links.reserve_exact(items.len());
        for (index, item) in items.iter().enumerate() {
            let slot = Slot::whole(index);
            self.link(item, slot, |name| names.find_before(name, index))?;
            self.end_group(slot);
        }
        Ok(())
    }

    /// Links the next item of a stream.
    fn link_next(
        &mut self,
        item: &Subrequest,
        slot: Slot,
        stream: &mut Stream,
    ) -> Result<Option<ItemError>, Error> {
        let names = &mut stream.names;
        let hash = names.hash(item.id());
        // A copy, because the id may be a slice of something large.
        let mut added = names.add_id(hash, ByteString::from(item.id()), slot);
        if let Some(group) = item.group() {
            added = added.and_then(|()| match self.groups.are_allowed {
                true => names.add_member(group, slot),
                false => Err(ErrorKind::UnsupportedAtomicity.into()),
            });
        }
        added.map_err(|error| at(error, item, slot))?;
        let index = slot.index();
        let error = self.link(item, slot, |name| stream.names.find_before(name, index))?;
        match stream.hashes.get_mut(slot.position()) {
            Some(place) => *place = hash,
            None => stream.hashes.push(hash),
        }
        let links = self.links.get(slot.position());
        if links.is_some_and(|links| links.unmet == 0) {
            stream.ready.push_back(slot);
        }
        Ok(error)
    }

    /// Links an item to those that it waits for. Returns an error of the item if one of them has
    /// failed already.
    fn link(
        &mut self,
        item: &Subrequest,
        slot: Slot,
        find: impl Fn(&str) -> Dependency,
    ) -> Result<Option<ItemError>, Error> {
        let mut awaited = std::mem::take(&mut self.awaited);
        let mut error = None;
        for on in item.dependencies() {
            // Only earlier items are found, so there are no cycles, and no item waits for itself.
            match find(on) {
                Dependency::Unsettled { slot: on, is_group } => {
                    if !is_group {
                        let checked = self.check_whole(on, slot.index());
                        checked.map_err(|error| at(error, item, slot))?;
                    }
                    awaited.push(on.position());
                }
                Dependency::Succeeded => {}
                Dependency::Failed => error = Some(ItemError::FailedDependency),
                Dependency::Forgotten => {
                    error.get_or_insert(ItemError::ForgottenDependency);
                }
                Dependency::Unknown => {
                    return Err(at(ErrorKind::UnknownDependency.into(), item, slot));
                }
            }
        }
        let mut references = References::default();
        if self.has_references {
            references = references_of(item, |id| match find(id) {
                Dependency::Unsettled { slot, is_group } => (!is_group).then(|| slot.index()),
                _ => None,
            });
            for on in [references.url, references.etag].into_iter().flatten() {
                awaited.push(self.whole_of(on, slot.index()));
                links_of(&mut self.links, on).is_referred_to = true;
            }
        }
        if item.created_ids().is_some() {
            for on in item.dependencies() {
                if let Dependency::Unsettled { slot, is_group } = find(on)
                    && !is_group
                {
                    links_of(&mut self.links, slot.position()).is_referred_to = true;
                    references.url = Some(slot.index());
                }
            }
        }
        // The items of a group run one after the other.
        let is_sequential = !self.groups.are_concurrent;
        if is_sequential && item.group().is_some() && item.group() == self.previous.group.as_deref()
        {
            match self.previous.outcome {
                None => awaited.push(self.previous.slot.position()),
                Some(true) => {}
                Some(false) => error = Some(ItemError::FailedDependency),
            }
        }
        self.previous = Previous {
            slot,
            group: item.extras.as_ref().and_then(|extras| extras.group.clone()),
            outcome: None,
        };
        if error.is_some() {
            awaited.clear();
        }
        self.wait_as_group(&mut awaited, slot);
        awaited.sort_unstable();
        // A dependency that is listed twice counts once.
        awaited.dedup();
        let links = Links {
            slot,
            unmet: count(awaited.len()),
            references,
            ..Links::default()
        };
        match self.links.get_mut(slot.position()) {
            Some(place) => *place = links,
            None => self.links.push(links),
        }
        for on in awaited.drain(..) {
            links_of(&mut self.links, on).dependants.push(slot);
        }
        self.awaited = awaited;
        Ok(error)
    }
}

/// Whether the item has links to others. In most batches, none has.
fn has_links(item: &Subrequest) -> bool {
    item.dependencies().next().is_some() || item.group().is_some()
}

/// An error at this item of the envelope.
fn at(error: Error, item: &Subrequest, slot: Slot) -> Error {
    let error = error.at_item(slot.index());
    match item.line {
        Some(line) => error.at_line(line.get().into()),
        None => error,
    }
}

/// Marks the last member of each group.
fn mark_ends_of_groups(items: &mut [Subrequest]) {
    let mut rest = items;
    while let Some((item, later)) = rest.split_first_mut() {
        let next = later.first().and_then(Subrequest::group);
        if item.group().is_some() && item.group() != next {
            item.extras_mut().ends_group = true;
        }
        rest = later;
    }
}
