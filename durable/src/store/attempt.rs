//! What an attempt at a batch reads and writes. Every write is fenced by the attempt.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::queue::Queue;
use super::read::{Batch, Items};
use super::{End, Store, StoreError, after, now, on};
use crate::headers;
use crate::id::BatchId;

/// The stored response of an item.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    /// Its position in the order of completion.
    pub(crate) seq: i64,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A fact about an item that is to be stored.
#[derive(Debug)]
pub(crate) enum Entry {
    /// It begins.
    Begun,
    /// It has this response. `seq` is set when it is stored.
    Replied(Reply),
}

/// Another attempt has begun, or the batch has ended. This attempt cannot write any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fenced;

/// What a worker gets for the job of a batch.
#[derive(Debug)]
pub(crate) enum Claim {
    /// The next attempt may begin.
    Attempt {
        attempt: i64,
        batch: Batch,
        items: Items,
        /// The time until the deadline.
        remaining: Duration,
    },
    /// The batch has ended, now or before.
    Ended,
}

impl Store {
    /// Begins the next attempt at a batch. After `max` attempts without progress, the batch ends.
    pub(crate) async fn claim(
        &self,
        id: BatchId,
        max: u32,
        keep: Duration,
    ) -> Result<Claim, StoreError> {
        const CLAIM: &str = "UPDATE durable_batches
            SET attempt = attempt + 1, tries = tries + 1
            WHERE id = $1 AND state = 0 RETURNING attempt, tries, deadline";
        const GIVE_UP: &str = "UPDATE durable_batches SET state = $1, expires = $2
            WHERE id = $3 AND state = 0";
        let text = id.to_string();
        let claimed = on!(self.writer(), pool => {
            let mut transaction = pool.begin().await?;
            let claimed = sqlx::query_as(CLAIM).bind(&text).fetch_optional(&mut *transaction);
            let claimed: Option<(i64, i64, i64)> = claimed.await?;
            let claimed = claimed.filter(|(_, tries, _)| *tries <= i64::from(max));
            if claimed.is_none() {
                sqlx::query(GIVE_UP)
                    .bind(End::Attempts.code())
                    .bind(after(keep))
                    .bind(&text)
                    .execute(&mut *transaction)
                    .await?;
                transaction.delete_job(id).await?;
            }
            transaction.commit().await?;
            claimed
        });
        let Some((attempt, _, deadline)) = claimed else {
            self.changed(id);
            return Ok(Claim::Ended);
        };
        let (batch, items) = (self.batch(id).await?, self.items(id, -1).await?);
        let left = u64::try_from(deadline.saturating_sub(now())).unwrap_or_default();
        Ok(batch.map_or(Claim::Ended, |batch| Claim::Attempt {
            attempt,
            batch,
            items,
            remaining: Duration::from_millis(left.max(1)),
        }))
    }

    /// Stores facts about items in one transaction. The order of the responses is that of the list.
    /// A response that is stored stays as it is, so that a write can be tried again.
    pub(crate) async fn write(
        &self,
        id: BatchId,
        attempt: i64,
        entries: &[(usize, Entry)],
    ) -> Result<Result<(), Fenced>, StoreError> {
        // The fence, and the lock of the row. Progress resets the count of attempts.
        const FENCE: &str = "UPDATE durable_batches
            SET seq = seq + $1, tries = CASE WHEN $1 > 0 THEN 0 ELSE tries END
            WHERE id = $2 AND attempt = $3 AND state = 0 RETURNING seq";
        const BEGIN: &str = "INSERT INTO durable_items (batch, item, attempt) VALUES ($1, $2, $3)
            ON CONFLICT (batch, item) DO UPDATE SET attempt = excluded.attempt";
        const REPLY: &str = "INSERT INTO durable_items
            (batch, item, attempt, seq, status, headers, body) VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (batch, item) DO UPDATE SET attempt = excluded.attempt, seq = excluded.seq,
            status = excluded.status, headers = excluded.headers, body = excluded.body
            WHERE durable_items.seq IS NULL";
        let text = id.to_string();
        let is_reply = |(_, entry): &&(usize, Entry)| matches!(entry, Entry::Replied(_));
        let replies = i64::try_from(entries.iter().filter(is_reply).count()).unwrap_or(i64::MAX);
        on!(self.writer(), pool => {
            let mut transaction = pool.begin().await?;
            let fence = sqlx::query_scalar(FENCE).bind(replies).bind(&text).bind(attempt);
            let Some(last): Option<i64> = fence.fetch_optional(&mut *transaction).await? else {
                return Ok(Err(Fenced));
            };
            let mut seq = last - replies;
            for (index, entry) in entries {
                let index = i64::try_from(*index).unwrap_or(i64::MAX);
                let query = match entry {
                    Entry::Begun => sqlx::query(BEGIN).bind(&text).bind(index).bind(attempt),
                    Entry::Replied(reply) => {
                        seq += 1;
                        sqlx::query(REPLY)
                            .bind(&text)
                            .bind(index)
                            .bind(attempt)
                            .bind(seq)
                            .bind(i64::from(reply.status.as_u16()))
                            .bind(headers::to_json(&reply.headers))
                            .bind(&*reply.body)
                    }
                };
                query.execute(&mut *transaction).await?;
            }
            transaction.commit().await?;
        });
        self.changed(id);
        Ok(Ok(()))
    }
}
