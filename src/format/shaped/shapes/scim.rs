//! SCIM: `POST /Bulk` (RFC 7644 §3.7).

use http::StatusCode;

use super::{has_member, title};
use crate::format::shaped::shape::{BodyForm, ItemResult, Member, Output, Shape, Top, TopOutput};

/// # SCIM
impl Shape {
    /// The bulk operations of SCIM (RFC 7644 §3.7):
    /// `{"failOnErrors":1,"Operations":[{"method":"POST","path":"/Users","bulkId":"a","data":…}]}`
    /// becomes `{"Operations":[{"method":"POST","bulkId":"a","location":…,"status":"201",…}]}`.
    ///
    /// - `version` is sent as `If-Match`. In the response, it is the `ETag`.
    /// - `location` is the `Location` of the response, or the path of an item that has none.
    /// - `response` is the body. The one of an item that failed is an error of SCIM: another one
    ///   becomes `{"schemas":[…],"status":…,"detail":…}`, as the errors of the layer itself are.
    /// - After `failOnErrors` errors, the other operations are left out of the response.
    /// - `"bulkId:a"` in `data`, or as a segment of `path`, is replaced by the id of what that
    ///   operation creates, the last segment of its `Location`. It must be an earlier operation: a
    ///   reference to a later one refuses the batch, which RFC 7644 would resolve. So circular
    ///   references do too.
    ///
    /// It reads `application/scim+json` and `application/json`, and writes the former.
    /// [`BatchLayer::scim`](crate::BatchLayer::scim) uses it.
    pub const SCIM: Self = Self {
        media_types: &["application/scim+json", "application/json"],
        envelope: &[
            ("failOnErrors", Top::MaxFailures),
            ("Operations", Top::Items),
        ],
        item: &[
            ("bulkId", Member::Id),
            ("method", Member::Method),
            ("path", Member::Url),
            ("version", Member::Header("if-match")),
            ("data", Member::Body(BodyForm::Json)),
        ],
        has_bulk_ids: true,
        is_sequential: true,
        content_type: "application/scim+json",
        response: &[
            (
                "schemas",
                TopOutput::Fixed(r#"["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]"#),
            ),
            ("Operations", TopOutput::Responses),
        ],
        result: &[
            ("method", Output::Method),
            ("bulkId", Output::Id),
            ("location", Output::Location),
            ("version", Output::Header("etag")),
            ("status", Output::StatusText),
            ("response", Output::Body(BodyForm::Json)),
        ],
        omits_stopped: true,
        document: Some(document),
        ..Self::DEFAULT
    };
}

fn document(result: &ItemResult<'_>) -> Option<(StatusCode, String)> {
    let status = result.status;
    let is_error = result.code.is_none() && has_member(result.body, &["schemas", "detail"]);
    if status.is_success() || is_error {
        return None;
    }
    let (number, title) = (status.as_u16(), title(result));
    let schemas = r#"["urn:ietf:params:scim:api:messages:2.0:Error"]"#;
    let document = format!(r#"{{"schemas":{schemas},"status":"{number}","detail":"{title}"}}"#);
    Some((status, document))
}
