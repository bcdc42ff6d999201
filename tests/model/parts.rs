//! A multipart parser for the tests: strict, simple, and all in memory.

/// A part of an envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Response(ItemResponse),
    ChangeSet(Vec<ItemResponse>),
}

/// The response to one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ItemResponse {
    pub(crate) content_id: Option<String>,
    pub(crate) status: u16,
    pub(crate) reason: String,
    /// In their spelling, without the (correct) `Content-Length`.
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

/// The parts of an envelope with this content type.
pub(crate) fn parse(content_type: &str, envelope: &[u8]) -> Vec<Part> {
    let boundary = boundary_of(content_type);
    split(boundary, envelope).into_iter().map(part).collect()
}

fn boundary_of(content_type: &str) -> &str {
    content_type
        .strip_prefix("multipart/mixed; boundary=")
        .expect("one space, no quotes, nothing more")
}

/// The parts between delimiters. Rejects a preamble, and bytes after the close delimiter.
fn split<'a>(boundary: &str, body: &'a [u8]) -> Vec<&'a [u8]> {
    let delimiter = format!("--{boundary}\r\n");
    let close = format!("--{boundary}--\r\n");
    let mut parts = Vec::new();
    let mut rest = body;
    loop {
        if rest == close.as_bytes() {
            return parts;
        }
        rest = rest
            .strip_prefix(delimiter.as_bytes())
            .expect("a delimiter");
        let end = find(rest, format!("\r\n--{boundary}").as_bytes()).expect("another delimiter");
        parts.push(&rest[..end]);
        rest = &rest[end + 2..];
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|found| found == wanted)
}

type Headers = Vec<(String, Vec<u8>)>;

/// The header lines, and the text after the empty line.
fn headers(mut text: &[u8]) -> (Headers, &[u8]) {
    let mut headers = Vec::new();
    loop {
        let end = find(text, b"\r\n").expect("a line");
        let (line, rest) = (&text[..end], &text[end + 2..]);
        if line.is_empty() {
            return (headers, rest);
        }
        let colon = find(line, b": ").expect("a header");
        let name = String::from_utf8(line[..colon].to_vec()).expect("a name");
        headers.push((name, line[colon + 2..].to_vec()));
        text = rest;
    }
}

fn text(value: &[u8]) -> String {
    String::from_utf8(value.to_vec()).expect("text")
}

fn part(bytes: &[u8]) -> Part {
    let (headers, body) = headers(bytes);
    let mut names = headers.iter().map(|(name, _)| name.as_str());
    assert_eq!(names.next(), Some("Content-Type"));
    if headers[0].1 != b"application/http" {
        assert_eq!(headers.len(), 1);
        let content_type = text(&headers[0].1);
        let members = split(boundary_of(&content_type), body)
            .into_iter()
            .map(part);
        return Part::ChangeSet(
            members
                .map(|member| match member {
                    Part::Response(response) => response,
                    Part::ChangeSet(_) => panic!("a change set in a change set"),
                })
                .collect(),
        );
    }
    assert_eq!(names.next(), Some("Content-Transfer-Encoding"));
    assert_eq!(headers[1].1, b"binary");
    let content_id = names.next().map(|name| {
        assert_eq!(name, "Content-ID");
        text(&headers[2].1)
    });
    assert_eq!(names.next(), None);
    Part::Response(response(content_id, body))
}

fn response(content_id: Option<String>, bytes: &[u8]) -> ItemResponse {
    let end = find(bytes, b"\r\n").expect("a status line");
    let line = text(&bytes[..end]);
    let line = line.strip_prefix("HTTP/1.1 ").expect("a status line");
    let (status, reason) = line.split_once(' ').expect("a reason");
    let (mut headers, body) = headers(&bytes[end + 2..]);
    let (name, length) = headers.pop().expect("at least one header");
    assert_eq!(name, "Content-Length");
    assert_eq!(text(&length), body.len().to_string());
    assert!(headers.iter().all(|(name, _)| name != "Content-Length"));
    ItemResponse {
        content_id,
        status: status.parse().expect("a status"),
        reason: reason.to_owned(),
        headers,
        body: body.to_vec(),
    }
}
