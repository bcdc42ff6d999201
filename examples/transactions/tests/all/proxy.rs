//! A proxy in front of a database, which cuts a connection at its next COMMIT.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The server does not get the COMMIT.
    BeforeCommit,
    /// The server gets the COMMIT, and the client no response.
    AfterCommit,
}

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    next: Arc<Mutex<Option<Cut>>>,
}

impl Proxy {
    pub(crate) async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let next = Arc::new(Mutex::new(None));
        let shared = Arc::clone(&next);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.expect("the server");
                tokio::spawn(forward(client, server, Arc::clone(&shared)));
            }
        });
        Self { address, next }
    }

    pub(crate) fn cut_next(&self, cut: Cut) {
        *self.next.lock().expect("the lock") = Some(cut);
    }
}

async fn forward(mut client: TcpStream, mut server: TcpStream, next: Arc<Mutex<Option<Cut>>>) {
    let (mut upward, mut downward) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            read = client.read(&mut upward) => {
                let Ok(read @ 1..) = read else { return };
                let bytes = &upward[..read];
                let is_commit = bytes.windows(6).any(|word| word == b"COMMIT");
                let cut = if is_commit { next.lock().expect("the lock").take() } else { None };
                if cut != Some(Cut::BeforeCommit) && server.write_all(bytes).await.is_err() {
                    return;
                }
                if cut == Some(Cut::AfterCommit) {
                    // Waits for the response, and keeps it.
                    let _ = server.read(&mut downward).await;
                }
                if cut.is_some() {
                    return;
                }
            }
            read = server.read(&mut downward) => {
                let Ok(read @ 1..) = read else { return };
                if client.write_all(&downward[..read]).await.is_err() {
                    return;
                }
            }
        }
    }
}
