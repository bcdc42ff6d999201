//! Examines eight bytes at a time in one register (SWAR).

use std::num::NonZero;

/// Eight bytes in one number. The searches return marks: the high bit of each byte that is found.
/// Only the lowest mark is reliable. Those above it can be wrong, because of a borrow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word(u64);

impl Word {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = Self::ONES << 7;

    /// The eight bytes from this index on, if there are as many.
    #[inline]
    pub(super) fn at(data: &[u8], index: usize) -> Option<Self> {
        let (word, _) = Self::split(data.get(index..)?)?;
        Some(word)
    }

    /// The first eight bytes, and the rest.
    #[inline]
    fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (word, after) = bytes.split_first_chunk()?;
        Some((Self(u64::from_le_bytes(*word)), after))
    }

    /// The number of spaces at its start.
    #[inline]
    pub(super) fn leading_spaces(self) -> usize {
        let others = self.0 ^ (Self::ONES * u64::from(b' '));
        others.trailing_zeros() as usize / 8
    }

    /// Marks bytes that a JSON string cannot have as they are: control characters, quotes and
    /// backslashes.
    #[inline]
    pub(super) fn specials(self) -> u64 {
        self.marked() & !self.0 & Self::HIGHS
    }

    /// Marks these, and bytes that are not ASCII.
    #[inline]
    pub(super) fn specials_and_highs(self) -> u64 {
        (self.marked() | self.0) & Self::HIGHS
    }

    /// Marks special bytes. The marks of bytes that are not ASCII mean nothing.
    #[inline]
    fn marked(self) -> u64 {
        // The XOR swaps the quote (0x22) with the space (0x20). After that, exactly the quote and
        // the control characters are below 0x21.
        let low = (self.0 ^ (Self::ONES * 0x02)).wrapping_sub(Self::ONES * 0x21);
        let backslash = (self.0 ^ (Self::ONES * u64::from(b'\\'))).wrapping_sub(Self::ONES);
        low | backslash
    }

    /// Marks bytes that are not ASCII.
    #[inline]
    pub(super) fn highs(self) -> u64 {
        self.0 & Self::HIGHS
    }

    /// Marks bytes that are equal to this one, which has to be ASCII.
    #[inline]
    pub(super) fn equal(self, byte: u8) -> u64 {
        let word = self.0 ^ (Self::ONES * u64::from(byte));
        word.wrapping_sub(Self::ONES) & !word & Self::HIGHS
    }
}

/// The index of the first marked byte of a word. It is less than 8.
#[inline]
pub(super) fn first(marks: u64) -> Option<usize> {
    let marks = NonZero::new(marks)?;
    Some(marks.trailing_zeros() as usize / 8)
}

/// The number of bytes before the first marked one.
#[inline]
pub(super) fn prefix_len(bytes: &[u8], marks: impl Fn(Word) -> u64) -> usize {
    let mut rest = bytes;
    while let Some((word, after)) = Word::split(rest) {
        if let Some(length) = first(marks(word)) {
            return bytes.len() - rest.len() + length;
        }
        rest = after;
    }
    let is_marked = |byte: &u8| marks(Word(u64::from(*byte))) & 0x80 != 0;
    let length = rest.iter().position(is_marked);
    length.map_or(bytes.len(), |length| bytes.len() - rest.len() + length)
}
