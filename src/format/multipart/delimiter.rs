//! Cuts a multipart body along its delimiters (RFC 2046 §5.1.1), as its bytes come.

use bytes::{Bytes, BytesMut};
use memchr::memmem::Finder;
use memchr::{memchr, memchr_iter};

/// Bytes that came and are not taken yet: one chunk as it is, only several are copied together.
#[derive(Debug, Default)]
pub(super) struct Window {
    shared: Bytes,
    own: BytesMut,
}

impl Window {
    pub(super) fn push(&mut self, chunk: Bytes) {
        if self.own.is_empty() {
            if self.shared.is_empty() {
                self.shared = chunk;
                return;
            }
            self.own.reserve(self.shared.len() + chunk.len());
            self.own
                .extend_from_slice(&std::mem::take(&mut self.shared));
        }
        self.own.extend_from_slice(&chunk);
    }

    fn bytes(&self) -> &[u8] {
        match self.own.is_empty() {
            true => &self.shared,
            false => &self.own,
        }
    }

    fn take(&mut self, length: usize) -> Bytes {
        match self.own.is_empty() {
            true => self.shared.split_to(length),
            false => self.own.split_to(length).freeze(),
        }
    }
}

impl From<Bytes> for Window {
    fn from(shared: Bytes) -> Self {
        Self {
            shared,
            own: BytesMut::new(),
        }
    }
}

/// Where a body stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Preamble,
    Part,
    Epilogue,
}

/// Takes the parts of one multipart body out of a [`Window`]. No byte is looked at twice, however
/// small the chunks are.
#[derive(Debug)]
pub(super) struct Splitter {
    /// Of `--boundary`.
    finder: Finder<'static>,
    place: Place,
    /// No delimiter begins in so many bytes of the window.
    searched: usize,
    /// So many bytes after `--boundary` at that place are padding.
    padding: usize,
}

/// A delimiter with both line ends, as a range of the window.
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
            place: Place::Preamble,
            searched: 0,
            padding: 0,
        }
    }

    /// The next whole part. `is_last` says that no bytes will come after those in the window.
    pub(super) fn next(&mut self, window: &mut Window, is_last: bool) -> Option<Bytes> {
        while self.place != Place::Epilogue {
            let delimiter = self.find(window.bytes(), is_last)?;
            (self.searched, self.padding) = (0, 0);
            let mut part = window.take(delimiter.end);
            part.truncate(delimiter.start);
            let next = match delimiter.closes {
                true => Place::Epilogue,
                false => Place::Part,
            };
            if std::mem::replace(&mut self.place, next) == Place::Part {
                return Some(part);
            }
        }
        *window = Window::default();
        None
    }

    /// Whether the close delimiter has come.
    pub(super) fn is_closed(&self) -> bool {
        self.place == Place::Epilogue
    }

    /// The window starts at the start of a line.
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
                match Rest::of(after, self.padding, is_last) {
                    Rest::Ends { after, closes } => {
                        return Some(Delimiter {
                            start: without_line_end(before).len(),
                            end: self.searched + length + after,
                            closes,
                        });
                    }
                    Rest::Unknown { padding } => {
                        self.padding = padding;
                        return None;
                    }
                    Rest::Other => self.padding = 0,
                }
            }
            // The next one does not begin before the next line does.
            let line_end = memchr(b'\n', found);
            self.searched += line_end.map_or(found.len(), |at| at + 1);
        }
        // One may begin in the last bytes, at the start of a line.
        let begun = bytes.len().saturating_sub(length - 1).max(self.searched);
        self.searched = self.line_start(bytes, begun);
        None
    }

    /// The first start of a line from here on which may be the start of a delimiter, or else the
    /// end.
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

/// What follows on `--boundary` in its line.
#[derive(Debug)]
enum Rest {
    /// It is a delimiter, and its line ends so many bytes later.
    Ends { after: usize, closes: bool },
    /// That cannot be said yet: as far as it is known it is padding.
    Unknown { padding: usize },
    /// It is the start of some other text.
    Other,
}

impl Rest {
    fn of(text: &[u8], padding: usize, is_last: bool) -> Self {
        let closes = text.starts_with(b"--");
        let known = padding.max(if closes { 2 } else { 0 });
        let spaces = text.iter().skip(known);
        let spaces = spaces.take_while(|byte| matches!(byte, b' ' | b'\t'));
        let padding = known + spaces.count();
        match text.get(padding..).unwrap_or_default() {
            [b'\n', ..] => Self::ends(padding + 1, closes),
            [b'\r', b'\n', ..] => Self::ends(padding + 2, closes),
            // What ends the envelope needs no line end.
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

/// The line end before a delimiter belongs to it.
fn without_line_end(text: &[u8]) -> &[u8] {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.strip_suffix(b"\r").unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parts, and whether the body was closed, if it comes in these chunks.
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
    fn what_stands_before_the_first_and_after_the_last_delimiter_is_no_part() {
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
    fn chunks_change_nothing() {
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
        // Each byte its own chunk: what is read again with each would not end.
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
