//! Replacements for builds without the feature `tracing`. They record nothing and cost nothing.

use std::error::Error as StdError;

use http::{HeaderName, Method, StatusCode};

use crate::error::Error;
use crate::item_error::ItemError;
use crate::subrequest::Subrequest;
use crate::subresponse::Subresponse;
use crate::summary::Summary;

#[derive(Debug)]
pub(crate) struct BatchSpan;

impl BatchSpan {
    pub(crate) fn new(_: Option<usize>) -> Self {
        Self
    }

    pub(crate) fn in_scope<T>(&self, run: impl FnOnce() -> T) -> T {
        run()
    }

    pub(crate) fn finish(&self, _: &Summary) {}

    pub(crate) fn share(&self) -> Self {
        Self
    }
}

#[derive(Debug, Default)]
pub(crate) struct ItemSpan;

impl ItemSpan {
    pub(crate) fn new(_: &BatchSpan, _: &Subrequest, _: Option<(&Method, &str)>) -> Self {
        Self
    }

    #[inline(always)]
    pub(crate) fn in_scope<T>(&self, run: impl FnOnce() -> T) -> T {
        run()
    }

    pub(crate) fn share(&self) -> Self {
        Self
    }

    pub(crate) fn finish(self, _: StatusCode, _: Option<ItemError>) {}
}

pub(crate) fn is_recorded() -> bool {
    false
}

pub(crate) fn header_ignored(_: &HeaderName, _: &'static str) {}

pub(crate) fn refused(_: &Error) {}

pub(crate) fn upload_ended(_: &Error) {}

pub(crate) fn transaction_failed(_: &dyn StdError) {}

pub(crate) fn item_failed(_: ItemError, _: Option<&(dyn StdError + 'static)>) {}

pub(crate) fn item_replaced(_: ItemError, _: usize) {}

#[derive(Clone, Debug, Default)]
pub(crate) struct Warned {}

#[derive(Debug, Default)]
pub(crate) struct NotFound {}

impl NotFound {
    pub(crate) fn count(&mut self, _: &Subresponse) {}

    pub(crate) fn end(&self, _: &Warned) {}
}
