//! The result of a batch, in a form that can be compared.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, Request, Response};
use http_body::Body;
use http_body_util::BodyExt;
use tower::{Service, ServiceExt};

use crate::body::Steps;
use crate::inner::Calls;
use crate::outer::Outer;
use crate::settings::Settings;

/// Longer than any batch takes on the paused clock.
const HANG: Duration = Duration::from_secs(3600);

/// How the layer replies to a batch.
#[derive(Debug, PartialEq)]
pub(crate) enum Reply {
    Response(Whole),
    Error(String),
    Hang,
    Panic,
}

/// A response that was read to its end.
#[derive(Debug, PartialEq)]
pub(crate) struct Whole {
    pub(crate) status: u16,
    version: http::Version,
    /// Sorted by name.
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    trailers: Option<HeaderMap>,
    /// The error that ended the body early.
    error: Option<String>,
}

/// The reply of the layer, and the calls of its inner service.
#[derive(Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) reply: Reply,
    pub(crate) calls: Vec<String>,
}

/// Sends the request, and reads the whole response.
pub(crate) async fn seen<S, B>(service: S, outer: &Outer, calls: &Calls) -> Seen
where
    S: Service<Request<Steps>, Response = Response<B>, Error: fmt::Display>,
    B: Body<Data = Bytes, Error: fmt::Display>,
{
    let replied = async {
        match service.oneshot(outer.request()).await {
            Ok(response) => Reply::Response(read(response).await),
            Err(error) => Reply::Error(error.to_string()),
        }
    };
    let replied = tokio::time::timeout(HANG, AssertUnwindSafe(replied).catch_unwind());
    let reply = match replied.await {
        Ok(Ok(reply)) => reply,
        Ok(Err(_)) => Reply::Panic,
        Err(_) => Reply::Hang,
    };
    let calls = calls.lock().expect("the calls").clone();
    Seen { reply, calls }
}

/// Headers sorted by name. The order of different names has no meaning (RFC 9110, section 5.3).
pub(crate) fn by_name(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    let fields = headers.iter();
    let mut fields: Vec<_> = fields
        .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
        .collect();
    fields.sort_by(|(one, _), (other, _)| one.cmp(other));
    fields
}

async fn read<B>(response: Response<B>) -> Whole
where
    B: Body<Data = Bytes, Error: fmt::Display>,
{
    let (parts, body) = response.into_parts();
    let mut body = std::pin::pin!(body);
    let mut whole = Whole {
        status: parts.status.as_u16(),
        version: parts.version,
        headers: by_name(&parts.headers),
        body: Vec::new(),
        trailers: None,
        error: None,
    };
    while let Some(frame) = body.frame().await {
        match frame.map(http_body::Frame::into_data) {
            Ok(Ok(bytes)) => whole.body.extend_from_slice(&bytes),
            Ok(Err(frame)) => whole.trailers = frame.into_trailers().ok(),
            Err(error) => {
                whole.error = Some(error.to_string());
                break;
            }
        }
    }
    whole
}

impl Seen {
    /// Removes what differs between two runs of one revision: random boundaries, and the order of
    /// what ran at the same time.
    pub(crate) fn normalized(mut self, settings: &Settings) -> Self {
        if settings.concurrency != Some(1) {
            self.calls.sort();
        }
        if let Reply::Response(whole) = &mut self.reply {
            whole.number_boundaries();
            if settings.concurrency != Some(1) && whole.is_by_completion(settings) {
                whole.sort_lines();
            }
        }
        self
    }
}

/// The number of random digits in a boundary.
const DIGITS: usize = 32;

impl Whole {
    /// Replaces the random digits of boundaries by numbers, in the order in which they appear.
    fn number_boundaries(&mut self) {
        let value = self
            .headers
            .iter_mut()
            .find(|(name, _)| name == "content-type");
        let Some((_, value)) = value else { return };
        if !value.starts_with(b"multipart/mixed; boundary=") || value.len() < DIGITS {
            return;
        }
        let at = value.len() - DIGITS;
        let outer = value[at..].to_vec();
        replace(value, &outer, b'0');
        replace(&mut self.body, &outer, b'0');
        let nested = b"boundary=changesetresponse_";
        for digit in 1_u8.. {
            let Some(at) = find(&self.body, nested, digit) else {
                return;
            };
            let Some(digits) = self.body.get(at..at + DIGITS) else {
                return;
            };
            let digits = digits.to_vec();
            replace(&mut self.body, &digits, digit);
        }
    }

    /// Whether responses are in the order in which the items finished.
    fn is_by_completion(&self, settings: &Settings) -> bool {
        let is_ndjson = |(_, value): &(String, Vec<u8>)| value == b"application/x-ndjson";
        match (settings.in_order, settings.streamed) {
            (Some(in_order), _) => !in_order,
            (None, Some(streamed)) => streamed,
            (None, None) => self.headers.iter().any(is_ndjson),
        }
    }

    /// Sorts the lines of JSON, which are in the order in which the items finished.
    fn sort_lines(&mut self) {
        let mut lines: Vec<_> = self.body.split(|byte| *byte == b'\n').collect();
        if self
            .headers
            .iter()
            .any(|(_, value)| value.starts_with(b"application/"))
        {
            for line in &mut lines {
                let end = line.strip_suffix(b"]}").or(line.strip_suffix(b","));
                *line = end.unwrap_or(line);
            }
            lines.sort_unstable();
            self.body = lines.join(&b'\n');
        }
    }
}

/// The end of the nth place where `wanted` occurs.
fn find(text: &[u8], wanted: &[u8], nth: u8) -> Option<usize> {
    let places = text.windows(wanted.len()).enumerate();
    let mut places = places.filter(|(_, window)| *window == wanted);
    let (place, _) = places.nth(usize::from(nth) - 1)?;
    Some(place + wanted.len())
}

fn replace(text: &mut [u8], token: &[u8], digit: u8) {
    let mut at = 0;
    while let Some(window) = text.get_mut(at..at + token.len()) {
        if window == token {
            window.fill(digit);
        }
        at += 1;
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reply {
            Reply::Response(whole) => {
                writeln!(
                    f,
                    "{} {:?} {:?} {:?}",
                    whole.status, whole.version, whole.trailers, whole.error
                )?;
                for (name, value) in &whole.headers {
                    writeln!(f, "{name}: {}", value.escape_ascii())?;
                }
                writeln!(
                    f,
                    "{}",
                    whole.body.escape_ascii().to_string().replace("\\n", "\n")
                )?;
            }
            other => writeln!(f, "{other:?}")?,
        }
        self.calls
            .iter()
            .try_for_each(|call| writeln!(f, "call: {call}"))
    }
}
