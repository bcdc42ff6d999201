//! Worker processes.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::routing::any;
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

use crate::ledger::Ledger;
use crate::support::{Place, layer};

/// The lease of the workers.
pub(crate) const LEASE: Duration = Duration::from_secs(3);

/// A worker in a process of its own. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Worker(Child);

impl Worker {
    /// Starts this test program again, as a worker.
    pub(crate) fn start(place: &Place, variables: &[(&str, &str)]) -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut command = Command::new(program);
        command.args(["worker", "--exact", "--ignored", "--nocapture"]);
        command
            .env("PLACE", place.to_text())
            .envs(variables.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null());
        Self(command.spawn().expect("a process"))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    pub(crate) fn kill(&mut self) {
        self.0.kill().expect("a kill");
        let status = self.0.wait().expect("an end");
        assert_eq!(
            status.signal(),
            Some(Signal::KILL.as_raw()),
            "it had ended by itself: {status}"
        );
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.0.try_wait().expect("a status").is_some()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn signal(process: u32, signal: Signal) {
    let process = i32::try_from(process)
        .ok()
        .and_then(Pid::from_raw)
        .expect("a process");
    kill_process(process, signal).expect("a signal");
}

/// Runs a worker for ever.
pub(crate) async fn run_worker() {
    // Ends with the test that has started it, if that is killed.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).expect("a signal");
    let place = Place::from_text(&std::env::var("PLACE").expect("a place"));
    let store = place.open().await;
    let layer = layer(store);
    let api = Router::new().fallback(any(handle)).with_state(place);
    layer.worker(api).await;
}

async fn handle(State(place): State<Place>, uri: Uri) -> StatusCode {
    let (ledger, path) = (Ledger::of(&place), uri.path());
    ledger.add("begin", path);
    let kind = path.split('/').nth(1).unwrap_or_default();
    match kind {
        "gated" => {
            while !place.gate_is_open() {
                sleep(Duration::from_millis(5)).await;
            }
        }
        "die" => signal(std::process::id(), Signal::KILL),
        "block" => std::thread::sleep(Duration::from_secs(600)),
        _ => sleep(Duration::from_micros(fastrand::u64(..8_000))).await,
    }
    ledger.add("end", path);
    if kind == "plain" || kind == "keyed" {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    }
}
