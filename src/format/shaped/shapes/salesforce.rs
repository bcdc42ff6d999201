//! Salesforce: `POST /services/data/v60.0/composite/batch`.

use http::StatusCode;

use super::title;
use crate::format::shaped::shape::{BodyForm, ItemResult, Member, Output, Shape, Top, TopOutput};

/// # Salesforce
impl Shape {
    /// The batches of Salesforce:
    /// `{"haltOnError":true,"batchRequests":[{"method":"POST","url":"v60.0/x","richInput":…}]}`
    /// becomes `{"results":[{"statusCode":201,"result":{…}}],"hasErrors":false}`.
    ///
    /// With `haltOnError`, the items after one that fails have 412 and `BATCH_PROCESSING_HALTED`.
    /// Other errors of the layer itself are `[{"errorCode":…,"message":…}]` as well. Responses have
    /// no headers, as in [`RESULTS`](Self::RESULTS). Binary parts (`binaryPartName`) fail their
    /// item. [`BatchLayer::salesforce`](crate::BatchLayer::salesforce) uses it.
    pub const SALESFORCE: Self = Self {
        envelope: &[
            ("haltOnError", Top::StopOnFailure),
            ("batchRequests", Top::Items),
        ],
        item: &[
            ("method", Member::Method),
            ("url", Member::Url),
            ("richInput", Member::Body(BodyForm::Json)),
            ("binaryPartName", Member::Unsupported),
            ("binaryPartNameAlias", Member::Unsupported),
        ],
        evaluated: &["@{"],
        is_sequential: true,
        response: &[
            ("results", TopOutput::Responses),
            ("hasErrors", TopOutput::HasFailures),
        ],
        result: &[
            ("statusCode", Output::Status),
            ("result", Output::Body(BodyForm::Json)),
        ],
        document: Some(document),
        ..Self::DEFAULT
    };
}

fn document(result: &ItemResult<'_>) -> Option<(StatusCode, String)> {
    let (status, code, message) = match result.code? {
        "stopped" => (
            StatusCode::PRECONDITION_FAILED,
            "BATCH_PROCESSING_HALTED".to_owned(),
            "Batch processing halted per request",
        ),
        code => {
            let code = code.replace('-', "_").to_ascii_uppercase();
            (result.status, code, title(result))
        }
    };
    let document = format!(r#"[{{"errorCode":"{code}","message":"{message}"}}]"#);
    Some((status, document))
}
