//! Kinto: `POST /v1/batch`.

use http::StatusCode;

use super::title;
use crate::format::shaped::shape::{BodyForm, ItemResult, Member, Output, Shape, Top, TopOutput};

/// # Kinto
impl Shape {
    /// The batches of Kinto:
    /// `{"defaults":{"method":"PUT"},"requests":[{"path":"/buckets/a","body":{…}}]}` becomes
    /// `{"responses":[{"status":201,"path":"/buckets/a","headers":{…},"body":{…}}]}`.
    ///
    /// Members of `defaults` are added to every item that does not have them. The method of an item
    /// that has none is GET. `path` is the one of the item. An empty body is `{}`, because clients
    /// expect an object. Errors of the layer itself are
    /// `{"code":…,"errno":999,"error":…,"message":…}`.
    ///
    /// Clients read the limit from `settings.batch_max_requests` of `GET /v1/`, which is your own.
    /// [`BatchLayer::kinto`](crate::BatchLayer::kinto) uses it.
    pub const KINTO: Self = Self {
        envelope: &[("defaults", Top::Defaults), ("requests", Top::Items)],
        item: &[
            ("method", Member::Method),
            ("path", Member::Url),
            ("headers", Member::Headers),
            ("body", Member::Body(BodyForm::Json)),
        ],
        method: Some("GET"),
        is_sequential: true,
        response: &[("responses", TopOutput::Responses)],
        result: &[
            ("status", Output::Status),
            ("path", Output::Url),
            ("headers", Output::Headers),
            ("body", Output::Body(BodyForm::Json)),
        ],
        document: Some(document),
        ..Self::DEFAULT
    };
}

fn document(result: &ItemResult<'_>) -> Option<(StatusCode, String)> {
    let status = result.status;
    if result.code.is_some() {
        let (code, title) = (status.as_u16(), title(result));
        let error = status.canonical_reason().unwrap_or_default();
        let document =
            format!(r#"{{"code":{code},"errno":999,"error":"{error}","message":"{title}"}}"#);
        return Some((status, document));
    }
    result.body.is_empty().then(|| (status, "{}".to_owned()))
}
