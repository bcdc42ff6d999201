//! The items of a batch, their dependencies, and which of them can run next.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::ids::{self, Groups, Ids};
use super::references::{References, references_of};
use crate::error::{Error, ErrorKind};
use crate::policy::ChangeSets;
use crate::subrequest::Subrequest;

/// Items with unique ids, each of which depends on earlier items only. [`Plan::new`] checks this.
#[derive(Debug)]
pub(crate) struct Plan {
    items: Vec<Subrequest>,
    /// The links of each item to others. Empty if no item has any.
    links: Vec<Links>,
    /// Every item before this index has either started or waits for others.
    cursor: usize,
    /// Items before the cursor that no longer wait. They start in the order of the batch.
    released: BinaryHeap<Reverse<usize>>,
}

/// The links of one item to others.
#[derive(Debug, Default)]
struct Links {
    /// The number of items that it still waits for.
    unmet: usize,
    /// The items that wait for it.
    dependants: Vec<usize>,
    /// The earlier items that it refers to.
    references: References,
    /// Whether a later item refers to it.
    is_referred_to: bool,
}

impl Plan {
    /// # Errors
    ///
    /// [`ErrorKind::DuplicateId`], [`ErrorKind::UnknownDependency`],
    /// [`ErrorKind::UnsupportedAtomicity`], and [`ErrorKind::Malformed`] for a group whose members
    /// are not adjacent.
    pub(crate) fn new(
        mut items: Vec<Subrequest>,
        change_sets: ChangeSets,
        has_references: bool,
    ) -> Result<Self, Error> {
        let links = if has_references || items.iter().any(has_links) {
            find_links(&mut items, change_sets, has_references)?
        } else {
            check_unique(&items)?;
            Vec::new()
        };
        Ok(Self {
            items,
            links,
            cursor: 0,
            released: BinaryHeap::new(),
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// Returns the items, each with whether its URL refers to another item.
    pub(crate) fn items(&self) -> impl ExactSizeIterator<Item = (&Subrequest, bool)> {
        let refers = |index| self.references(index).url.is_some();
        let items = self.items.iter().enumerate();
        items.map(move |(index, item)| (item, refers(index)))
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.items.iter().map(Subrequest::id)
    }

    #[expect(clippy::indexing_slicing, reason = "indices come from the plan itself")]
    pub(super) fn item(&mut self, index: usize) -> &mut Subrequest {
        &mut self.items[index]
    }

    pub(super) fn references(&self, index: usize) -> References {
        let links = self.links.get(index);
        links.map_or_else(References::default, |links| links.references)
    }

    pub(super) fn is_referred_to(&self, index: usize) -> bool {
        self.links
            .get(index)
            .is_some_and(|links| links.is_referred_to)
    }

    /// Returns the first item that can run now. Each item is returned once.
    pub(super) fn next(&mut self) -> Option<usize> {
        if let Some(Reverse(index)) = self.released.pop() {
            return Some(index);
        }
        while self.cursor < self.items.len() {
            let index = self.cursor;
            self.cursor += 1;
            if self.links.get(index).is_none_or(|links| links.unmet == 0) {
                return Some(index);
            }
        }
        None
    }

    /// Called when an item has finished. Its dependants may run if it succeeded. If not, they are
    /// lost, and all lost items are returned, those that depend on them included.
    pub(super) fn finish(&mut self, index: usize, is_success: bool) -> Vec<usize> {
        let mut lost = Vec::new();
        if self.links.is_empty() {
            return lost;
        }
        let dependants = self.dependants_of(index);
        if is_success {
            for dependant in dependants {
                self.release(dependant);
            }
            return lost;
        }
        let mut failing = dependants;
        while let Some(index) = failing.pop() {
            // An item is lost only once, and never starts, because its count never reaches 0.
            let links = self.links.get_mut(index);
            if let Some(links) = links.filter(|links| links.unmet != LOST) {
                links.unmet = LOST;
                lost.push(index);
                failing.append(&mut links.dependants);
            }
        }
        lost.sort_unstable();
        lost
    }

    fn dependants_of(&mut self, index: usize) -> Vec<usize> {
        let links = self.links.get_mut(index);
        links.map_or_else(Vec::new, |links| std::mem::take(&mut links.dependants))
    }

    fn release(&mut self, index: usize) {
        let links = self.links.get_mut(index);
        let Some(links) = links.filter(|links| links.unmet != LOST) else {
            return;
        };
        links.unmet -= 1;
        if links.unmet == 0 && index < self.cursor {
            self.released.push(Reverse(index));
        }
    }
}

/// The count of a lost item: one that will not run because a dependency has failed.
const LOST: usize = usize::MAX;

/// Whether the item has links to others. In most batches, none has.
fn has_links(item: &Subrequest) -> bool {
    item.dependencies().next().is_some() || item.group().is_some()
}

/// # Errors
///
/// [`ErrorKind::DuplicateId`].
fn check_unique(items: &[Subrequest]) -> Result<(), Error> {
    if ids::are_ascending(items) {
        Ok(())
    } else {
        Ids::new(items).map(drop)
    }
}

fn find_links(
    items: &mut [Subrequest],
    change_sets: ChangeSets,
    has_references: bool,
) -> Result<Vec<Links>, Error> {
    let mut links: Vec<Links> = items.iter().map(|_| Links::default()).collect();
    let ids = Ids::new(items)?;
    let groups = Groups::new(items, &ids, change_sets)?;
    let mut awaited = Vec::new();
    let mut previous = None;
    for (index, item) in items.iter().enumerate() {
        for on in item.dependencies() {
            // Only earlier items are found, so there are no cycles, and no item waits for itself.
            let on = ids
                .find_before(on, index)
                .or_else(|| groups.find_before(on, index));
            let unknown = || Error::new(ErrorKind::UnknownDependency).at_item(index);
            awaited.push(on.ok_or_else(unknown)?);
        }
        if has_references {
            let references = references_of(index, item, &ids);
            for on in [references.url, references.etag].into_iter().flatten() {
                awaited.push(on);
                links_of(&mut links, on).is_referred_to = true;
            }
            links_of(&mut links, index).references = references;
        }
        // With best effort, the items of a group run one after the other.
        if item.group().is_some() && item.group() == previous {
            awaited.push(index - 1);
        }
        previous = item.group();
        awaited.sort_unstable();
        // A dependency that is listed twice counts once.
        awaited.dedup();
        links_of(&mut links, index).unmet = awaited.len();
        for on in awaited.drain(..) {
            links_of(&mut links, on).dependants.push(index);
        }
    }
    for end in groups.last_members() {
        if let Some(item) = items.get_mut(end) {
            item.extras_mut().ends_group = true;
        }
    }
    Ok(links)
}

#[expect(
    clippy::indexing_slicing,
    reason = "indices come from the items themselves"
)]
fn links_of(links: &mut [Links], index: usize) -> &mut Links {
    &mut links[index]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(items: &[(&'static str, &[&'static str])]) -> Result<Plan, ErrorKind> {
        let items = items
            .iter()
            .map(|(id, depends_on)| {
                let item = Subrequest::new(*id).unwrap();
                depends_on
                    .iter()
                    .fold(item, |item, on| item.with_dependency(*on))
            })
            .collect();
        Plan::new(items, ChangeSets::refuse(), false).map_err(|error| error.kind())
    }

    fn all_next(plan: &mut Plan) -> Vec<usize> {
        std::iter::from_fn(|| plan.next()).collect()
    }

    #[test]
    fn an_item_can_only_depend_on_earlier_items() {
        let cases: [&[(&str, &[&str])]; 6] = [
            &[("a", &["b"]), ("b", &[])],
            &[("a", &["a"])],
            &[("a", &["b"]), ("b", &["a"])],
            &[("a", &[]), ("b", &["A"])],
            &[("a", &[]), ("b", &[""])],
            &[("a", &[]), ("b", &[]), ("c", &["a\0b"])],
        ];
        for items in cases {
            assert_eq!(plan(items).unwrap_err(), ErrorKind::UnknownDependency);
        }
    }

    #[test]
    fn two_items_with_one_id_are_refused() {
        assert_eq!(
            plan(&[("a", &[]), ("a", &[])]).unwrap_err(),
            ErrorKind::DuplicateId
        );
    }

    #[test]
    fn items_run_as_soon_as_all_their_dependencies_have_succeeded() {
        let mut plan = plan(&[
            ("a", &[]),
            ("b", &["a"]),
            ("c", &[]),
            ("d", &["a", "c", "a"]),
        ])
        .unwrap();
        assert_eq!(all_next(&mut plan), [0, 2]);
        assert!(plan.finish(2, true).is_empty());
        assert!(all_next(&mut plan).is_empty());
        assert!(plan.finish(0, true).is_empty());
        assert_eq!(all_next(&mut plan), [1, 3]);
    }

    #[test]
    fn dependants_of_a_failed_item_are_lost_once() {
        let mut plan = plan(&[
            ("a", &[]),
            ("b", &[]),
            ("c", &["a", "b"]),
            ("d", &["c"]),
            ("e", &["b"]),
        ])
        .unwrap();
        assert_eq!(all_next(&mut plan), [0, 1]);
        assert_eq!(plan.finish(0, false), [2, 3]);
        assert!(plan.finish(1, true).is_empty());
        assert_eq!(all_next(&mut plan), [4]);
    }

    #[test]
    fn a_long_chain_is_lost_without_recursion() {
        let ids: Vec<&'static str> = (0..100_000)
            .map(|index: u32| &*index.to_string().leak())
            .collect();
        let before: Vec<[&str; 1]> = std::iter::once([""])
            .chain(ids.iter().map(|id| [*id]))
            .collect();
        let items: Vec<(&str, &[&str])> = ids
            .iter()
            .zip(&before)
            .enumerate()
            .map(|(index, (id, on))| (*id, if index == 0 { &[][..] } else { &on[..] }))
            .collect();
        let mut plan = plan(&items).unwrap();
        assert_eq!(all_next(&mut plan), [0]);
        assert_eq!(plan.finish(0, false).len(), 99_999);
    }
}
