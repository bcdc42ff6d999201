//! The server as a child process, and what the system knows about it.

use std::fs::{read_dir, read_to_string};
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The argument with which a program is the server.
pub const SERVE: &str = "serve";

/// A server that is ended when this is dropped.
#[derive(Debug)]
pub struct ServerProcess {
    child: Child,
    address: SocketAddr,
}

/// The memory of a process, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    pub now: u64,
    pub peak: u64,
}

impl ServerProcess {
    /// Starts a program as the server, with further arguments, and waits until it listens.
    ///
    /// # Errors
    ///
    /// If it does not start, or does not print its address.
    pub fn start(program: &Path, arguments: &[&str]) -> io::Result<Self> {
        let child = Command::new(program)
            .arg(SERVE)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        // From here on, the child is ended on an error too.
        let mut server = Self {
            child,
            address: SocketAddr::from(([0; 4], 0)),
        };
        let mut address = String::new();
        if let Some(stdout) = server.child.stdout.take() {
            BufReader::new(stdout).read_line(&mut address)?;
        }
        server.address = address.trim_end().parse().map_err(io::Error::other)?;
        Ok(server)
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// # Errors
    ///
    /// If the server has ended.
    pub fn memory(&self) -> io::Result<Memory> {
        let status = read_to_string(format!("/proc/{}/status", self.child.id()))?;
        Ok(Memory {
            now: bytes_of(&status, "VmRSS:")?,
            peak: bytes_of(&status, "VmHWM:")?,
        })
    }

    /// The number of open files, sockets among them.
    ///
    /// # Errors
    ///
    /// If the server has ended.
    pub fn files(&self) -> io::Result<usize> {
        Ok(read_dir(format!("/proc/{}/fd", self.child.id()))?.count())
    }

    /// The CPU time of all threads that run.
    pub(crate) fn cpu(&self) -> io::Result<Duration> {
        let mut sum = Duration::ZERO;
        for thread in read_dir(format!("/proc/{}/task", self.child.id()))? {
            let text = read_to_string(thread?.path().join("schedstat"))?;
            let nanos = text.split_whitespace().next().unwrap_or_default();
            sum += Duration::from_nanos(nanos.parse().map_err(io::Error::other)?);
        }
        Ok(sum)
    }
}

/// Reads a line such as `VmRSS:      1760 kB`.
fn bytes_of(status: &str, name: &str) -> io::Result<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name));
    let value = value.and_then(|value| value.strip_suffix("kB"));
    let value = value.ok_or_else(|| io::Error::other("the process has ended"))?;
    let kibibytes: u64 = value.trim().parse().map_err(io::Error::other)?;
    Ok(kibibytes * 1024)
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
