//! The output buffer of encoders.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

const SEGMENT: usize = 32 * 1024;

/// Minimum length of a body that becomes its own frame and is not copied.
const CHAIN_THRESHOLD: usize = 8 * 1024;

/// The output of an envelope: segments of 32 KiB, and between them large bodies that are not
/// copied.
///
/// ```
/// use tower_multistatus::Frames;
///
/// let mut out = Frames::default();
/// out.put(b"hello ");
/// out.put_bytes("world".into());
/// assert_eq!(out.len(), 11);
/// ```
#[derive(Debug, Default)]
pub struct Frames {
    sealed: VecDeque<Bytes>,
    open: BytesMut,
    /// Bytes in `sealed`.
    sealed_len: usize,
    /// Bytes in frames that were taken.
    sent_len: u64,
    #[cfg_attr(
        not(feature = "multipart"),
        expect(dead_code, reason = "only multipart uses it")
    )]
    is_streamed: bool,
}

impl Frames {
    /// Creates a buffer whose first segment is only as large as a small batch needs. If it is
    /// streamed, frames are sent while others are written.
    pub(crate) fn with_estimate(bytes: usize, is_streamed: bool) -> Self {
        Self {
            open: BytesMut::with_capacity(bytes.min(SEGMENT)),
            is_streamed,
            ..Self::default()
        }
    }

    /// Creates a buffer with these bytes, which are not copied.
    pub(crate) fn of(bytes: Bytes) -> Self {
        let mut frames = Self::default();
        if !bytes.is_empty() {
            frames.chain(bytes);
        }
        frames
    }

    /// Reserves contiguous space for this many bytes, for bytes that are appended in several calls.
    pub fn reserve(&mut self, bytes: usize) {
        if bytes > self.spare() && bytes <= SEGMENT {
            self.seal();
            self.open = BytesMut::with_capacity(SEGMENT);
        }
    }

    /// Appends a copy of these bytes.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) {
        if bytes.len() <= self.spare() {
            return self.open.extend_from_slice(bytes);
        }
        self.put_across(bytes);
    }

    #[cold]
    #[inline(never)]
    fn put_across(&mut self, bytes: &[u8]) {
        let (fits, rest) = bytes.split_at(self.spare());
        self.open.extend_from_slice(fits);
        self.seal();
        self.open = BytesMut::with_capacity(rest.len().max(SEGMENT));
        self.open.extend_from_slice(rest);
    }

    /// Appends one byte.
    #[inline]
    pub fn put_byte(&mut self, byte: u8) {
        self.put(&[byte]);
    }

    /// Appends these bytes. If they are 8 KiB or more, they become their own frame and are not
    /// copied.
    pub fn put_bytes(&mut self, bytes: Bytes) {
        if bytes.len() < CHAIN_THRESHOLD {
            self.put(&bytes)
        } else {
            self.chain(bytes)
        }
    }

    /// Like `put_bytes`, but clones the handle only if the bytes become their own frame.
    #[cfg(feature = "json")]
    #[inline]
    pub(crate) fn put_shared(&mut self, bytes: &Bytes) {
        if bytes.len() < CHAIN_THRESHOLD {
            self.put(bytes)
        } else {
            self.chain(bytes.clone())
        }
    }

    fn chain(&mut self, bytes: Bytes) {
        self.seal();
        self.sealed_len += bytes.len();
        self.sealed.push_back(bytes);
    }

    /// Returns the number of bytes that wait to be sent.
    pub fn len(&self) -> usize {
        self.sealed_len + self.open.len()
    }

    /// Returns the number of bytes of the envelope so far, including those that were sent.
    ///
    /// ```
    /// use tower_multistatus::Frames;
    ///
    /// /// Puts a comma between responses. An encoder keeps `start` from its `begin`.
    /// fn put_separator(start: u64, out: &mut Frames) {
    ///     if out.written() > start {
    ///         out.put(b",");
    ///     }
    /// }
    ///
    /// let mut out = Frames::default();
    /// out.put(b"[");
    /// let start = out.written();
    /// for text in [b"1", b"2"] {
    ///     put_separator(start, &mut out);
    ///     out.put(text);
    /// }
    /// assert_eq!(out.len(), "[1,2".len());
    /// ```
    #[inline]
    pub fn written(&self) -> u64 {
        self.sent_len + self.len() as u64
    }

    /// Whether no bytes wait to be sent.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Removes everything after the first `len` bytes.
    pub(crate) fn rewind(&mut self, len: usize) {
        if let Some(open) = len.checked_sub(self.sealed_len) {
            return self.open.truncate(open);
        }
        self.open.clear();
        while let Some(mut last) = self.sealed.pop_back() {
            self.sealed_len -= last.len();
            if self.sealed_len < len {
                last.truncate(len - self.sealed_len);
                self.sealed_len = len;
                self.sealed.push_back(last);
            }
            if self.sealed_len <= len {
                return;
            }
        }
    }

    /// Whether the head, and also some of these bytes, may have been sent.
    #[cfg(feature = "multipart")]
    pub(crate) fn is_streamed(&self) -> bool {
        self.is_streamed
    }

    /// Returns all bytes that wait to be sent, concatenated.
    ///
    /// ```
    /// use tower_multistatus::Frames;
    ///
    /// let mut out = Frames::default();
    /// out.put(b"hello ");
    /// out.put(b"world");
    /// assert_eq!(out.into_bytes(), "hello world");
    /// ```
    #[cfg(any(test, feature = "test-util", feature = "client"))]
    #[cfg_attr(docsrs, doc(cfg(any(feature = "test-util", feature = "client"))))]
    #[must_use]
    pub fn into_bytes(mut self) -> Bytes {
        let first = self.pop().unwrap_or_default();
        if self.is_empty() {
            return first;
        }
        let rest = std::iter::from_fn(|| self.pop());
        let all: Vec<_> = std::iter::once(first).chain(rest).collect();
        all.concat().into()
    }

    /// Takes the next frame to send.
    pub(crate) fn pop(&mut self) -> Option<Bytes> {
        let frame = match self.sealed.pop_front() {
            Some(frame) => {
                self.sealed_len -= frame.len();
                frame
            }
            None if self.open.is_empty() => return None,
            None => self.open.split().freeze(),
        };
        self.sent_len += frame.len() as u64;
        Some(frame)
    }

    #[inline]
    fn spare(&self) -> usize {
        self.open.capacity() - self.open.len()
    }

    fn seal(&mut self) {
        if !self.open.is_empty() {
            self.sealed_len += self.open.len();
            self.sealed.push_back(self.open.split().freeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that depend on their position.
    fn bytes(from: usize, count: usize) -> Bytes {
        let round: Vec<u8> = (0..=250).collect();
        let skipped = from % round.len();
        let rounds = (skipped + count).div_ceil(round.len());
        Bytes::from(round.repeat(rounds)).slice(skipped..skipped + count)
    }

    fn write(out: &mut Frames, count: usize, is_owned: bool) {
        let bytes = bytes(out.len(), count);
        if is_owned {
            out.put_bytes(bytes)
        } else {
            out.put(&bytes)
        }
    }

    fn frames(mut out: Frames) -> Vec<Bytes> {
        let mut length = out.len();
        std::iter::from_fn(|| {
            let frame = out.pop()?;
            length -= frame.len();
            assert_eq!(out.len(), length);
            Some(frame)
        })
        .collect()
    }

    #[test]
    fn empty_writes_make_no_frame() {
        let mut out = Frames::default();
        out.put(b"");
        out.put_bytes(Bytes::new());
        out.rewind(out.len());
        assert!(out.is_empty());
        assert_eq!(out.pop(), None);
    }

    #[test]
    fn a_large_body_is_its_own_frame_and_not_copied() {
        let body = bytes(0, CHAIN_THRESHOLD);
        let mut out = Frames::default();
        out.put(b"before");
        out.put_bytes(body.clone());
        out.put(b"after");
        out.put_bytes(bytes(0, CHAIN_THRESHOLD - 1));
        let frames = frames(out);
        assert_eq!(frames.len(), 3);
        assert_eq!(frames[0], "before");
        assert_eq!(frames[1].as_ptr(), body.as_ptr());
        assert_eq!(frames[2].len(), 5 + CHAIN_THRESHOLD - 1);
    }

    #[cfg(feature = "json")]
    #[test]
    fn a_large_borrowed_body_is_not_copied() {
        let body = bytes(0, CHAIN_THRESHOLD);
        let mut out = Frames::default();
        out.put_shared(&body.slice(1..));
        out.put_shared(&body);
        let frames = frames(out);
        assert_eq!(frames.len(), 2);
        assert_ne!(frames[0].as_ptr(), body.slice(1..).as_ptr());
        assert_eq!(frames[1].as_ptr(), body.as_ptr());
    }

    #[test]
    fn small_writes_fill_whole_segments() {
        let mut out = Frames::with_estimate(100, false);
        for at in 0..100_000 {
            out.put(&bytes(at, 1));
        }
        let lengths: Vec<_> = frames(out).iter().map(Bytes::len).collect();
        assert_eq!(
            lengths,
            [100, SEGMENT, SEGMENT, SEGMENT, 100_000 - 100 - 3 * SEGMENT]
        );
    }

    #[test]
    fn rewinding_removes_exactly_what_was_written_since() {
        let sizes = [0, 1, CHAIN_THRESHOLD, SEGMENT + 1];
        let writes: Vec<_> = sizes
            .iter()
            .flat_map(|size| [(*size, false), (*size, true)])
            .collect();
        for before in &writes {
            for (first, second) in writes
                .iter()
                .flat_map(|first| writes.iter().map(move |second| (first, second)))
            {
                let shown = format!("{before:?} {first:?} {second:?}");
                let mut out = Frames::with_estimate(100, false);
                write(&mut out, before.0, before.1);
                write(&mut out, 7, false);
                let kept = out.len();
                write(&mut out, first.0, first.1);
                write(&mut out, second.0, second.1);
                out.rewind(kept);
                assert_eq!(out.len(), kept, "{shown}");
                write(&mut out, 300, false);
                assert!(frames(out).concat() == bytes(0, kept + 300), "{shown}");
            }
        }
    }

    #[test]
    fn rewinding_to_the_end_of_a_body_keeps_the_body() {
        let mut out = Frames::default();
        out.put_bytes(bytes(0, CHAIN_THRESHOLD));
        let kept = out.len();
        write(&mut out, CHAIN_THRESHOLD, true);
        write(&mut out, SEGMENT, false);
        out.rewind(kept);
        out.rewind(kept);
        assert_eq!(frames(out), [bytes(0, CHAIN_THRESHOLD)]);
    }
}
