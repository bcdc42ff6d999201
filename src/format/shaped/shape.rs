//! `Shape`: what a JSON batch of some API looks like, as data.

use http::StatusCode;

/// The JSON batches of one API, as data: which members an envelope has, and what they mean.
///
/// [`Json::shaped`](crate::Json::shaped) makes a format of it. The constants are shapes of
/// well-known APIs. [`guide::shapes`](crate::guide::shapes) shows how to write one.
///
/// Every field has a default, that of [`Shape::DEFAULT`]. Write `..Shape::DEFAULT` at the end, and
/// a field that a later version adds does not break your code.
///
/// ```
/// use tower_multistatus::{BatchLayer, Json};
/// use tower_multistatus::shape::{BodyForm, Member, Output, Shape, TopOutput};
///
/// // [{"verb":"GET","href":"/users/1"}] becomes {"replies":[{"code":200,"content":{"id":1}}]}.
/// const MINE: Shape = Shape {
///     item: &[("verb", Member::Method), ("href", Member::Url)],
///     response: &[("replies", TopOutput::Responses)],
///     result: &[("code", Output::Status), ("content", Output::Body(BodyForm::Json))],
///     ..Shape::DEFAULT
/// };
///
/// let layer = BatchLayer::new("/batch").clear_formats().format(Json::shaped(&MINE));
/// ```
///
/// # Rules of all shapes
///
/// - A member that occurs twice in one object refuses the batch. So does a name that differs from a
///   known one only by case, `_` or `-`, because it would be ignored otherwise. Other unknown
///   members are ignored.
/// - An item is an object. One without an id has its position as id, counted from 1.
/// - Headers are an object of names to strings or arrays of strings, or an array of
///   `{"name":…,"value":…}`.
/// - A wrong type or an invalid value fails its item with 400. One that is about the whole batch
///   refuses it.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// The media types of envelopes that are read, in lower case. The first one is the name of the
    /// format. The default is `application/json`. A form (`application/x-www-form-urlencoded`) has
    /// the members of the envelope as its fields. A body of `text/plain` is JSON.
    ///
    /// Any web page can send forms and `text/plain` with the cookies of its reader: see
    /// [`ShapedJson::allow_cross_site`](crate::ShapedJson::allow_cross_site).
    pub media_types: &'static [&'static str],
    /// The members of an envelope. If there are none, which is the default, an envelope is the
    /// array of items itself.
    pub envelope: &'static [(&'static str, Top)],
    /// The members of an item. A body must stand after the headers, which say how it is read.
    pub item: &'static [(&'static str, Member)],
    /// The method of an item that has none. The default is `None`: such an item fails with 400.
    pub method: Option<&'static str>,
    /// Whether a string `"bulkId:<id>"` in the JSON body of an item, and a segment `bulkId:<id>` of
    /// its URL, is replaced by the id of what that earlier item creates: the last segment of its
    /// `Location` (RFC 7644 §3.7.2). The item waits for the earlier one. The default is `false`.
    pub has_bulk_ids: bool,
    /// Texts that the API would evaluate, such as `{result=`. The layer evaluates nothing: an item
    /// that has one in its URL, or in a body of [`BodyForm::Text`], fails with 400. The default is
    /// none.
    pub evaluated: &'static [&'static str],
    /// Whether items run one after the other. The default is `false`.
    pub is_sequential: bool,
    /// The `Content-Type` of the outer response. The default is `application/json`.
    pub content_type: &'static str,
    /// The status of the outer response. The default is 200.
    pub status: StatusCode,
    /// The members of the envelope of responses. If there are none, which is the default, it is the
    /// array of responses itself.
    pub response: &'static [(&'static str, TopOutput)],
    /// The members of one response.
    pub result: &'static [(&'static str, Output)],
    /// Whether items that did not run because the batch [stopped](Top::MaxFailures) are left out of
    /// the array. The default is `false`: they have a response with 424.
    pub omits_stopped: bool,
    /// A hook that can replace the status and the body of a result, for clients that need errors
    /// of the API's own kind, or a body where there is none. It returns a JSON document, or `None`
    /// to leave the result as it is. By default the errors of the layer itself are problem
    /// documents (RFC 9457), or what [`item_errors`](crate::BatchLayer::item_errors) says, and an
    /// empty body is `null`.
    ///
    /// The hook also writes the refusals of whole batches, whose status it cannot change. If the
    /// responses become too large together, a document of more than 256 bytes is left out.
    pub document: Option<Document>,
    /// A hook that returns the response to OPTIONS on the batch path, as JSON, by the maximum of
    /// items. By default OPTIONS goes to the inner service.
    pub options: Option<fn(usize) -> String>,
}

impl Shape {
    /// An array of items, and an array of responses. It has no members yet.
    pub const DEFAULT: Self = Self {
        media_types: &["application/json"],
        envelope: &[],
        item: &[],
        method: None,
        has_bulk_ids: false,
        evaluated: &[],
        is_sequential: false,
        content_type: "application/json",
        status: StatusCode::OK,
        response: &[],
        result: &[],
        omits_stopped: false,
        document: None,
        options: None,
    };
}

/// The hook [`Shape::document`]: the status and the body that a result has in the envelope.
pub type Document = fn(&ItemResult<'_>) -> Option<(StatusCode, String)>;

/// What the hook [`Shape::document`] gets: the response of an item, or the refusal of a batch.
///
/// ```
/// use http::StatusCode;
/// use tower_multistatus::shape::{ItemResult, Shape};
///
/// /// Writes the errors of the layer itself as `{"message":…}`.
/// fn document(result: &ItemResult<'_>) -> Option<(StatusCode, String)> {
///     let title = result.title?;
///     Some((result.status, format!(r#"{{"message":"{title}"}}"#)))
/// }
///
/// const MINE: Shape = Shape { document: Some(document), ..Shape::DEFAULT };
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ItemResult<'a> {
    /// The status.
    pub status: StatusCode,
    /// The body.
    pub body: &'a [u8],
    /// The stable code of an error of the layer itself, such as `item-timeout`.
    pub code: Option<&'static str>,
    /// The title of an error of the layer itself, a fixed phrase that needs no escapes in JSON.
    pub title: Option<&'static str>,
    /// Whether the item did not run because of other items.
    pub is_not_run: bool,
}

/// What a member of an envelope means.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Top {
    /// The array of items. Required.
    Items,
    /// An object whose members are added to each item that does not have them, to objects inside of
    /// it as well. All items together, each counted with the defaults, must be within
    /// [`max_envelope_bytes`](crate::BatchLayer::max_envelope_bytes).
    Defaults,
    /// `true` stops the batch after the first item that fails.
    StopOnFailure,
    /// `true` makes the batch one group that succeeds or fails as a whole. It is refused with 501
    /// unless the layer has [transactions](crate::guide::transactions).
    Atomic,
    /// The number of failed items after which the batch stops.
    MaxFailures,
    /// This string says that nothing runs unless the method, URL, headers and body of each item are
    /// valid. Any other string does not.
    AllValid(&'static str),
    /// `false` leaves the headers of all responses out.
    WithHeaders,
    /// A string of at most 256 bytes, or a number, that [`TopOutput::Echo`] writes again, as a
    /// string.
    Echo,
    /// A string that becomes this header of every item that does not have it. It obeys
    /// [`item_headers`](crate::BatchLayer::item_headers), as every header of an item.
    ItemHeader(&'static str),
    /// A string that becomes this query parameter of every item that does not have it.
    ItemQuery(&'static str),
    /// A member that must not be ignored, and that the shape does not support. Unless it is `null`,
    /// the batch is refused.
    Unsupported,
}

/// What a member of an item means.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Member {
    /// The id, a string or a number. Unique in the batch.
    Id,
    /// A name that [`DependsOn`](Self::DependsOn) uses in place of an id. Two items can have the
    /// same, as long as no other depends on it.
    Name,
    /// The method.
    Method,
    /// The URL.
    Url,
    /// The headers.
    Headers,
    /// The value of this header.
    Header(&'static str),
    /// The body.
    Body(BodyForm),
    /// The id or name of an earlier item, or an array of them. All must succeed before this item
    /// runs.
    DependsOn,
    /// An object with further members.
    Object(&'static [(&'static str, Member)]),
    /// `true` writes `null` in place of a response whose status is a 2xx or a 3xx.
    NullOnSuccess,
    /// `true` leaves the headers of the response out.
    WithoutHeaders,
    /// A member that must not be ignored, and that the shape does not support. Unless it is `null`,
    /// the item fails with 400.
    Unsupported,
}

/// What a member of the envelope of responses is.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum TopOutput {
    /// The array of responses.
    Responses,
    /// This JSON.
    Fixed(&'static str),
    /// The value of [`Top::Echo`], as a string. Left out if the envelope has no items.
    Echo,
    /// Whether an item has failed.
    HasFailures,
    /// The ids of the items that did not run, which are left out of the array.
    NotRun,
    /// This string, if [`Top::AllValid`] has kept all items from running. Left out otherwise.
    NotValidated(&'static str),
}

/// What a member of one response is.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Output {
    /// The id: a string or a number, as the envelope has it. Left out if the item has none.
    Id,
    /// The id, or the position of an item that has none, as a string.
    IdOrPosition,
    /// The status as a number.
    Status,
    /// The status as a string of three digits.
    StatusText,
    /// The status and its standard reason, as in `HTTP/1.1 404 Not Found`.
    StatusLine,
    /// The standard reason of the status.
    Reason,
    /// The method of the item.
    Method,
    /// The URL, as the item has it.
    Url,
    /// The headers, as an object. The values of a header that repeats are joined with `, `, except
    /// those of `Set-Cookie`, which are an array.
    Headers,
    /// The headers, as an array of `{"name":…,"value":…}`.
    HeaderList,
    /// The value of this header. Left out if the response does not have it.
    Header(&'static str),
    /// The value of `Location`, or the URL of the item if the response has none. Left out for a
    /// POST that has failed.
    Location,
    /// The body.
    Body(BodyForm),
    /// The body of a response whose status is a 2xx or a 3xx. Left out otherwise.
    BodyOfSuccess(BodyForm),
    /// The body of any other response. Left out otherwise.
    BodyOfFailure(BodyForm),
}

/// The form of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyForm {
    /// By its content type, as in [`Json`](crate::Json): JSON as it is, text as a string, any other
    /// as a string of base64. In a response, a body in base64 has the member `"encoding":"base64"`
    /// beside it.
    Json,
    /// A string. In an item, it is sent as a body of this type, unless the headers have another
    /// one. In a response, a body that is not UTF-8 is base64, with `"encoding":"base64"` beside
    /// it.
    Text(&'static str),
    /// A string of base64.
    Base64,
}
