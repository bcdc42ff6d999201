//! Writes responses: each on its own, or those of a group together.

use http::StatusCode;
use http::header::RETRY_AFTER;

use super::BatchResponse;
use crate::engine::inner::Inner;
use crate::subresponse::Subresponse;

impl<S: Inner<B>, B: Send + 'static> BatchResponse<S, B> {
    /// Ends the times of an item, if they are recorded. Returns whether its response is written
    /// with its group.
    pub(super) fn end_item(&self, subresponse: &mut Subresponse) -> bool {
        if self.watch.is_some() {
            subresponse.end();
        }
        self.writes_groups() && subresponse.group().is_some()
    }

    /// Writes the next response, alone or together with its group.
    pub(super) fn write_in_turn(&mut self, mut subresponse: Subresponse) {
        if self.is_simple {
            return self.write(std::slice::from_mut(&mut subresponse));
        }
        // The end of a group in a stream shows only when the next item comes.
        let is_next = |last: &Subresponse| last.group() != subresponse.group();
        if self.group.last().is_some_and(is_next) {
            self.write_group();
        }
        if !self.writes_groups() || subresponse.group().is_none() {
            return self.write_observed(std::slice::from_mut(&mut subresponse));
        }
        let is_complete = subresponse.ends_group();
        self.group_len += subresponse.held_len();
        self.group.push(subresponse);
        if is_complete {
            self.write_group();
        }
    }

    /// Writes the group that is complete, if there is one.
    pub(super) fn write_group(&mut self) {
        if !self.group.is_empty() {
            let mut group = std::mem::take(&mut self.group);
            self.group_len = 0;
            self.write_observed(&mut group);
        }
    }

    /// Writes responses, and reports them to the observer of the batch.
    fn write_observed(&mut self, responses: &mut [Subresponse]) {
        self.write(responses);
        if let Some(watch) = &mut self.watch {
            watch.count(responses);
        }
    }

    fn write(&mut self, responses: &mut [Subresponse]) {
        if !self.is_streamed() {
            let least = responses.iter().map(|one| self.encoder.least_len(one.id()));
            self.reserved -= least.sum::<usize>();
        }
        let mark = self.frames.len();
        self.encode(responses);
        for shorten in [
            Self::replace_with_too_large,
            |_: &mut Self, one: &mut Subresponse| one.strip(),
        ] {
            if !self.exceeds_limit(0) {
                break;
            }
            self.frames.rewind(mark);
            for response in &mut *responses {
                shorten(self, response);
            }
            self.encode(responses);
        }
        for response in responses {
            self.summary.count(response.is_success());
            if matches!(
                response.status,
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
            ) {
                let seconds = response.headers.get(RETRY_AFTER);
                let seconds = seconds.and_then(|value| value.to_str().ok()?.parse().ok());
                self.retry_after = self.retry_after.max(seconds);
            }
        }
    }

    fn encode(&mut self, responses: &[Subresponse]) {
        match responses {
            [response] if response.group().is_none() || !self.writes_groups() => {
                self.encoder.push(response, &mut self.frames);
            }
            group => self.encoder.push_group(group, &mut self.frames),
        }
    }
}
