//! An item that has its response.

use std::time::Duration;

use http::{Method, StatusCode};

use crate::subresponse::Subresponse;
use crate::times::Times;

/// An item whose response has been written, for
/// [`BatchLayer::on_response`](crate::BatchLayer::on_response).
///
/// The time from the acceptance of the batch to the response of the item has three parts, which
/// follow each other: [`dependencies`](Self::dependencies), [`queued`](Self::queued) and
/// [`run`](Self::run). In a stream it begins when the item has arrived.
#[derive(Debug)]
pub struct Completed<'a> {
    response: &'a Subresponse,
    times: &'a Times,
}

impl<'a> Completed<'a> {
    pub(crate) fn new(response: &'a Subresponse, times: &'a Times) -> Self {
        Self { response, times }
    }

    /// The id of the item. A client chooses it: it is no label for a metric.
    pub fn id(&self) -> &str {
        self.response.id()
    }

    /// The index of the item in the batch, counted from 0.
    pub fn index(&self) -> usize {
        self.response.index()
    }

    /// The method. `None` if none was given or it is invalid.
    ///
    /// A client can choose any name, also one that is not allowed. For a label, take the names that
    /// you know, and one name for all others.
    pub fn method(&self) -> Option<&Method> {
        self.times.method.as_ref()
    }

    /// The value of the response extension that was registered with
    /// [`route_extension`](crate::BatchLayer::route_extension). `None` if the response had none, or
    /// there was no response.
    pub fn route<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.times.route.as_ref()?.get()
    }

    /// The status in the envelope.
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// Whether the status is a 2xx or a 3xx.
    pub fn is_success(&self) -> bool {
        self.response.is_success()
    }

    /// The stable code of the error, such as `item-timeout`, if the layer itself has failed the
    /// item. [`guide::errors`](crate::guide::errors) lists the codes.
    pub fn error_code(&self) -> Option<&'static str> {
        self.response.error_code()
    }

    /// Whether the inner service got the request. An item can be dispatched and fail in the layer:
    /// it may have timed out, or its group was rolled back.
    pub fn is_dispatched(&self) -> bool {
        self.times.is_dispatched()
    }

    /// How long the item waited for the items that it depends on, and for the one before it in its
    /// group.
    pub fn dependencies(&self) -> Duration {
        self.times.phases().dependencies
    }

    /// How long the item then waited for its turn, by
    /// [`concurrency`](crate::BatchLayer::concurrency), and for its transaction to begin.
    pub fn queued(&self) -> Duration {
        self.times.phases().queued
    }

    /// How long the item then ran, from its dispatch to the end of its body. The readiness of the
    /// inner service counts. Zero if the item was not dispatched.
    pub fn run(&self) -> Duration {
        self.times.phases().run
    }

    /// The bytes of the body, before the format encodes it.
    pub fn body_bytes(&self) -> usize {
        self.response.body().len()
    }
}
