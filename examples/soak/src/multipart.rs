//! Batches of `multipart/mixed`, without the code of the crate.

use std::fmt::Write;
use std::ops::Range;

use memchr::memmem;
use tower::BoxError;

use crate::fault::{is_post, posted};
use crate::format::Reply;

pub(crate) const MEDIA_TYPE: &str = "multipart/mixed; boundary=soak";

pub(crate) fn write(keys: Range<usize>) -> String {
    let mut text = String::new();
    for key in keys {
        let (method, body) = if is_post(key) {
            ("POST", posted(key))
        } else {
            ("GET", String::new())
        };
        let head = "--soak\r\nContent-Type: application/http\r\nContent-ID: ";
        let request = format_args!("{method} /items/{key} HTTP/1.1\r\n");
        let length = format_args!("Content-Length: {}\r\n\r\n", body.len());
        write!(text, "{head}{key}\r\n\r\n{request}{length}{body}\r\n")
            .expect("a string takes everything");
    }
    text + "--soak--\r\n"
}

/// Reads the responses of a complete multipart.
pub(crate) fn read(content_type: &str, body: &[u8]) -> Result<Vec<Reply>, BoxError> {
    let (_, boundary) = content_type.split_once("boundary=").ok_or("no boundary")?;
    let delimiter = format!("--{}", boundary.trim_matches('"'));
    let mut starts = memmem::find_iter(body, &delimiter);
    let mut start = starts.next().ok_or("no part")?;
    let mut replies = Vec::new();
    for end in starts {
        replies.push(read_part(&body[start + delimiter.len()..end])?);
        start = end;
    }
    match &body[start + delimiter.len()..] {
        [b'-', b'-', ..] => Ok(replies),
        _ => Err("the multipart does not end".into()),
    }
}

fn read_part(part: &[u8]) -> Result<Reply, BoxError> {
    let part = part.strip_prefix(b"\r\n").ok_or("no line")?;
    let part = part.strip_suffix(b"\r\n").ok_or("no line")?;
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let httparse::Status::Complete((start, headers)) = httparse::parse_headers(part, &mut headers)?
    else {
        return Err("the headers of a part do not end".into());
    };
    let id = headers.iter().find(|header| header.name == "Content-ID");
    let id = std::str::from_utf8(id.ok_or("no id")?.value)?;
    let response = &part[start..];
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(start) = head.parse(response)? else {
        return Err("the head of a response does not end".into());
    };
    Ok(Reply {
        key: id.trim_matches(['<', '>']).parse()?,
        status: head.code.ok_or("no status")?,
        body: std::str::from_utf8(&response[start..])?.to_owned(),
    })
}
