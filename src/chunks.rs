//! A buffer for bytes that arrive in chunks.

use bytes::{Bytes, BytesMut};

/// Collects chunks. A single chunk is kept as it is, and several are copied together.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    first: Bytes,
    all: BytesMut,
}

impl Chunks {
    pub(crate) fn push(&mut self, chunk: Bytes) {
        if self.len() == 0 {
            self.first = chunk;
            return;
        }
        if self.all.is_empty() {
            self.all.reserve(self.first.len() + chunk.len());
            self.all.extend_from_slice(&self.first);
            self.first = Bytes::new();
        }
        self.all.extend_from_slice(&chunk);
    }

    pub(crate) fn len(&self) -> usize {
        self.first.len() + self.all.len()
    }

    pub(crate) fn take(&mut self) -> Bytes {
        if self.all.is_empty() {
            std::mem::take(&mut self.first)
        } else {
            self.all.split().freeze()
        }
    }
}
