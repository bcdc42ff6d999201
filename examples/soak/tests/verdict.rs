//! The verdict is bad if an item is lost, runs twice or is left behind, or if something grows.

use std::path::Path;
use std::time::Duration;

use soak::{
    Entry, Sample, Seen, Settings, Stats, chart, problems_of_items, problems_of_samples, run,
};

const ENDED: Entry = Entry {
    started: 1,
    ended: 1,
    dropped: 0,
};

const READ: Seen = Seen {
    is_accepted: true,
    responses: 1,
    has_succeeded: true,
};

/// Returns the problems of three items, of which the second has this entry and these notes.
fn problems(entry: Entry, seen: Seen) -> Vec<String> {
    problems_of_items(&[ENDED, entry, ENDED], &[READ, seen, READ])
}

#[test]
fn a_good_item_is_ended_or_dropped_or_never_started() {
    let left = Seen::default();
    let dropped = Entry {
        ended: 0,
        dropped: 1,
        ..ENDED
    };
    let failed = Seen {
        has_succeeded: false,
        ..READ
    };
    for (entry, seen) in [
        (ENDED, READ),
        (ENDED, left),
        (dropped, left),
        (dropped, failed),
        (Entry::default(), left),
    ] {
        assert_eq!(problems(entry, seen), [""; 0]);
    }
}

#[test]
fn a_lost_item_a_second_start_and_a_call_that_is_left_are_problems() {
    let lost = Seen {
        responses: 0,
        has_succeeded: false,
        ..READ
    };
    let doubled = Seen {
        responses: 2,
        ..READ
    };
    let started_twice = Entry {
        started: 2,
        ended: 2,
        dropped: 0,
    };
    let open = Entry { ended: 0, ..ENDED };
    let dropped = Entry {
        ended: 0,
        dropped: 1,
        ..ENDED
    };
    let rows = [
        (ENDED, lost, "does not have one response"),
        (ENDED, doubled, "does not have one response"),
        (started_twice, READ, "was started twice"),
        (open, Seen::default(), "neither ended nor dropped"),
        (dropped, READ, "has succeeded and did not end"),
        (Entry::default(), READ, "was not started"),
    ];
    for (entry, seen, rule) in rows {
        let problems = problems(entry, seen);
        let is_found = problems.iter().any(|problem| problem.contains(rule));
        assert!(is_found, "{rule}: {problems:?}");
        assert!(
            problems
                .iter()
                .all(|problem| problem.starts_with("item 1 "))
        );
    }
}

fn sample(memory: u64, files: usize, tasks: usize, open: usize) -> Sample {
    Sample {
        seconds: 0.0,
        memory,
        files,
        stats: Stats { tasks, open },
    }
}

#[test]
fn memory_that_grows_and_what_stays_open_are_problems() {
    let mebibytes = |count: u64| sample(count << 20, 20, 20, 20);
    let (before, during) = (
        sample(8 << 20, 9, 1, 0),
        [20, 25, 22, 21, 24, 23].map(mebibytes),
    );
    assert_eq!(problems_of_samples(&before, &during, &before), [""; 0]);
    let rising = [20, 25, 30, 35, 40, 45].map(mebibytes);
    assert_eq!(problems_of_samples(&before, &rising, &before).len(), 1);
    for after in [
        sample(8 << 20, 10, 1, 0),
        sample(8 << 20, 9, 2, 0),
        sample(8 << 20, 9, 1, 1),
    ] {
        assert_eq!(problems_of_samples(&before, &during, &after).len(), 1);
    }
}

#[tokio::test]
async fn a_small_soak_is_good() {
    let settings = Settings {
        items: 20_000,
        duration: Some(Duration::from_secs(10)),
        seed: 1,
    };
    let report = run(Path::new(env!("CARGO_BIN_EXE_soak")), settings).await;
    let report = report.expect("a server that responds");
    assert_eq!(report.problems, [""; 0]);
    assert!(report.items > 1_000, "{}", report.items);
    assert_eq!(report.responses.len(), 6, "items with every fault");
    let svg = chart(&report);
    assert!(
        svg.starts_with("<svg ") && svg.ends_with("</svg>\n"),
        "{svg}"
    );
}
