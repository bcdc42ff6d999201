//! Rules for the status of a response.

use http::StatusCode;

/// Whether a response with this status has no body: a 1xx is never final, and 204, 205 and 304 have
/// no body (RFC 9110 §15).
pub(crate) fn has_no_body(status: StatusCode) -> bool {
    status.is_informational()
        || matches!(
            status,
            StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED
        )
}

/// Returns the status, with 500 in the place of a 1xx.
pub(crate) fn final_status(status: StatusCode) -> StatusCode {
    if status.is_informational() {
        StatusCode::INTERNAL_SERVER_ERROR
    } else {
        status
    }
}
