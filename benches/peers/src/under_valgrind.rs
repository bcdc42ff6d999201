//! The servers as a process of their own under callgrind, with the client outside of it.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use super::rpc;
use super::support::callgrind;
use super::support::inner::Answer;
use super::support::net::Peer;
use super::support::scene::{Other, Scene, Servers};
use super::support::ways::Way;

/// The argument that makes this program the servers.
pub(crate) const SERVE: &str = "serve";

/// Says where the servers listen, and ends when the client closes their input.
pub(crate) fn serve(servers: &Servers) {
    let other = servers.other.as_ref().expect("another server");
    for peer in [&servers.ours, &servers.by_hand, &other.peer] {
        println!("{}", peer.address);
    }
    let mut rest = Vec::new();
    std::io::stdin().read_to_end(&mut rest).expect("an end");
}

/// The instructions of the server that a call takes. Two runs of different length: the difference
/// has no start and no end in it.
pub(crate) fn instructions(way: Way, answer: Answer, count: usize) -> f64 {
    let (few, more) = match answer {
        Answer::Large => (1, 4),
        _ => (3, 23),
    };
    let counted = collected(way, answer, count, more) - collected(way, answer, count, few);
    counted as f64 / ((more - few) * count) as f64
}

fn collected(way: Way, answer: Answer, count: usize, times: usize) -> u64 {
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
        other: Some(Other {
            peer: peer(),
            envelope: rpc::envelope,
        }),
    };
    Scene::new(&servers, None, answer, count).run(way, times);
    drop(server.stdin.take());
    let ended = server.wait_with_output().expect("the servers end");
    callgrind::collected_by(&String::from_utf8_lossy(&ended.stderr))
}
