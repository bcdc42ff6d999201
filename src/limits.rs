//! The limits that formats apply.

use crate::error::{Error, ErrorKind};

/// The limits of a batch, which are passed to a [`Format`](crate::Format).
///
/// ```
/// let limits = tower_multistatus::Limits::default();
/// assert_eq!(limits.max_items(), 100);
/// assert_eq!(limits.max_envelope_bytes(), 1 << 20);
/// assert_eq!(limits.max_item_body_bytes(), 256 << 10);
/// assert_eq!(limits.max_response_bytes(), 1 << 20);
/// assert_eq!(limits.max_total_response_bytes(), 8 << 20);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub(crate) max_items: usize,
    /// The setting that limits the number of items.
    items_setting: &'static str,
    pub(crate) max_envelope_bytes: usize,
    pub(crate) max_item_body_bytes: usize,
    pub(crate) max_response_bytes: usize,
    pub(crate) max_total_response_bytes: usize,
}

impl Limits {
    /// The limits of a stream, which has its own maximum of items.
    pub(crate) fn of_stream(self, max_items: usize) -> Self {
        Self {
            max_items,
            items_setting: "max_streamed_items",
            ..self
        }
    }

    /// The limits of a client, for the response to a batch of this number of items.
    #[cfg(feature = "client")]
    pub(crate) fn of_response(items: usize, max_bytes: usize) -> Self {
        Self {
            max_items: items,
            max_response_bytes: max_bytes,
            max_total_response_bytes: max_bytes,
            ..Self::default()
        }
    }

    /// Checks the bytes that a decoder of responses holds.
    #[cfg(feature = "client")]
    pub(crate) fn check_held(&self, bytes: usize) -> Result<(), Error> {
        let max = self.max_total_response_bytes;
        if bytes <= max {
            return Ok(());
        }
        let kind = ErrorKind::EnvelopeTooLarge;
        Err(Error::over(kind, "max_response_bytes", max))
    }

    /// The refusal of a batch that has more items than [`max_items`](Self::max_items).
    pub fn too_many_items(&self) -> Error {
        Error::over(ErrorKind::TooManyItems, self.items_setting, self.max_items)
    }

    /// Maximum items per batch, or per [stream](crate::Decoder::is_streamed). A decoder refuses the
    /// batch as soon as it finds one more.
    pub fn max_items(&self) -> usize {
        self.max_items
    }

    /// Maximum bytes of the envelope. In a stream, the maximum bytes that a decoder holds.
    pub fn max_envelope_bytes(&self) -> usize {
        self.max_envelope_bytes
    }

    /// Maximum bytes of one item's body, decoded.
    pub fn max_item_body_bytes(&self) -> usize {
        self.max_item_body_bytes
    }

    /// Maximum bytes of one response, headers and body.
    pub fn max_response_bytes(&self) -> usize {
        self.max_response_bytes
    }

    /// Maximum bytes of a buffered envelope, encoded.
    pub fn max_total_response_bytes(&self) -> usize {
        self.max_total_response_bytes
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_items: 100,
            items_setting: "max_items",
            max_envelope_bytes: 1 << 20,
            max_item_body_bytes: 256 << 10,
            max_response_bytes: 1 << 20,
            max_total_response_bytes: 8 << 20,
        }
    }
}
