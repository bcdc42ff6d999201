//! The items of a batch, checked against each other, and which of them may run next.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::names::{self, Groups, Names};
use super::references::references_of;
use crate::error::{Error, ErrorKind};
use crate::subrequest::{References, Rules, Subrequest};

/// Items whose ids are unique and whose dependencies stand before them. There is no other way to make one.
#[derive(Debug)]
pub(crate) struct Plan {
    items: Vec<Subrequest>,
    /// Every item before it was either begun, or is waiting for others.
    cursor: usize,
    /// Items behind the cursor that wait no longer. The first in the batch goes first.
    released: BinaryHeap<Reverse<usize>>,
}

impl Plan {
    /// # Errors
    ///
    /// [`ErrorKind::DuplicateId`], [`ErrorKind::UnknownDependency`], [`ErrorKind::UnsupportedAtomicity`], and
    /// [`ErrorKind::Malformed`] for a group whose members do not stand next to each other.
    pub(crate) fn new(mut items: Vec<Subrequest>, rules: &Rules<'_>) -> Result<Self, Error> {
        let edges = edges(&mut items, rules)?;
        for item in &mut items {
            item.check(rules);
        }
        let mut plan = Self {
            items,
            cursor: 0,
            released: BinaryHeap::new(),
        };
        for (on, waiting) in edges {
            plan.item(waiting).unmet += 1;
            plan.item(on).dependants.push(waiting);
        }
        for index in 0..plan.len() {
            let References { url, etag } = plan.item(index).references;
            for on in [url, etag].into_iter().flatten() {
                plan.item(on).is_referred_to = true;
            }
        }
        Ok(plan)
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    #[expect(clippy::indexing_slicing, reason = "indices come from the plan itself")]
    pub(super) fn item(&mut self, index: usize) -> &mut Subrequest {
        &mut self.items[index]
    }

    /// The first item that may run now. Each is handed out once.
    pub(super) fn next(&mut self) -> Option<usize> {
        if let Some(Reverse(index)) = self.released.pop() {
            return Some(index);
        }
        while let Some(item) = self.items.get(self.cursor) {
            let index = self.cursor;
            self.cursor += 1;
            if item.unmet == 0 {
                return Some(index);
            }
        }
        None
    }

    /// An item has come to its end. What waited for it may run, or is lost with it: those are returned, those that wait for
    /// them included.
    pub(super) fn settle(&mut self, index: usize, is_success: bool) -> Vec<usize> {
        let mut lost = Vec::new();
        let dependants = self.dependants_of(index);
        if is_success {
            for dependant in dependants {
                self.release(dependant);
            }
            return lost;
        }
        let mut failing = dependants;
        while let Some(index) = failing.pop() {
            let item = self.item(index);
            // Lost once only, and never handed out: its count does not come down to 0 any more.
            if item.unmet != LOST {
                item.unmet = LOST;
                lost.push(index);
                failing.extend(self.dependants_of(index));
            }
        }
        lost.sort_unstable();
        lost
    }

    fn dependants_of(&mut self, index: usize) -> Vec<usize> {
        std::mem::take(&mut self.item(index).dependants)
    }

    fn release(&mut self, index: usize) {
        let item = self.item(index);
        if item.unmet == LOST {
            return;
        }
        item.unmet -= 1;
        if item.unmet == 0 && index < self.cursor {
            self.released.push(Reverse(index));
        }
    }
}

/// The count of an item that will not run because one that it waits for has failed.
const LOST: usize = usize::MAX;

/// Who waits for whom: pairs of an item and one that waits for it. There are none in most batches.
fn edges(items: &mut [Subrequest], rules: &Rules<'_>) -> Result<Vec<(usize, usize)>, Error> {
    let is_plain = |item: &Subrequest| item.depends_on.is_empty() && item.group.is_none();
    if !rules.has_references && items.iter().all(is_plain) && names::count_up(items) {
        return Ok(Vec::new());
    }
    let names = Names::new(items)?;
    let groups = Groups::new(items, &names, rules.change_sets)?;
    let mut edges = groups.edges();
    let mut references = Vec::new();
    for (index, item) in items.iter().enumerate() {
        for on in &item.depends_on {
            // Only what stands before is known: so a cycle cannot be, nor an item that waits for itself.
            let on = names.before(on, index).or_else(|| groups.before(on, index));
            let unknown = || Error::new(ErrorKind::UnknownDependency).at_item(index);
            edges.push((on.ok_or_else(unknown)?, index));
        }
        if rules.has_references {
            let found = references_of(index, item, &names);
            edges.extend(
                [found.url, found.etag]
                    .into_iter()
                    .flatten()
                    .map(|on| (on, index)),
            );
            references.push(found);
        }
    }
    let ends = groups.ends();
    for (item, found) in items.iter_mut().zip(references) {
        item.references = found;
    }
    for end in ends {
        if let Some(item) = items.get_mut(end) {
            item.ends_group = true;
        }
    }
    edges.sort_unstable();
    // Named twice is waited for once.
    edges.dedup();
    Ok(edges)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::ChangeSets;
    use crate::target::{TargetRules, Targets};

    fn plan(items: &[(&'static str, &[&'static str])]) -> Result<Plan, ErrorKind> {
        let items = items
            .iter()
            .map(|(id, depends_on)| {
                let item = Subrequest::new(*id).unwrap();
                depends_on
                    .iter()
                    .fold(item, |item, on| item.depends_on(*on))
            })
            .collect();
        let (outer, ()) = http::Request::new(()).into_parts();
        let targets = TargetRules::default();
        let rules = Rules {
            targets: Targets::new(&targets, &outer),
            methods: &[],
            max_body: 0,
            change_sets: ChangeSets::refuse(),
            has_references: false,
        };
        Plan::new(items, &rules).map_err(|error| error.kind())
    }

    fn all_next(plan: &mut Plan) -> Vec<usize> {
        std::iter::from_fn(|| plan.next()).collect()
    }

    #[test]
    fn an_item_can_only_wait_for_one_before_it() {
        let cases: [&[(&str, &[&str])]; 4] = [
            &[("a", &["b"]), ("b", &[])],
            &[("a", &["a"])],
            &[("a", &["b"]), ("b", &["a"])],
            &[("a", &[]), ("b", &["A"])],
        ];
        for items in cases {
            assert_eq!(plan(items).unwrap_err(), ErrorKind::UnknownDependency);
        }
    }

    #[test]
    fn two_items_with_one_id_are_no_plan() {
        assert_eq!(
            plan(&[("a", &[]), ("a", &[])]).unwrap_err(),
            ErrorKind::DuplicateId
        );
    }

    #[test]
    fn items_run_as_soon_as_all_that_they_wait_for_has_succeeded() {
        let mut plan = plan(&[
            ("a", &[]),
            ("b", &["a"]),
            ("c", &[]),
            ("d", &["a", "c", "a"]),
        ])
        .unwrap();
        assert_eq!(all_next(&mut plan), [0, 2]);
        assert!(plan.settle(2, true).is_empty());
        assert!(all_next(&mut plan).is_empty());
        assert!(plan.settle(0, true).is_empty());
        assert_eq!(all_next(&mut plan), [1, 3]);
    }

    #[test]
    fn what_waits_for_a_failed_item_is_lost_once_and_for_good() {
        let mut plan = plan(&[
            ("a", &[]),
            ("b", &[]),
            ("c", &["a", "b"]),
            ("d", &["c"]),
            ("e", &["b"]),
        ])
        .unwrap();
        assert_eq!(all_next(&mut plan), [0, 1]);
        assert_eq!(plan.settle(0, false), [2, 3]);
        assert!(plan.settle(1, true).is_empty());
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
        assert_eq!(plan.settle(0, false).len(), 99_999);
    }
}
