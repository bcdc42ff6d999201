//! Where in nested JSON a scanner is.

const CLOSING_BEHIND_OPENING: u8 = b'}' - b'{';
const _: () = assert!(b']' - b'[' == CLOSING_BEHIND_OPENING);

/// Which containers are open: the innermost by what closes it, those around it as bits, the nearest lowest. An object
/// is a 1.
#[derive(Debug, Default)]
pub(super) struct Containers {
    outer: u128,
    closing: u8,
    pub(super) count: u32,
}

impl Containers {
    #[inline(always)]
    pub(super) fn push(&mut self, opening: u8) {
        self.outer = self.outer << 1 | u128::from(self.is_object());
        self.closing = opening + CLOSING_BEHIND_OPENING;
        self.count += 1;
    }

    #[inline(always)]
    pub(super) fn pop(&mut self) {
        self.closing = if self.outer & 1 == 1 { b'}' } else { b']' };
        self.outer >>= 1;
        self.count -= 1;
    }

    #[inline(always)]
    pub(super) fn is_object(&self) -> bool {
        self.closing == b'}'
    }

    #[inline(always)]
    pub(super) fn closing(&self) -> u8 {
        self.closing
    }
}
