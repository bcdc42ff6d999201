//! The OData service: products, in memory. It has no code for batches.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use http::header::{CONTENT_TYPE, ETAG, IF_MATCH, LOCATION};
use http::{HeaderMap, Method, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::version::{METADATA, Version};

#[derive(Clone)]
pub(crate) struct Products(Arc<Mutex<BTreeMap<String, Product>>>);

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Product {
    id: String,
    name: String,
    #[serde(skip)]
    revision: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Change {
    name: String,
}

#[derive(Deserialize)]
struct Options {
    #[serde(rename = "$filter")]
    filter: Option<String>,
}

impl Default for Products {
    fn default() -> Self {
        let product = |id: &str, name: &str| {
            let (id, name) = (id.to_owned(), name.to_owned());
            (
                id.clone(),
                Product {
                    id,
                    name,
                    revision: 1,
                },
            )
        };
        let products = [product("tea", "Tea"), product("coffee", "Coffee")];
        Self(Arc::new(Mutex::new(products.into())))
    }
}

impl Product {
    fn etag(&self) -> String {
        format!("W/\"{}\"", self.revision)
    }
}

pub(crate) fn service(products: &Products, version: Version) -> Router {
    let metadata = async || ([(CONTENT_TYPE, "application/xml")], METADATA);
    Router::new()
        .route("/$metadata", get(metadata))
        .route("/{*resource}", any(resource))
        .with_state((products.clone(), version))
}

/// Handles all resources, because `Products('tea')` is one segment of a path, and axum has no
/// routes for MERGE.
async fn resource(
    State((products, version)): State<(Products, Version)>,
    method: Method,
    Path(resource): Path<String>,
    Query(options): Query<Options>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let key = resource
        .strip_prefix("Products('")
        .and_then(|rest| rest.strip_suffix("')"));
    let result = match (method.as_str(), resource.as_str(), key) {
        ("GET", "Products", _) => products.list(version, options.filter.as_deref()),
        ("POST", "Products", _) => products.create(version, &body),
        ("GET", _, Some(id)) => products.read(version, id),
        ("PATCH" | "MERGE", _, Some(id)) => products.change(version, id, &headers, &body),
        ("DELETE", _, Some(id)) => products.delete(version, id),
        (_, "Products", _) | (_, _, Some(_)) => {
            Err((StatusCode::METHOD_NOT_ALLOWED, "no such method"))
        }
        _ => Err((StatusCode::NOT_FOUND, "no such resource")),
    };
    result.unwrap_or_else(|(status, message)| version.error(status, message))
}

type ODataResult = Result<Response, (StatusCode, &'static str)>;

const NO_PRODUCT: (StatusCode, &str) = (StatusCode::NOT_FOUND, "no such product");

impl Products {
    /// Lists products. The only `$filter` is `Name eq '..'`.
    fn list(&self, version: Version, filter: Option<&str>) -> ODataResult {
        let name = match filter {
            None => None,
            Some(filter) => filter
                .strip_prefix("Name eq '")
                .and_then(|rest| rest.strip_suffix('\''))
                .ok_or((StatusCode::NOT_IMPLEMENTED, "no such filter"))
                .map(Some)?,
        };
        let products = self.lock();
        let selected = products
            .values()
            .filter(|product| name.is_none_or(|name| product.name == name));
        let selected = version.collection(selected.collect::<Vec<_>>());
        Ok((version.header(), selected).into_response())
    }

    fn create(&self, version: Version, body: &[u8]) -> ODataResult {
        let mut product: Product = parse(body)?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if product.id.is_empty() || !product.id.bytes().all(is_plain) {
            return Err((
                StatusCode::BAD_REQUEST,
                "an Id has letters, digits and dashes",
            ));
        }
        product.revision = 1;
        let mut products = self.lock();
        if products.contains_key(&product.id) {
            return Err((StatusCode::CONFLICT, "the product exists already"));
        }
        products.insert(product.id.clone(), product.clone());
        let location = format!("{}/Products('{}')", version.root(), product.id);
        let headers = [(LOCATION, location), (ETAG, product.etag())];
        let product = version.entity(product);
        Ok((StatusCode::CREATED, version.header(), headers, product).into_response())
    }

    fn read(&self, version: Version, id: &str) -> ODataResult {
        let products = self.lock();
        let product = products.get(id).ok_or(NO_PRODUCT)?;
        let etag = [(ETAG, product.etag())];
        Ok((version.header(), etag, version.entity(product)).into_response())
    }

    fn change(&self, version: Version, id: &str, headers: &HeaderMap, body: &[u8]) -> ODataResult {
        let change: Change = parse(body)?;
        let mut products = self.lock();
        let product = products.get_mut(id).ok_or(NO_PRODUCT)?;
        if let Some(expected) = headers.get(IF_MATCH)
            && expected != "*"
            && *expected != product.etag()
        {
            return Err((StatusCode::PRECONDITION_FAILED, "the product has changed"));
        }
        product.name = change.name;
        product.revision += 1;
        let etag = [(ETAG, product.etag())];
        Ok((StatusCode::NO_CONTENT, version.header(), etag).into_response())
    }

    fn delete(&self, version: Version, id: &str) -> ODataResult {
        self.lock().remove(id).ok_or(NO_PRODUCT)?;
        Ok((StatusCode::NO_CONTENT, version.header()).into_response())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Product>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, (StatusCode, &'static str)> {
    serde_json::from_slice(body).map_err(|_| (StatusCode::BAD_REQUEST, "invalid product"))
}
