//! ServiceNow: `POST /api/now/v1/batch`.

use http::StatusCode;

use super::title;
use crate::format::shaped::shape::{BodyForm, ItemResult, Member, Output, Shape, Top, TopOutput};

/// # ServiceNow
impl Shape {
    /// The batches of ServiceNow:
    /// `{"batch_request_id":"1","rest_requests":[{"id":"a","method":"GET","url":"/api/now/x"}]}`
    /// becomes `{"serviced_requests":[{"id":"a","body":"e30=","status_code":200,…}],…}`.
    ///
    /// Bodies are base64, and headers arrays of `{"name":…,"value":…}`. An item with
    /// `"exclude_response_headers":true` has no headers in its response. The ids of items that did
    /// not run because another one failed are in `unserviced_requests`. Errors of the layer itself
    /// are `{"error":{"message":…},"status":"failure"}`.
    /// [`BatchLayer::servicenow`](crate::BatchLayer::servicenow) uses it.
    pub const SERVICENOW: Self = Self {
        envelope: &[
            ("batch_request_id", Top::Echo),
            ("rest_requests", Top::Items),
        ],
        item: &[
            ("id", Member::Id),
            ("method", Member::Method),
            ("url", Member::Url),
            ("headers", Member::Headers),
            ("body", Member::Body(BodyForm::Base64)),
            ("exclude_response_headers", Member::WithoutHeaders),
        ],
        response: &[
            ("serviced_requests", TopOutput::Responses),
            ("unserviced_requests", TopOutput::NotRun),
            ("batch_request_id", TopOutput::Echo),
        ],
        result: &[
            ("id", Output::IdOrPosition),
            ("body", Output::Body(BodyForm::Base64)),
            ("status_code", Output::Status),
            ("status_text", Output::Reason),
            ("headers", Output::HeaderList),
        ],
        document: Some(document),
        ..Self::DEFAULT
    };
}

fn document(result: &ItemResult<'_>) -> Option<(StatusCode, String)> {
    result.code?;
    let title = title(result);
    let document = format!(r#"{{"error":{{"message":"{title}"}},"status":"failure"}}"#);
    Some((result.status, document))
}
