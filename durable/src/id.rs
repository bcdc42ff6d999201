//! The id of a batch: 128 random bits, which are also its capability.

use std::fmt;

use ulid::Ulid;

/// The id of a batch. It is written as a UUID, because some clients accept no other form, but all
/// of its bits are random.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct BatchId(u128);

const LEN: usize = 36;
const DASHES: [usize; 4] = [8, 13, 18, 23];

impl BatchId {
    /// # Errors
    ///
    /// If the system has no randomness.
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self(u128::from_be_bytes(bytes)))
    }

    /// Reads an id exactly as it is written: 36 bytes, in lower case.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let mut bytes = text.bytes().enumerate();
        let is_valid = bytes.all(|(index, byte)| match DASHES.contains(&index) {
            true => byte == b'-',
            false => is_digit(byte),
        });
        if text.len() != LEN || !is_valid {
            return None;
        }
        u128::from_str_radix(&text.replace('-', ""), 16)
            .ok()
            .map(Self)
    }

    /// The id of its job in the queue.
    pub(crate) fn job(self) -> Ulid {
        Ulid(self.0)
    }
}

impl fmt::Display for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = format!("{:032x}", self.0);
        let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| hex.get(range));
        f.write_str(&parts.map(Option::unwrap_or_default).join("-"))
    }
}

impl fmt::Debug for BatchId {
    /// Does not show the id, because it is a capability.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BatchId(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::BatchId;

    #[test]
    fn an_id_is_read_exactly_as_it_is_written() {
        let id = BatchId(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        let text = "01234567-89ab-cdef-0123-456789abcdef";
        assert_eq!(id.to_string(), text);
        assert_eq!(BatchId::parse(text), Some(id));
        let upper = text.to_uppercase();
        let hostile = [
            "",
            "0",
            &text[1..],
            &upper,
            "01234567-89ab-cdef-0123-456789abcde\0",
            "01234567-89ab-cdef-0123-456789abcdefa",
            "0123456789ab-cdef-0123-456789abcdef--",
            "+1234567-89ab-cdef-0123-456789abcdef",
            "01234567-89ab-cdef-0123-456789abcde\u{e9}",
            "' OR '1'='1' OR '1'='1' OR '1'='1' O",
        ];
        for text in hostile {
            assert_eq!(BatchId::parse(text), None, "{text}");
        }
    }
}
