//! Transactions that fail at any step.

use std::future::pending;
use std::sync::{Arc, Mutex};

use http::request::Parts;
use tower_multistatus::{TransactionError, Transactions};

use crate::ledger::{Ledger, Token, planned};
use crate::random::Random;

/// Transactions whose living values are in a ledger.
pub(crate) struct Database {
    ledger: Arc<Ledger>,
    random: Mutex<Random>,
}

impl Database {
    pub(crate) fn new(ledger: &Arc<Ledger>, random: Random) -> Self {
        Self {
            ledger: Arc::clone(ledger),
            random: Mutex::new(random),
        }
    }

    /// Does something random. Fails once in a while.
    async fn step(&self) -> Result<(), TransactionError> {
        let act = self.random.lock().expect("the dice").below(16);
        match act {
            0 => Err(TransactionError::failed("planned")),
            1 => Err(TransactionError::conflict("planned")),
            2 => Err(TransactionError::unknown_outcome("planned")),
            3 => planned(),
            4 => pending().await,
            5..9 => {
                tokio::task::yield_now().await;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Transactions for Database {
    type Transaction = Token;

    async fn begin(&self, _: &Parts) -> Result<Token, TransactionError> {
        self.step().await?;
        Ok(Token::new(&self.ledger, false))
    }

    async fn commit(&self, _transaction: Token) -> Result<(), TransactionError> {
        self.step().await
    }

    async fn rollback(&self, _transaction: Token) {
        let _ = self.step().await;
    }
}
