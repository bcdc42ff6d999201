//! Random outer requests.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};

use crate::body::{Step, Steps, chunks};
use crate::envelope::{Kind, envelope};
use crate::inner::Tag;
use crate::random::Random;
use crate::settings::{Dialect, Settings};

/// An outer request.
#[derive(Debug, Clone)]
pub(crate) struct Outer {
    method: Method,
    uri: String,
    headers: HeaderMap,
    body: Vec<Step>,
    has_exact_size: bool,
}

const HEADERS: &[(&str, &str)] = &[
    ("authorization", "Bearer token"),
    ("cookie", "session=1"),
    ("user-agent", "random/1"),
    ("accept-encoding", "gzip"),
    ("accept-language", "de"),
    ("connection", "close, x-hop"),
    ("x-hop", "1"),
    ("x-user-id", "7"),
    ("x_user_id", "8"),
    ("x-request-id", "r1"),
    ("x-request-id", "r2"),
    ("x-a", "outer"),
    (
        "traceparent",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ),
    ("idempotency-key", "\"k\""),
    ("odata-version", "4.01"),
    ("odata-version", "4.0"),
    ("dataserviceversion", "2.0"),
    ("if-match", "\"e\""),
    ("range", "bytes=0-1"),
    ("te", "trailers"),
    ("expect", "100-continue"),
    ("forwarded", "for=1.2.3.4"),
    ("x-forwarded-for", "1.2.3.4"),
    ("max-forwards", "3"),
    ("origin", "http://api.example"),
    ("upgrade", "h2c"),
    ("content-language", "en"),
    ("content-length", "9"),
    ("x-empty", ""),
    ("prefer", "return=minimal"),
    ("prefer", "continue-on-error=false"),
    ("prefer", "odata.continue-on-error, wait=1"),
    (
        "prefer",
        "continue-on-error=true; x=\"a,b\", handling=lenient",
    ),
    ("prefer", "wait=0"),
];

/// Values of `Accept` that many of the layers accept.
const COMMON_ACCEPTS: &[&str] = &[
    "application/json",
    "application/x-ndjson",
    "application/x-ndjson",
    "multipart/mixed, */*;q=0.1",
    "application/xml, */*;q=0.1",
];

const ACCEPTS: &[&str] = &[
    "application/jsonl",
    "multipart/mixed",
    "application/xml",
    "text/xml",
    "text/html, application/xml;q=0.5, */*;q=0.1",
    "application/json;q=0, multipart/mixed;q=0.2",
    "application/x-ndjson;q=0.5, application/json;odata.metadata=minimal",
    "text/html",
    "",
    "a/b/c;;",
];

const JSON_TYPES: &[&str] = &[
    "application/json; charset=utf-8",
    "Application/JSON ; odata.metadata=minimal",
    "application/json; charset=\"utf-16\"",
    "text/plain",
    "application/x-ndjson",
    "application/problem+json",
    "",
];

const MULTIPART_TYPES: &[&str] = &[
    "multipart/mixed;boundary=\"b\"",
    "Multipart/Batch; charset=x; BOUNDARY=b",
    "multipart/mixed;; boundary=b",
    "multipart/mixed; boundary=c",
    "multipart/mixed",
    "multipart/form-data; boundary=b",
    "multipart/mixed; boundary=b; boundary=b",
];

fn add(headers: &mut HeaderMap, name: &str, value: &str) {
    let name = name.parse::<HeaderName>().expect("a name");
    headers.append(name, HeaderValue::from_str(value).expect("a value"));
}

impl Outer {
    pub(crate) fn draw(settings: &Settings, random: &mut Random) -> Self {
        let kind = Self::kind(settings, random);
        let mut headers = HeaderMap::new();
        if !random.one_in(20) {
            let host = random.pick(&["api.example", "api.example", "api.example:80", "a b"]);
            add(&mut headers, "host", host);
        }
        let (usual, others) = match kind {
            Kind::Json => ("application/json", JSON_TYPES),
            Kind::Multipart => ("multipart/mixed; boundary=b", MULTIPART_TYPES),
        };
        let content_type = if random.one_in(25) {
            random.pick(others)
        } else {
            usual
        };
        add(&mut headers, "content-type", content_type);
        match random.below(12) {
            0..5 => add(
                &mut headers,
                "accept",
                usual.split(';').next().unwrap_or_default(),
            ),
            5..8 => add(&mut headers, "accept", random.pick(COMMON_ACCEPTS)),
            8 => add(&mut headers, "accept", random.pick(ACCEPTS)),
            _ => {}
        }
        if random.one_in(60) {
            add(&mut headers, "content-encoding", "gzip");
        }
        for _ in 0..random.below(6) {
            let (name, value) = random.pick(HEADERS);
            add(&mut headers, name, value);
        }
        let bytes = Bytes::from(envelope(kind, settings, random));
        Self {
            method: match random.below(40) {
                0 => random
                    .pick(&[&Method::GET, &Method::OPTIONS, &Method::PUT])
                    .clone(),
                _ => Method::POST,
            },
            uri: match random.below(30) {
                0 => random.pick(&["/r/1", "/", "/batch/", "*"]).to_owned(),
                1 | 2 => format!("http://api.example{}?x=1", settings.path),
                3 => format!("{}?q", settings.path),
                _ => settings.path.to_owned(),
            },
            headers,
            body: chunks(bytes, false, random),
            has_exact_size: random.one_in(2),
        }
    }

    fn kind(settings: &Settings, random: &mut Random) -> Kind {
        let is_multipart = match (settings.dialect, &settings.multipart) {
            (Dialect::Google, _) => !random.one_in(20),
            (Dialect::Graph, None) => random.one_in(50),
            (Dialect::OData, _) | (_, Some(_)) => random.one_in(2),
            (_, None) => random.one_in(50),
        };
        if is_multipart {
            Kind::Multipart
        } else {
            Kind::Json
        }
    }

    pub(crate) fn request(&self) -> Request<Steps> {
        let body = Steps::new(self.body.clone(), self.has_exact_size);
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.parse().expect("a URI");
        request.headers_mut().clone_from(&self.headers);
        request.extensions_mut().insert(Tag);
        request
    }
}

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.method, self.uri)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {value:?}")?;
        }
        for step in &self.body {
            match step {
                Step::Data(bytes) => writeln!(f, "{}", bytes.escape_ascii())?,
                step => writeln!(f, "({step:?})")?,
            }
        }
        Ok(())
    }
}
