//! Makes batches of dice. All zeros are a batch of one valid item.

use super::batch::{Batch, Content, Item, PATH, Settings, Wire};
use super::dice::Dice;
use super::faults::{readiness, script};

const WIRES: &[Wire] = &[
    Wire::Json,
    Wire::Stream,
    Wire::JsonToLines,
    Wire::LinesToJson,
    Wire::JsonToParts,
    Wire::Parts,
];

const METHODS: [&str; 8] = [
    "GET", "POST", "get", "Put", "PATCH", "delete", "HEAD", "OPTIONS",
];

const URLS: [&str; 14] = [
    "/a",
    "x",
    "/a/b?c=d",
    "x/y?z=/../w",
    "http://api.example/p",
    "HTTP://API.example:80/p?q",
    "https://api.example:443",
    "http://api.example?q",
    "Products('a:b')",
    "/a;b/c",
    "/%41/%2541",
    "?q",
    "/a/...",
    "/.well-known/x",
];

const BAD_URLS: [&str; 17] = [
    "",
    "//evil.example/x",
    "/\\evil.example",
    "/a/../b",
    "/a/%2e%2E",
    "/%252e%252E/x",
    "/a/..;x/b",
    "/a\\..\\b",
    "http://other.example/a",
    "http://api.example:81/a",
    "http://a@api.example/",
    "http:///a",
    "javascript:x",
    "http:x",
    "ftp://api.example/",
    "/a#b",
    "/\u{e9}",
];

/// Headers of the outer request.
const OUTER: [(&str, &str); 17] = [
    ("authorization", "Bearer x"),
    ("cookie", "a=b"),
    ("x-user-id", "1"),
    ("user-agent", "outer"),
    ("cache-control", "no-cache"),
    ("accept-language", "de"),
    ("idempotency-key", "\"k\""),
    ("content-language", "fr"),
    ("if-none-match", "*"),
    ("range", "bytes=0-1"),
    ("connection", "close, X-Named, pragma"),
    ("x-named", "x"),
    ("pragma", "no-cache"),
    ("proxy-authorization", "x"),
    ("te", "trailers"),
    ("max-forwards", "3"),
    ("expect", "100-continue"),
];

/// Headers of items.
const HEADERS: [(&str, &str); 20] = [
    ("accept", "text/html"),
    ("accept-language", "en"),
    ("if-match", "\"1\""),
    ("content-language", "nl"),
    ("prefer", "x"),
    ("range", "bytes=2-3"),
    ("idempotency-key", "\"own\""),
    ("cache-control", "no-store"),
    ("pragma", "x"),
    ("user-agent", "item"),
    ("x-requested-with", "x"),
    ("x-user-id", "2"),
    ("authorization", "Bearer y"),
    ("cookie", "c=d"),
    ("host", "evil.example"),
    ("x-forwarded-for", "1.2.3.4"),
    ("traceparent", "x"),
    ("max-forwards", "9"),
    ("expect", "x"),
    ("connection", "authorization"),
];

/// A batch.
pub(crate) fn generate(mut dice: Dice<'_>) -> Batch {
    let dice = &mut dice;
    let wire = dice.pick(WIRES);
    let concurrency = dice.pick(&[8, 1, 64, 2]);
    let settings = Settings {
        concurrency,
        max_items: if dice.one_in(16) { 3 } else { 100 },
        // More than one at a time, it is not said which items have started before one fails.
        continues: concurrency > 1 || !dice.one_in(3),
        runs_groups: !dice.one_in(8),
        is_minimal: dice.one_in(8),
        chunk: dice.pick(&[usize::MAX, 1, 7, 64]),
    };
    let mut outer = OUTER.to_vec();
    outer.retain(|_| dice.one_in(3));
    let count = if concurrency == 1 {
        1 + dice.below(8)
    } else {
        1
    };
    let readiness = (0..count).map(|_| readiness(dice)).collect();
    let mut batch = Batch {
        wire,
        settings,
        outer,
        items: Vec::new(),
        readiness,
    };
    let max = if dice.one_in(8) { 60 } else { 12 };
    for _ in 0..1 + dice.below(max) {
        let item = item(dice, &batch);
        batch.items.push(item);
    }
    batch
}

fn item(dice: &mut Dice<'_>, batch: &Batch) -> Item {
    let (mut method, mut url) = (dice.pick(&METHODS), dice.pick(&URLS));
    let (content_type, content) = content(dice);
    let mut item = Item {
        id: id(dice, batch),
        headers: headers(dice),
        content_type: content_type.map(str::to_owned),
        content,
        on: Vec::new(),
        group: None,
        script: script(dice),
        method: String::new(),
        url: String::new(),
    };
    // At most one error each: it is not said which of several is reported.
    match dice.below(24) {
        17 => method = dice.pick(&["TRACE", "CONNECT", "BREW"]),
        18 | 19 => url = dice.pick(&BAD_URLS),
        20 => (method, url) = ("POST", dice.pick(&[PATH, "batch", "batch?x"])),
        21 => {
            let many = (0..65).map(|at| (format!("accept-{at}"), "x".to_owned()));
            item.headers = many.collect();
        }
        22 if has_twice(batch.wire) => {
            item.headers = ["if-match", "If-Match"]
                .map(|name| (name.to_owned(), "x".to_owned()))
                .into();
        }
        23 => {
            let (content_type, content) = match dice.below(3) {
                0 => ("image/png", Content::NoBase64),
                1 => ("text/plain", Content::NoText),
                _ => ("text/plain", Content::Text("x".repeat(501))),
            };
            (item.content_type, item.content) = (Some(content_type.to_owned()), content);
        }
        _ => {}
    }
    (item.method, item.url) = (method.to_owned(), url.to_owned());
    if has_links(batch.wire) {
        item.group = group(dice, batch);
        item.on = dependencies(dice, batch);
    }
    item
}

/// Whether a header that occurs twice is an error. In multipart, it has two values.
fn has_twice(wire: Wire) -> bool {
    has_links(wire)
}

/// Whether items can have dependencies, and groups whose items have responses of their own.
fn has_links(wire: Wire) -> bool {
    !matches!(wire, Wire::Parts | Wire::JsonToParts)
}

fn id(dice: &mut Dice<'_>, batch: &Batch) -> String {
    let usual = format!("i{}", batch.items.len());
    // Multipart has ids in a header.
    if !has_links(batch.wire) {
        return usual;
    }
    let has_key = batch
        .outer
        .iter()
        .any(|(name, _)| *name == "idempotency-key");
    match dice.below(48) {
        43 => batch.items.last().map_or(usual, |item| item.id.clone()),
        44 => "g0".to_owned(),
        45 => dice.pick(&["", "a\u{1}", "\u{85}"]).to_owned(),
        46 if !has_key => format!("{usual}\u{e9}\"\\"),
        47 => format!("{usual}{}", "x".repeat(255 - usual.len() + dice.below(3))),
        _ => usual,
    }
}

fn headers(dice: &mut Dice<'_>) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    for _ in 0..dice.below(5) {
        let (name, value) = dice.pick(&HEADERS);
        let known = |(known, _): &(String, String)| known.eq_ignore_ascii_case(name);
        if !headers.iter().any(known) {
            headers.push((in_any_case(dice, name), value.to_owned()));
        }
    }
    headers
}

fn in_any_case(dice: &mut Dice<'_>, name: &str) -> String {
    match dice.below(3) {
        0 => name.to_owned(),
        1 => name.to_ascii_uppercase(),
        _ => {
            let case = |(at, c): (usize, char)| {
                if at % 2 == 0 {
                    c.to_ascii_uppercase()
                } else {
                    c
                }
            };
            name.chars().enumerate().map(case).collect()
        }
    }
}

fn content(dice: &mut Dice<'_>) -> (Option<&'static str>, Content) {
    let json =
        || Content::Json("{\"n\":12345678901234567890.10, \"a\" : [\"\\u00e9\"]}".to_owned());
    let text = || Content::Text("a=\u{e9}\"\n".to_owned());
    match dice.below(8) {
        0 | 1 => (None, Content::None),
        2 => (None, json()),
        3 => (Some("application/json; charset=utf-8"), json()),
        4 => (Some("application/vnd.a+JSON"), json()),
        5 => (Some("text/plain"), text()),
        6 => (Some("application/x-www-form-urlencoded"), text()),
        _ => (
            Some("image/png"),
            Content::Bytes(vec![0, 0xFF, b'\r', b'\n', 0x80]),
        ),
    }
}

fn group(dice: &mut Dice<'_>, batch: &Batch) -> Option<String> {
    let last = batch.items.last().and_then(|item| item.group.clone());
    match dice.below(16) {
        10 => Some(format!("g{}", batch.items.len())),
        11..15 => last,
        15 => dice
            .one_in(4)
            .then(|| dice.pick(&["g0", "g1", "i0"]).to_owned()),
        _ => None,
    }
}

fn dependencies(dice: &mut Dice<'_>, batch: &Batch) -> Vec<String> {
    let mut on = Vec::new();
    if batch.items.is_empty() || !dice.one_in(3) {
        return on;
    }
    for _ in 0..1 + dice.below(2) {
        let other = &batch.items[dice.below(batch.items.len())];
        let name = match dice.below(16) {
            10..15 => other.group.clone().unwrap_or_else(|| other.id.clone()),
            15 => "unknown".to_owned(),
            _ => other.id.clone(),
        };
        // An item cannot have more dependencies than there are items before it.
        if !on.contains(&name) && on.len() < batch.items.len() {
            on.push(name);
        }
    }
    on
}
