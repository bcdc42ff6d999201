//! The gateway over sockets: upstreams that are killed, limits, retries, loops, headers.

mod breaker;
mod failover;
mod forwarding;
mod limits;
mod loops;
mod support;
mod waiting;
