//! The callers of a batch in flight, each of which gets the response with its id.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use http::header::CONTENT_LENGTH;
use http::{Method, Response, StatusCode, Version};

use super::super::error::{BatchClientError, BatchClientErrorKind};
use super::super::extensions::Batched;
use super::super::retry::Retry;
use super::super::waiting::Waiting;
use crate::content_length::content_length;
use crate::status::has_no_body;
use crate::subresponse::Subresponse;

#[derive(Debug)]
pub(super) struct Callers {
    /// By the position of the item. `None` once the caller has its verdict, or is gone.
    waiting: Vec<Option<Box<Waiting>>>,
    ids: Vec<ByteString>,
    /// The positions by id, once a response has come out of order.
    positions: Option<HashMap<ByteString, usize>>,
    /// Number of responses so far.
    count: usize,
    retry: Retry,
    /// The items that are sent again, and how long they wait before.
    pub(super) again: Vec<(Duration, Box<Waiting>)>,
    /// The positions below this number may have a caller.
    watched: usize,
}

impl Callers {
    /// The callers of these items, which have these ids.
    pub(super) fn new(items: Vec<Box<Waiting>>, ids: Vec<ByteString>, retry: Retry) -> Self {
        Self {
            ids,
            positions: None,
            count: 0,
            watched: items.len(),
            waiting: items.into_iter().map(Some).collect(),
            retry,
            again: Vec::new(),
        }
    }

    /// Number of items in the batch.
    pub(super) fn batch_size(&self) -> usize {
        self.waiting.len()
    }

    /// Awaits a future. Returns `None` if no caller waits any more.
    pub(super) async fn unless_gone<T>(&mut self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => self.poll_gone(cx).map(|()| None),
        })
        .await
    }

    /// Ready when no caller waits. Watches one caller at a time, so that it costs the same for a
    /// batch of any size.
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(last) = self.watched.checked_sub(1) {
            if let Some(waiting) = self.waiting.get_mut(last).and_then(Option::as_mut) {
                ready!(waiting.reply.poll_closed(cx));
                self.take(last);
            }
            self.watched = last;
        }
        Poll::Ready(())
    }

    fn take(&mut self, position: usize) -> Option<Box<Waiting>> {
        self.waiting.get_mut(position).and_then(Option::take)
    }

    /// Takes all that still wait.
    pub(super) fn take_rest(&mut self) -> impl Iterator<Item = Box<Waiting>> {
        self.waiting.iter_mut().filter_map(Option::take)
    }

    /// Passes on responses that have arrived together. A response with an unknown id is dropped, as
    /// is one for a caller that has its response already.
    pub(super) fn respond(&mut self, found: Vec<Subresponse>, version: Version) {
        let ids = found.iter().map(|found| &found.id);
        let positions = ids.map(|id| self.position_of(id)).collect();
        self.respond_at(positions, found, version);
    }

    /// The position of an item. Servers usually respond in the order of the items.
    fn position_of(&mut self, id: &ByteString) -> Option<usize> {
        let next = self.count;
        self.count += 1;
        if self.ids.get(next) == Some(id) {
            return Some(next);
        }
        let positions = || self.ids.iter().cloned().zip(0..).collect();
        self.positions
            .get_or_insert_with(positions)
            .get(id)
            .copied()
    }

    /// Passes on all responses of the batch, which are in the order of its items.
    pub(super) fn respond_in_order(&mut self, found: Vec<Subresponse>, version: Version) {
        let positions = (0..found.len()).map(Some).collect();
        self.respond_at(positions, found, version);
    }

    fn respond_at(
        &mut self,
        positions: Vec<Option<usize>>,
        found: Vec<Subresponse>,
        version: Version,
    ) {
        let mut seen = vec![0_u8; self.waiting.len()];
        for position in positions.iter().flatten() {
            if let Some(seen) = seen.get_mut(*position) {
                *seen = seen.saturating_add(1);
            }
        }
        for (response, position) in found.into_iter().zip(positions) {
            let Some((position, waiting)) =
                position.and_then(|position| Some((position, self.take(position)?)))
            else {
                continue;
            };
            let kind = if seen.get(position) != Some(&1) {
                BatchClientErrorKind::AmbiguousResponse
            } else if response.is_unreadable() {
                BatchClientErrorKind::UnreadableResponse
            } else {
                self.respond_to(waiting, position, response, version);
                continue;
            };
            waiting.fail(BatchClientError::new(kind));
        }
    }

    fn respond_to(
        &mut self,
        mut waiting: Box<Waiting>,
        position: usize,
        response: Subresponse,
        version: Version,
    ) {
        let method = waiting.request.method();
        let (status, headers) = (response.status, &response.headers);
        if let Some(wait) = self.retry.wait(method, waiting.retries, status, headers) {
            waiting.retries += 1;
            return self.again.push((wait, waiting));
        }
        let mut response = into_response(response, method);
        *response.version_mut() = version;
        response.extensions_mut().insert(Batched {
            size: self.waiting.len(),
            id: self.ids.get(position).cloned().unwrap_or_default(),
        });
        waiting.respond(response);
    }

    /// The response to the batch was lost. Requests that are safe to send twice are sent alone.
    pub(super) fn lose(&mut self, why: BatchClientError) {
        for waiting in self.take_rest() {
            if waiting.request.method().is_idempotent() && !waiting.depends_on_others() {
                waiting.send_alone();
            } else {
                waiting.fail(why.clone());
            }
        }
    }

    /// The response to the batch is complete.
    pub(super) fn miss_rest(&mut self) {
        for waiting in self.take_rest() {
            waiting.fail(BatchClientError::new(BatchClientErrorKind::MissingResponse));
        }
    }
}

fn into_response(mut found: Subresponse, method: &Method) -> Response<Bytes> {
    let is_head = method == Method::HEAD;
    let has_body = !is_head && !has_no_body(found.status);
    // A 205 has no body, and says so (RFC 9110 §15.3.6).
    if has_body || found.status == StatusCode::RESET_CONTENT {
        let length = content_length(if has_body { found.body.len() } else { 0 });
        found.headers.insert(CONTENT_LENGTH, length);
    } else if !is_head {
        found.headers.remove(CONTENT_LENGTH);
    }
    let body = if has_body { found.body } else { Bytes::new() };
    let mut response = Response::new(body);
    *response.status_mut() = found.status;
    *response.headers_mut() = found.headers;
    response
}
