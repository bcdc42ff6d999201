//! Tests of the plan.

use super::*;
use crate::error::ErrorKind;
use crate::policy::ChangeSets;

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
    Plan::new(items, &ChangeSets::refuse(), false).map_err(|error| error.kind())
}

fn all_next(plan: &mut Plan) -> Vec<usize> {
    std::iter::from_fn(|| plan.next())
        .map(|slot| slot.index())
        .collect()
}

fn finish(plan: &mut Plan, index: usize, is_success: bool) -> Vec<usize> {
    let lost = plan.finish(Slot::whole(index), is_success);
    lost.into_iter().map(|slot| slot.index()).collect()
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
    assert!(finish(&mut plan, 2, true).is_empty());
    assert!(all_next(&mut plan).is_empty());
    assert!(finish(&mut plan, 0, true).is_empty());
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
    assert_eq!(finish(&mut plan, 0, false), [2, 3]);
    assert!(finish(&mut plan, 1, true).is_empty());
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
    assert_eq!(finish(&mut plan, 0, false).len(), 99_999);
}
