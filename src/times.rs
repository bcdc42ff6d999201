//! How long an item waits and runs. Measured only if a setting needs it.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method};

use crate::clock::Moment;
use crate::panics::{CatchDrop, catch};

/// The moments of one item, and what its observers get to know besides them.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    pub(crate) method: Option<Method>,
    pub(crate) route: Option<Route>,
    /// Whether the response has a `Server-Timing` header.
    has_header: bool,
    accepted: Moment,
    /// When the item no longer waited for others.
    released: Option<Moment>,
    /// When the inner service got the request.
    started: Option<Moment>,
    ended: Option<Moment>,
}

/// Three times that follow each other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Phases {
    pub(crate) dependencies: Duration,
    pub(crate) queued: Duration,
    pub(crate) run: Duration,
}

impl Times {
    pub(crate) fn new(method: Option<Method>, has_header: bool) -> Self {
        Self {
            method,
            route: None,
            has_header,
            accepted: Moment::now(),
            released: None,
            started: None,
            ended: None,
        }
    }

    /// Called when the last item that this one depends on has succeeded.
    pub(crate) fn release(&mut self) {
        self.released = Some(Moment::now());
    }

    /// Called when the item could start. If it was never released, it had nothing to wait for.
    pub(crate) fn leave_plan(&mut self) {
        self.released.get_or_insert(self.accepted);
    }

    pub(crate) fn start(&mut self) {
        self.leave_plan();
        self.started = Some(Moment::now());
    }

    /// Called if the inner service never got the request.
    pub(crate) fn not_sent(&mut self) {
        self.started = None;
    }

    /// Called when the item has its response. Only the first call counts.
    pub(crate) fn end(&mut self) {
        self.ended.get_or_insert_with(Moment::now);
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// Adds the `Server-Timing` of the item to the headers of its response, if it has one.
    pub(crate) fn put_header(&self, headers: &mut HeaderMap) {
        if self.has_header {
            let phases = self.phases();
            let timing = [
                ("deps", phases.dependencies),
                ("queued", phases.queued),
                ("run", phases.run),
            ];
            put_server_timing(headers, &timing);
        }
    }

    pub(crate) fn is_dispatched(&self) -> bool {
        self.started.is_some()
    }

    pub(crate) fn phases(&self) -> Phases {
        let ended = self.ended.unwrap_or(self.accepted);
        let released = self.released.unwrap_or(ended);
        let started = self.started.unwrap_or(ended);
        Phases {
            dependencies: released.since(self.accepted),
            queued: started.since(released),
            run: ended.since(started),
        }
    }
}

/// Adds a `Server-Timing` header with these names and durations (W3C Server Timing §3).
pub(crate) fn put_server_timing(headers: &mut HeaderMap, timing: &[(&str, Duration)]) {
    let mut text = String::new();
    for (name, duration) in timing {
        let separator = if text.is_empty() { "" } else { ", " };
        let milliseconds = duration.as_secs_f64() * 1000.0;
        // Writing to a string does not fail.
        let _ = write!(text, "{separator}{name};dur={milliseconds:.3}");
    }
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.append(HeaderName::from_static("server-timing"), value);
    }
}

/// The value of the response extension that says which route an item has taken. Dropping it does
/// not panic.
#[derive(Clone, Debug)]
pub(crate) struct Route(Arc<CatchDrop<Extensions>>);

impl Route {
    pub(crate) fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.0.get()
    }
}

/// The type of the response extension that is kept as [`Route`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct RouteType(fn(&mut Extensions) -> Extensions);

impl RouteType {
    pub(crate) fn of<T: Clone + Send + Sync + 'static>() -> Self {
        Self(|extensions| {
            let mut route = Extensions::new();
            if let Some(value) = extensions.remove::<T>() {
                route.insert(value);
            }
            route
        })
    }

    /// Takes the value from the extensions of a response. Returns extensions with its [`Route`].
    pub(crate) fn take(self, extensions: &mut Extensions) -> Extensions {
        let mut kept = Extensions::new();
        if let Some(route) = catch(|| self.0(extensions)).filter(|route| !route.is_empty()) {
            kept.insert(Route(Arc::new(CatchDrop::new(route))));
        }
        kept
    }
}
