//! The items that are sent, and the responses that they must have.

use std::fmt::Write;

use bytes::Bytes;

/// The bytes of a chunk of lines.
const CHUNK: usize = 16 * 1024;

/// What an item does. Its index decides.
#[derive(Clone, Copy)]
enum Kind {
    /// Gets a thing.
    Get,
    /// Gets a thing that does not exist.
    GetMissing,
    /// Gets a thing, after an earlier item.
    GetAfter,
    /// Creates a thing.
    Post,
}

impl Kind {
    fn of(index: usize) -> Self {
        match index % 10 {
            2 | 5 | 8 => Self::Post,
            7 => Self::GetAfter,
            9 if index % 50 == 49 => Self::GetMissing,
            _ => Self::Get,
        }
    }
}

/// Whether there is a thing with this number.
pub(crate) fn exists(index: usize) -> bool {
    !matches!(Kind::of(index), Kind::GetMissing)
}

/// Writes an item as JSON. Its id is its index.
pub(crate) fn write_item(index: usize, out: &mut String) {
    let head = format_args!(r#"{{"id":"{index}","method""#);
    let written = match Kind::of(index) {
        Kind::Get | Kind::GetMissing => write!(out, r#"{head}:"GET","url":"/things/{index}"}}"#),
        Kind::GetAfter => {
            let on = index - 3;
            let url = format_args!(r#""url":"/things/{index}""#);
            write!(out, r#"{head}:"GET",{url},"dependsOn":["{on}"]}}"#)
        }
        Kind::Post => {
            let body = format_args!(r#"{{"number":{index},"name":"new thing"}}"#);
            write!(out, r#"{head}:"POST","url":"/things","body":{body}}}"#)
        }
    };
    written.expect("a string takes everything");
}

/// Writes the body of the response to an item, and returns its status.
pub(crate) fn write_expected(index: usize, body: &mut String) -> u16 {
    let (status, written) = match Kind::of(index) {
        Kind::Get | Kind::GetAfter => {
            let written = write!(body, r#"{{"number":{index},"name":"thing {index}"}}"#);
            (200, written)
        }
        Kind::GetMissing => (404, write!(body, r#"{{"missing":{index}}}"#)),
        Kind::Post => (201, write!(body, r#"{{"created":{index}}}"#)),
    };
    written.expect("a string takes everything");
    status
}

/// Returns the lines of all items, in chunks. A chunk is made when it is asked for.
pub(crate) fn lines(count: usize) -> impl Iterator<Item = Bytes> {
    let mut next = 0;
    std::iter::from_fn(move || {
        let mut chunk = String::with_capacity(CHUNK + 256);
        while next < count && chunk.len() < CHUNK {
            write_item(next, &mut chunk);
            chunk.push('\n');
            next += 1;
        }
        (!chunk.is_empty()).then(|| chunk.into())
    })
}

/// Returns a JSON batch of these items.
pub(crate) fn batch(indexes: std::ops::Range<usize>) -> Bytes {
    let mut batch = String::from(r#"{"requests":["#);
    for index in indexes.clone() {
        if index != indexes.start {
            batch.push(',');
        }
        write_item(index, &mut batch);
    }
    batch.push_str("]}");
    batch.into()
}
