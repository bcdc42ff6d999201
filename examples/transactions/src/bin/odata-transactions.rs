//! The OData service of the example `odata`, with products in the database: change sets are
//! transactions.
//!
//! It listens on 127.0.0.1:3000, or on the port in `PORT` (0 is any free port). The database is
//! that of `DATABASE_URL`, or a SQLite file in a temporary folder. Its table `example_products` is
//! created anew.

use std::error::Error;

use axum::body::Bytes;
use axum::extract::{Path, Query};
use axum::http::header::{CONTENT_TYPE, ETAG, IF_MATCH, LOCATION};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Extension, Router};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{Executor, Row};
use tower::Layer;
use tower_multistatus::{BatchLayer, ChangeSets};
use transactions::bank::Bank;
use transactions::db::{Db, Work};
use transactions::error::Failure;
use transactions::server::{listen, open_bank, serve};

#[path = "../../../odata/version.rs"]
mod version;

use version::{METADATA, Version};

const TABLE: &str = "
    DROP TABLE IF EXISTS example_products;
    CREATE TABLE example_products (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        revision BIGINT NOT NULL DEFAULT 1
    );
    INSERT INTO example_products (id, name) VALUES ('tea', 'Tea'), ('coffee', 'Coffee')";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (bank, _folder) = open_bank().await?;
    bank.pool().execute(TABLE).await?;
    let api = Router::new()
        .nest("/odata4", service(Version::Four))
        .nest("/odata2", service(Version::Two))
        .with_state(bank.clone());
    let change_sets = ChangeSets::in_transactions(bank.clone());
    let four = BatchLayer::odata("/odata4/$batch").change_sets(change_sets.clone());
    let two = BatchLayer::odata("/odata2/$batch")
        .change_sets(change_sets)
        .status(StatusCode::ACCEPTED);
    let app = api
        .clone()
        .route_service("/odata4/$batch", four.layer(api.clone()))
        .route_service("/odata2/$batch", two.layer(api));
    serve(listen("").await?, app, &bank).await
}

fn service(version: Version) -> Router<Bank> {
    let metadata = async || ([(CONTENT_TYPE, "application/xml")], METADATA);
    Router::new()
        .route("/$metadata", get(metadata))
        .route("/{*resource}", any(resource))
        .layer(Extension(version))
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Product {
    id: String,
    name: String,
    #[serde(skip)]
    revision: i64,
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

impl Product {
    fn of(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            revision: row.try_get("revision")?,
        })
    }

    async fn find(work: &mut Work, id: &str) -> Result<Self, Failure> {
        let select =
            sqlx::query("SELECT id, name, revision FROM example_products WHERE id = $1").bind(id);
        let row = select.fetch_optional(&mut **work).await?;
        Ok(Self::of(&row.ok_or(NO_PRODUCT)?)?)
    }

    fn etag(&self) -> String {
        format!("W/\"{}\"", self.revision)
    }
}

const NO_PRODUCT: Failure = Failure::Refused(StatusCode::NOT_FOUND, "no such product");

async fn resource(
    db: Db,
    Extension(version): Extension<Version>,
    method: Method,
    Path(resource): Path<String>,
    Query(options): Query<Options>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let key = resource
        .strip_prefix("Products('")
        .and_then(|rest| rest.strip_suffix("')"));
    let respond = async {
        let mut work = match method {
            Method::GET => db.read().await?,
            _ => db.write().await?,
        };
        let response = match (method.as_str(), resource.as_str(), key) {
            ("GET", "Products", _) => list(&mut work, version, options.filter).await,
            ("POST", "Products", _) => create(&mut work, version, &body).await,
            ("GET", _, Some(id)) => read(&mut work, version, id).await,
            ("PATCH" | "MERGE", _, Some(id)) => {
                change(&mut work, version, id, &headers, &body).await
            }
            ("DELETE", _, Some(id)) => delete(&mut work, version, id).await,
            _ => Err(Failure::Refused(StatusCode::NOT_FOUND, "no such resource")),
        }?;
        work.commit().await?;
        Ok(response)
    };
    match respond.await {
        Ok(response) => response,
        Err(Failure::Refused(status, message)) => version.error(status, message),
        Err(failure) => failure.into_response(),
    }
}

type ODataResult = Result<Response, Failure>;

/// Lists products. The only `$filter` is `Name eq '..'`.
async fn list(work: &mut Work, version: Version, filter: Option<String>) -> ODataResult {
    let filter = filter.as_deref();
    let name = filter.and_then(|filter| filter.strip_prefix("Name eq '")?.strip_suffix('\''));
    let select =
        "SELECT id, name, revision FROM example_products WHERE name = $1 OR $2 ORDER BY id";
    let select = sqlx::query(select)
        .bind(name.unwrap_or_default())
        .bind(name.is_none());
    let rows = select.fetch_all(&mut **work).await?;
    let products: Result<Vec<_>, _> = rows.iter().map(Product::of).collect();
    Ok((version.header(), version.collection(products?)).into_response())
}

async fn create(work: &mut Work, version: Version, body: &[u8]) -> ODataResult {
    let Product { id, name, .. } = parse(body)?;
    let insert = "INSERT INTO example_products (id, name) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    let insert = sqlx::query(insert).bind(&id).bind(&name);
    if insert.execute(&mut **work).await?.rows_affected() == 0 {
        let title = "the product exists already";
        return Err(Failure::Refused(StatusCode::CONFLICT, title));
    }
    let product = Product::find(work, &id).await?;
    let location = format!("{}/Products('{id}')", version.root());
    let headers = [(LOCATION, location), (ETAG, product.etag())];
    let product = version.entity(product);
    Ok((StatusCode::CREATED, version.header(), headers, product).into_response())
}

async fn read(work: &mut Work, version: Version, id: &str) -> ODataResult {
    let product = Product::find(work, id).await?;
    let etag = [(ETAG, product.etag())];
    Ok((version.header(), etag, version.entity(product)).into_response())
}

async fn change(
    work: &mut Work,
    version: Version,
    id: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> ODataResult {
    let change: Change = parse(body)?;
    let mut product = Product::find(work, id).await?;
    if let Some(expected) = headers.get(IF_MATCH)
        && expected != "*"
        && *expected != product.etag()
    {
        let title = "the product has changed";
        return Err(Failure::Refused(StatusCode::PRECONDITION_FAILED, title));
    }
    product.revision += 1;
    let update = sqlx::query("UPDATE example_products SET name = $1, revision = $2 WHERE id = $3");
    let update = update.bind(&change.name).bind(product.revision).bind(id);
    update.execute(&mut **work).await?;
    let etag = [(ETAG, product.etag())];
    Ok((StatusCode::NO_CONTENT, version.header(), etag).into_response())
}

async fn delete(work: &mut Work, version: Version, id: &str) -> ODataResult {
    let delete = sqlx::query("DELETE FROM example_products WHERE id = $1").bind(id);
    match delete.execute(&mut **work).await?.rows_affected() {
        0 => Err(NO_PRODUCT),
        _ => Ok((StatusCode::NO_CONTENT, version.header()).into_response()),
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    let refused = Failure::Refused(StatusCode::BAD_REQUEST, "invalid product");
    serde_json::from_slice(body).map_err(|_| refused)
}
