//! Serves the application: `cargo run --manifest-path examples/transactions/Cargo.toml`, then paste
//! what it prints.
//!
//! The database is a SQLite file in a temporary folder, or that of `DATABASE_URL`:
//! `postgres://user:password@host/database` or `sqlite://file.db?mode=rwc`. The example listens on
//! 127.0.0.1:3000, or on the port in `PORT` (0 is any free port). Log lines go to the standard
//! error.

use std::env;
use std::error::Error;
use std::net::Ipv4Addr;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use transactions::app;
use transactions::bank::{Bank, Settings};

const TRY: &str = r#"# Opens three accounts in one group.
curl -sw '\n' http://ADDRESS/batch -H 'content-type: application/json' -d '{"requests": [
  {"id": "1", "atomicityGroup": "open", "method": "POST", "url": "/accounts", "body": {"name": "ada", "balance": 100}},
  {"id": "2", "atomicityGroup": "open", "method": "POST", "url": "/accounts", "body": {"name": "grace", "balance": 50}},
  {"id": "3", "atomicityGroup": "open", "method": "POST", "url": "/accounts", "body": {"name": "shop", "balance": 0}}]}'

# The balances before.
curl -sw '\n' http://ADDRESS/accounts

# Two groups. The balance of grace does not suffice for the second transfer of "tour", so the first one of it is undone.
curl -sw '\n' http://ADDRESS/batch -H 'content-type: application/json' -d '{"requests": [
  {"id": "rent", "atomicityGroup": "home", "method": "POST", "url": "/transfers", "body": {"from": "ada", "to": "grace", "amount": 20}},
  {"id": "food", "atomicityGroup": "home", "method": "POST", "url": "/transfers", "body": {"from": "ada", "to": "shop", "amount": 10}},
  {"id": "bed",  "atomicityGroup": "tour", "method": "POST", "url": "/transfers", "body": {"from": "ada", "to": "shop", "amount": 5}},
  {"id": "boat", "atomicityGroup": "tour", "method": "POST", "url": "/transfers", "body": {"from": "grace", "to": "shop", "amount": 900}},
  {"id": "look", "method": "GET", "url": "/accounts/grace", "dependsOn": ["home"]}]}'

# The balances after: only "home" has an effect.
curl -sw '\n' http://ADDRESS/accounts
"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let folder = tempfile::tempdir()?;
    let url = env::var("DATABASE_URL").unwrap_or_else(|_| {
        let file = folder.path().join("bank.db");
        format!("sqlite://{}?mode=rwc", file.display())
    });
    let bank = Bank::open(&url, Settings::default()).await?;

    let port = env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.parse()?)).await?;
    let address = listener.local_addr()?.to_string();
    println!("# Listening on http://{address}\n");
    println!("{}", TRY.replace("ADDRESS", &address));
    // Returns on a signal, so that the temporary folder is removed.
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        served = axum::serve(listener, app(&bank)) => served?,
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    bank.pool().close().await;
    Ok(())
}
