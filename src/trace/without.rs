//! Nothing is recorded, and nothing is paid for it.

use http::{HeaderName, StatusCode};

use crate::engine::Asked;
use crate::policy::{Ignored, Summary};
use crate::subrequest::Subrequest;

#[derive(Debug)]
pub(crate) struct BatchSpan;

impl BatchSpan {
    pub(crate) fn new(_: usize) -> Self {
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
    pub(crate) fn new(_: &BatchSpan, _: &Subrequest, _: Option<&Asked>) -> Self {
        Self
    }

    pub(crate) fn in_scope<T>(&self, run: impl FnOnce() -> T) -> T {
        run()
    }

    pub(crate) fn share(&self) -> Self {
        Self
    }

    pub(crate) fn finish(self, _: StatusCode) {}
}

pub(crate) fn header_ignored(_: &HeaderName, _: Ignored) {}
