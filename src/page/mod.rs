//! The page that composes a batch and shows its items: a static file, for a `GET` of the batch path
//! that accepts HTML.

use bytes::Bytes;
use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response};

use crate::content_length::content_length;
use crate::media_type::MediaType;

const PAGE: &str = include_str!("page.html");

/// Nothing runs but the script of the page, which may only send requests to the same origin. A unit
/// test compares the hashes with the page.
const POLICY: &str = "default-src 'none'; \
    script-src 'sha256-Tfolrb9qH2NYpOYuOiHRm9Lk/8wujbEKbiTaqOgVFss='; \
    style-src 'sha256-OtE+52JaKzXvi6kQdK1bmJ2jkqQfhN4DnfS7bvSrwbQ='; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

/// Whether the request is one for the page.
pub(crate) fn is_wanted(outer: &Parts) -> bool {
    matches!(outer.method, Method::GET | Method::HEAD) && accepts_html(&outer.headers)
}

pub(crate) fn page<B: From<Bytes>>() -> Response<B> {
    let mut response = Response::new(B::from(Bytes::from_static(PAGE.as_bytes())));
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, content_length(PAGE.len()));
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (VARY, "accept"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Whether `Accept` names HTML, as that of every browser does. `*/*` alone does not suffice,
/// because programs send it.
fn accepts_html(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT).iter();
    let ranges = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    ranges.map(MediaType::parse).any(|range| {
        let quality = range.parameter("q").ok().flatten();
        let is_refused = quality.is_some_and(|quality| quality.parse() == Ok(0.0_f32));
        range.is("text/html") && !is_refused
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use sha2::{Digest, Sha256};

    use super::{PAGE, POLICY};

    /// The only element of the page with this name.
    fn content(name: &str) -> &'static str {
        let (_, rest) = PAGE.split_once(&format!("<{name}>")).unwrap();
        let (content, rest) = rest.split_once(&format!("</{name}>")).unwrap();
        assert!(!rest.contains(&format!("<{name}")), "another {name}");
        content
    }

    #[test]
    fn the_policy_has_the_hashes_of_the_script_and_the_style() {
        for name in ["script", "style"] {
            let hash = BASE64_STANDARD.encode(Sha256::digest(content(name)));
            let source = format!("{name}-src 'sha256-{hash}';");
            assert!(POLICY.contains(&source), "the policy needs {source}");
        }
    }

    #[test]
    fn the_page_refers_to_nothing_and_is_small() {
        let markup = PAGE.replace(content("script"), "");
        let markup = markup.replace(content("style"), "");
        for reference in ["src=", "href=", "style=", "onclick="] {
            assert!(!markup.contains(reference), "{reference}");
        }
        for reference in ["url(", "@import"] {
            assert!(!content("style").contains(reference), "{reference}");
        }
        assert!(!content("script").contains("innerHTML"));
        assert!(PAGE.len() < 25_000, "{} bytes", PAGE.len());
    }
}
