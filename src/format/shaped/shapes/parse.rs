//! Parse: `POST /parse/batch`.

use http::StatusCode;

use super::{has_member, title};
use crate::format::shaped::shape::{BodyForm, ItemResult, Member, Output, Shape, Top};
use crate::subresponse::is_success;

/// # Parse
impl Shape {
    /// The batches of Parse:
    /// `{"requests":[{"method":"POST","path":"/parse/classes/Score","body":{…}}]}` becomes
    /// `[{"success":{…}}]`, or `[{"error":{"code":101,"error":"Object not found."}}]` for an item
    /// that failed.
    ///
    /// A response has neither a status nor headers: clients know only `success` and `error`. The
    /// status of an item tells the two apart (2xx and 3xx are successes). An empty body is `{}`.
    /// An error that is not an object with `error` becomes
    /// `{"code":1,"error":…}`, as the errors of the layer itself are.
    ///
    /// The JavaScript client sends `text/plain` to avoid a CORS preflight, and names itself in
    /// members beside `requests`. They become headers of the items (`X-Parse-Application-Id`,
    /// `X-Parse-Session-Token` and so on). A batch from a browser is refused unless the page comes
    /// from the same origin: see
    /// [`allow_cross_site`](crate::ShapedJson::allow_cross_site). `"transaction":true` needs
    /// [transactions](crate::guide::transactions) of the layer, and is refused with 501 without
    /// them. [`BatchLayer::parse`](crate::BatchLayer::parse) uses it.
    pub const PARSE: Self = Self {
        media_types: &["application/json", "text/plain"],
        envelope: &[
            ("requests", Top::Items),
            ("transaction", Top::Atomic),
            ("_ApplicationId", Top::ItemHeader("x-parse-application-id")),
            (
                "_JavaScriptKey",
                Top::ItemHeader("x-parse-javascript-api-key"),
            ),
            ("_MasterKey", Top::ItemHeader("x-parse-master-key")),
            ("_SessionToken", Top::ItemHeader("x-parse-session-token")),
            (
                "_InstallationId",
                Top::ItemHeader("x-parse-installation-id"),
            ),
            ("_ClientVersion", Top::ItemHeader("x-parse-client-version")),
            (
                "_RevocableSession",
                Top::ItemHeader("x-parse-revocable-session"),
            ),
        ],
        item: &[
            ("method", Member::Method),
            ("path", Member::Url),
            ("body", Member::Body(BodyForm::Json)),
        ],
        method: Some("GET"),
        result: &[
            ("success", Output::BodyOfSuccess(BodyForm::Json)),
            ("error", Output::BodyOfFailure(BodyForm::Json)),
        ],
        document: Some(document),
        ..Self::DEFAULT
    };
}

fn document(result: &ItemResult<'_>) -> Option<(StatusCode, String)> {
    let document = if is_success(result.status) {
        result.body.is_empty().then(|| "{}".to_owned())
    } else {
        let is_error = result.code.is_none() && has_member(result.body, &["error"]);
        let title = title(result);
        (!is_error).then(|| format!(r#"{{"code":1,"error":"{title}"}}"#))
    };
    Some((result.status, document?))
}
