//! Accepting a batch: its row and its job in one transaction.

use std::time::Duration;

use bytes::Bytes;

use super::queue::Queue;
use super::{Store, StoreError, after, on};
use crate::id::BatchId;

/// A batch that is to be stored.
#[derive(Debug)]
pub(crate) struct NewBatch {
    pub(crate) id: BatchId,
    pub(crate) owner: Option<String>,
    /// The owner and the `Idempotency-Key` of the outer request.
    pub(crate) retry_key: Option<String>,
    /// The head of the outer request, as JSON.
    pub(crate) head: String,
    pub(crate) envelope: Bytes,
    pub(crate) total: usize,
    pub(crate) deadline: Duration,
}

/// Whether a batch was stored.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Acceptance {
    Stored,
    /// A batch with the same key was stored before: its id, and whether it is the same batch.
    Known {
        id: BatchId,
        is_same: bool,
    },
    Full,
}

/// Stores nothing if there are as many batches as allowed, or if the key is known.
const INSERT: &str = "INSERT INTO durable_batches
    (id, owner, retry_key, head, envelope, total, state, attempt, tries, seq, deadline)
    SELECT $1, $2, $3, $4, $5, $6, 0, 0, 0, 0, $7
    WHERE (SELECT COUNT(*) FROM durable_batches WHERE state <> 4) < $8
    ON CONFLICT (retry_key) DO NOTHING";

impl Store {
    /// Stores a batch and its job, unless `max` batches are stored.
    pub(crate) async fn accept(
        &self,
        new: &NewBatch,
        max: usize,
    ) -> Result<Acceptance, StoreError> {
        if let Some(known) = self.known(new).await? {
            return Ok(known);
        }
        let (id, max) = (new.id.to_string(), i64::try_from(max).unwrap_or(i64::MAX));
        let (total, deadline) = (
            i64::try_from(new.total).unwrap_or(i64::MAX),
            after(new.deadline),
        );
        let inserted = on!(self.writer(), pool => {
            let mut transaction = pool.begin().await?;
            let inserted = sqlx::query(INSERT)
                .bind(&id)
                .bind(&new.owner)
                .bind(&new.retry_key)
                .bind(&new.head)
                .bind(&*new.envelope)
                .bind(total)
                .bind(deadline)
                .bind(max)
                .execute(&mut *transaction)
                .await?
                .rows_affected();
            if inserted == 1 {
                transaction.push_job(new.id).await?;
                transaction.commit().await?;
            }
            inserted
        });
        if inserted == 1 {
            self.shared.added.send_replace(());
            return Ok(Acceptance::Stored);
        }
        // Either another request with this key came first, or there is no room.
        Ok(self.known(new).await?.unwrap_or(Acceptance::Full))
    }

    /// Finds the batch that was stored with the same key.
    async fn known(&self, new: &NewBatch) -> Result<Option<Acceptance>, StoreError> {
        const SELECT: &str = "SELECT id, head, envelope FROM durable_batches WHERE retry_key = $1";
        let Some(key) = &new.retry_key else {
            return Ok(None);
        };
        let found: Option<(String, String, Vec<u8>)> = on!(self.reader(), pool => {
            sqlx::query_as(SELECT).bind(key).fetch_optional(pool).await?
        });
        Ok(found.and_then(|(id, head, envelope)| {
            let is_same = head == new.head && envelope == new.envelope;
            let id = BatchId::parse(&id)?;
            Some(Acceptance::Known { id, is_same })
        }))
    }
}
