//! The journal between the layer and the application, while a batch runs.
//!
//! It stores what begins and how it ends, so that another attempt repeats nothing that must not
//! run twice.

mod body;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::Full;
use tower::Service;
use tower_multistatus::{RequestBody, SubrequestInfo};

use crate::order::Order;
use crate::problem::Problem;
use crate::store::{Entry, Item, Items, Reply};
use crate::writer::Facts;

pub(crate) use body::JournalBody;

/// The journal of one attempt.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// What earlier attempts have stored.
    known: HashMap<usize, Item>,
    /// The items whose responses are stored, or about to be.
    replied: Mutex<HashSet<usize>>,
    order: Arc<Order>,
    facts: Facts,
}

impl Attempt {
    pub(crate) fn new(items: Items, facts: Facts) -> Self {
        let known: HashMap<_, _> = items.0.into_iter().collect();
        let replied = known
            .iter()
            .filter(|(_, item)| matches!(item, Item::Replied(_)));
        Self {
            replied: Mutex::new(replied.map(|(index, _)| *index).collect()),
            known,
            order: Arc::default(),
            facts,
        }
    }

    pub(crate) fn order(&self) -> Arc<Order> {
        Arc::clone(&self.order)
    }

    /// Notes that the response of an item is known. Returns whether it was not before.
    fn is_first_reply(&self, item: usize) -> bool {
        let replied = self.replied.lock();
        replied.unwrap_or_else(PoisonError::into_inner).insert(item)
    }

    async fn store(&self, item: usize, reply: Reply) {
        if self.is_first_reply(item) {
            self.facts.store(item, Entry::Replied(reply)).await;
        }
    }

    /// Stores a response that the layer has made, of an item that it did not run or that has not
    /// ended in time.
    pub(crate) fn record(&self, item: usize, reply: impl FnOnce() -> Reply) {
        if self.is_first_reply(item) {
            self.facts.store_later(item, Entry::Replied(reply()));
        }
    }
}

/// The application, with a journal around it.
#[derive(Debug)]
pub(crate) struct Journal<S> {
    inner: S,
    attempt: Arc<Attempt>,
}

impl<S> Journal<S> {
    pub(crate) fn new(inner: S, attempt: Arc<Attempt>) -> Self {
        Self { inner, attempt }
    }
}

impl<S: Clone> Clone for Journal<S> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), Arc::clone(&self.attempt))
    }
}

/// The request of an item of a stored batch.
pub(crate) type ItemRequest = Request<RequestBody<Full<Bytes>>>;

impl<S, B> Service<ItemRequest> for Journal<S>
where
    S: Service<ItemRequest, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
{
    type Response = Response<JournalBody<B>>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: ItemRequest) -> Self::Future {
        let not_ready_inner = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, not_ready_inner);
        let attempt = Arc::clone(&self.attempt);
        Box::pin(call(inner, attempt, request))
    }
}

async fn call<S, B>(
    mut inner: S,
    attempt: Arc<Attempt>,
    request: ItemRequest,
) -> Result<Response<JournalBody<B>>, S::Error>
where
    S: Service<ItemRequest, Response = Response<B>>,
    B: Body<Data = Bytes> + Send + 'static,
{
    let Some(item) = request.extensions().get().map(SubrequestInfo::index) else {
        // The layer took the outer request for no batch: its settings have changed.
        return Ok(response(Problem::Internal));
    };
    let is_head = request.method() == Method::HEAD;
    match attempt.known.get(&item) {
        Some(Item::Replied(reply)) => {
            attempt.order.pass(reply.seq).await;
            return Ok(replayed(reply));
        }
        Some(Item::Begun) if !is_repeatable(&request) => {
            let problem = Problem::UnknownOutcome;
            let (headers, body) = problem.response();
            let reply = new_reply(problem.status(), headers, body);
            attempt.store(item, reply.clone()).await;
            return Ok(replayed(&reply));
        }
        _ if !request.method().is_safe() => attempt.facts.store(item, Entry::Begun).await,
        _ => {}
    }
    let (mut parts, body) = inner.call(request).await?.into_parts();
    // Cookies are credentials of the browser, which is not there.
    parts.headers.remove(http::header::SET_COOKIE);
    let head = (parts.status, parts.headers.clone());
    if is_head || has_no_body(parts.status) || body.is_end_stream() {
        let (status, headers) = head;
        // The layer does not read this body, so the response is stored before it gets it. The
        // layer rejects a 1xx itself.
        if !status.is_informational() {
            attempt
                .store(item, new_reply(status, headers, Bytes::new()))
                .await;
        }
        return Ok(Response::from_parts(
            parts,
            JournalBody::stored(Bytes::new()),
        ));
    }
    let body = JournalBody::storing(body, attempt, item, head);
    Ok(Response::from_parts(parts, body))
}

/// Whether an item may run again if an attempt was lost while it ran.
fn is_repeatable(request: &ItemRequest) -> bool {
    const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
    request.method().is_idempotent() || request.headers().contains_key(IDEMPOTENCY_KEY)
}

fn has_no_body(status: StatusCode) -> bool {
    status.is_informational()
        || [
            StatusCode::NO_CONTENT,
            StatusCode::RESET_CONTENT,
            StatusCode::NOT_MODIFIED,
        ]
        .contains(&status)
}

/// A response that gets its number when it is stored.
pub(crate) fn new_reply(status: StatusCode, headers: HeaderMap, body: Bytes) -> Reply {
    Reply {
        seq: 0,
        status,
        headers,
        body,
    }
}

/// The response that was stored.
pub(crate) fn replayed<B>(reply: &Reply) -> Response<JournalBody<B>> {
    let mut response = Response::new(JournalBody::stored(reply.body.clone()));
    *response.status_mut() = reply.status;
    response.headers_mut().clone_from(&reply.headers);
    response
}

fn response<B>(problem: Problem) -> Response<JournalBody<B>> {
    let (headers, body) = problem.response();
    replayed(&new_reply(problem.status(), headers, body))
}
