//! Errors of single items that the layer itself reports.

mod style;

use bytes::Bytes;
use http::{HeaderValue, StatusCode};

use crate::problem::{PROBLEM_JSON, Problem};
use crate::status::final_status;

pub use self::style::ItemErrors;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The error of an item. It has a status, and a document that becomes the body of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ItemError {
    Method,
    MethodNotAllowed,
    Target,
    OutsideMount,
    Header,
    TooManyHeaders,
    Body,
    #[cfg_attr(
        not(feature = "json"),
        expect(dead_code, reason = "only JSON has bodies in base64")
    )]
    Base64,
    BodyTooLarge,
    #[cfg_attr(
        not(feature = "multipart"),
        expect(dead_code, reason = "only multipart has encodings")
    )]
    UnsupportedEncoding,
    #[cfg_attr(
        not(feature = "shapes"),
        expect(
            dead_code,
            reason = "only shapes have members that they do not support"
        )
    )]
    UnsupportedMember,
    Rejected(StatusCode),
    NestedBatch,
    FailedDependency,
    ForgottenDependency,
    RolledBack,
    BeginFailed,
    CommitFailed,
    UnknownOutcome,
    Conflict,
    Stopped,
    NotValidated,
    NotReady,
    CallFailed,
    MappedError(StatusCode),
    Panicked,
    ResponseBroken,
    ResponseTooLarge,
    InformationalStatus,
    #[cfg_attr(
        not(feature = "multipart"),
        expect(
            dead_code,
            reason = "only multipart has a boundary that a body could contain"
        )
    )]
    Unframed,
    TotalTooLarge,
    ItemTimeout,
    BatchTimeout,
}

/// The fixed texts of an error.
struct FixedError {
    status: u16,
    code: &'static str,
    problem: &'static str,
    odata: &'static str,
}

/// One row per error: status, code, title. The documents are concatenated at compile time.
macro_rules! item_errors {
    ($($error:ident => $status:literal, $code:literal, $title:literal;)*) => {
        fn fixed(self) -> Option<FixedError> {
            match self {
                $(Self::$error => Some(FixedError {
                    status: $status,
                    code: $code,
                    problem: concat!(
                        r#"{"type":"about:blank","title":""#, $title,
                        r#"","status":"#, $status,
                        r#","code":""#, $code, r#""}"#,
                    ),
                    odata: concat!(
                        r#"{"error":{"code":""#, $code, r#"","message":""#, $title, r#""}}"#,
                    ),
                }),)*
                Self::Rejected(_) | Self::MappedError(_) => None,
            }
        }

        /// The title of the item's body.
        pub(crate) fn title(self) -> &'static str {
            match self {
                $(Self::$error => $title,)*
                Self::Rejected(_) | Self::MappedError(_) => {
                    self.status().canonical_reason().unwrap_or("the item failed")
                }
            }
        }
    };
}

impl ItemError {
    item_errors! {
        Method => 400, "bad-method", "the method is invalid";
        MethodNotAllowed => 405, "method-not-allowed", "the method is not allowed in a batch";
        Target => 400, "bad-target", "the URL is not allowed in an item";
        OutsideMount => 404, "outside-mount", "the URL is outside of this service";
        Header => 400, "bad-header", "a header is invalid";
        TooManyHeaders => 400, "too-many-headers", "the item has too many or too large headers";
        Body => 400, "bad-body", "the body does not match its content type";
        Base64 => 400, "bad-base64", "the body is not valid base64";
        UnsupportedEncoding => 400, "unsupported-encoding", "the item's encoding is not supported";
        UnsupportedMember => 400, "unsupported-member", "a member of the item is not supported";
        BodyTooLarge => 413, "body-too-large", "the body is too large";
        NestedBatch => 508, "nested-batch", "a batch cannot contain another batch";
        FailedDependency => 424, "failed-dependency", "an item that this one depends on has failed";
        ForgottenDependency => 424, "forgotten-dependency", "an item that this one depends on is not remembered";
        RolledBack => 424, "rolled-back", "another item of the group has failed";
        BeginFailed => 503, "begin-failed", "the transaction could not begin";
        CommitFailed => 500, "commit-failed", "the transaction could not be committed";
        UnknownOutcome => 500, "unknown-outcome", "it is unknown whether the transaction was committed";
        Conflict => 503, "conflict", "the transaction conflicts with another one";
        Stopped => 424, "stopped", "the batch stopped after an earlier item failed";
        NotValidated => 424, "not-validated", "another item of the batch is invalid";
        NotReady => 503, "not-ready", "the service was not ready";
        CallFailed => 500, "call-failed", "the service failed";
        Panicked => 500, "panicked", "the service panicked";
        ResponseBroken => 502, "response-broken", "the body of the response failed before its end";
        ResponseTooLarge => 502, "response-too-large", "the response is too large";
        Unframed => 502, "unframed", "the response contains the boundary of the envelope";
        InformationalStatus => 502, "not-final", "the service returned an informational status";
        TotalTooLarge => 507, "total-too-large", "the responses exceed the total size limit";
        ItemTimeout => 504, "item-timeout", "the item timed out";
        BatchTimeout => 504, "deadline", "the batch timed out";
    }

    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Rejected(status) | Self::MappedError(status) => final_status(status),
            _ => self
                .fixed()
                .and_then(|fixed| StatusCode::from_u16(fixed.status).ok())
                .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// The stable name of the error, which is the `code` in the item's body.
    pub(crate) fn code(self) -> &'static str {
        match self.fixed() {
            Some(fixed) => fixed.code,
            None if matches!(self, Self::Rejected(_)) => "rejected",
            None => "call-failed",
        }
    }

    /// The content type and the bytes of the item's body.
    pub(crate) fn document(self, style: ItemErrors) -> (HeaderValue, Bytes) {
        let is_odata = style == ItemErrors::ODATA;
        let document = match self.fixed() {
            Some(fixed) if is_odata => Bytes::from_static(fixed.odata.as_bytes()),
            Some(fixed) => Bytes::from_static(fixed.problem.as_bytes()),
            None => self.dynamic_document(is_odata),
        };
        if is_odata {
            (JSON, document)
        } else {
            (PROBLEM_JSON, document)
        }
    }

    /// The document of a status that a user callback has chosen.
    fn dynamic_document(self, is_odata: bool) -> Bytes {
        let status = self.status();
        let title = self.title();
        let code = self.code();
        if is_odata {
            format!(r#"{{"error":{{"code":"{code}","message":"{title}"}}}}"#).into()
        } else {
            Problem::new(title, status, code).to_bytes()
        }
    }

    /// Whether the item was not executed because of other items. Formats may leave such items out.
    pub(crate) fn is_not_executed(self) -> bool {
        matches!(
            self,
            Self::FailedDependency
                | Self::ForgottenDependency
                | Self::RolledBack
                | Self::Stopped
                | Self::NotValidated
        )
    }
}
