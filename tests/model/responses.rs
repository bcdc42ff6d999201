//! What a client must read of an item that was dispatched.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::batch::{Act, Claim, Drops, End, ITEM_TIMEOUT, Item, MAX_RESPONSE, Ready, Script};
use super::passed_on::{Headers, passed_on};
use super::requests::Failure;

/// The response to an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Response {
        status: u16,
        headers: Headers,
        body: Vec<u8>,
    },
    /// A problem document of the layer.
    Failure(Failure),
}

impl Outcome {
    pub(crate) fn is_success(&self) -> bool {
        matches!(
            self,
            Self::Response {
                status: 200..400,
                ..
            }
        )
    }
}

const PANICKED: Failure = (500, "panicked");
const BROKEN: Failure = (502, "response-broken");
const TOO_LARGE: Failure = (502, "response-too-large");
const TIMED_OUT: Failure = (504, "item-timeout");

/// What becomes of an item on an instance of this readiness. Says whether the item is dispatched.
pub(crate) fn outcome(item: &Item, ready: Ready, is_minimal: bool) -> (bool, Outcome) {
    let failure = match ready {
        Ready::Now | Ready::Later(_) => None,
        Ready::Fails => Some((503, "not-ready")),
        Ready::Panics => Some(PANICKED),
        Ready::Never => Some(TIMED_OUT),
    };
    match failure {
        Some(failure) => (false, Outcome::Failure(failure)),
        None => (
            true,
            called(item, is_minimal).unwrap_or_else(Outcome::Failure),
        ),
    }
}

fn called(item: &Item, is_minimal: bool) -> Result<Outcome, Failure> {
    let script = &item.script;
    if script.act == Act::PanicInCall {
        return Err(PANICKED);
    }
    if u128::from(script.delay) >= ITEM_TIMEOUT.as_millis() {
        return Err(TIMED_OUT);
    }
    match script.act {
        Act::Respond | Act::PanicInCall => {}
        Act::Fail => return Err((500, "call-failed")),
        Act::PanicInFuture => return Err(PANICKED),
        Act::Hang => return Err(TIMED_OUT),
    }
    // The future is dropped before its response is looked at.
    if script.drops == Drops::FuturePanics {
        return Err(PANICKED);
    }
    if script.status < 200 {
        return Err((502, "not-final"));
    }
    let headers = header_map(script);
    let bytes: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if bytes > MAX_RESPONSE {
        return Err(TOO_LARGE);
    }
    let is_bodiless = item.method.eq_ignore_ascii_case("HEAD")
        || matches!(script.status, 204 | 205 | 304)
        || script.claim == Claim::Ended;
    let mut body = match is_bodiless {
        true => Vec::new(),
        false => body(script, MAX_RESPONSE - bytes)?,
    };
    if is_minimal && script.status < 400 {
        body.clear();
    }
    Ok(Outcome::Response {
        status: script.status,
        headers: passed_on(&headers),
        body,
    })
}

/// The whole body, if it ends and has at most `max` bytes.
fn body(script: &Script, max: usize) -> Result<Vec<u8>, Failure> {
    if script.claim == Claim::TooMuch {
        return Err(TOO_LARGE);
    }
    let body = script.frames.concat();
    if body.len() > max {
        return Err(TOO_LARGE);
    }
    match script.end {
        End::Ends | End::Trailers => Ok(body),
        End::Breaks => Err(BROKEN),
        End::Panics => Err(PANICKED),
        End::Hangs | End::EmptyFrames => Err(TIMED_OUT),
    }
}

/// The headers of the scripted response.
pub(crate) fn header_map(script: &Script) -> HeaderMap {
    let headers = script.headers.iter();
    let headers = headers.map(|(name, value)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    });
    headers.collect()
}
