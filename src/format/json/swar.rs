//! Eight bytes at a time, in one register (SWAR).

use std::num::NonZero;

/// Eight bytes in one number. Each question is answered by a mark in the high bit of every byte
/// that it holds for; above the lowest mark there may be false ones, by a borrow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word(u64);

impl Word {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = Self::ONES << 7;

    /// The eight bytes from this index on.
    #[inline]
    pub(super) fn at(data: &[u8], index: usize) -> Option<Self> {
        let (word, _) = Self::split(data.get(index..)?)?;
        Some(word)
    }

    /// The first eight bytes, and those after them.
    #[inline]
    fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (word, after) = bytes.split_first_chunk()?;
        Some((Self(u64::from_le_bytes(*word)), after))
    }

    /// How many blanks it begins with.
    #[inline]
    pub(super) fn blanks(self) -> usize {
        let others = self.0 ^ (Self::ONES * u64::from(b' '));
        others.trailing_zeros() as usize / 8
    }

    /// What does not stand in a JSON string for itself: control characters, quotes and backslashes.
    #[inline]
    pub(super) fn specials(self) -> u64 {
        self.marked() & !self.0 & Self::HIGHS
    }

    /// Those, and bytes that are not ASCII.
    #[inline]
    pub(super) fn specials_and_highs(self) -> u64 {
        (self.marked() | self.0) & Self::HIGHS
    }

    /// Bytes that are ASCII are marked if they are special.
    #[inline]
    fn marked(self) -> u64 {
        // The quote changes places with the blank, and is found with the control characters below
        // it.
        let low = (self.0 ^ (Self::ONES * 0x02)).wrapping_sub(Self::ONES * 0x21);
        let backslash = (self.0 ^ (Self::ONES * u64::from(b'\\'))).wrapping_sub(Self::ONES);
        low | backslash
    }

    /// Bytes that are not ASCII.
    #[inline]
    pub(super) fn highs(self) -> u64 {
        self.0 & Self::HIGHS
    }

    /// This byte, which is an ASCII one.
    #[inline]
    pub(super) fn equal(self, byte: u8) -> u64 {
        let word = self.0 ^ (Self::ONES * u64::from(byte));
        word.wrapping_sub(Self::ONES) & !word & Self::HIGHS
    }
}

/// The place of the first byte that is marked in a word, if any is; less than 8.
#[inline]
pub(super) fn first(marks: u64) -> Option<usize> {
    let marks = NonZero::new(marks)?;
    Some(marks.trailing_zeros() as usize / 8)
}

/// How many bytes there are before the first that is marked.
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
