//! A batch that prefers to run in the background.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{LOCATION, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::timeout;
use tower::BoxError;
use tower_multistatus::CheckedBatch;

use crate::id::BatchId;
use crate::layer::Settings;
use crate::prefer::Async;
use crate::principal::Principal;
use crate::problem::Problem;
use crate::replay::{Replay, changed, render, replaying};
use crate::service::{DurableBody, boxed, problem, response};
use crate::store::{Acceptance, NewBatch, StoreError};
use crate::stored::{StoredHead, is_secret};

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// What becomes of a batch.
pub(crate) enum Accepted {
    /// It was stored, or refused.
    Response(Box<Response<DurableBody>>),
    /// It cannot be stored, so that the preference does not count: it runs now, with this envelope.
    RunNow(Box<Parts>, Bytes),
}

impl From<Response<DurableBody>> for Accepted {
    fn from(response: Response<DurableBody>) -> Self {
        Self::Response(Box::new(response))
    }
}

/// Checks and stores a batch.
pub(crate) async fn accept<B>(
    settings: &Settings,
    outer: Parts,
    body: B,
    preferred: Async,
) -> Accepted
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    // The layer reads the body within its limits, and the chunks that it has read are the envelope.
    let chunks = Arc::<Mutex<BytesMut>>::default();
    let read = Arc::clone(&chunks);
    let body = body.map_frame(move |frame| {
        if let Some(chunk) = frame.data_ref() {
            let mut chunks = read.lock().unwrap_or_else(PoisonError::into_inner);
            chunks.extend_from_slice(chunk);
        }
        frame
    });
    let checked = match settings.batch.check(outer.clone(), body).await {
        Ok(checked) => checked,
        Err(refusal) => {
            return refusal
                .map(|body| boxed(http_body_util::Full::new(body)))
                .into();
        }
    };
    let envelope = std::mem::take(&mut *chunks.lock().unwrap_or_else(PoisonError::into_inner));
    let envelope = envelope.freeze();
    let principal = outer.extensions.get::<Principal>().cloned();
    let head = StoredHead::new(&outer, &settings.stored_headers, principal);
    if !can_be_stored(settings, &checked, &head) {
        return Accepted::RunNow(Box::new(outer), envelope);
    }
    let stored = store(settings, &outer, &head, envelope, checked.items().len()).await;
    let responded = match stored {
        Ok(Ok(id)) => respond(settings, id, preferred).await,
        Ok(Err(refused)) => {
            let retry_after = (refused == Problem::StoreFull).then_some(settings.retry_after);
            Ok(problem(refused, retry_after))
        }
        Err(error) => Err(error),
    };
    responded
        .unwrap_or_else(|error| unavailable(settings, &error))
        .into()
}

/// The response if the store has failed.
pub(crate) fn unavailable(settings: &Settings, error: &StoreError) -> Response<DurableBody> {
    tracing::warn!(error = ?error, "the store of batches has failed");
    problem(Problem::StoreUnavailable, Some(settings.retry_after))
}

/// Whether a batch can run in a worker.
///
/// Transactions of the application cannot be continued in another process. Credentials in the
/// envelope would be stored. And without a header that is not stored, `when` may see no batch.
fn can_be_stored(settings: &Settings, checked: &CheckedBatch, head: &StoredHead) -> bool {
    let mut names = checked.items().iter().flat_map(|item| item.headers());
    let (stored, _) = head.request(Bytes::new(), None).into_parts();
    !checked.has_transactions()
        && !names.any(|(name, _)| is_secret(name))
        && settings.batch.is_batch(&stored)
}

/// Stores a batch with a new id, or finds the one that was stored with the same key.
async fn store(
    settings: &Settings,
    outer: &Parts,
    head: &StoredHead,
    envelope: Bytes,
    total: usize,
) -> Result<Result<BatchId, Problem>, StoreError> {
    let id = BatchId::random().map_err(StoreError::new)?;
    let owner = settings.owner.as_ref().and_then(|owner| owner(outer));
    let key = outer.headers.get("idempotency-key");
    let retry_key = key.map(|key| {
        let key = String::from_utf8_lossy(key.as_bytes());
        // The length keeps the owner and the key apart.
        match &owner {
            Some(owner) => format!("{}:{owner}:{key}", owner.len()),
            None => format!(":{key}"),
        }
    });
    let new = NewBatch {
        id,
        owner,
        retry_key,
        head: head.to_json()?,
        envelope,
        total,
        deadline: settings.deadline,
    };
    Ok(
        match settings.store.accept(&new, settings.max_batches).await? {
            Acceptance::Stored => Ok(id),
            Acceptance::Known { id, is_same: true } => Ok(id),
            Acceptance::Known { is_same: false, .. } => Err(Problem::KeyReused),
            Acceptance::Full => Err(Problem::StoreFull),
        },
    )
}

/// Responds with the whole response if the client waits for it and it comes, or with the URL of the
/// monitor.
async fn respond(
    settings: &Settings,
    id: BatchId,
    preferred: Async,
) -> Result<Response<DurableBody>, StoreError> {
    let wait = preferred.wait.map(|wait| wait.min(settings.max_wait));
    if let Some(wait) = wait
        && let Some(mut response) = whole(settings, id, wait).await?
    {
        let value = applied(Some(wait));
        // The layer has not seen these two preferences.
        response.headers_mut().append(PREFERENCE_APPLIED, value);
        return Ok(response);
    }
    let mut headers = HeaderMap::new();
    let location = monitor_url(settings, id);
    if let Ok(location) = HeaderValue::from_str(&location) {
        headers.insert(LOCATION, location);
    }
    headers.insert(RETRY_AFTER, settings.retry_after.into());
    headers.insert(PREFERENCE_APPLIED, applied(None));
    if let Some(name) = &settings.id_header
        && let Ok(id) = HeaderValue::from_str(&id.to_string())
    {
        headers.insert(name, id);
    }
    // Without a body: some clients read `Location` only then.
    Ok(response(StatusCode::ACCEPTED, headers, Bytes::new()))
}

fn monitor_url(settings: &Settings, id: BatchId) -> String {
    format!("{}{}/{id}", settings.batch.mount(), settings.monitors)
}

fn applied(wait: Option<Duration>) -> HeaderValue {
    let value = match wait {
        Some(wait) => format!("respond-async, wait={}", wait.as_secs()),
        None => "respond-async".to_owned(),
    };
    HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("respond-async"))
}

/// The whole response, if the batch ends within this time.
async fn whole(
    settings: &Settings,
    id: BatchId,
    wait: Duration,
) -> Result<Option<Response<DurableBody>>, StoreError> {
    let store = &settings.store;
    let mut changes = store.changes();
    let ended = async {
        loop {
            if let Some(end) = store.end(id).await? {
                return Ok::<_, StoreError>(end);
            }
            changed(&mut changes, id).await;
        }
    };
    let Ok(end) = timeout(wait, ended).await else {
        return Ok(None);
    };
    let end = end?;
    let Some(batch) = store.batch(id).await? else {
        return Ok(None);
    };
    let replay = Replay::of_ended(end, store.items(id, -1).await?);
    let layer = replaying(&settings.batch);
    let response = render(&layer, &batch, None, replay).await?;
    Ok(Some(response.map(boxed)))
}
