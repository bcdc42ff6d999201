//! The layer in an axum application. Without `DATABASE_URL` on SQLite, with it on that PostgreSQL.

#[path = "../support/database.rs"]
mod database;
mod support;

mod accepting;
mod cancelling;
mod ends;
mod formats;
mod journal;
mod keys;
mod monitors;
mod owners;
mod principals;
mod stores;
