//! The headers of an item: those that it inherits from the outer request, and its own.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::content_length::content_length;
use crate::policy::{
    HeaderDecision, IDEMPOTENCY_KEY, IgnoreReason, ItemHeaders, folded, is_inherited,
    remove_named_by,
};
use crate::subrequest::Subrequest;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const ZERO: HeaderValue = HeaderValue::from_static("0");

/// The capacity that a map has after its first insertion anyway.
const MIN_CAPACITY: usize = 6;

/// The inherited headers, which are selected once per batch and cloned once per item.
#[derive(Debug)]
pub(super) struct Inherited {
    bare: HeaderMap,
    /// A template with room for the headers of a body, so that a clone does not grow. Created for
    /// the first item that has a body.
    with_body: Option<HeaderMap>,
    /// A single item takes the headers without a clone.
    is_single: bool,
    /// The header names of the outer request that contain `_`, by the name with `-` that servers
    /// may take them for. Created when an item has headers of its own.
    underscored: OnceCell<BTreeMap<String, Vec<HeaderName>>>,
    idempotency_key: Option<HeaderValue>,
    request_ids: Option<RequestIds>,
}

/// The header that `item_request_ids` names, and its value in the outer request.
#[derive(Debug)]
struct RequestIds {
    name: HeaderName,
    outer: Option<HeaderValue>,
}

impl Inherited {
    pub(super) fn new(
        outer: &Parts,
        total: Option<usize>,
        request_ids: Option<HeaderName>,
    ) -> Self {
        // The number of names, not of values: a map panics at a capacity above 24 Ki. One place
        // more is for the content type.
        let room = outer.headers.keys_len().saturating_sub(1);
        let mut bare = HeaderMap::with_capacity(room.max(MIN_CAPACITY));
        let mut idempotency_key = None;
        for (name, value) in &outer.headers {
            let text = name.as_str();
            if name == IDEMPOTENCY_KEY {
                idempotency_key.get_or_insert_with(|| value.clone());
            } else if is_inherited(text) {
                bare.append(name, value.clone());
            }
        }
        remove_named_by(outer.headers.get_all(CONNECTION), &mut bare);
        // HTTP/2 has the host in `:authority`, which an origin-form request has no place for.
        let authority = outer.uri.authority().filter(|_| !bare.contains_key(HOST));
        if let Some(Ok(host)) = authority.map(|host| HeaderValue::from_str(host.as_str())) {
            bare.insert(HOST, host);
        }
        Self {
            request_ids: request_ids.map(|name| RequestIds {
                outer: bare.get(&name).cloned(),
                name,
            }),
            bare,
            with_body: None,
            is_single: total == Some(1),
            underscored: OnceCell::new(),
            idempotency_key,
        }
    }

    /// Returns all headers of an item: the inherited ones and its own.
    pub(super) fn with_item(
        &mut self,
        policy: &ItemHeaders,
        outer: &Parts,
        item: &mut Subrequest,
    ) -> HeaderMap {
        let mut headers = if item.body.is_empty() {
            self.without_body(item)
        } else {
            self.with_body(item)
        };
        self.add_own_headers(policy, outer, item, &mut headers);
        self.add_idempotency_key(&item.id, &mut headers);
        if let Some(RequestIds {
            name,
            outer: Some(id),
        }) = &self.request_ids
            && let Some(id) = derive_value(id, &item.id)
        {
            self.remove_inherited(outer, name, &mut headers);
            headers.insert(name, id);
        }
        headers
    }

    fn without_body(&mut self, item: &Subrequest) -> HeaderMap {
        let mut headers = if self.is_single {
            std::mem::take(&mut self.bare)
        } else {
            self.bare.clone()
        };
        if let Some(content_type) = item.content_type() {
            headers.insert(CONTENT_TYPE, content_type.clone());
        }
        let method = item.method();
        if matches!(method, Some(&(Method::POST | Method::PUT | Method::PATCH))) {
            headers.insert(CONTENT_LENGTH, ZERO);
        }
        headers
    }

    fn with_body(&mut self, item: &Subrequest) -> HeaderMap {
        let bare = &self.bare;
        let template = self
            .with_body
            .get_or_insert_with(|| template_for_bodies(bare));
        let mut headers = if self.is_single {
            std::mem::take(template)
        } else {
            template.clone()
        };
        let mut values = headers.values_mut();
        if let Some(first) = values.next() {
            *first = content_length(item.body.len());
        }
        match (item.content_type(), values.next()) {
            (Some(content_type), Some(second)) => *second = content_type.clone(),
            _ => drop(headers.remove(CONTENT_TYPE)),
        }
        headers
    }

    fn add_own_headers(
        &self,
        policy: &ItemHeaders,
        outer: &Parts,
        item: &mut Subrequest,
        headers: &mut HeaderMap,
    ) {
        if item.headers.is_empty() {
            return;
        }
        let mut own_headers = std::mem::take(&mut item.headers);
        own_headers.retain(|(name, _)| {
            let is_request_id = self
                .request_ids
                .as_ref()
                .is_some_and(|ids| folded(name.as_str()) == folded(ids.name.as_str()));
            let ignored = match policy.decide(name.as_str()) {
                _ if is_request_id => Some(IgnoreReason::RequestId),
                HeaderDecision::Ignore(reason) => Some(reason),
                HeaderDecision::AddIfAbsent => self
                    .outer_has(outer, name)
                    .then_some(IgnoreReason::Inherited),
                HeaderDecision::Replace => None,
            };
            if let Some(reason) = ignored {
                crate::trace::header_ignored(name, reason.text());
            }
            ignored.is_none()
        });
        for (name, _) in &own_headers {
            self.remove_inherited(outer, name, headers);
        }
        for (name, value) in own_headers {
            headers.append(name, value);
        }
    }

    /// Removes an inherited header in every spelling, because a server that treats `_` as `-` would
    /// find two.
    fn remove_inherited(&self, outer: &Parts, name: &HeaderName, headers: &mut HeaderMap) {
        let name = &*folded(name.as_str());
        headers.remove(name);
        for spelling in self.underscored(outer, name) {
            headers.remove(spelling);
        }
    }

    /// Whether the outer request has this header. Inherited headers do not suffice: a header that
    /// `Connection` names is not inherited, but the outer request has it.
    fn outer_has(&self, outer: &Parts, name: &HeaderName) -> bool {
        let name = &*folded(name.as_str());
        outer.headers.contains_key(name) || !self.underscored(outer, name).is_empty()
    }

    /// Returns the spellings of this name with `_` in the outer request.
    fn underscored(&self, outer: &Parts, name: &str) -> &[HeaderName] {
        let underscored = self.underscored.get_or_init(|| {
            let mut spellings = BTreeMap::<_, Vec<_>>::new();
            for spelling in outer
                .headers
                .keys()
                .filter(|name| name.as_str().contains('_'))
            {
                let name = folded(spelling.as_str()).into_owned();
                spellings.entry(name).or_default().push(spelling.clone());
            }
            spellings
        });
        underscored.get(name).map_or(&[], Vec::as_slice)
    }

    /// Derives a key for each item. With one key for the batch, every item after the first would be
    /// a repetition.
    fn add_idempotency_key(&self, id: &str, headers: &mut HeaderMap) {
        let Some(key) = &self.idempotency_key else {
            return;
        };
        if headers.contains_key(IDEMPOTENCY_KEY) {
            return;
        }
        if let Some(key) = derive_value(key, id) {
            headers.insert(IDEMPOTENCY_KEY, key);
        }
    }
}

/// Derives the value of an item from that of the outer request: `<outer>:<id>`, inside the quotes
/// if there are any.
fn derive_value(outer: &HeaderValue, id: &str) -> Option<HeaderValue> {
    let outer = outer.as_bytes();
    let (outer, quote) = match outer.strip_suffix(b"\"") {
        Some(open) => (open, "\""),
        None => (outer, ""),
    };
    let id = percent_encoding::utf8_percent_encode(id, QUOTABLE).to_string();
    let value = [outer, b":", id.as_bytes(), quote.as_bytes()].concat();
    HeaderValue::from_maybe_shared(bytes::Bytes::from(value)).ok()
}

/// Builds the template of headers for items with a body. The length is first and the type is
/// second, so that they are found without a search.
fn template_for_bodies(bare: &HeaderMap) -> HeaderMap {
    let mut with_body = HeaderMap::with_capacity(bare.keys_len() + 3);
    with_body.insert(CONTENT_LENGTH, ZERO);
    with_body.insert(CONTENT_TYPE, JSON);
    for (name, value) in bare {
        with_body.append(name, value.clone());
    }
    with_body
}

/// The characters that a structured string (RFC 9651 §3.3.3) cannot hold unescaped.
const QUOTABLE: &percent_encoding::AsciiSet =
    &percent_encoding::CONTROLS.add(b'"').add(b'\\').add(b'%');
