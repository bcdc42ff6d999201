//! What an item inherits from the outer request, and how its own headers go on top.

use std::cell::OnceCell;

use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, MAX_FORWARDS, RANGE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::headers::{ItemHeaders, Taking, folded};
use super::hop_by_hop::{is_hop_by_hop, is_named_by_connection};
use crate::subrequest::Subrequest;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const ZERO: HeaderValue = HeaderValue::from_static("0");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The inherited headers, sorted out once a batch and cloned once an item.
#[derive(Debug)]
pub(crate) struct Inherited {
    bare: HeaderMap,
    /// With room for what a body needs, so that a clone does not have to grow; made when an item has one.
    with_body: OnceCell<HeaderMap>,
    /// The names of the outer request that a folding comparison needs: those with `_`.
    outer_folded: Vec<String>,
    idempotency_key: Option<HeaderValue>,
}

impl Inherited {
    pub(crate) fn new(outer: &Parts) -> Self {
        // A map that is full grows before it looks whether a name is new: so none is.
        let mut bare = HeaderMap::with_capacity(outer.headers.len() + 4);
        for (name, value) in &outer.headers {
            if is_inherited(&outer.headers, name) {
                bare.append(name, value.clone());
            }
        }
        // HTTP/2 says it in `:authority`, which an origin-form request has no place for.
        let authority = outer.uri.authority().filter(|_| !bare.contains_key(HOST));
        if let Some(Ok(host)) = authority.map(|host| HeaderValue::from_str(host.as_str())) {
            bare.insert(HOST, host);
        }
        let with_underscore = outer
            .headers
            .keys()
            .filter(|name| name.as_str().contains('_'));
        Self {
            bare,
            with_body: OnceCell::new(),
            outer_folded: with_underscore
                .map(|name| folded(name.as_str()).into_owned())
                .collect(),
            idempotency_key: outer.headers.get(IDEMPOTENCY_KEY).cloned(),
        }
    }

    /// All headers of an item: what it inherits and what it brings.
    pub(crate) fn with_item(
        &self,
        policy: &ItemHeaders,
        outer: &Parts,
        item: &mut Subrequest,
    ) -> HeaderMap {
        let mut headers = match item.body.is_empty() {
            true => self.bare.clone(),
            false => self
                .with_body
                .get_or_init(|| for_bodies(&self.bare))
                .clone(),
        };
        match item.content_type() {
            Some(content_type) => {
                headers.insert(CONTENT_TYPE, content_type.clone());
            }
            None if item.body.is_empty() => {}
            None => {
                headers.remove(CONTENT_TYPE);
            }
        }
        self.add_brought(policy, outer, item, &mut headers);
        if !item.body.is_empty() {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(item.body.len()));
        } else if matches!(
            item.method(),
            Some(&(Method::POST | Method::PUT | Method::PATCH))
        ) {
            headers.insert(CONTENT_LENGTH, ZERO);
        }
        self.add_idempotency_key(&item.id, &mut headers);
        headers
    }

    fn add_brought(
        &self,
        policy: &ItemHeaders,
        outer: &Parts,
        item: &mut Subrequest,
        headers: &mut HeaderMap,
    ) {
        if item.headers.is_empty() {
            return;
        }
        let mut brought = std::mem::take(&mut item.headers);
        brought.retain(|(name, _)| {
            let taken = match policy.taking(name.as_str()) {
                Taking::No => false,
                Taking::IfAbsent => !self.outer_has(outer, name),
                Taking::Instead => true,
            };
            if !taken {
                crate::trace::header_ignored(name);
            }
            taken
        });
        for (name, _) in &brought {
            headers.remove(name);
        }
        for (name, value) in brought {
            headers.append(name, value);
        }
    }

    /// Asked of the outer request and not of what is inherited: a name that `Connection` lists is the outer request's too.
    fn outer_has(&self, outer: &Parts, name: &HeaderName) -> bool {
        let folded = &*folded(name.as_str());
        outer.headers.contains_key(folded) || self.outer_folded.iter().any(|outer| outer == folded)
    }

    /// One key for the batch would make every item after the first a repetition.
    fn add_idempotency_key(&self, id: &str, headers: &mut HeaderMap) {
        let Some(key) = &self.idempotency_key else {
            return;
        };
        if headers.contains_key(IDEMPOTENCY_KEY) {
            return;
        }
        let key = key.as_bytes();
        let (key, quote) = match key.strip_suffix(b"\"") {
            Some(open) => (open, "\""),
            None => (key, ""),
        };
        let id = percent_encoding::utf8_percent_encode(id, QUOTABLE).to_string();
        let key = [key, b":", id.as_bytes(), quote.as_bytes()].concat();
        if let Ok(key) = HeaderValue::from_maybe_shared(bytes::Bytes::from(key)) {
            headers.insert(IDEMPOTENCY_KEY, key);
        }
    }
}

fn for_bodies(bare: &HeaderMap) -> HeaderMap {
    let mut with_body = bare.clone();
    with_body.insert(CONTENT_TYPE, JSON);
    with_body.insert(CONTENT_LENGTH, ZERO);
    with_body
}

/// What a structured string (RFC 9651 §3.3.3) can hold stays as it is.
const QUOTABLE: &percent_encoding::AsciiSet =
    &percent_encoding::CONTROLS.add(b'"').add(b'\\').add(b'%');

fn is_inherited(outer: &HeaderMap, name: &HeaderName) -> bool {
    let text = name.as_str();
    let about_the_envelope = [
        ACCEPT,
        ACCEPT_ENCODING,
        RANGE,
        EXPECT,
        MAX_FORWARDS,
        IDEMPOTENCY_KEY,
    ]
    .contains(name)
        || text == "prefer"
        || text.starts_with("content-")
        || text.starts_with("if-");
    !about_the_envelope && !is_hop_by_hop(text) && !is_named_by_connection(outer, text)
}
