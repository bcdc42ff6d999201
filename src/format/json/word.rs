//! Eight bytes at a time.

use std::num::NonZero;

/// Eight bytes in one number. Each question is answered by a mark in the high bit of every byte that it holds for; above
/// the lowest mark there may be false ones, by a borrow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word(u64);

impl Word {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = Self::ONES << 7;

    /// The first eight bytes.
    #[inline(always)]
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        bytes
            .first_chunk()
            .map(|word| Self(u64::from_le_bytes(*word)))
    }

    /// The place of the first special byte, or of one that is not ASCII before it; less than 8.
    #[inline(always)]
    pub(super) fn first_mark(self) -> Option<usize> {
        let marks = NonZero::new(self.marks() & Self::HIGHS)?;
        Some(marks.trailing_zeros() as usize / 8)
    }

    #[inline(always)]
    fn marks(self) -> u64 {
        // The quote changes places with the blank, and is found with the control characters below it.
        let low = (self.0 ^ (Self::ONES * 0x02)).wrapping_sub(Self::ONES * 0x21);
        let backslash = (self.0 ^ (Self::ONES * u64::from(b'\\'))).wrapping_sub(Self::ONES);
        low | backslash
    }

    /// What does not stand in a JSON string for itself: control characters, quotes and backslashes.
    #[inline]
    pub(super) fn specials(self) -> u64 {
        self.marks() & !self.0 & Self::HIGHS
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

/// How many bytes there are before the first that is marked.
#[inline]
pub(super) fn prefix_len(bytes: &[u8], marks: impl Fn(Word) -> u64) -> usize {
    let mut length = 0;
    let mut rest = bytes;
    while let Some((word, after)) = rest.split_first_chunk::<8>() {
        let marked = marks(Word(u64::from_le_bytes(*word)));
        if marked != 0 {
            return length + marked.trailing_zeros() as usize / 8;
        }
        length += 8;
        rest = after;
    }
    let is_marked = |byte: &u8| marks(Word(u64::from(*byte))) & 0x80 != 0;
    length + rest.iter().position(is_marked).unwrap_or(rest.len())
}
