//! Facebook's Graph API: `POST /v19.0/` with the form field `batch`.

use http::StatusCode;

use super::{has_member, title};
use crate::format::shaped::shape::{BodyForm, ItemResult, Member, Output, Shape, Top};
use crate::subresponse::is_success;

/// # Facebook
impl Shape {
    /// The batches of Facebook's Graph API: the form field or JSON member `batch`, with
    /// `[{"method":"POST","relative_url":"me/feed","body":"message=hello"}]`, becomes
    /// `[{"code":200,"headers":[{"name":…,"value":…}],"body":"{…}"}]`, where the body is a string.
    ///
    /// Bodies of items are forms. An item can depend on an earlier one by its `name`
    /// (`depends_on`). The `access_token` of the envelope becomes a query parameter of each item
    /// that has none. `include_headers=false` leaves headers out. With
    /// `"omit_response_on_success":true`, the response of an item that succeeds is `null`.
    ///
    /// `{result=name:$.id}` is not evaluated: an item with such an expression fails with 400, and
    /// so does one with `attached_files`.
    ///
    /// Clients take a body without `error` for a success, whatever its status. So a failed item
    /// without one becomes `{"error":{"message":…,"type":"GraphMethodException","code":1}}`, as the
    /// errors of the layer itself are. An empty success becomes `{"success":true}`.
    ///
    /// Any web page can send a form. A batch from a browser is refused unless the page comes from
    /// the same origin: see [`allow_cross_site`](crate::ShapedJson::allow_cross_site).
    /// [`BatchLayer::facebook`](crate::BatchLayer::facebook) uses it.
    pub const FACEBOOK: Self = Self {
        media_types: &["application/json", "application/x-www-form-urlencoded"],
        envelope: &[
            ("batch", Top::Items),
            ("access_token", Top::ItemQuery("access_token")),
            ("include_headers", Top::WithHeaders),
        ],
        item: &[
            ("name", Member::Name),
            ("method", Member::Method),
            ("relative_url", Member::Url),
            ("headers", Member::Headers),
            (
                "body",
                Member::Body(BodyForm::Text("application/x-www-form-urlencoded")),
            ),
            ("depends_on", Member::DependsOn),
            ("omit_response_on_success", Member::NullOnSuccess),
            ("attached_files", Member::Unsupported),
        ],
        evaluated: &["{result="],
        result: &[
            ("code", Output::Status),
            ("headers", Output::HeaderList),
            ("body", Output::Body(BodyForm::Text("application/json"))),
        ],
        document: Some(document),
        ..Self::DEFAULT
    };
}

fn document(result: &ItemResult<'_>) -> Option<(StatusCode, String)> {
    let document = if is_success(result.status) {
        let empty = || r#"{"success":true}"#.to_owned();
        result.body.is_empty().then(empty)
    } else {
        let is_error = result.code.is_none() && has_member(result.body, &["error"]);
        let title = title(result);
        let error = || {
            format!(r#"{{"error":{{"message":"{title}","type":"GraphMethodException","code":1}}}}"#)
        };
        (!is_error).then(error)
    };
    Some((result.status, document?))
}
