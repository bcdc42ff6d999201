//! Jive: `POST /api/core/v3/executeBatch`.

use crate::format::shaped::shape::{BodyForm, Member, Output, Shape};

/// # Jive
impl Shape {
    /// The batches of Jive:
    /// `[{"key":"a","request":{"method":"GET","endpoint":"/people/1"}}]` becomes
    /// `[{"id":"a","status":200,"data":{…}}]`. A response that failed has `error` in place of
    /// `data`.
    ///
    /// Expressions such as `${a:$.id}` are not evaluated: an item with one in its endpoint fails
    /// with 400. Responses have no headers, as in [`RESULTS`](Self::RESULTS).
    /// [`BatchLayer::jive`](crate::BatchLayer::jive) uses it.
    pub const JIVE: Self = Self {
        item: &[
            ("key", Member::Id),
            (
                "request",
                Member::Object(&[
                    ("method", Member::Method),
                    ("endpoint", Member::Url),
                    ("body", Member::Body(BodyForm::Json)),
                ]),
            ),
        ],
        evaluated: &["${"],
        is_sequential: true,
        result: &[
            ("id", Output::IdOrPosition),
            ("status", Output::Status),
            ("data", Output::BodyOfSuccess(BodyForm::Json)),
            ("error", Output::BodyOfFailure(BodyForm::Json)),
        ],
        ..Self::DEFAULT
    };
}
