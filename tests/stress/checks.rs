//! The checks of a batch that has ended, by its ledger.

use std::time::Duration;

use serde_json::Value;

use crate::batch::Executor;
use crate::ledger::{Fault, Ledger};

/// Asserts that no item of a refused batch was called.
pub(crate) fn assert_refused(ledger: &Ledger, status: u16, body: &[u8]) {
    let problem: Value = serde_json::from_slice(body).expect("a problem");
    let code = problem["code"].as_str().expect("a code");
    match code {
        "panicked" => assert!(ledger.unready, "nothing could panic"),
        "upload-timeout" => assert_eq!(status, 408),
        code => panic!("refused with {code}"),
    }
    assert!((0..ledger.faults.len()).all(|at| ledger.began(at) == 0));
}

/// Asserts that each item has one response that matches its fault.
pub(crate) fn assert_reported(ledger: &Ledger, executor: Executor, reported: &[u16]) {
    let any_may_panic = ledger.unready || executor == Executor::Faulty;
    let unreported = reported.len()..ledger.faults.len();
    assert_eq!(unreported.map(|at| ledger.began(at)).max().unwrap_or(0), 0);
    for (at, status) in reported.iter().enumerate() {
        let (began, fault) = (ledger.began(at), ledger.faults[at]);
        let shown = format!("item {at}, {fault:?}, begun {began} times: {status}");
        match status {
            200 => assert!(began == 1 && may_succeed(fault), "{shown}"),
            409 => assert!(began == 1 && fault == Fault::Status, "{shown}"),
            424 => assert_eq!(began, 0, "{shown}"),
            500 => assert!(any_may_panic || may_panic(fault), "{shown}"),
            502 => assert_eq!(began, 1, "{shown}"),
            503 => assert!(ledger.unready && began == 0, "{shown}"),
            504 | 507 => {}
            _ => panic!("{shown}"),
        }
    }
}

/// Asserts that the items of each group have all succeeded or all failed. Returns the statuses with
/// those of groups replaced by 504, which says nothing about the item.
pub(crate) fn assert_all_or_nothing(statuses: &[u16]) -> Vec<u16> {
    let is_member = |at: usize| at % 8 < 3;
    let group = |first: usize| statuses.iter().skip(first).take(3);
    for first in (0..statuses.len()).step_by(8) {
        let succeeded = group(first).filter(|status| **status < 400).count();
        let count = group(first).count();
        assert!(succeeded == 0 || succeeded == count, "{statuses:?}");
    }
    let replaced = |(at, status): (usize, &u16)| if is_member(at) { 504 } else { *status };
    statuses.iter().enumerate().map(replaced).collect()
}

fn may_succeed(fault: Fault) -> bool {
    use Fault::*;
    // A response to HEAD has no body, so its body is not polled.
    !matches!(
        fault,
        Error | Status | CallPanics | FuturePanics | FutureHangs | HangsAndDropPanics | FutureSpins
    )
}

fn may_panic(fault: Fault) -> bool {
    use Fault::*;
    matches!(
        fault,
        Error
            | CallPanics
            | FuturePanics
            | FutureDropPanics
            | BodyPanics
            | BodyDropPanics
            | EndPanics
            | ExtensionDropPanics
    )
}

/// Asserts that all values are dropped: at once, or when a poll on another thread returns.
pub(crate) async fn assert_ended(ledger: &Ledger, executor: Executor) {
    for _ in 0..5000 {
        if ledger.alive() == 0 || executor == Executor::None {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(ledger.alive(), 0, "something lives on");
}
