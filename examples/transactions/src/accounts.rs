//! The handlers. None of them knows whether it runs in a group.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use sqlx::Row;

use crate::db::Db;
use crate::error::Failure;

#[derive(Debug, Deserialize, Serialize)]
pub struct Account {
    name: String,
    /// As `u32`, so that no sum of balances exceeds the 64 bits of the database.
    balance: u32,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct Transfer {
    from: String,
    to: String,
    amount: u32,
    /// A name of the client for the transfer. A transfer with the same name is refused.
    reference: Option<String>,
}

/// An account as it is stored.
#[derive(Debug, Serialize)]
pub struct Stored {
    name: String,
    balance: i64,
}

const NO_ACCOUNT: Failure = Failure::Refused(StatusCode::NOT_FOUND, "there is no such account");

/// Opens an account.
///
/// # Errors
///
/// There is an account with this name, or the database fails.
pub async fn open(
    db: Db,
    Json(account): Json<Account>,
) -> Result<(StatusCode, Json<Account>), Failure> {
    let mut work = db.write().await?;
    let insert = "INSERT INTO accounts (name, balance) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    let insert = sqlx::query(insert)
        .bind(&account.name)
        .bind(i64::from(account.balance));
    if insert.execute(&mut *work).await?.rows_affected() == 0 {
        return Err(Failure::Refused(StatusCode::CONFLICT, "the account exists"));
    }
    work.commit().await?;
    Ok((StatusCode::CREATED, Json(account)))
}

/// Shows an account.
///
/// # Errors
///
/// There is no account with this name, or the database fails.
pub async fn show(db: Db, Path(name): Path<String>) -> Result<Json<Stored>, Failure> {
    let mut work = db.read().await?;
    let select = sqlx::query("SELECT balance FROM accounts WHERE name = $1").bind(&name);
    let row = select.fetch_optional(&mut *work).await?.ok_or(NO_ACCOUNT)?;
    let balance = row.try_get("balance")?;
    work.commit().await?;
    Ok(Json(Stored { name, balance }))
}

/// Lists all accounts.
///
/// # Errors
///
/// The database fails.
pub async fn list(db: Db) -> Result<Json<Vec<Stored>>, Failure> {
    let mut work = db.read().await?;
    let select = sqlx::query("SELECT name, balance FROM accounts ORDER BY name");
    let rows = select.fetch_all(&mut *work).await?;
    work.commit().await?;
    let stored = rows.iter().map(|row| {
        let (name, balance) = (row.try_get("name")?, row.try_get("balance")?);
        Ok(Stored { name, balance })
    });
    Ok(Json(stored.collect::<Result<_, sqlx::Error>>()?))
}

/// Moves money from one account to another.
///
/// # Errors
///
/// One of the accounts does not exist, the balance does not suffice, there is a transfer with this
/// reference, or the database fails.
pub async fn transfer(
    db: Db,
    Json(transfer): Json<Transfer>,
) -> Result<(StatusCode, Json<Transfer>), Failure> {
    let mut work = db.write().await?;
    let amount = i64::from(transfer.amount);
    let select = sqlx::query("SELECT balance FROM accounts WHERE name = $1").bind(&transfer.from);
    let row = select.fetch_optional(&mut *work).await?.ok_or(NO_ACCOUNT)?;
    if row.try_get::<i64, _>("balance")? < amount {
        let title = "the balance does not suffice";
        return Err(Failure::Refused(StatusCode::CONFLICT, title));
    }
    for (name, change) in [(&transfer.from, -amount), (&transfer.to, amount)] {
        let update = sqlx::query("UPDATE accounts SET balance = balance + $1 WHERE name = $2");
        let update = update.bind(change).bind(name).execute(&mut *work).await?;
        if update.rows_affected() == 0 {
            return Err(NO_ACCOUNT);
        }
    }
    let insert = "INSERT INTO transfers (source, target, amount, reference)
        VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    let insert = sqlx::query(insert)
        .bind(&transfer.from)
        .bind(&transfer.to)
        .bind(amount)
        .bind(&transfer.reference);
    if insert.execute(&mut *work).await?.rows_affected() == 0 {
        let title = "there is a transfer with this reference";
        return Err(Failure::Refused(StatusCode::CONFLICT, title));
    }
    work.commit().await?;
    Ok((StatusCode::CREATED, Json(transfer)))
}
