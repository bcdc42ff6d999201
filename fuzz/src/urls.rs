//! Any URL of an item: what is dispatched is a path of the outer origin.

use percent_encoding::percent_decode;
use serde_json::json;
use tower_multistatus::{BatchLayer, UrlBase};
use url::Url;

use crate::exchange::exchange;
use crate::input::Input;
use crate::model::exchange::post;
use crate::model::read::responses;
use crate::oracle::assert_each_once;

const PATH: &str = "/v1/$batch";

pub(crate) fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let layer = BatchLayer::new(PATH).encode_urls(input.dice.one_in(2));
    let is_plain = input.dice.below(4) != 3;
    let layer = match input.dice.below(4) {
        _ if is_plain => layer,
        0 => layer.base(UrlBase::for_all_urls("/v1/")),
        1 => layer.base("/a/b/"),
        2 => layer.mounted_at("/v0"),
        _ => layer.public_origin("https://public.example:8443"),
    };
    let url = String::from_utf8_lossy(input.rest);
    let envelope = json!({ "requests": [{ "id": "x", "method": "GET", "url": url }] }).to_string();
    let headers = [("content-type", &b"application/json"[..])];
    let exchange = exchange(layer, post(PATH, &headers, vec![envelope.into()]));
    assert_each_once(&exchange, &responses(&exchange.0));
    let Some(call) = exchange.1.first() else {
        return;
    };
    let target = call.uri.as_str();
    assert!(
        target.len() <= 8192 + "/v1/".len() * 3 && target.starts_with('/'),
        "{target}"
    );
    assert!(
        !target.starts_with("//") && !target.starts_with("/\\"),
        "{target}"
    );
    assert!(
        target
            .bytes()
            .all(|byte| (0x21..0x7F).contains(&byte) && byte != b'#'),
        "{target}"
    );
    assert_no_dots(target.split('?').next().unwrap_or_default().as_bytes(), 2);
    // The crate `url` ignores control characters, and spaces at both ends. What starts with `?` or
    // a backslash is relative to the folder here.
    let is_changed = url.trim() != url || url.contains(char::is_control);
    if is_plain && !is_changed && !url.starts_with(['?', '\\']) {
        assert_resolves_like_a_browser(&url, target);
    }
}

/// Asserts that there is no dot segment, in this path and when it is decoded so many times.
fn assert_no_dots(path: &[u8], times: usize) {
    let mut segments = path.split(|byte| matches!(byte, b'/' | b'\\'));
    let is_dots = |segment: &[u8]| matches!(segment, b"." | b"..");
    assert!(!segments.any(is_dots), "{}", path.escape_ascii());
    if times > 0 {
        let decoded: Vec<u8> = percent_decode(path).collect();
        assert_no_dots(&decoded, times - 1);
    }
}

/// Asserts that the crate `url` finds the same URL below that of the batch.
fn assert_resolves_like_a_browser(url: &str, target: &str) {
    let outer = Url::parse("http://api.example/v1/$batch").expect("a URL");
    let resolved = Url::options()
        .base_url(Some(&outer))
        .parse(url)
        .expect("a URL");
    let is_own = matches!(resolved.scheme(), "http" | "https");
    assert!(
        is_own && resolved.host_str() == Some("api.example"),
        "{resolved}"
    );
    assert!(
        resolved.username().is_empty() && resolved.password().is_none(),
        "{resolved}"
    );
    assert!(resolved.port().is_none(), "{resolved}");
    let dispatched = Url::parse(&format!("{}://api.example{target}", resolved.scheme()));
    assert_eq!(Ok(resolved), dispatched);
}
