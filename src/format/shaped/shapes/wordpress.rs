//! WordPress: `POST /wp-json/batch/v1`.

use http::StatusCode;

use super::title;
use crate::format::shaped::shape::{BodyForm, ItemResult, Member, Output, Shape, Top, TopOutput};
use crate::subresponse::is_success;

/// # WordPress
impl Shape {
    /// The batches of WordPress:
    /// `{"validation":"normal","requests":[{"method":"POST","path":"/wp/v2/posts","body":{…}}]}`
    /// becomes `{"responses":[{"body":{…},"status":201,"headers":{…}}]}` with 207.
    ///
    /// The method of an item that has none is POST. OPTIONS on the batch path is answered with the
    /// maximum of items, where clients look for it.
    ///
    /// With `"validation":"require-all-validate"`, nothing runs if the method, the path, a header
    /// or the body of an item is invalid. The response then has `"failed":"validation"`, and the
    /// valid items have 424. The layer does not know what your handlers check: what they reject
    /// does not stop the other items.
    ///
    /// Errors of the layer itself, and failed items without a body, are
    /// `{"code":…,"message":…,"data":{"status":…}}`.
    /// [`BatchLayer::wordpress`](crate::BatchLayer::wordpress) uses it.
    pub const WORDPRESS: Self = Self {
        envelope: &[
            ("validation", Top::AllValid("require-all-validate")),
            ("requests", Top::Items),
        ],
        item: &[
            ("method", Member::Method),
            ("path", Member::Url),
            ("headers", Member::Headers),
            ("body", Member::Body(BodyForm::Json)),
        ],
        method: Some("POST"),
        is_sequential: true,
        status: StatusCode::MULTI_STATUS,
        response: &[
            ("responses", TopOutput::Responses),
            ("failed", TopOutput::NotValidated("validation")),
        ],
        result: &[
            ("body", Output::Body(BodyForm::Json)),
            ("status", Output::Status),
            ("headers", Output::Headers),
        ],
        document: Some(document),
        options: Some(options),
        ..Self::DEFAULT
    };
}

fn document(result: &ItemResult<'_>) -> Option<(StatusCode, String)> {
    let status = result.status;
    let is_empty_failure = result.body.is_empty() && !is_success(status);
    if result.code.is_none() && !is_empty_failure {
        return None;
    }
    let (code, title) = (result.code.unwrap_or("failed"), title(result));
    let number = status.as_u16();
    let document =
        format!(r#"{{"code":"{code}","message":"{title}","data":{{"status":{number}}}}}"#);
    Some((status, document))
}

fn options(max_items: usize) -> String {
    let validation = r#""validation":{"type":"string","enum":["require-all-validate","normal"],"default":"normal","required":false}"#;
    let requests =
        format!(r#""requests":{{"type":"array","maxItems":{max_items},"required":true}}"#);
    format!(
        r#"{{"namespace":"batch/v1","methods":["POST"],"endpoints":[{{"methods":["POST"],"args":{{{validation},{requests}}}}}]}}"#
    )
}
