//! Observes one batch for `on_response`, `on_batch` and `server_timing`.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};

use crate::clock::Moment;
use crate::completed::{Completed, CompletedBatch, End};
use crate::config::{Config, Observers};
use crate::error::{Error, ErrorKind};
use crate::panics::catch;
use crate::subresponse::Subresponse;
use crate::summary::Summary;
use crate::times::put_server_timing;

/// The observer of one batch. Dropping it reports a batch that has not ended as dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    config: Arc<Config>,
    begun: Moment,
    /// When the batch was not refused, and its items could run.
    accepted: Option<Moment>,
    items: usize,
    succeeded: usize,
    status: Option<StatusCode>,
    error: Option<ErrorKind>,
    is_reported: bool,
}

impl Watch {
    /// Returns `None` if no setting needs it.
    #[inline]
    pub(crate) fn new(config: &Arc<Config>) -> Option<Box<Self>> {
        config.observers.is_some().then(|| Self::boxed(config))
    }

    #[cold]
    fn boxed(config: &Arc<Config>) -> Box<Self> {
        Box::new(Self {
            config: Arc::clone(config),
            begun: Moment::now(),
            accepted: None,
            items: 0,
            succeeded: 0,
            status: None,
            error: None,
            is_reported: false,
        })
    }

    /// Called when the batch is not refused.
    pub(crate) fn accept(&mut self) {
        self.accepted = Some(Moment::now());
    }

    /// Adds the `Server-Timing` of the whole batch to the headers of its response, if it has one.
    #[cold]
    pub(crate) fn put_header(&self, headers: &mut HeaderMap) {
        let has_header = self.observers().is_some_and(|all| all.server_timing);
        if let Some(accepted) = self.accepted.filter(|_| has_header) {
            let read = accepted.since(self.begun);
            let run = Moment::now().since(accepted);
            put_server_timing(headers, &[("read", read), ("run", run)]);
        }
    }

    /// Called once per item, when its response is written.
    #[cold]
    pub(crate) fn count(&mut self, responses: &[Subresponse]) {
        self.items += responses.len();
        let succeeded = responses.iter().filter(|one| one.is_success());
        self.succeeded += succeeded.count();
        let on_response = self.observers().and_then(|all| all.on_response.as_ref());
        for response in responses {
            if let (Some(on_response), Some(times)) = (on_response, response.times()) {
                catch(|| on_response(&Completed::new(response, times)));
            }
        }
    }

    /// Called with the head of the outer response.
    pub(crate) fn set_status(&mut self, status: StatusCode) {
        self.status = Some(status);
    }

    /// Called if the batch was only checked, so that nothing has ended.
    pub(crate) fn dismiss(mut self) {
        self.is_reported = true;
    }

    #[cold]
    pub(crate) fn refuse(&mut self, error: &Error, status: StatusCode) {
        self.status = Some(status);
        self.error = Some(error.kind());
        self.report(End::Refused);
    }

    #[cold]
    pub(crate) fn end(&mut self, summary: &Summary) {
        self.error = summary.error().map(Error::kind);
        self.report(End::Responded);
    }

    fn observers(&self) -> Option<&Observers> {
        self.config.observers.as_deref()
    }

    fn report(&mut self, end: End) {
        if std::mem::replace(&mut self.is_reported, true) {
            return;
        }
        let Some(on_batch) = self.observers().and_then(|all| all.on_batch.as_ref()) else {
            return;
        };
        let completed = CompletedBatch {
            items: self.items,
            succeeded: self.succeeded,
            duration: Moment::now().since(self.begun),
            status: self.status,
            error: self.error,
            end,
        };
        catch(|| on_batch(&completed));
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.report(End::Dropped);
    }
}
