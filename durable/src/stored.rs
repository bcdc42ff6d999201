//! The outer request as it is stored: what its items may inherit, and nothing secret.

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, PROXY_AUTHORIZATION};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};
use http_body_util::Full;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::headers;
use crate::prefer::{PREFER, without_async};
use crate::principal::Principal;
use crate::store::StoreError;

/// The names that are always stored, if the request has them.
const STORED: [HeaderName; 9] = [
    CONTENT_TYPE,
    ACCEPT,
    HOST,
    PREFER,
    http::header::ACCEPT_LANGUAGE,
    HeaderName::from_static("odata-version"),
    HeaderName::from_static("odata-maxversion"),
    HeaderName::from_static("dataserviceversion"),
    HeaderName::from_static("maxdataserviceversion"),
];

/// The names that are never stored.
const SECRET: [HeaderName; 3] = [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION];

/// Whether a header with this name can be a credential that must not be stored.
pub(crate) fn is_secret(name: &HeaderName) -> bool {
    SECRET.contains(name)
}

/// The head of a stored outer request.
#[derive(Clone, Debug)]
pub(crate) struct StoredHead {
    uri: Uri,
    pub(crate) headers: HeaderMap,
    principal: Option<Principal>,
}

/// As it is in the database.
#[derive(Serialize, Deserialize)]
struct Row {
    uri: String,
    headers: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    principal: Option<Value>,
}

impl StoredHead {
    /// Copies what is stored of an outer request, with further names of headers.
    pub(crate) fn new(outer: &Parts, names: &[HeaderName], principal: Option<Principal>) -> Self {
        let mut headers = HeaderMap::new();
        for name in STORED.iter().chain(names) {
            for value in outer.headers.get_all(name) {
                headers.append(name, value.clone());
            }
        }
        if let Some(prefer) = without_async(&outer.headers) {
            headers.insert(PREFER, prefer);
        } else {
            headers.remove(PREFER);
        }
        Self {
            uri: outer.uri.clone(),
            headers,
            principal,
        }
    }

    pub(crate) fn to_json(&self) -> Result<String, StoreError> {
        let row = Row {
            uri: self.uri.to_string(),
            headers: headers::to_json(&self.headers),
            principal: self
                .principal
                .as_ref()
                .map(|principal| principal.value().clone()),
        };
        serde_json::to_string(&row).map_err(StoreError::new)
    }

    pub(crate) fn from_json(json: &str) -> Result<Self, StoreError> {
        let row: Row = serde_json::from_str(json).map_err(StoreError::new)?;
        Ok(Self {
            uri: row.uri.parse().map_err(StoreError::new)?,
            headers: headers::from_json(&row.headers)?,
            principal: row.principal.map(Principal::new),
        })
    }

    /// The outer request, for the layer to run or to replay. `accept` replaces the stored one.
    pub(crate) fn request(
        &self,
        envelope: Bytes,
        accept: Option<&HeaderValue>,
    ) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(envelope));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = self.uri.clone();
        request.headers_mut().clone_from(&self.headers);
        if let Some(accept) = accept {
            request.headers_mut().insert(ACCEPT, accept.clone());
        }
        if let Some(principal) = &self.principal {
            request.extensions_mut().insert(principal.clone());
        }
        request
    }
}
