//! The formats in which batches are sent and responses are read.

use std::convert::Infallible;
use std::ops::Range;

use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use load::Envelope;
use serde_json::Value;
use tower::BoxError;

use crate::fault::{is_post, posted};
use crate::multipart;

/// The lines of a chunk of a stream.
const LINES: usize = 7;

pub(crate) type Upload = UnsyncBoxBody<Bytes, Infallible>;

/// A format of a batch and of its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    /// Items and responses one by one, in both directions at once.
    NdJson,
    Multipart,
}

/// The response to an item.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) key: usize,
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Format {
    /// The format of the batch with this number. All formats have their turn.
    pub(crate) fn of(batch: usize) -> Self {
        match batch % 3 {
            0 => Self::Json,
            1 => Self::NdJson,
            _ => Self::Multipart,
        }
    }

    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::NdJson => "application/x-ndjson",
            Self::Multipart => multipart::MEDIA_TYPE,
        }
    }

    /// Writes a batch of these items in chunks.
    pub(crate) fn write(self, keys: Range<usize>) -> Vec<Bytes> {
        match self {
            Self::Json => {
                let items: Vec<_> = keys.map(json_item).collect();
                vec![format!(r#"{{"requests":[{}]}}"#, items.join(",")).into()]
            }
            Self::NdJson => {
                let lines: Vec<_> = keys.map(|key| json_item(key) + "\n").collect();
                let chunks = lines.chunks(LINES);
                chunks.map(|lines| lines.concat().into()).collect()
            }
            Self::Multipart => vec![multipart::write(keys).into()],
        }
    }

    /// The body of a request. A stream is sent chunk by chunk.
    pub(crate) fn upload(self, keys: Range<usize>) -> Upload {
        let mut chunks = self.write(keys);
        if self != Self::NdJson {
            return Full::new(chunks.remove(0)).boxed_unsync();
        }
        let frames = stream::unfold(chunks.into_iter(), |mut rest| async move {
            tokio::task::yield_now().await;
            Some((Ok(Frame::data(rest.next()?)), rest))
        });
        StreamBody::new(frames).boxed_unsync()
    }

    /// Reads a complete response.
    ///
    /// # Errors
    ///
    /// If it is not well-formed, or not complete.
    pub(crate) fn read(self, content_type: &str, body: &[u8]) -> Result<Vec<Reply>, BoxError> {
        match self {
            Self::Json => {
                let envelope: Envelope<'_> = serde_json::from_slice(body)?;
                envelope.responses.iter().map(reply).collect()
            }
            Self::NdJson => read_lines(std::str::from_utf8(body)?),
            Self::Multipart => multipart::read(content_type, body),
        }
    }
}

fn json_item(key: usize) -> String {
    if is_post(key) {
        let body = posted(key);
        format!(r#"{{"id":"{key}","method":"POST","url":"/items/{key}","body":{body}}}"#)
    } else {
        format!(r#"{{"id":"{key}","method":"GET","url":"/items/{key}"}}"#)
    }
}

fn reply(response: &load::Response<'_>) -> Result<Reply, BoxError> {
    Ok(Reply {
        key: response.id.parse()?,
        status: response.status,
        body: response.body.get().to_owned(),
    })
}

/// Reads lines, of which the last is the summary.
fn read_lines(text: &str) -> Result<Vec<Reply>, BoxError> {
    let (lines, last) = match text.trim_end().rsplit_once('\n') {
        Some((lines, last)) => (lines.lines(), last),
        None => ("".lines(), text),
    };
    let lines = lines.map(|line| reply(&serde_json::from_str(line)?));
    let replies = lines.collect::<Result<Vec<_>, BoxError>>()?;
    let summary: Value = serde_json::from_str(last)?;
    match &summary["summary"] {
        sum if sum["total"] == replies.len() && sum["error"].is_null() => Ok(replies),
        _ => Err(format!("{} lines end with {last}", replies.len()).into()),
    }
}
