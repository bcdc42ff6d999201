//! A batch in flight: what the server says, and what the client does.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::response::Parts;
use http::{Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;
use tower::BoxError;

use super::super::error::{BatchClientError, BatchClientErrorKind};
use super::super::settings::Settings;
use super::super::waiting::Waiting;
use super::callers::Callers;
use super::endpoints::Endpoint;
use crate::error::{Error, ErrorKind};
use crate::format::ResponseDecoder;
use crate::limits::Limits;
use crate::media_type::MediaType;

/// The result of a batch.
#[derive(Debug)]
pub(super) struct Landed {
    /// What the response has shown of the endpoint.
    pub(super) endpoint: Endpoint,
    /// Requests that have not run, and that become part of smaller batches.
    pub(super) put_back: Vec<Box<Waiting>>,
    /// Requests that are sent again, each after a time.
    pub(super) again: Vec<(Duration, Box<Waiting>)>,
}

/// Awaits the response to a batch of this many bytes, and gives each caller its own.
pub(super) async fn fly<B>(
    call: impl Future<Output = Result<Response<B>, BoxError>>,
    mut callers: Callers,
    bytes: usize,
    settings: &Settings,
) -> Landed
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    let mut endpoint = Endpoint::UNKNOWN;
    match callers.unless_gone(call).await {
        None => {}
        Some(Err(error)) => callers.lose(lost(error)),
        Some(Ok(response)) if response.status().is_success() => {
            read(response, &mut callers, settings).await;
        }
        Some(Ok(response)) => {
            let (head, body) = response.into_parts();
            let body = Limited::new(body, settings.max_response_bytes).collect();
            let body = callers.unless_gone(body).await;
            let body = body.map(|body| body.map(|body| body.to_bytes()));
            match shown_by(head.status, &body, callers.batch_size(), bytes) {
                Some(shown) => endpoint = shown,
                None => refuse(&head, body, &mut callers),
            }
        }
    }
    let put_back = if endpoint == Endpoint::UNKNOWN {
        Vec::new()
    } else {
        callers.take_rest().collect()
    };
    Landed {
        endpoint,
        put_back,
        again: callers.again,
    }
}

/// Reads the envelope of a 2xx response. Each caller gets its response as soon as it is complete.
async fn read<B>(response: Response<B>, callers: &mut Callers, settings: &Settings)
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    let (head, body) = response.into_parts();
    let mut decoder = match decoder(&head, callers.batch_size(), settings) {
        Ok(decoder) => decoder,
        Err(error) => return callers.lose(lost(error)),
    };
    let mut body = pin!(body);
    loop {
        let Some(frame) = callers.unless_gone(body.frame()).await else {
            return;
        };
        let mut found = Vec::new();
        let read = match frame {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(chunk) => decoder.push(chunk, &mut found),
                // Trailers say nothing about the items.
                Err(_) => Ok(()),
            },
            Some(Err(error)) => return callers.lose(lost(error)),
            None => {
                let end = decoder.end(&mut found);
                if decoder.is_positional() {
                    callers.respond_in_order(found, head.version);
                } else {
                    callers.respond(found, head.version);
                }
                return match end {
                    Ok(()) => callers.miss_rest(),
                    Err(error) => callers.lose(lost(error)),
                };
            }
        };
        callers.respond(found, head.version);
        if let Err(error) = read {
            return callers.lose(lost(error));
        }
    }
}

/// The decoder of an envelope, whose type has to be one of the format.
fn decoder(
    head: &Parts,
    items: usize,
    settings: &Settings,
) -> Result<Box<dyn ResponseDecoder>, Error> {
    let content_type = head.headers.get(CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let media_type = MediaType::parse(content_type.unwrap_or_default());
    let mut names = settings.format.media_types().iter();
    if !names.any(|name| media_type.is(name)) {
        return Err(ErrorKind::UnsupportedMediaType.into());
    }
    let limits = Limits::of_response(items, settings.max_response_bytes);
    let decoder = settings.format.response_decoder(head, &limits);
    decoder.unwrap_or_else(|| Err(ErrorKind::UnsupportedMediaType.into()))
}

fn lost(why: impl Into<BoxError>) -> BatchClientError {
    BatchClientError::with_source(BatchClientErrorKind::OutcomeUnknown, why)
}

type WholeBody = Option<Result<Bytes, BoxError>>;

/// What a response to the whole batch shows of the endpoint. `None` if that is nothing: the
/// response is for the callers.
fn shown_by(status: StatusCode, body: &WholeBody, items: usize, bytes: usize) -> Option<Endpoint> {
    match status {
        StatusCode::NOT_FOUND
        | StatusCode::METHOD_NOT_ALLOWED
        | StatusCode::NOT_ACCEPTABLE
        | StatusCode::UNSUPPORTED_MEDIA_TYPE
        | StatusCode::NOT_IMPLEMENTED => Some(Endpoint {
            is_missing: true,
            ..Endpoint::UNKNOWN
        }),
        StatusCode::PAYLOAD_TOO_LARGE => {
            let document = body.as_ref().and_then(|body| body.as_ref().ok());
            Some(smaller(document, items, bytes))
        }
        _ => None,
    }
}

/// The members of a problem document that name a limit.
#[derive(Deserialize)]
struct TooLarge {
    limit: String,
    max: usize,
}

/// The limit that a 413 has shown. It is below the size of the batch, whatever the document says.
fn smaller(document: Option<&Bytes>, items: usize, bytes: usize) -> Endpoint {
    let document = document.and_then(|document| serde_json::from_slice::<TooLarge>(document).ok());
    match document {
        Some(TooLarge { limit, max }) if limit == "max_items" => Endpoint {
            max_items: max.min(items - 1),
            ..Endpoint::UNKNOWN
        },
        Some(TooLarge { limit, max }) if limit == "max_envelope_bytes" => Endpoint {
            max_bytes: max.min(bytes - 1),
            ..Endpoint::UNKNOWN
        },
        _ => Endpoint {
            max_items: items / 2,
            ..Endpoint::UNKNOWN
        },
    }
}

/// Gives the response to the whole batch to every caller.
fn refuse(head: &Parts, body: WholeBody, callers: &mut Callers) {
    match body {
        None => {}
        Some(Err(error)) => callers.lose(lost(error)),
        Some(Ok(body)) => {
            for waiting in callers.take_rest() {
                let mut response = Response::new(body.clone());
                *response.status_mut() = head.status;
                *response.version_mut() = head.version;
                response.headers_mut().clone_from(&head.headers);
                waiting.respond(response);
            }
        }
    }
}
