//! Runs the servers in a process under callgrind. The client is outside of it.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use super::rpc;
use super::support::callgrind;
use super::support::client::Way;
use super::support::comparison::Comparison;
use super::support::inner::Payload;
use super::support::net::Peer;
use super::support::servers::{OtherServer, Servers};

/// The argument that makes this program run the servers.
pub(crate) const SERVE: &str = "serve";

/// Prints the addresses of the servers, and returns when the client closes the input.
pub(crate) fn serve(servers: &Servers) {
    let other = servers.other.as_ref().expect("another server");
    for peer in [&servers.ours, &servers.by_hand, &other.peer] {
        println!("{}", peer.address);
    }
    let mut rest = Vec::new();
    std::io::stdin().read_to_end(&mut rest).expect("an end");
}

/// Counts the instructions of the server per call. The difference of two runs of different length
/// excludes the start and the end of the program.
pub(crate) fn instructions(way: Way, payload: Payload, count: usize) -> f64 {
    let (few, more) = match payload {
        Payload::Large => (1, 4),
        _ => (3, 23),
    };
    let counted = total(way, payload, count, more) - total(way, payload, count, few);
    counted as f64 / ((more - few) * count) as f64
}

fn total(way: Way, payload: Payload, count: usize, times: usize) -> u64 {
    let program = std::env::current_exe().expect("this program");
    let mut server = Command::new("valgrind")
        .args(callgrind::ARGUMENTS)
        .arg(program)
        .arg(SERVE)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("valgrind runs");
    let mut lines = BufReader::new(server.stdout.take().expect("its output")).lines();
    let mut peer = || {
        let line = lines.next().expect("an address").expect("text");
        Peer::at(line.parse::<SocketAddr>().expect("an address"))
    };
    let servers = Servers {
        ours: peer(),
        by_hand: peer(),
        other: Some(OtherServer {
            peer: peer(),
            envelope: rpc::envelope,
        }),
    };
    Comparison::new(&servers, None, payload, count).run(way, times);
    drop(server.stdin.take());
    let ended = server.wait_with_output().expect("the servers end");
    callgrind::parse_count(&String::from_utf8_lossy(&ended.stderr))
}
