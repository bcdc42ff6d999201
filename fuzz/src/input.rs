//! How the bytes of an input are divided.

use bytes::Bytes;

use crate::model::Dice;

/// The first line of an input, and what follows it.
///
/// The first line has dice, and a space and a text if there is more: seeds can be read and written
/// by hand. Mostly the rest is an envelope.
pub(crate) struct Input<'a> {
    pub(crate) dice: Dice<'a>,
    sizes: &'a [u8],
    /// What follows the first space of the line.
    pub(crate) text: Option<&'a [u8]>,
    pub(crate) rest: &'a [u8],
}

impl<'a> Input<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        let (line, rest) = split_at(data, b'\n');
        let (dice, text) = split_at(line, b' ');
        Self {
            dice: Dice::new(dice),
            sizes: &dice[..dice.len().min(16)],
            text: (!text.is_empty()).then_some(text),
            rest,
        }
    }

    /// The rest, in chunks whose sizes are the dice, over and over.
    pub(crate) fn chunks(&self) -> Vec<Bytes> {
        let mut rest = Bytes::copy_from_slice(self.rest);
        if self.sizes.iter().all(|size| *size == 0) {
            return vec![rest];
        }
        let mut chunks = Vec::new();
        for size in self.sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            chunks.push(rest.split_to(usize::from(*size).min(rest.len())));
        }
        chunks
    }
}

/// What is before and after the first such byte.
pub(crate) fn split_at(data: &[u8], byte: u8) -> (&[u8], &[u8]) {
    match data.iter().position(|known| *known == byte) {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (data, &[]),
    }
}
