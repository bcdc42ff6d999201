//! The formats that a layer reads and writes.

use std::sync::Arc;

use super::BatchLayer;
use crate::format::Format;

/// # Formats
impl BatchLayer {
    /// Adds a format. It replaces a format that has the same first media type.
    ///
    /// ```
    /// use tower_multistatus::{BatchLayer, Json};
    ///
    /// let layer = BatchLayer::new("/batch").format(Json::new().trust_responses(true));
    /// ```
    pub fn format(self, format: impl Format) -> Self {
        self.with(|config| {
            let name = format.media_types().first().copied();
            let same = |known: &Arc<dyn Format>| known.media_types().first().copied() == name;
            let place = config.formats.iter().position(same);
            let format: Arc<dyn Format> = Arc::new(format);
            match place.and_then(|place| config.formats.get_mut(place)) {
                Some(known) => *known = format,
                None => config.formats.push(format),
            }
        })
    }

    /// Removes all formats, also those that the constructor has added.
    ///
    /// ```
    /// use tower_multistatus::{BatchLayer, Json};
    ///
    /// // JSON only, without NDJSON.
    /// let layer = BatchLayer::new("/batch").clear_formats().format(Json::new());
    /// ```
    pub fn clear_formats(self) -> Self {
        self.with(|config| config.formats.clear())
    }
}
