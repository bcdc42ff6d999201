//! The preferences `respond-async` and `wait` (RFC 7240).

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

pub(crate) const PREFER: HeaderName = HeaderName::from_static("prefer");

const RESPOND_ASYNC: &str = "respond-async";
const WAIT: &str = "wait";

/// What a client prefers that may get its response later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Async {
    /// The time that it waits for the whole response first.
    pub(crate) wait: Option<Duration>,
}

impl Async {
    /// Returns `None` if the client does not prefer to get the response later.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut names = preferences(headers).map(name_and_value);
        names.find(|(name, _)| is(name, RESPOND_ASYNC))?;
        // Of several preferences with one name, the first one counts (RFC 7240 §2).
        let mut names = preferences(headers).map(name_and_value);
        let wait = names.find(|(name, _)| is(name, WAIT));
        let seconds = wait.and_then(|(_, value)| value.parse().ok());
        Some(Self {
            wait: seconds.map(Duration::from_secs),
        })
    }
}

/// The preferences that are about the items, joined again. `None` if there are none.
pub(crate) fn without_async(headers: &HeaderMap) -> Option<HeaderValue> {
    let others = preferences(headers).filter(|preference| {
        let (name, _) = name_and_value(preference);
        !is(name, RESPOND_ASYNC) && !is(name, WAIT)
    });
    let others: Vec<_> = others.collect();
    HeaderValue::from_str(&others.join(", "))
        .ok()
        .filter(|value| !value.is_empty())
}

fn is(name: &str, known: &str) -> bool {
    let (prefix, rest) = name.split_at_checked("odata.".len()).unwrap_or_default();
    let is_prefixed = prefix.eq_ignore_ascii_case("odata.");
    (if is_prefixed { rest } else { name }).eq_ignore_ascii_case(known)
}

fn name_and_value(preference: &str) -> (&str, &str) {
    let preference = preference.split(';').next().unwrap_or_default();
    let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
    (name.trim(), value.trim().trim_matches('"'))
}

/// The preferences of all `Prefer` headers. A comma inside of quotes separates nothing.
fn preferences(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(PREFER).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    let split = values.flat_map(|value| {
        let (mut is_quoted, mut is_escaped) = (false, false);
        value.split(move |char| {
            let was_escaped = is_escaped;
            is_escaped = is_quoted && char == '\\' && !was_escaped;
            is_quoted ^= char == '"' && !was_escaped;
            char == ',' && !is_quoted
        })
    });
    split
        .map(str::trim)
        .filter(|preference| !preference.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&'static str]) -> HeaderMap {
        let values = values
            .iter()
            .map(|value| (PREFER, HeaderValue::from_static(value)));
        values.collect()
    }

    #[test]
    fn the_first_preference_of_a_name_counts_in_any_spelling() {
        let seconds = |seconds| {
            Some(Async {
                wait: Some(Duration::from_secs(seconds)),
            })
        };
        let cases = [
            (&["respond-async"][..], Some(Async { wait: None })),
            (&["wait=5, Respond-Async"], seconds(5)),
            (&["odata.respond-async; x=1", "wait = \"7\""], seconds(7)),
            (&["wait=5,wait=9,respond-async"], seconds(5)),
            (&["wait=soon, respond-async"], Some(Async { wait: None })),
            (&["wait=5"], None),
            (&["x=\"a, respond-async\""], None),
            (&["x=\"\\\", respond-async"], None),
            (&["respond-asynchronously"], None),
            (&[], None),
        ];
        for (values, expected) in cases {
            assert_eq!(Async::of(&headers(values)), expected, "{values:?}");
        }
    }

    #[test]
    fn preferences_about_the_items_are_kept() {
        let values = &[
            "respond-async, odata.continue-on-error=false",
            "wait=5, x=\"a,b\"",
        ];
        let kept = without_async(&headers(values));
        assert_eq!(kept.unwrap(), "odata.continue-on-error=false, x=\"a,b\"");
        assert_eq!(without_async(&headers(&["respond-async"])), None);
    }
}
