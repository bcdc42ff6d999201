//! Where encoders write.

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};

const SEGMENT: usize = 32 * 1024;

/// From here on a body is handed on as its own frame, not copied.
const CHAINED: usize = 8 * 1024;

/// The bytes of an envelope on their way out: segments of 32 KiB, with large bodies between them that are never copied.
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
    #[cfg_attr(
        not(feature = "multipart"),
        expect(dead_code, reason = "only multipart asks")
    )]
    is_streamed: bool,
}

impl Frames {
    /// The first segment is only as large as a small batch needs. Streamed, frames leave while others are written.
    pub(crate) fn with_estimate(bytes: usize, is_streamed: bool) -> Self {
        Self {
            open: BytesMut::with_capacity(bytes.min(SEGMENT)),
            is_streamed,
            ..Self::default()
        }
    }

    /// Makes room for so many bytes in one piece, if they are to come in several.
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

    /// Appends these bytes; 8 KiB and more are not copied but become a frame of their own.
    pub fn put_bytes(&mut self, bytes: Bytes) {
        if bytes.len() < CHAINED {
            return self.put(&bytes);
        }
        self.seal();
        self.sealed_len += bytes.len();
        self.sealed.push_back(bytes);
    }

    /// How many bytes wait to be sent.
    pub fn len(&self) -> usize {
        self.sealed_len + self.open.len()
    }

    /// Whether nothing waits to be sent.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes back everything after the first so many bytes.
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

    /// Whether the head, and with it some of these bytes, may be on their way.
    #[cfg(feature = "multipart")]
    pub(crate) fn is_streamed(&self) -> bool {
        self.is_streamed
    }

    /// Everything that was written, in one piece, to be changed where it stands. It copies all of it.
    #[cfg(feature = "multipart")]
    pub(crate) fn all_mut(&mut self) -> &mut [u8] {
        self.seal();
        let mut all = BytesMut::with_capacity(self.sealed_len);
        for segment in self.sealed.drain(..) {
            all.extend_from_slice(&segment);
        }
        self.sealed_len = 0;
        self.open = all;
        &mut self.open
    }

    /// The next frame to send.
    pub(crate) fn pop(&mut self) -> Option<Bytes> {
        if self.sealed.is_empty() {
            self.seal();
        }
        let frame = self.sealed.pop_front()?;
        self.sealed_len -= frame.remaining();
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
