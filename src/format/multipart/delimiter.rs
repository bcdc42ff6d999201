//! Splits a multipart body at its delimiters (RFC 2046 §5.1.1), chunk by chunk.

use bytes::{Bytes, BytesMut};
use memchr::memmem::Finder;
use memchr::{memchr, memchr_iter};

/// The bytes that have arrived and are not part of an earlier result. A single chunk is kept as it
/// is. Several chunks are copied into one.
#[derive(Debug, Default)]
pub(super) struct Window {
    chunk: Bytes,
    copied: BytesMut,
}

impl Window {
    pub(super) fn push(&mut self, chunk: Bytes) {
        if self.copied.is_empty() {
            if self.chunk.is_empty() {
                self.chunk = chunk;
                return;
            }
            self.copied.reserve(self.chunk.len() + chunk.len());
            self.copied
                .extend_from_slice(&std::mem::take(&mut self.chunk));
        }
        self.copied.extend_from_slice(&chunk);
    }

    pub(super) fn len(&self) -> usize {
        self.bytes().len()
    }

    fn bytes(&self) -> &[u8] {
        if self.copied.is_empty() {
            &self.chunk
        } else {
            &self.copied
        }
    }

    fn take(&mut self, length: usize) -> Bytes {
        if self.copied.is_empty() {
            self.chunk.split_to(length)
        } else {
            self.copied.split_to(length).freeze()
        }
    }
}

impl From<Bytes> for Window {
    fn from(chunk: Bytes) -> Self {
        Self {
            chunk,
            copied: BytesMut::new(),
        }
    }
}

/// The section of the body at the start of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Preamble,
    Part,
    Epilogue,
}

/// Takes the parts of one multipart body out of a [`Window`]. No byte is examined twice, however
/// small the chunks are.
#[derive(Debug)]
pub(super) struct Splitter {
    /// Finds `--boundary`.
    finder: Finder<'static>,
    section: Section,
    /// No delimiter begins in this many bytes of the window.
    searched: usize,
    /// The known bytes of padding after a `--boundary` at `searched`.
    padding: usize,
}

/// The range of a delimiter in the window, with the line ends before and after it.
#[derive(Debug)]
struct Delimiter {
    start: usize,
    end: usize,
    closes: bool,
}

impl Splitter {
    pub(super) fn new(boundary: &str) -> Self {
        let dashed = [b"--", boundary.as_bytes()].concat();
        Self {
            finder: Finder::new(&dashed).into_owned(),
            section: Section::Preamble,
            searched: 0,
            padding: 0,
        }
    }

    /// Returns the next complete part. With `is_last`, the body ends where the window ends.
    pub(super) fn next(&mut self, window: &mut Window, is_last: bool) -> Option<Bytes> {
        while self.section != Section::Epilogue {
            let delimiter = self.find(window.bytes(), is_last)?;
            (self.searched, self.padding) = (0, 0);
            let mut part = window.take(delimiter.end);
            part.truncate(delimiter.start);
            let next = if delimiter.closes {
                Section::Epilogue
            } else {
                Section::Part
            };
            if std::mem::replace(&mut self.section, next) == Section::Part {
                return Some(part);
            }
        }
        *window = Window::default();
        None
    }

    /// Whether the close delimiter has been found.
    pub(super) fn is_closed(&self) -> bool {
        self.section == Section::Epilogue
    }

    /// Finds the next delimiter in the window, which starts at the start of a line.
    fn find(&mut self, bytes: &[u8], is_last: bool) -> Option<Delimiter> {
        let length = self.finder.needle().len();
        if bytes.len() < self.searched + length {
            return None;
        }
        while let Some(at) = self.finder.find(bytes.get(self.searched..)?) {
            self.searched += at;
            let (before, found) = bytes.split_at(self.searched);
            if matches!(before.last(), None | Some(b'\n')) {
                let after = found.get(length..).unwrap_or_default();
                match Suffix::of(after, self.padding, is_last) {
                    Suffix::Ends { after, closes } => {
                        return Some(Delimiter {
                            start: without_line_end(before).len(),
                            end: self.searched + length + after,
                            closes,
                        });
                    }
                    Suffix::Unknown { padding } => {
                        self.padding = padding;
                        return None;
                    }
                    Suffix::Other => self.padding = 0,
                }
            }
            // The next delimiter cannot begin before the next line.
            let line_end = memchr(b'\n', found);
            self.searched += line_end.map_or(found.len(), |at| at + 1);
        }
        // A delimiter may begin in the last bytes, at the start of a line.
        let begun = bytes.len().saturating_sub(length - 1).max(self.searched);
        self.searched = self.line_start(bytes, begun);
        None
    }

    /// The index of the first line, from `from` on, that may be the start of a delimiter. If there
    /// is none, the end of the window.
    fn line_start(&self, bytes: &[u8], from: usize) -> usize {
        let (before, rest) = bytes.split_at(from);
        let is_begun = |at: &usize| {
            let begun = rest.get(*at..).unwrap_or_default();
            self.finder.needle().starts_with(begun)
        };
        let first = matches!(before.last(), None | Some(b'\n')).then_some(0);
        let others = memchr_iter(b'\n', rest).map(|at| at + 1);
        let found = first.into_iter().chain(others).find(is_begun);
        from + found.unwrap_or(rest.len())
    }
}

/// The text that follows on `--boundary` in its line.
#[derive(Debug)]
enum Suffix {
    /// The line is a delimiter, and ends after this many bytes.
    Ends { after: usize, closes: bool },
    /// More bytes are needed. Those that have arrived are padding.
    Unknown { padding: usize },
    /// The line is no delimiter.
    Other,
}

impl Suffix {
    fn of(text: &[u8], padding: usize, is_last: bool) -> Self {
        let closes = text.starts_with(b"--");
        let known = padding.max(if closes { 2 } else { 0 });
        let spaces = text.iter().skip(known);
        let spaces = spaces.take_while(|byte| matches!(byte, b' ' | b'\t'));
        let padding = known + spaces.count();
        match text.get(padding..).unwrap_or_default() {
            [b'\n', ..] => Self::ends(padding + 1, closes),
            [b'\r', b'\n', ..] => Self::ends(padding + 2, closes),
            // At the end of the body, the close delimiter needs no line end.
            [] | [b'\r'] if is_last && closes => Self::ends(text.len(), closes),
            [] | [b'\r'] if !is_last => Self::Unknown { padding },
            [b'-'] if !is_last && padding == 0 => Self::Unknown { padding },
            _ => Self::Other,
        }
    }

    fn ends(after: usize, closes: bool) -> Self {
        Self::Ends { after, closes }
    }
}

/// The text before a delimiter, without the line end that belongs to the delimiter.
fn without_line_end(text: &[u8]) -> &[u8] {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.strip_suffix(b"\r").unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parts of a body in these chunks, and whether it was closed.
    fn split(boundary: &str, chunks: &[&[u8]]) -> (Vec<Bytes>, bool) {
        let (mut splitter, mut window) = (Splitter::new(boundary), Window::default());
        let mut parts = Vec::new();
        for chunk in chunks {
            window.push(Bytes::copy_from_slice(chunk));
            parts.extend(std::iter::from_fn(|| splitter.next(&mut window, false)));
        }
        parts.extend(std::iter::from_fn(|| splitter.next(&mut window, true)));
        (parts, splitter.is_closed())
    }

    fn whole(text: &str) -> (Vec<Bytes>, bool) {
        split("b", &[text.as_bytes()])
    }

    #[test]
    fn the_line_end_before_a_delimiter_belongs_to_it() {
        let (parts, closed) = whole("--b\r\none\r\n\r\n--b\ntwo\n\n--b\r\n\r\n--b--");
        assert_eq!(parts, ["one\r\n", "two\n", ""]);
        assert!(closed);
    }

    #[test]
    fn the_preamble_and_the_epilogue_are_ignored() {
        let (parts, closed) = whole("before\r\n--b\r\none\r\n--b--\r\nafter\r\n--b\r\nno\r\n--b--");
        assert_eq!(parts, ["one"]);
        assert!(closed);
    }

    #[test]
    fn only_a_whole_line_is_a_delimiter() {
        let near = "x--b\r\n--bb\r\n-- b\r\n--b-\r\n--b x\r\n--b--x\r\n--b\r";
        let (parts, closed) = whole(&format!("--b \t\r\n{near}\r\n--b-- \t\n"));
        assert_eq!(parts, [near]);
        assert!(closed);
    }

    #[test]
    fn only_the_close_delimiter_may_end_without_a_line_end() {
        for text in [
            "",
            "--b",
            "--b\r\nx\r\n--b",
            "--b\r\nx\r\n--b ",
            "--b\r\nx\r\n--b-",
        ] {
            let (parts, closed) = whole(text);
            assert!(parts.is_empty() && !closed, "{text:?}");
        }
        for end in ["", "\r", "\r\n", "\n", " \t", "\r\nafter"] {
            assert!(whole(&format!("--b--{end}")).1, "{end:?}");
        }
    }

    #[test]
    fn the_parts_do_not_depend_on_the_chunks() {
        let text =
            b"p\r\n--b-\r\n--b  \r\none\r--b\r\n\r\n--b\t\n\n--b\r\ntwo\n--bb\r\r\n--b-- \r\ne--b";
        let expected = split("b", &[text]);
        assert_eq!(expected.0.len(), 3);
        for cut in 0..=text.len() {
            let (left, right) = text.split_at(cut);
            assert_eq!(split("b", &[left, right]), expected, "{cut}");
        }
        let bytes: Vec<_> = text.chunks(1).collect();
        assert_eq!(split("b", &bytes), expected);
    }

    #[test]
    fn padding_and_near_delimiters_take_linear_time() {
        // Each byte is a chunk. If each read all bytes before it, the test would not end.
        let mut text = b"--b\n--b".to_vec();
        text.resize(1 << 18, b' ');
        text.extend_from_slice(b"x\n--b--");
        let bytes: Vec<_> = text.chunks(1).collect();
        assert!(split("b", &bytes).1);
        let text = ["--", &"-".repeat(1 << 18), "\n----"].concat();
        let chunks: Vec<_> = text.as_bytes().chunks(7).collect();
        assert!(!split(&"-".repeat(70), &chunks).1);
    }

    #[test]
    fn a_part_in_one_chunk_is_not_copied() {
        let chunk = Bytes::from_static(b"--b\r\none\r\n--b--");
        let mut window = Window::from(chunk.clone());
        let part = Splitter::new("b").next(&mut window, true).unwrap();
        assert_eq!(part.as_ptr(), chunk.slice(5..).as_ptr());
    }
}
