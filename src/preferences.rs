//! `Prefer` (RFC 7240): what the client would like, and what it is told was done.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};

use crate::media_type::{split_unquoted, unquoted};

/// The preferences that a batch honours.
#[derive(Debug, Default)]
pub(crate) struct Preferences {
    pub(crate) continue_on_error: Option<bool>,
    pub(crate) wait: Option<Duration>,
    pub(crate) is_minimal: bool,
    applied: String,
}

impl Preferences {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut preferences = Self::default();
        let values = headers.get_all("prefer").iter();
        for value in values.filter_map(|value| value.to_str().ok()) {
            for preference in split_unquoted(value, b',') {
                let preference = split_unquoted(preference, b';').next();
                preferences.take(preference.unwrap_or_default().trim());
            }
        }
        preferences
    }

    /// `Preference-Applied`, if there is anything to say.
    pub(crate) fn applied(&self) -> Option<HeaderValue> {
        match self.applied.is_empty() {
            true => None,
            false => HeaderValue::from_str(&self.applied).ok(),
        }
    }

    /// Of two preferences with one name, the first counts (RFC 7240 §2).
    fn take(&mut self, preference: &str) {
        let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
        let value = unquoted(value.trim());
        let name = name.trim().to_ascii_lowercase();
        let is_new = match name.strip_prefix("odata.").unwrap_or(&name) {
            "continue-on-error" => match value.to_ascii_lowercase().as_str() {
                "" | "true" => set(&mut self.continue_on_error, true),
                "false" => set(&mut self.continue_on_error, false),
                _ => false,
            },
            "wait" if cfg!(feature = "timeout") => value
                .parse()
                .is_ok_and(|seconds| set(&mut self.wait, Duration::from_secs(seconds))),
            "return" if value == "minimal" => !std::mem::replace(&mut self.is_minimal, true),
            _ => false,
        };
        if is_new {
            if !self.applied.is_empty() {
                self.applied.push_str(", ");
            }
            self.applied.push_str(preference);
        }
    }
}

fn set<T>(slot: &mut Option<T>, value: T) -> bool {
    let is_new = slot.is_none();
    slot.get_or_insert(value);
    is_new
}
