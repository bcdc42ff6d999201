//! What a batch is to the model.

use std::fmt;
use std::time::Duration;

/// The path of the batch endpoint. Relative URLs of items are relative to `/api/`.
pub(crate) const PATH: &str = "/api/batch";

pub(crate) const MAX_BODY: usize = 500;
pub(crate) const MAX_RESPONSE: usize = 2000;
pub(crate) const ITEM_TIMEOUT: Duration = Duration::from_secs(1);

/// A batch, and everything that decides what becomes of it.
#[derive(Clone)]
pub(crate) struct Batch {
    pub(crate) wire: Wire,
    pub(crate) settings: Settings,
    /// The headers of the outer request, beside `Host`, `Content-Type` and `Accept`.
    pub(crate) outer: Vec<(&'static str, &'static str)>,
    pub(crate) items: Vec<Item>,
    /// The readiness of the instances of the inner service, in the order in which they are used.
    /// The last one is that of all further ones. Only a batch whose items run one after the other
    /// has several.
    pub(crate) readiness: Vec<Ready>,
}

/// A line for each item.
impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", format_args!("{:?} {:?}", self.wire, self.settings))?;
        writeln!(
            f,
            "{}",
            format_args!("{:?} {:?}", self.outer, self.readiness)
        )?;
        for item in &self.items {
            writeln!(f, "{}", format_args!("{item:?}"))?;
        }
        Ok(())
    }
}

/// The formats of the request and of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    Json,
    JsonToLines,
    JsonToParts,
    Parts,
    /// Lines in and out: items run while others arrive.
    Stream,
    LinesToJson,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) concurrency: usize,
    pub(crate) max_items: usize,
    pub(crate) continues: bool,
    /// Whether groups run. Otherwise a batch with groups is refused.
    pub(crate) runs_groups: bool,
    /// `Prefer: return=minimal`.
    pub(crate) is_minimal: bool,
    /// The size of the chunks of the upload.
    pub(crate) chunk: usize,
}

/// An item of a batch.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) url: String,
    /// Without `Content-Type`, which belongs to the body.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) content_type: Option<String>,
    pub(crate) content: Content,
    /// The ids and groups that the item depends on.
    pub(crate) on: Vec<String>,
    pub(crate) group: Option<String>,
    pub(crate) script: Script,
}

/// The body of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    None,
    /// JSON, as it is in the envelope.
    Json(String),
    /// A string of JSON.
    Text(String),
    /// Bytes, which are base64 in JSON.
    Bytes(Vec<u8>),
    /// What is not base64.
    NoBase64,
    /// A number in place of a text.
    NoText,
}

/// What the inner service does with an item.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) act: Act,
    /// The time until it responds, in milliseconds.
    pub(crate) delay: u64,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) frames: Vec<&'static [u8]>,
    pub(crate) end: End,
    pub(crate) claim: Claim,
    pub(crate) drops: Drops,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            act: Act::Respond,
            delay: 0,
            status: 200,
            headers: Vec::new(),
            frames: Vec::new(),
            end: End::Ends,
            claim: Claim::Nothing,
            drops: Drops::Quietly,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Respond,
    Fail,
    PanicInCall,
    PanicInFuture,
    Hang,
}

/// What comes after the last frame of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Ends,
    Trailers,
    Breaks,
    Panics,
    Hangs,
    /// Empty frames without end, each of which is ready at once.
    EmptyFrames,
}

/// What panics when it is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drops {
    Quietly,
    FuturePanics,
    BodyPanics,
}

/// What a body says about its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    Nothing,
    /// Less than it has.
    Little,
    /// More than a response may have.
    TooMuch,
    /// That it has ended before its first frame.
    Ended,
}

/// The readiness of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ready {
    Now,
    /// After so many polls.
    Later(usize),
    Fails,
    Panics,
    Never,
}
