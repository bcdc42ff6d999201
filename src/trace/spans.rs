//! One span per batch, and one child span per item.

use std::time::Instant;

use http::{Method, StatusCode};
use tracing::field::Empty;
use tracing::level_filters::LevelFilter;
use tracing::{Span, info_span};

use super::TARGET;
use super::text::loggable;
use crate::error::ErrorKind;
use crate::item_error::ItemError;
use crate::subrequest::Subrequest;
use crate::summary::Summary;

/// Whether a subscriber may record the spans. Without one, the macros of `tracing` still evaluate
/// the fields of a span for `log`, if any crate in the build enables that feature, as axum does.
pub(crate) fn is_recorded() -> bool {
    LevelFilter::current() >= LevelFilter::INFO
}

#[derive(Debug)]
pub(crate) struct BatchSpan(Span);

impl BatchSpan {
    pub(crate) fn new(items: Option<usize>) -> Self {
        if !is_recorded() {
            return Self(Span::none());
        }
        Self(info_span!(
            target: TARGET,
            "batch",
            items,
            succeeded = Empty,
            failed = Empty
        ))
    }

    /// The span of a batch that is refused.
    #[cold]
    pub(super) fn of_refused(kind: ErrorKind) -> Self {
        if !is_recorded() {
            return Self(Span::none());
        }
        Self(info_span!(
            target: TARGET,
            "batch",
            "http.response.status_code" = kind.status().as_u16(),
            "error.type" = kind.code()
        ))
    }

    pub(crate) fn in_scope<T>(&self, run: impl FnOnce() -> T) -> T {
        self.0.in_scope(run)
    }

    pub(crate) fn finish(&self, summary: &Summary) {
        self.0.record("succeeded", summary.succeeded());
        self.0.record("failed", summary.failed());
    }

    /// Returns a second handle, for use while the batch itself is borrowed.
    pub(crate) fn share(&self) -> Self {
        Self(self.0.clone())
    }
}

#[derive(Debug, Default)]
pub(crate) struct ItemSpan(Option<(Span, Instant)>);

impl ItemSpan {
    /// Creates the span of an item. `target` is the method and the path of an item that has passed
    /// its checks.
    pub(crate) fn new(
        batch: &BatchSpan,
        item: &Subrequest,
        target: Option<(&Method, &str)>,
    ) -> Self {
        if !is_recorded() {
            return Self(None);
        }
        let method = target.map(|(method, _)| method).or(item.method());
        // An invalid URL is not recorded, because it may contain a password.
        let path = target.map(|(_, path)| path);
        let span = info_span!(
            target: TARGET,
            parent: &batch.0,
            "subrequest",
            id = &*loggable(item.id()),
            "http.request.method" = method.map(|method| loggable(method.as_str())).as_deref(),
            "url.path" = path.map(loggable).as_deref(),
            link.traceparent = link(item).map(loggable).as_deref(),
            "http.response.status_code" = Empty,
            "error.type" = Empty,
            duration_ms = Empty,
        );
        Self((!span.is_disabled()).then(|| (span, Instant::now())))
    }

    pub(crate) fn in_scope<T>(&self, run: impl FnOnce() -> T) -> T {
        match &self.0 {
            Some((span, _)) => span.in_scope(run),
            None => run(),
        }
    }

    /// Returns a second handle, for another task.
    pub(crate) fn share(&self) -> Self {
        Self(self.0.clone())
    }

    /// `error` is set if the layer itself has failed the item.
    pub(crate) fn finish(self, status: StatusCode, error: Option<ItemError>) {
        if let Some((span, begun)) = self.0 {
            span.record("http.response.status_code", status.as_u16());
            if let Some(error) = error {
                span.record("error.type", error.code());
            }
            span.record("duration_ms", begun.elapsed().as_secs_f64() * 1000.0);
        }
    }
}

/// The span to which the item belongs, according to the client.
fn link(item: &Subrequest) -> Option<&str> {
    let mut headers = item.headers.iter();
    let (_, traceparent) = headers.find(|(name, _)| name == "traceparent")?;
    traceparent.to_str().ok()
}
