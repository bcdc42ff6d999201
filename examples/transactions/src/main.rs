//! Serves the application: `cargo run --manifest-path examples/transactions/Cargo.toml`, then paste
//! what it prints.
//!
//! The database is a SQLite file in a temporary folder, or that of `DATABASE_URL`:
//! `postgres://user:password@host/database` or `sqlite://file.db?mode=rwc`. The example listens on
//! 127.0.0.1:3000, or on the port in `PORT` (0 is any free port). Log lines go to the standard
//! error.

use std::error::Error;

use transactions::app;
use transactions::server::{listen, open_bank, serve};

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
    let (bank, _folder) = open_bank().await?;
    serve(listen(TRY).await?, app(&bank), &bank).await
}
