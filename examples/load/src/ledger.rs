//! Checks responses, and records which items are answered.

use serde::Deserialize;
use serde_json::value::RawValue;
use tower::BoxError;

use crate::items::write_expected;

/// The response to an item.
#[derive(Debug, Deserialize)]
pub struct Response<'a> {
    pub id: &'a str,
    pub status: u16,
    #[serde(borrow)]
    pub body: &'a RawValue,
}

/// A JSON envelope.
#[derive(Debug, Deserialize)]
pub struct Envelope<'a> {
    #[serde(borrow)]
    pub responses: Vec<Response<'a>>,
}

/// Which items are answered. It takes one bit an item.
#[derive(Debug)]
pub(crate) struct Ledger {
    answered: Vec<u64>,
    count: usize,
    unanswered: usize,
    /// Kept to use its memory again.
    expected: String,
}

impl Ledger {
    pub(crate) fn new(count: usize) -> Self {
        Self {
            answered: vec![0; count.div_ceil(64)],
            count,
            unanswered: count,
            expected: String::new(),
        }
    }

    /// Records a response.
    ///
    /// # Errors
    ///
    /// If it is wrong, or not the first of its item.
    pub(crate) fn record(&mut self, response: &Response<'_>) -> Result<(), BoxError> {
        let index: usize = response.id.parse()?;
        if index >= self.count {
            return Err(format!("there is no item {index}").into());
        }
        let word = &mut self.answered[index / 64];
        let bit = 1 << (index % 64);
        if *word & bit != 0 {
            return Err(format!("item {index} is answered twice").into());
        }
        *word |= bit;
        self.unanswered -= 1;
        self.expected.clear();
        let status = write_expected(index, &mut self.expected);
        if (response.status, response.body.get()) != (status, &*self.expected) {
            let expected = &self.expected;
            return Err(format!("{response:?} is not {status} {expected}").into());
        }
        Ok(())
    }

    /// Checks that all items are answered.
    ///
    /// # Errors
    ///
    /// If one is not.
    pub(crate) fn end(&self) -> Result<(), BoxError> {
        match self.unanswered {
            0 => Ok(()),
            some => Err(format!("{some} items are not answered").into()),
        }
    }
}
