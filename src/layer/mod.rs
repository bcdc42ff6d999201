//! `BatchLayer` and its settings.

use std::sync::Arc;

use http::Request;
use tower::{Layer, Service};

use crate::config::Config;
use crate::service::Batch;

// The documentation has the methods in the order of these modules. Blank lines keep rustfmt from
// sorting them.
mod constructors;

#[cfg(feature = "shapes")]
mod shapes;

mod formats;

mod limits;

mod items;

mod responses;

mod hooks;

mod dialects;

mod checks;

#[cfg(feature = "json")]
mod openapi;

/// Layer that gives a service a batch endpoint.
///
/// A POST to the batch path is a batch. The layer reads and checks the whole envelope, runs each
/// item on a clone of the inner service, and writes the responses into one envelope. Every other
/// request goes to the inner service unchanged.
///
/// See the [guide](crate::guide), and its page on [what fails an item, and what refuses the
/// batch](crate::guide::errors).
///
/// ```
/// use axum::{Json, Router, extract::Path, routing::get};
/// use http::{Request, StatusCode};
/// use http_body_util::BodyExt;
/// use serde_json::{Value, json};
/// use tower::{Layer, ServiceExt};
/// use tower_multistatus::BatchLayer;
///
/// async fn user(Path(id): Path<u32>) -> Json<Value> {
///     Json(json!({ "id": id }))
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let api: Router = Router::new().route("/users/{id}", get(user));
/// let batch = BatchLayer::new("/batch").layer(api.clone());
/// let app: Router = api.route_service("/batch", batch);
///
/// let batch = r#"{"requests":[
///     {"id":"a","method":"GET","url":"/users/1"},
///     {"id":"b","method":"GET","url":"/x"}]}"#;
/// let request = Request::post("/batch")
///     .header("content-type", "application/json")
///     .body(batch.to_owned())
///     .unwrap();
/// let response = app.oneshot(request).await.unwrap();
/// assert_eq!(response.status(), StatusCode::MULTI_STATUS);
///
/// let body = response.into_body().collect().await.unwrap().to_bytes();
/// let body: Value = serde_json::from_slice(&body).unwrap();
/// assert_eq!(body["responses"][0]["body"], json!({ "id": 1 }));
/// assert_eq!(body["responses"][1]["status"], 404);
/// # });
/// ```
///
/// # All settings
///
/// In the order of the sections below.
///
/// | setting | default |
/// | --- | --- |
/// | **Formats** | |
/// | [`format`](Self::format), [`clear_formats`](Self::clear_formats) | [`Json`](crate::Json), [`NdJson`](crate::NdJson) |
/// | **Limits of number and size** | |
/// | [`max_items`](Self::max_items) | 100 items |
/// | [`max_envelope_bytes`](Self::max_envelope_bytes) | 1 MiB |
/// | [`max_item_body_bytes`](Self::max_item_body_bytes) | 256 KiB |
/// | [`max_response_bytes`](Self::max_response_bytes) | 1 MiB per item |
/// | [`max_total_response_bytes`](Self::max_total_response_bytes) | 8 MiB, if buffered |
/// | [`max_streamed_items`](Self::max_streamed_items), [`max_remembered_ids`](Self::max_remembered_ids) | 1,000,000 and 10,000, for streams |
/// | **Concurrency** | |
/// | [`concurrency`](Self::concurrency) | 8 items |
/// | [`executor`](Self::executor) | none: items run in the task of the outer request |
/// | **Limits of time** | |
/// | [`item_timeout`](Self::item_timeout), [`batch_timeout`](Self::batch_timeout) | 10 s, 30 s |
/// | [`idle_timeout`](Self::idle_timeout) | 30 s, for streams |
/// | **Requests of items** | |
/// | [`item_headers`](Self::item_headers) | [`ItemHeaders::guarded`](crate::ItemHeaders::guarded) |
/// | [`item_request_ids`](Self::item_request_ids) | none: items inherit the request id of the outer request |
/// | [`allow_methods`](Self::allow_methods) | GET HEAD POST PUT PATCH DELETE OPTIONS |
/// | [`base`](Self::base) | the folder of the batch path, for relative URLs |
/// | [`mounted_at`](Self::mounted_at) | no prefix |
/// | [`public_origin`](Self::public_origin) | none |
/// | [`inherit_extension`](Self::inherit_extension) | no type |
/// | **Responses** | |
/// | [`status`](Self::status) | 207 |
/// | [`order`](Self::order) | that of the items; if streamed, that of completion |
/// | [`streamed`](Self::streamed) | NDJSON only |
/// | [`continue_on_error`](Self::continue_on_error) | yes |
/// | [`set_cookie`](Self::set_cookie) | [`SetCookie::discard`](crate::SetCookie::discard) |
/// | [`item_errors`](Self::item_errors) | [`ItemErrors::problem`](crate::ItemErrors::problem) |
/// | [`server_timing`](Self::server_timing) | no |
/// | **The batch path** | |
/// | [`exclusive`](Self::exclusive), [`describe`](Self::describe), `page` | no |
/// | **User callbacks** | |
/// | [`when`](Self::when), [`admit`](Self::admit), [`filter`](Self::filter), [`map_error`](Self::map_error) | none |
/// | [`on_response`](Self::on_response), [`route_extension`](Self::route_extension), [`on_batch`](Self::on_batch) | none |
/// | **Settings for published protocols** | |
/// | [`change_sets`](Self::change_sets) | [`ChangeSets::refuse`](crate::ChangeSets::refuse): 501 |
/// | [`references`](Self::references), [`encode_urls`](Self::encode_urls) | no |
/// | [`echo_headers`](Self::echo_headers) | none |
///
/// [`is_batch`](Self::is_batch), [`check`](Self::check), [`path`](Self::path) and
/// [`mount`](Self::mount) are for layers outside, which look at a batch before it runs.
#[derive(Clone, Debug)]
#[must_use]
pub struct BatchLayer {
    config: Arc<Config>,
}

impl BatchLayer {
    fn with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }
}

impl<S> Layer<S> for BatchLayer {
    type Service = Batch<S>;

    fn layer(&self, inner: S) -> Batch<S> {
        Batch::new(inner, Arc::clone(&self.config))
    }
}

/// Returns the service unchanged. Compiles only if it is a service for requests with this body.
///
/// If the compiler rejects a layered service with "the method exists but its trait bounds were not
/// satisfied" (E0599), put this function around it. The compiler then names the bound, and the type
/// that it found. See [`compile_errors`](crate::guide::compile_errors).
///
/// ```
/// use axum::{Router, body::Body};
/// use tower::Layer;
/// use tower_multistatus::{BatchLayer, check_service};
///
/// let service = BatchLayer::new("/batch").layer(Router::new());
/// let service = check_service::<Body, _>(service);
/// ```
pub fn check_service<B, S: Service<Request<B>>>(service: S) -> S {
    service
}
