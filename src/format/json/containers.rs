//! Where in nested JSON a scanner is.

/// Which containers are open, as bits: an object is a 1. The lowest is the innermost.
#[derive(Debug, Default)]
pub(super) struct Containers {
    kinds: u128,
    pub(super) count: u32,
}

impl Containers {
    pub(super) fn push(&mut self, is_object: bool) {
        self.kinds = self.kinds << 1 | u128::from(is_object);
        self.count += 1;
    }

    pub(super) fn pop(&mut self) {
        self.kinds >>= 1;
        self.count -= 1;
    }

    pub(super) fn is_object(&self) -> bool {
        self.kinds & 1 == 1
    }

    pub(super) fn closing(&self) -> u8 {
        if self.is_object() { b'}' } else { b']' }
    }
}
