//! Eight bytes at a time.

/// Eight bytes in one number. Each question is answered by a mark in the high bit of every byte that it holds for; above
/// the lowest mark there may be false ones, by a borrow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word(u64);

impl Word {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = Self::ONES << 7;

    /// Control characters.
    #[inline]
    pub(super) fn controls(self) -> u64 {
        self.0.wrapping_sub(Self::ONES * 0x20) & !self.0 & Self::HIGHS
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
    length + short_prefix_len(rest, marks)
}

/// The same for less than eight bytes.
#[cold]
fn short_prefix_len(bytes: &[u8], marks: impl Fn(Word) -> u64) -> usize {
    // What is not there is a byte that nobody asks about.
    let mut word = [b' '; 8];
    for (byte, given) in word.iter_mut().zip(bytes) {
        *byte = *given;
    }
    let marked = marks(Word(u64::from_le_bytes(word)));
    bytes.len().min(marked.trailing_zeros() as usize / 8)
}
