//! `Prefer` (RFC 7240) and `Preference-Applied`.

use std::borrow::Cow;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::media_type::{split_unquoted, unquoted};

pub(crate) const PREFER: HeaderName = HeaderName::from_static("prefer");

const CONTINUE_ON_ERROR: &str = "continue-on-error";
const WAIT: &str = "wait";
const RETURN: &str = "return";
const ATOMIC: &str = "atomic";

/// The prefix of a preference in OData 4.0.
const ODATA: &str = "odata.";

/// The names of supported preferences. `wait` needs a timer.
const NAMES: &[&str] = if cfg!(feature = "timeout") {
    &[CONTINUE_ON_ERROR, RETURN, ATOMIC, WAIT]
} else {
    &[CONTINUE_ON_ERROR, RETURN, ATOMIC]
};

/// The preferences that a batch honours.
#[derive(Debug, Default)]
pub(crate) struct Preferences {
    pub(crate) continue_on_error: Option<bool>,
    pub(crate) wait: Option<Duration>,
    pub(crate) is_minimal: bool,
    /// All items succeed or fail together.
    pub(crate) is_atomic: bool,
    allows_atomic: bool,
    seen: Vec<&'static str>,
    applied: String,
}

impl Preferences {
    /// Reads the preferences. `limit` is the batch timeout, which `wait` cannot extend.
    pub(crate) fn of(headers: &HeaderMap, limit: Option<Duration>, allows_atomic: bool) -> Self {
        let mut preferences = Self {
            allows_atomic,
            ..Self::default()
        };
        let values = headers.get_all(PREFER).iter();
        for value in values.filter_map(|value| value.to_str().ok()) {
            for preference in split_unquoted(value, b',') {
                let preference = split_unquoted(preference, b';').next();
                preferences.apply(preference.unwrap_or_default().trim(), limit);
            }
        }
        preferences
    }

    /// Returns the value of `Preference-Applied`, if any preference was applied.
    pub(crate) fn applied(&self) -> Option<HeaderValue> {
        if self.applied.is_empty() {
            None
        } else {
            HeaderValue::from_str(&self.applied).ok()
        }
    }

    /// Applies a preference. Of several with one name only the first counts, even if it is not
    /// honoured (RFC 7240 §2).
    fn apply(&mut self, preference: &str, limit: Option<Duration>) {
        let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
        let name = name.trim();
        let (prefix, rest) = name.split_at_checked(ODATA.len()).unwrap_or_default();
        let name = if prefix.eq_ignore_ascii_case(ODATA) {
            rest
        } else {
            name
        };
        let mut names = NAMES.iter().copied();
        let known = names.find(|known| known.eq_ignore_ascii_case(name));
        let Some(name) = known.filter(|known| !self.seen.contains(known)) else {
            return;
        };
        self.seen.push(name);
        let mut applied = Cow::Borrowed(preference);
        let value = unquoted(value.trim());
        let is_applied = match name {
            CONTINUE_ON_ERROR => {
                self.continue_on_error = match value.to_ascii_lowercase().as_str() {
                    "" | "true" => Some(true),
                    "false" => Some(false),
                    _ => None,
                };
                self.continue_on_error.is_some()
            }
            WAIT => {
                self.wait = value.parse().ok().map(Duration::from_secs);
                // A shorter batch timeout wins. It is rounded up to whole seconds, so that the
                // batch does not exceed it.
                let shorter = limit.filter(|limit| self.wait.is_some_and(|wait| *limit < wait));
                if let Some(limit) = shorter {
                    let seconds = limit.as_secs() + u64::from(limit.subsec_nanos() > 0);
                    applied = Cow::Owned(format!("{WAIT}={seconds}"));
                }
                self.wait.is_some()
            }
            ATOMIC => {
                self.is_atomic = self.allows_atomic && value.is_empty();
                self.is_atomic
            }
            _ => {
                self.is_minimal = value == "minimal";
                self.is_minimal
            }
        };
        if is_applied {
            if !self.applied.is_empty() {
                self.applied.push_str(", ");
            }
            self.applied.push_str(&applied);
        }
    }
}
