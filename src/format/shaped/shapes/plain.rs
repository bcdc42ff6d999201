//! Shapes without an API: the default envelope, with other responses.

use http::StatusCode;

use crate::format::shaped::shape::{BodyForm, Member, Output, Shape, Top, TopOutput};

/// # Plain shapes
impl Shape {
    /// The requests of [`Json`](crate::Json), and `{"results":[{"href":…,"status":…,"body":…}]}`
    /// with 207.
    ///
    /// `href` is the URL as the item has it. Responses have no headers: the exact type of a body is
    /// lost, and only its form tells JSON, text and other bytes apart.
    pub const RESULTS: Self = Self {
        envelope: &[("requests", Top::Items)],
        item: &[
            ("id", Member::Id),
            ("method", Member::Method),
            ("url", Member::Url),
            ("headers", Member::Headers),
            ("body", Member::Body(BodyForm::Json)),
            ("dependsOn", Member::DependsOn),
            ("atomicityGroup", Member::Unsupported),
            ("if", Member::Unsupported),
        ],
        status: StatusCode::MULTI_STATUS,
        response: &[("results", TopOutput::Responses)],
        result: &[
            ("href", Output::Url),
            ("status", Output::Status),
            ("body", Output::Body(BodyForm::Json)),
        ],
        ..Self::DEFAULT
    };

    /// An array of items with an `Id`, and an array of `{"Id":…,"status":…,"data":…}` with 200.
    ///
    /// An `Id` is a string or a number, and is written as it came. An item without one has none in
    /// the response. Responses have no headers, as in [`RESULTS`](Self::RESULTS).
    pub const ID_STATUS_DATA: Self = Self {
        item: &[
            ("Id", Member::Id),
            ("method", Member::Method),
            ("url", Member::Url),
            ("headers", Member::Headers),
            ("body", Member::Body(BodyForm::Json)),
        ],
        result: &[
            ("Id", Output::Id),
            ("status", Output::Status),
            ("data", Output::Body(BodyForm::Json)),
        ],
        ..Self::DEFAULT
    };
}
