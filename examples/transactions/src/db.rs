//! The extractor [`Db`], with which a handler is the same inside a group and outside.

use std::convert::Infallible;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use sqlx::{Any, AnyConnection, Transaction};
use tokio::sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard};

use crate::bank::Bank;
use crate::error::Failure;

/// The transaction of a group. It is rolled back when its last clone is dropped.
#[derive(Clone)]
pub struct GroupTransaction(Arc<Mutex<Option<Transaction<'static, Any>>>>);

impl GroupTransaction {
    pub(crate) fn new(transaction: Transaction<'static, Any>) -> Self {
        Self(Arc::new(Mutex::new(Some(transaction))))
    }

    /// Takes the transaction to end it. Clones that a handler has kept find none then.
    pub(crate) async fn take(&self) -> Option<Transaction<'static, Any>> {
        self.0.lock().await.take()
    }
}

/// The database, for a handler: the transaction of its group, or a transaction of its own.
pub struct Db {
    bank: Bank,
    group: Option<GroupTransaction>,
}

impl FromRequestParts<Bank> for Db {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, bank: &Bank) -> Result<Self, Infallible> {
        let group = parts.extensions.get().cloned();
        let bank = bank.clone();
        Ok(Self { bank, group })
    }
}

impl Db {
    /// Begins to read and write. Not part of the extraction, so that no lock is held while the body
    /// of the request arrives.
    ///
    /// # Errors
    ///
    /// No transaction could begin.
    pub async fn write(self) -> Result<Work, Failure> {
        match self.group {
            Some(group) => Work::in_group(group).await,
            None => Ok(Work(Kind::Own(self.bank.begin_write().await?))),
        }
    }

    /// Begins to read.
    ///
    /// # Errors
    ///
    /// No transaction could begin.
    pub async fn read(self) -> Result<Work, Failure> {
        match self.group {
            Some(group) => Work::in_group(group).await,
            None => Ok(Work(Kind::Own(self.bank.begin_read().await?))),
        }
    }
}

/// A transaction while a handler uses it. Items of a group that run at the same time use it one
/// after the other.
pub struct Work(Kind);

enum Kind {
    Group(OwnedMappedMutexGuard<Option<Transaction<'static, Any>>, Transaction<'static, Any>>),
    Own(Transaction<'static, Any>),
}

impl Work {
    async fn in_group(GroupTransaction(group): GroupTransaction) -> Result<Self, Failure> {
        let guard = OwnedMutexGuard::try_map(group.lock_owned().await, Option::as_mut);
        guard.map_or(Err(Failure::GroupEnded), |guard| {
            Ok(Self(Kind::Group(guard)))
        })
    }

    /// Commits the transaction of a request outside a group. That of a group is committed by the
    /// layer, when all of its items have succeeded.
    ///
    /// # Errors
    ///
    /// The commit fails.
    pub async fn commit(self) -> Result<(), Failure> {
        match self.0 {
            Kind::Group(_) => Ok(()),
            Kind::Own(transaction) => Ok(transaction.commit().await?),
        }
    }
}

impl Deref for Work {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        match &self.0 {
            Kind::Group(transaction) => transaction,
            Kind::Own(transaction) => transaction,
        }
    }
}

impl DerefMut for Work {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        match &mut self.0 {
            Kind::Group(transaction) => transaction,
            Kind::Own(transaction) => transaction,
        }
    }
}

impl fmt::Debug for GroupTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GroupTransaction")
    }
}
