//! Collects the log of the application.

use std::io::Write;
use std::sync::{LazyLock, Mutex, PoisonError};

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// One subscriber for the whole process. With one per thread, an event that another thread has
/// reached first would be disabled.
static SUBSCRIBER: LazyLock<()> = LazyLock::new(|| {
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(|| Lines)
        .init();
});

struct Lines;

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
        lines.write(line)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Collects the lines of all tests from now on.
pub(crate) fn collect() {
    LazyLock::force(&SUBSCRIBER);
}

pub(crate) fn logged() -> String {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&lines).into_owned()
}
