//! Reading a batch and the responses of its items.

use bytes::Bytes;
use http::StatusCode;

use super::attempt::Reply;
use super::{End, Store, StoreError, on};
use crate::headers;
use crate::id::BatchId;

/// A stored batch.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    /// The head of the outer request, as JSON.
    pub(crate) head: String,
    pub(crate) envelope: Bytes,
    /// `None` if it has not ended.
    pub(crate) end: Option<End>,
}

type BatchRow = (String, Vec<u8>, i64);

impl Batch {
    pub(super) const SELECT: &str =
        "SELECT head, envelope, state FROM durable_batches WHERE id = $1";

    pub(super) fn from_row((head, envelope, state): BatchRow) -> Result<Self, StoreError> {
        Ok(Self {
            head,
            envelope: Bytes::from(envelope),
            end: End::from_code(state),
        })
    }
}

/// How far a batch is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) owner: Option<String>,
    pub(crate) end: Option<End>,
    pub(crate) total: usize,
    /// The items that have a response, those that have failed included.
    pub(crate) done: usize,
    pub(crate) failed: usize,
}

fn count(number: i64) -> Result<usize, StoreError> {
    usize::try_from(number).map_err(StoreError::new)
}

/// An item that has begun.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    /// It has begun, and has no response.
    Begun,
    Replied(Reply),
}

/// Items that have begun, with their indices.
#[derive(Clone, Debug, Default)]
pub(crate) struct Items(pub(crate) Vec<(usize, Item)>);

type ItemRow = (
    i64,
    Option<i64>,
    Option<i64>,
    Option<String>,
    Option<Vec<u8>>,
);

impl Items {
    /// The items of a batch that have no response, or one after this number.
    pub(super) const SELECT: &str = "SELECT item, seq, status, headers, body
        FROM durable_items WHERE batch = $1 AND (seq IS NULL OR seq > $2) ORDER BY seq";

    pub(super) fn from_rows(rows: Vec<ItemRow>) -> Result<Self, StoreError> {
        let items = rows.into_iter().map(|(index, seq, status, fields, body)| {
            let index = count(index)?;
            let (Some(seq), Some(status)) = (seq, status) else {
                return Ok((index, Item::Begun));
            };
            let status = u16::try_from(status).map_err(StoreError::new)?;
            let reply = Reply {
                seq,
                status: StatusCode::from_u16(status).map_err(StoreError::new)?,
                headers: headers::from_json(&fields.unwrap_or_default())?,
                body: Bytes::from(body.unwrap_or_default()),
            };
            Ok((index, Item::Replied(reply)))
        });
        items.collect::<Result<_, _>>().map(Self)
    }
}

impl Store {
    pub(crate) async fn batch(&self, id: BatchId) -> Result<Option<Batch>, StoreError> {
        let row = on!(self.reader(), pool => {
            sqlx::query_as(Batch::SELECT).bind(id.to_string()).fetch_optional(pool).await?
        });
        row.map(Batch::from_row).transpose()
    }

    pub(crate) async fn progress(&self, id: BatchId) -> Result<Option<Progress>, StoreError> {
        // As the core counts: a 2xx or a 3xx is a success.
        const SELECT: &str = "SELECT owner, state, total,
            (SELECT COUNT(seq) FROM durable_items WHERE batch = id),
            (SELECT COUNT(seq) FROM durable_items WHERE batch = id AND status NOT BETWEEN 200 AND 399)
            FROM durable_batches WHERE id = $1";
        let row: Option<(Option<String>, i64, i64, i64, i64)> = on!(self.reader(), pool => {
            sqlx::query_as(SELECT).bind(id.to_string()).fetch_optional(pool).await?
        });
        let progress = row.map(|(owner, state, total, done, failed)| {
            Ok(Progress {
                owner,
                end: End::from_code(state),
                total: count(total)?,
                done: count(done)?,
                failed: count(failed)?,
            })
        });
        progress.transpose()
    }

    /// Reads the items without a response, and the responses after this number.
    pub(crate) async fn items(&self, id: BatchId, after: i64) -> Result<Items, StoreError> {
        let rows = on!(self.reader(), pool => {
            sqlx::query_as(Items::SELECT).bind(id.to_string()).bind(after).fetch_all(pool).await?
        });
        Items::from_rows(rows)
    }

    /// Returns how a batch has ended, or `None` while it may run.
    pub(crate) async fn end(&self, id: BatchId) -> Result<Option<End>, StoreError> {
        const SELECT: &str = "SELECT state FROM durable_batches WHERE id = $1";
        let state: Option<i64> = on!(self.reader(), pool => {
            sqlx::query_scalar(SELECT).bind(id.to_string()).fetch_optional(pool).await?
        });
        Ok(state.map_or(Some(End::Cancelled), End::from_code))
    }

    /// Whether this attempt is the last one of a batch that has not ended.
    pub(crate) async fn is_current(&self, id: BatchId, attempt: i64) -> Result<bool, StoreError> {
        const SELECT: &str = "SELECT attempt FROM durable_batches WHERE id = $1 AND state = 0";
        let current: Option<i64> = on!(self.reader(), pool => {
            sqlx::query_scalar(SELECT).bind(id.to_string()).fetch_optional(pool).await?
        });
        Ok(current == Some(attempt))
    }
}
