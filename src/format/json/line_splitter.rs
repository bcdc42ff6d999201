//! Splits chunks of any size into lines.

use memchr::memchr;

/// The start of a line whose end has not arrived.
#[derive(Debug, Default)]
pub(super) struct LineSplitter(Vec<u8>);

impl LineSplitter {
    /// Calls the function with each line that the chunk completes, with its line end. Returns the
    /// rest of the chunk, which the caller [keeps](Self::keep).
    #[inline]
    pub(super) fn push<'a, E>(
        &mut self,
        chunk: &'a [u8],
        mut line: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<&'a [u8], E> {
        let mut rest = chunk;
        while let Some(end) = memchr(b'\n', rest) {
            let (next, after) = rest.split_at(end + 1);
            rest = after;
            if self.0.is_empty() {
                line(next)?;
            } else {
                self.0.extend_from_slice(next);
                line(&self.0)?;
                // Its memory is used again.
                self.0.clear();
            }
        }
        Ok(rest)
    }

    pub(super) fn partial_len(&self) -> usize {
        self.0.len()
    }

    /// Keeps the start of a line.
    pub(super) fn keep(&mut self, rest: &[u8]) {
        self.0.extend_from_slice(rest);
    }

    /// Takes the last line, which has no line end.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }
}
