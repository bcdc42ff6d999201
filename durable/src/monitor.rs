//! The monitor of a batch: how far it is, its result, and its end.

use bytes::Bytes;
use http::header::{ACCEPT, ALLOW, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::json;

use crate::accept::unavailable;
use crate::id::BatchId;
use crate::layer::Settings;
use crate::problem::Problem;
use crate::replay::{Replay, render, replaying};
use crate::service::{DurableBody, boxed, problem, response};
use crate::store::{Batch, End, Progress, StoreError};

/// The status of the batch itself (OData 4.01 Protocol §11.6).
const ASYNC_RESULT: HeaderName = HeaderName::from_static("asyncresult");

const HTTP: HeaderValue = HeaderValue::from_static("application/http");

/// Returns `None` if the path is not below the monitors. The id is `None` if it is no id.
pub(crate) fn id(settings: &Settings, path: &str) -> Option<Option<BatchId>> {
    let id = path.strip_prefix(&*settings.monitors)?.strip_prefix('/')?;
    Some(BatchId::parse(id))
}

/// Responds to a request to a monitor.
pub(crate) async fn respond(
    settings: &Settings,
    id: Option<BatchId>,
    request: &Parts,
) -> Response<DurableBody> {
    let Some(id) = id else {
        return problem(Problem::NoSuchBatch, None);
    };
    let responded = match visible(settings, id, request).await {
        Ok(Ok(progress)) => match request.method {
            Method::GET => get(settings, id, &progress, request).await,
            Method::DELETE => delete(settings, id, request).await,
            _ => {
                let mut response = problem(Problem::MethodNotAllowed, None);
                let allow = HeaderValue::from_static("GET, DELETE");
                response.headers_mut().insert(ALLOW, allow);
                Ok(response)
            }
        },
        Ok(Err(refused)) => Ok(problem(refused, None)),
        Err(error) => Err(error),
    };
    responded.unwrap_or_else(|error| unavailable(settings, &error))
}

/// Finds the batch, if this request may see it.
async fn visible(
    settings: &Settings,
    id: BatchId,
    request: &Parts,
) -> Result<Result<Progress, Problem>, StoreError> {
    let Some(progress) = settings.store.progress(id).await? else {
        return Ok(Err(Problem::NoSuchBatch));
    };
    if progress.end == Some(End::Expired) {
        return Ok(Err(Problem::Expired));
    }
    let owner = settings.owner.as_ref().and_then(|owner| owner(request));
    // A batch without an owner is visible to who knows its id.
    let is_visible = progress.owner.is_none() || progress.owner == owner;
    Ok(if is_visible {
        Ok(progress)
    } else {
        Err(Problem::NoSuchBatch)
    })
}

async fn get(
    settings: &Settings,
    id: BatchId,
    progress: &Progress,
    request: &Parts,
) -> Result<Response<DurableBody>, StoreError> {
    let store = &settings.store;
    let Some(end) = progress.end else {
        if !accepts(
            &request.headers,
            &[
                "application/x-ndjson",
                "application/ndjson",
                "application/jsonl",
            ],
        ) {
            return Ok(running(settings, progress));
        }
        let Some(batch) = store.batch(id).await? else {
            return Ok(problem(Problem::NoSuchBatch, None));
        };
        return write(settings, &batch, request, Replay::of_running(store, id)).await;
    };
    let Some(batch) = store.batch(id).await? else {
        return Ok(problem(Problem::NoSuchBatch, None));
    };
    let replay = Replay::of_ended(end, store.items(id, -1).await?);
    write(settings, &batch, request, replay).await
}

/// How far a batch is that runs.
fn running(settings: &Settings, progress: &Progress) -> Response<DurableBody> {
    let Progress {
        total,
        done,
        failed,
        ..
    } = progress;
    let body = json!({ "total": total, "done": done, "failed": failed }).to_string();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(RETRY_AFTER, settings.retry_after.into());
    response(StatusCode::ACCEPTED, headers, body)
}

/// Removes a batch. The response has what its items have done.
async fn delete(
    settings: &Settings,
    id: BatchId,
    request: &Parts,
) -> Result<Response<DurableBody>, StoreError> {
    let Some((batch, items)) = settings.store.cancel(id).await? else {
        return Ok(problem(Problem::NoSuchBatch, None));
    };
    if items.0.is_empty() {
        return Ok(response(
            StatusCode::NO_CONTENT,
            HeaderMap::new(),
            Bytes::new(),
        ));
    }
    let replay = Replay::of_ended(batch.end.unwrap_or(End::Cancelled), items);
    write(settings, &batch, request, replay).await
}

/// Writes the responses of a batch in the format that the client accepts.
async fn write(
    settings: &Settings,
    batch: &Batch,
    request: &Parts,
    replay: Replay,
) -> Result<Response<DurableBody>, StoreError> {
    let layer = replaying(&settings.batch);
    let accept = request.headers.get(ACCEPT);
    let is_http = accepts(&request.headers, &["application/http"]);
    let accept = accept.filter(|_| !is_http && !is_anything(accept));
    let response = render(&layer, batch, accept, replay).await?.map(boxed);
    if is_http {
        return Ok(as_http(response).await);
    }
    Ok(as_result(response))
}

/// A client that accepts anything gets the format that it has asked for when it sent the batch.
fn is_anything(accept: Option<&HeaderValue>) -> bool {
    accept.is_some_and(|accept| accept == "*/*")
}

/// The response of the batch, as that of a monitor: its own status is 200.
fn as_result(mut response: Response<DurableBody>) -> Response<DurableBody> {
    let status = response.status();
    // The response cannot be written in a format that the client accepts.
    if status == StatusCode::NOT_ACCEPTABLE {
        return response;
    }
    *response.status_mut() = StatusCode::OK;
    response
        .headers_mut()
        .insert(ASYNC_RESULT, status.as_u16().into());
    response
}

/// The response of the batch as a message (RFC 9112).
async fn as_http(batch: Response<DurableBody>) -> Response<DurableBody> {
    let (mut parts, body) = batch.into_parts();
    // The bodies of replays do not fail.
    let body = body
        .collect()
        .await
        .map(|body| body.to_bytes())
        .unwrap_or_default();
    parts.headers.insert(CONTENT_LENGTH, body.len().into());
    let reason = parts.status.canonical_reason().unwrap_or_default();
    let mut message = format!("HTTP/1.1 {} {reason}\r\n", parts.status.as_u16()).into_bytes();
    for (name, value) in &parts.headers {
        message.extend_from_slice(name.as_str().as_bytes());
        message.extend_from_slice(b": ");
        message.extend_from_slice(value.as_bytes());
        message.extend_from_slice(b"\r\n");
    }
    message.extend_from_slice(b"\r\n");
    message.extend_from_slice(&body);
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HTTP);
    response(StatusCode::OK, headers, message)
}

/// Whether `Accept` names one of these types, and does not exclude it.
fn accepts(headers: &HeaderMap, types: &[&str]) -> bool {
    let values = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let is_excluded = |part: &str| {
            let (name, weight) = part.split_once('=').unwrap_or_default();
            name.eq_ignore_ascii_case("q") && weight.parse() == Ok(0.0)
        };
        types.iter().any(|known| name.eq_ignore_ascii_case(known)) && !parts.any(is_excluded)
    })
}
