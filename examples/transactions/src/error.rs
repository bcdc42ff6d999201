//! What errors of the database mean: for a group, and for a handler.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use sqlx::sqlite::SqliteError;
use tower_multistatus::TransactionError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Another transaction was first. The same again may succeed.
    Conflict,
    /// No connection was free in time.
    Busy,
    /// The connection is gone.
    Lost,
    Other,
}

fn class(error: &sqlx::Error) -> Class {
    let error = match error {
        sqlx::Error::Database(error) => error,
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
            return Class::Lost;
        }
        sqlx::Error::PoolTimedOut => return Class::Busy,
        _ => return Class::Other,
    };
    let code = error.code().unwrap_or_default();
    if error.try_downcast_ref::<SqliteError>().is_some() {
        // SQLITE_BUSY and SQLITE_LOCKED, which are in the low byte of extended codes.
        return match code.parse::<u32>().map(|code| code & 0xff) {
            Ok(5 | 6) => Class::Conflict,
            _ => Class::Other,
        };
    }
    match &*code {
        // serialization_failure, deadlock_detected, lock_not_available
        "40001" | "40P01" | "55P03" => Class::Conflict,
        // statement_completion_unknown; admin_shutdown and its like; connection exceptions
        "40003" | "57P01" | "57P02" | "57P03" | "57P05" => Class::Lost,
        _ if code.starts_with("08") => Class::Lost,
        _ => Class::Other,
    }
}

/// The error of a transaction that has not begun, or in which COMMIT was not sent.
pub(crate) fn at_begin(error: sqlx::Error) -> TransactionError {
    match class(&error) {
        Class::Conflict => TransactionError::conflict(error),
        Class::Busy => TransactionError::failed(error).retry_after(1),
        Class::Lost | Class::Other => TransactionError::failed(error),
    }
}

/// The error of COMMIT. If the connection was lost meanwhile, it may have been executed.
pub(crate) fn at_commit(error: sqlx::Error) -> TransactionError {
    match class(&error) {
        Class::Conflict => TransactionError::conflict(error),
        Class::Lost => TransactionError::unknown_outcome(error),
        Class::Busy | Class::Other => TransactionError::failed(error),
    }
}

/// Why a handler fails.
#[derive(Debug)]
pub enum Failure {
    /// The request cannot be fulfilled.
    Refused(StatusCode, &'static str),
    /// The group of the item has ended.
    GroupEnded,
    Database(sqlx::Error),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, title) = match &self {
            Self::Refused(status, title) => (*status, *title),
            Self::GroupEnded => (StatusCode::INTERNAL_SERVER_ERROR, "the group has ended"),
            Self::Database(error) => match class(error) {
                Class::Conflict => (
                    StatusCode::SERVICE_UNAVAILABLE,
                    "another transaction was first",
                ),
                Class::Busy => (StatusCode::SERVICE_UNAVAILABLE, "the database is busy"),
                Class::Lost | Class::Other => {
                    tracing::error!(%error, "the database failed");
                    (StatusCode::INTERNAL_SERVER_ERROR, "the database failed")
                }
            },
        };
        let mut response = (status, Json(json!({ "error": title }))).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, 1.into());
        }
        response
    }
}
