//! Why one item failed, where it is the layer that says so and not the wrapped service.

mod style;

use bytes::Bytes;
use http::{HeaderValue, StatusCode};

use crate::problem::{PROBLEM_JSON, Problem};
use crate::status::final_status;

pub use self::style::ItemErrors;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// An item's failure: its status, and the problem document that becomes its body.
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
    Rejected(StatusCode),
    NestedBatch,
    FailedDependency,
    Stopped,
    NotReady,
    CallFailed,
    MappedError(StatusCode),
    Panicked,
    AnswerBroken,
    AnswerTooLarge,
    NotFinal,
    #[cfg_attr(
        not(feature = "multipart"),
        expect(
            dead_code,
            reason = "only multipart frames bodies by what they do not contain"
        )
    )]
    Unframed,
    TotalTooLarge,
    ItemTimeout,
    Deadline,
}

/// A failure in all the words that there are for it.
struct Words {
    status: u16,
    code: &'static str,
    problem: &'static str,
    odata: &'static str,
}

/// One row a fault: status, code, title; the documents are put together by the compiler.
macro_rules! faults {
    ($($fault:ident => $status:literal, $code:literal, $title:literal;)*) => {
        fn words(self) -> Option<Words> {
            match self {
                $(Self::$fault => Some(Words {
                    status: $status,
                    code: $code,
                    problem: concat!(
                        r#"{"type":"about:blank","title":""#, $title, r#"","status":"#, $status, r#","code":""#, $code, r#""}"#
                    ),
                    odata: concat!(r#"{"error":{"code":""#, $code, r#"","message":""#, $title, r#""}}"#),
                }),)*
                Self::Rejected(_) | Self::MappedError(_) => None,
            }
        }
    };
}

impl ItemError {
    faults! {
        Method => 400, "bad-method", "the method is not a method";
        MethodNotAllowed => 405, "method-not-allowed", "the method is not allowed in a batch";
        Target => 400, "bad-target", "the URL is not one that an item may have";
        OutsideMount => 404, "outside-mount", "the URL is not of this service";
        Header => 400, "bad-header", "a header is not valid";
        TooManyHeaders => 400, "too-many-headers", "the item has too many headers, or too long ones";
        Body => 400, "bad-body", "the body is not encoded as its content type asks";
        Base64 => 400, "bad-base64", "the body is not a string of base64";
        UnsupportedEncoding => 400, "unsupported-encoding", "the item's encoding is not supported";
        BodyTooLarge => 413, "body-too-large", "the body is too large";
        NestedBatch => 508, "nested-batch", "a batch cannot be an item of a batch";
        FailedDependency => 424, "failed-dependency", "an item that this one depends on has failed";
        Stopped => 424, "stopped", "an earlier item has failed and the batch was to stop there";
        NotReady => 503, "not-ready", "the service was not ready";
        CallFailed => 500, "call-failed", "the service failed";
        Panicked => 500, "panicked", "the service failed";
        AnswerBroken => 502, "response-broken", "the body of the response broke off";
        AnswerTooLarge => 502, "response-too-large", "the response is too large";
        Unframed => 502, "unframed", "the response cannot be told from the envelope around it";
        NotFinal => 502, "not-final", "the response is not final";
        TotalTooLarge => 507, "total-too-large", "the responses are too large together";
        ItemTimeout => 504, "item-timeout", "the item took too long";
        Deadline => 504, "deadline", "the batch took too long";
    }

    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Rejected(status) | Self::MappedError(status) => final_status(status),
            _ => self
                .words()
                .and_then(|words| StatusCode::from_u16(words.status).ok())
                .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// The stable name that stands as `code` in the item's body.
    pub(crate) fn code(self) -> &'static str {
        match self.words() {
            Some(words) => words.code,
            None if matches!(self, Self::Rejected(_)) => "rejected",
            None => "call-failed",
        }
    }

    /// What the item's body says, and of what type it is.
    pub(crate) fn document(self, style: ItemErrors) -> (HeaderValue, Bytes) {
        let is_odata = style == ItemErrors::ODATA;
        let document = match self.words() {
            Some(words) if is_odata => Bytes::from_static(words.odata.as_bytes()),
            Some(words) => Bytes::from_static(words.problem.as_bytes()),
            None => self.dynamic_document(is_odata),
        };
        match is_odata {
            true => (JSON, document),
            false => (PROBLEM_JSON, document),
        }
    }

    /// Of a status that the user chose.
    fn dynamic_document(self, is_odata: bool) -> Bytes {
        let status = self.status();
        let title = status.canonical_reason().unwrap_or("the item failed");
        let code = self.code();
        match is_odata {
            true => format!(r#"{{"error":{{"code":"{code}","message":"{title}"}}}}"#).into(),
            false => Problem::new(title, status, code).to_bytes(),
        }
    }

    /// Whether the item was given up for what happened to others, so that a format may leave it
    /// out.
    pub(crate) fn is_not_executed(self) -> bool {
        matches!(self, Self::FailedDependency | Self::Stopped)
    }
}
