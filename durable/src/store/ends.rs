//! How batches end, and how they are removed.

use std::time::Duration;

use super::queue::Queue;
use super::read::{Batch, Items};
use super::{Fenced, Store, StoreError, after, millis, now, on};
use crate::id::BatchId;

/// Why a batch no longer runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Every item has a response.
    Done,
    /// Workers have died of it too often.
    Attempts,
    /// Its deadline has passed.
    Deadline,
    /// Its results were removed.
    Expired,
    /// A client has cancelled it. Its rows are gone.
    Cancelled,
}

impl End {
    /// The number in the column `state`. 0 is a batch that has not ended.
    pub(super) fn code(self) -> i64 {
        match self {
            Self::Done => 1,
            Self::Attempts => 2,
            Self::Deadline => 3,
            Self::Expired => 4,
            Self::Cancelled => 5,
        }
    }

    pub(super) fn from_code(code: i64) -> Option<Self> {
        let all = [
            Self::Done,
            Self::Attempts,
            Self::Deadline,
            Self::Expired,
            Self::Cancelled,
        ];
        all.into_iter().find(|end| end.code() == code)
    }
}

impl Store {
    /// Ends a batch, if this attempt still is its last one.
    pub(crate) async fn finish(
        &self,
        id: BatchId,
        attempt: i64,
        keep: Duration,
    ) -> Result<Result<(), Fenced>, StoreError> {
        const UPDATE: &str = "UPDATE durable_batches SET state = $1, expires = $2
            WHERE id = $3 AND attempt = $4 AND state = 0";
        let updated = on!(self.writer(), pool => {
            let mut transaction = pool.begin().await?;
            let updated = sqlx::query(UPDATE)
                .bind(End::Done.code())
                .bind(after(keep))
                .bind(id.to_string())
                .bind(attempt)
                .execute(&mut *transaction)
                .await?
                .rows_affected();
            transaction.delete_job(id).await?;
            transaction.commit().await?;
            updated
        });
        self.changed(id);
        Ok(if updated == 1 { Ok(()) } else { Err(Fenced) })
    }

    /// Removes a batch, and returns what it had. Attempts that still run are fenced, because their
    /// row is gone.
    pub(crate) async fn cancel(&self, id: BatchId) -> Result<Option<(Batch, Items)>, StoreError> {
        // The first statement writes, so that SQLite does not have to upgrade a lock.
        const LOCK: &str = "UPDATE durable_batches SET attempt = attempt + 1
            WHERE id = $1 AND state <> 4";
        const DELETE: [&str; 2] = [
            "DELETE FROM durable_items WHERE batch = $1",
            "DELETE FROM durable_batches WHERE id = $1",
        ];
        let text = id.to_string();
        let removed = on!(self.writer(), pool => {
            let mut transaction = pool.begin().await?;
            sqlx::query(LOCK).bind(&text).execute(&mut *transaction).await?;
            let batch = Batch::SELECT;
            let batch = sqlx::query_as(batch).bind(&text).fetch_optional(&mut *transaction).await?;
            let items = Items::SELECT;
            let items = sqlx::query_as(items).bind(&text).bind(-1_i64).fetch_all(&mut *transaction);
            let items = items.await?;
            for delete in DELETE {
                sqlx::query(delete).bind(&text).execute(&mut *transaction).await?;
            }
            transaction.delete_job(id).await?;
            transaction.commit().await?;
            batch.map(|batch| (batch, items))
        });
        self.changed(id);
        removed
            .map(|(batch, items)| Ok((Batch::from_row(batch)?, Items::from_rows(items)?)))
            .transpose()
    }

    /// Ends the batches whose deadline has passed, and removes what has expired. An expired batch
    /// is remembered for the same duration again.
    pub(crate) async fn sweep(&self, keep: Duration, grace: Duration) -> Result<(), StoreError> {
        const OVERDUE: &str = "UPDATE durable_batches
            SET state = 3, attempt = attempt + 1, expires = $1
            WHERE state = 0 AND deadline < $2 RETURNING id";
        const EXPIRED: &str = "UPDATE durable_batches
            SET state = 4, owner = NULL, retry_key = NULL, head = '', envelope = $1, expires = $2
            WHERE state <> 4 AND expires < $3 RETURNING id";
        const FORGOTTEN: &str = "DELETE FROM durable_batches WHERE state = 4 AND expires < $1";
        const ITEMS: &str = "DELETE FROM durable_items WHERE batch = $1";
        let overdue = now().saturating_sub(millis(grace));
        let ended: Vec<String> = on!(self.writer(), pool => {
            let mut transaction = pool.begin().await?;
            let ended = sqlx::query_scalar(OVERDUE).bind(after(keep)).bind(overdue);
            let ended: Vec<String> = ended.fetch_all(&mut *transaction).await?;
            for id in ended.iter().filter_map(|id| BatchId::parse(id)) {
                transaction.delete_job(id).await?;
            }
            let expired = sqlx::query_scalar(EXPIRED).bind(&b""[..]).bind(after(keep)).bind(now());
            let expired: Vec<String> = expired.fetch_all(&mut *transaction).await?;
            for id in &expired {
                sqlx::query(ITEMS).bind(id).execute(&mut *transaction).await?;
            }
            sqlx::query(FORGOTTEN).bind(now()).execute(&mut *transaction).await?;
            transaction.commit().await?;
            ended
        });
        ended
            .iter()
            .filter_map(|id| BatchId::parse(id))
            .for_each(|id| self.changed(id));
        Ok(())
    }
}
