//! The header lines of parts, and of the requests in them.

use bytes::{Buf, Bytes};
use memchr::memchr;

/// Header lines as `httparse` expects them: none is folded, and an empty line ends them.
#[derive(Debug)]
pub(super) struct HeaderBlock(Bytes);

/// Why headers cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// There are more than 64.
    TooMany,
    /// A line is not a header.
    Invalid,
}

impl HeaderBlock {
    const MAX_HEADERS: usize = 64;

    /// Takes the header lines from the start of the text, with the empty line after them. If there
    /// is no empty line, it was the line end of the delimiter, and all of the text is header lines.
    pub(super) fn take(text: &mut Bytes) -> Self {
        let (mut end, mut is_folded, mut is_ended) = (0, false, false);
        while let Some(line) = text.get(end..)
            && !is_ended
            && !line.is_empty()
        {
            is_folded |= is_continuation(line);
            is_ended = matches!(line, [b'\n', ..] | [b'\r', b'\n', ..]);
            end += memchr(b'\n', line).map_or(line.len(), |at| at + 1);
        }
        let head = text.split_to(end);
        if is_ended && !is_folded {
            Self(head)
        } else {
            Self(unfolded(&head))
        }
    }

    /// Calls the function with each header, in order.
    pub(super) fn try_for_each<E: From<Unreadable>>(
        &self,
        mut header: impl FnMut(&[u8], Bytes) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut headers = [httparse::EMPTY_HEADER; Self::MAX_HEADERS];
        match httparse::parse_headers(&self.0, &mut headers) {
            Ok(httparse::Status::Complete((_, headers))) => headers.iter().try_for_each(|found| {
                let value = self.0.slice_ref(found.value.trim_ascii());
                header(found.name.as_bytes(), value)
            }),
            Err(httparse::Error::TooManyHeaders) => Err(Unreadable::TooMany.into()),
            Ok(httparse::Status::Partial) | Err(_) => Err(Unreadable::Invalid.into()),
        }
    }
}

/// Whether a line continues the one before (RFC 9112 §5.2).
fn is_continuation(line: &[u8]) -> bool {
    matches!(line.first(), Some(b' ' | b'\t'))
}

/// Joins folded lines with a space, and adds an empty line at the end.
fn unfolded(head: &[u8]) -> Bytes {
    let mut text = Vec::with_capacity(head.len() + 4);
    for line in head.split_inclusive(|byte| *byte == b'\n') {
        let mut line = line;
        if is_continuation(line) && !text.is_empty() {
            while matches!(text.last(), Some(b'\r' | b'\n')) {
                text.pop();
            }
            while is_continuation(line) {
                line.advance(1);
            }
            text.push(b' ');
        }
        text.extend_from_slice(line);
    }
    text.extend_from_slice(b"\r\n\r\n");
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(text: &'static str) -> (Result<Vec<String>, Unreadable>, Bytes) {
        let mut text = Bytes::from_static(text.as_bytes());
        let mut found = Vec::new();
        let result = HeaderBlock::take(&mut text).try_for_each(|name, value| {
            found.push(format!("{}={}", name.escape_ascii(), value.escape_ascii()));
            Ok(())
        });
        (result.map(|()| found), text)
    }

    #[test]
    fn header_lines_end_at_an_empty_line_or_with_the_part() {
        let cases = [
            ("", &[][..], ""),
            ("\r\nbody", &[], "body"),
            ("a: 1\r\n\r\n\r\nbody", &["a=1"], "\r\nbody"),
            ("a:1 \nB: 2\n\nbody", &["a=1", "B=2"], "body"),
            ("a: 1\r\n2: x", &["a=1", "2=x"], ""),
            ("a: 1\r\n", &["a=1"], ""),
            ("a:\r\nb: \r\n\n", &["a=", "b="], ""),
        ];
        for (text, expected, rest) in cases {
            let (found, left) = headers(text);
            assert_eq!(found.unwrap(), expected, "{text:?}");
            assert_eq!(left, rest, "{text:?}");
        }
    }

    #[test]
    fn a_folded_line_is_joined_to_the_one_before() {
        let (found, rest) = headers("id: <a +\n\t b>\r\nx: 1\r\n  2 \r\n \r\n 3\r\n\r\nbody");
        assert_eq!(found.unwrap(), ["id=<a + b>", "x=1 2   3"]);
        assert_eq!(rest, "body");
    }

    #[test]
    fn a_line_that_is_not_a_header_is_an_error() {
        for text in [
            " a: 1\r\n\r\n",
            "a\r\n\r\n",
            "a : 1\r\n\r\n",
            ": 1\r\n\r\n",
            "a: \r1\r\n\r\n",
            "a: \0\r\n\r\n",
        ] {
            assert_eq!(headers(text).0, Err(Unreadable::Invalid), "{text:?}");
        }
        let many = "a: 1\r\n".repeat(65).leak();
        assert_eq!(headers(many).0, Err(Unreadable::TooMany));
    }
}
