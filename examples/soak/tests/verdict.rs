//! The verdict is bad if an item is lost, runs twice or is left behind, or if something grows.

use std::path::Path;
use std::time::Duration;

use soak::{
    Entry, Sample, Settings, Stats, Written, chart, faults_of_items, faults_of_samples, run,
};

const ENDED: Entry = Entry {
    started: 1,
    ended: 1,
    dropped: 0,
};

const READ: Written = Written {
    is_accepted: true,
    responses: 1,
    has_succeeded: true,
};

/// Returns the faults of three items, of which the second has this entry and these notes.
fn faults(entry: Entry, written: Written) -> Vec<String> {
    faults_of_items(&[ENDED, entry, ENDED], &[READ, written, READ])
}

#[test]
fn a_good_item_is_ended_or_dropped_or_never_started() {
    let left = Written::default();
    let dropped = Entry {
        ended: 0,
        dropped: 1,
        ..ENDED
    };
    let failed = Written {
        has_succeeded: false,
        ..READ
    };
    for (entry, written) in [
        (ENDED, READ),
        (ENDED, left),
        (dropped, left),
        (dropped, failed),
        (Entry::default(), left),
    ] {
        assert_eq!(faults(entry, written), [""; 0]);
    }
}

#[test]
fn a_lost_item_a_second_start_and_a_call_that_is_left_are_faults() {
    let unanswered = Written {
        responses: 0,
        has_succeeded: false,
        ..READ
    };
    let answered_twice = Written {
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
        (ENDED, unanswered, "was accepted and is not answered once"),
        (
            ENDED,
            answered_twice,
            "was accepted and is not answered once",
        ),
        (started_twice, READ, "was started twice"),
        (open, Written::default(), "neither ended nor dropped"),
        (dropped, READ, "has succeeded and did not end"),
        (Entry::default(), READ, "was not started"),
    ];
    for (entry, written, rule) in rows {
        let faults = faults(entry, written);
        let is_found = faults.iter().any(|fault| fault.contains(rule));
        assert!(is_found, "{rule}: {faults:?}");
        assert!(faults.iter().all(|fault| fault.starts_with("item 1 ")));
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
fn memory_that_grows_and_what_stays_open_are_faults() {
    let mebibytes = |count: u64| sample(count << 20, 20, 20, 20);
    let (before, during) = (
        sample(8 << 20, 9, 1, 0),
        [20, 25, 22, 21, 24, 23].map(mebibytes),
    );
    assert_eq!(faults_of_samples(&before, &during, &before), [""; 0]);
    let rising = [20, 25, 30, 35, 40, 45].map(mebibytes);
    assert_eq!(faults_of_samples(&before, &rising, &before).len(), 1);
    for after in [
        sample(8 << 20, 10, 1, 0),
        sample(8 << 20, 9, 2, 0),
        sample(8 << 20, 9, 1, 1),
    ] {
        assert_eq!(faults_of_samples(&before, &during, &after).len(), 1);
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
    assert_eq!(report.faults, [""; 0]);
    assert!(report.items > 1_000, "{}", report.items);
    assert_eq!(report.responses.len(), 6, "items with every fault");
    let svg = chart(&report);
    assert!(
        svg.starts_with("<svg ") && svg.ends_with("</svg>\n"),
        "{svg}"
    );
}
