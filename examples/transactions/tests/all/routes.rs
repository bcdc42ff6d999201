//! Handlers that go wrong in the middle of a group.

use std::future::pending;
use std::sync::Arc;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Extension, Router};
use sqlx::AnyConnection;
use tokio::sync::Notify;
use tower::Layer;
use tower_multistatus::BatchLayer;
use transactions::bank::Bank;
use transactions::db::Db;
use transactions::error::Failure;

/// What a handler that hangs tells a test.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hang {
    pub(crate) begun: Arc<Notify>,
    pub(crate) dropped: Arc<Notify>,
}

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

struct Dropped(Arc<Notify>);

/// Creates the application of the example, with routes that go wrong.
pub(crate) fn app(bank: &Bank, layer: BatchLayer, hang: &Hang) -> Router {
    let api = transactions::api()
        .route("/panic/{name}", post(panics))
        .route("/hang/{name}", post(hangs))
        .route("/orphan", post(orphan))
        .route("/careless/{name}", post(careless))
        .layer(Extension(hang.clone()))
        .with_state(bank.clone());
    api.clone().route_service("/batch", layer.layer(api))
}

async fn insert(connection: &mut AnyConnection, name: &str) -> Result<(), sqlx::Error> {
    let insert = sqlx::query("INSERT INTO accounts (name, balance) VALUES ($1, 1)");
    insert.bind(name).execute(connection).await.map(drop)
}

async fn panics(db: Db, Path(name): Path<String>) -> Result<(), Failure> {
    let mut work = db.write().await?;
    insert(&mut work, &name).await?;
    std::panic::resume_unwind(Box::new("in the handler"));
}

async fn hangs(
    db: Db,
    Path(name): Path<String>,
    Extension(hang): Extension<Hang>,
) -> Result<(), Failure> {
    let _dropped = Dropped(hang.dropped);
    let mut work = db.write().await?;
    insert(&mut work, &name).await?;
    hang.begun.notify_one();
    pending().await
}

/// Writes a transfer between accounts that do not exist, which fails at the commit.
async fn orphan(db: Db) -> Result<StatusCode, Failure> {
    let mut work = db.write().await?;
    let insert = "INSERT INTO transfers (source, target, amount) VALUES ('no', 'body', 1)";
    sqlx::query(insert).execute(&mut *work).await?;
    work.commit().await?;
    Ok(StatusCode::CREATED)
}

/// Ignores that the account exists.
async fn careless(db: Db, Path(name): Path<String>) -> Result<StatusCode, Failure> {
    let mut work = db.write().await?;
    let _ = insert(&mut work, &name).await;
    work.commit().await?;
    Ok(StatusCode::CREATED)
}
