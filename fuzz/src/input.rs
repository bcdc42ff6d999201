//! How the bytes of an input are divided.

use bytes::Bytes;

/// The first line of an input, and what follows it.
///
/// The first line has dice, and a space and a text if there is more: seeds can be read and written
/// by hand. Mostly the rest is an envelope.
pub(crate) struct Input<'a> {
    pub(crate) dice: Dice<'a>,
    /// What follows the first space of the line.
    pub(crate) text: Option<&'a [u8]>,
    pub(crate) rest: &'a [u8],
}

impl<'a> Input<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        let (line, rest) = split_at(data, b'\n');
        let (dice, text) = split_at(line, b' ');
        Self {
            dice: Dice(dice),
            text: (!text.is_empty()).then_some(text),
            rest,
        }
    }

    /// The rest, in chunks whose sizes are the next dice, over and over.
    pub(crate) fn chunks(&self) -> Vec<Bytes> {
        let sizes: Vec<_> = self.dice.0.iter().take(16).copied().map(usize::from).collect();
        let mut rest = Bytes::copy_from_slice(self.rest);
        if sizes.iter().sum::<usize>() == 0 {
            return vec![rest];
        }
        let mut chunks = Vec::new();
        for size in sizes.into_iter().cycle() {
            if rest.is_empty() {
                break;
            }
            chunks.push(rest.split_to(size.min(rest.len())));
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

/// Choices, one per byte. After the last byte, each is the first one.
#[derive(Clone)]
pub(crate) struct Dice<'a>(&'a [u8]);

impl Dice<'_> {
    /// A number below `end`. The digit `0` is zero.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        usize::from(first.wrapping_sub(b'0')) % end
    }

    pub(crate) fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.below(2) == 1
    }
}
