//! A server that can be killed, for the example and its tests.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::thread;

use axum::Router;
use axum::serve::ListenerExt;
use http::uri::Authority;
use tokio::runtime::{Builder, Runtime};

/// A server on a runtime of its own. When it is dropped, its connections and handlers are gone at
/// once, as those of a process that is killed.
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
    runtime: Option<Runtime>,
}

impl Upstream {
    /// Serves a router on this address.
    ///
    /// # Errors
    ///
    /// The address is taken.
    pub fn start(address: SocketAddr, app: Router) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let entered = runtime.enter();
        let listener = tokio::net::TcpListener::from_std(listener)?;
        drop(entered);
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        runtime.spawn(axum::serve(listener, app).into_future());
        Ok(Self {
            address,
            runtime: Some(runtime),
        })
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address as the authority of a URI.
    #[must_use]
    pub fn authority(&self) -> Authority {
        let address = self.address.to_string();
        address.parse().expect("an address is an authority")
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        // Only a thread outside of every runtime may wait for the end of one.
        let runtime = self.runtime.take();
        drop(thread::spawn(move || drop(runtime)).join());
    }
}
