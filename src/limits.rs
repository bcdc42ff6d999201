//! The limits that formats see.

/// The limits of a batch, as a [`Format`](crate::Format) gets them.
///
/// ```
/// let limits = tower_multistatus::Limits::default();
/// assert_eq!(limits.max_items(), 100);
/// assert_eq!(limits.max_envelope_bytes(), 1 << 20);
/// assert_eq!(limits.max_item_body_bytes(), 256 << 10);
/// assert_eq!(limits.max_response_bytes(), 1 << 20);
/// assert_eq!(limits.max_total_response_bytes(), 8 << 20);
/// ```
#[derive(Clone, Debug)]
pub struct Limits {
    pub(crate) max_items: usize,
    pub(crate) max_envelope_bytes: usize,
    pub(crate) max_item_body_bytes: usize,
    pub(crate) max_response_bytes: usize,
    pub(crate) max_total_response_bytes: usize,
}

impl Limits {
    /// Items in a batch. A decoder refuses the batch when it finds one more, before it reads on.
    pub fn max_items(&self) -> usize {
        self.max_items
    }

    /// Bytes of the envelope.
    pub fn max_envelope_bytes(&self) -> usize {
        self.max_envelope_bytes
    }

    /// Bytes of one item's body, decoded.
    pub fn max_item_body_bytes(&self) -> usize {
        self.max_item_body_bytes
    }

    /// Bytes of one response, headers and body.
    pub fn max_response_bytes(&self) -> usize {
        self.max_response_bytes
    }

    /// Bytes of a buffered envelope, encoded.
    pub fn max_total_response_bytes(&self) -> usize {
        self.max_total_response_bytes
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_items: 100,
            max_envelope_bytes: 1 << 20,
            max_item_body_bytes: 256 << 10,
            max_response_bytes: 1 << 20,
            max_total_response_bytes: 8 << 20,
        }
    }
}
