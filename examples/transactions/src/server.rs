//! What the programs of this package have in common: the database and the listener.

use std::env;
use std::error::Error;
use std::net::Ipv4Addr;

use axum::Router;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::bank::{Bank, Settings};

/// Opens the database of `DATABASE_URL`, or a SQLite file in a temporary folder, which is removed
/// when the folder is dropped.
///
/// # Errors
///
/// The folder cannot be created, or the database cannot be opened.
pub async fn open_bank() -> Result<(Bank, TempDir), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let folder = tempfile::tempdir()?;
    let url = env::var("DATABASE_URL").unwrap_or_else(|_| {
        let file = folder.path().join("bank.db");
        format!("sqlite://{}?mode=rwc", file.display())
    });
    Ok((Bank::open(&url, Settings::default()).await?, folder))
}

/// Listens on 127.0.0.1:3000, or on the port in `PORT`, and prints commands to try, with the
/// address in place of `ADDRESS`.
///
/// # Errors
///
/// The port is not free.
pub async fn listen(commands: &str) -> Result<TcpListener, Box<dyn Error>> {
    let port = env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.parse()?)).await?;
    let address = listener.local_addr()?.to_string();
    println!("# Listening on http://{address}\n");
    println!("{}", commands.replace("ADDRESS", &address));
    Ok(listener)
}

/// Serves a router until the program gets a signal. It returns then, so that the temporary folder
/// is removed.
///
/// # Errors
///
/// The listener fails.
pub async fn serve(listener: TcpListener, app: Router, bank: &Bank) -> Result<(), Box<dyn Error>> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        served = axum::serve(listener, app) => served?,
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    bank.pool().close().await;
    Ok(())
}
