//! What the headers of the outer request cost: every item inherits most of them.
//!
//! ```sh
//! cargo bench --bench headers [-- --quick]
//! ```
mod support;

use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use support::harness::{Mode, Variant, answered, floored, runtime, seconds};
use support::inner::{Answer, Trivial, router};
use support::{Kind, Load, layer};
use tower::Layer;

const COUNT: usize = 100;
const TIME: Duration = Duration::from_secs(2);

/// A browser's, beside `host` and `content-type`.
const BROWSER: [(&str, &str); 11] = [
    ("accept", "*/*"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "en-GB,en;q=0.5"),
    ("authorization", "Bearer 0123456789abcdef0123456789abcdef"),
    ("content-length", "6000"),
    ("cookie", "session=0123456789abcdef; theme=dark"),
    ("origin", "https://app.example"),
    ("referer", "https://app.example/parts"),
    ("sec-fetch-mode", "cors"),
    ("sec-fetch-site", "same-site"),
    (
        "user-agent",
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    ),
];

/// So many headers: of a browser, and beyond those what proxies and applications add.
fn headers(count: usize) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    let browser = [("host", "api.example")].into_iter().chain(BROWSER);
    for (name, value) in browser.take(count - 1) {
        headers.insert(name, HeaderValue::from_static(value));
    }
    for index in headers.len()..count {
        let name = HeaderName::try_from(format!("x-app-{index}")).expect("a name");
        headers.insert(name, HeaderValue::from_static("0123456789abcdef"));
    }
    headers
}

fn main() {
    let Some(mode) = Mode::from_args() else {
        println!("`cargo bench --bench headers` runs this");
        return;
    };
    let loads = [1, 13, 40].map(|count| {
        let mut load = Load::new(Kind::Get, Answer::Small, COUNT);
        load.head.headers = headers(count);
        load
    });
    println!("| service | headers | ns an item | to the floor | more than with 1, ns |");
    println!("| --- | --- | --- | --- | --- |");
    for is_axum in [false, true] {
        let runtime = runtime();
        let runtime = &runtime;
        let (size, trivial) = (Answer::Small.body().len(), Trivial(Answer::Small.body()));
        let mut variants: Vec<Variant<'_>> = vec![match is_axum {
            true => floored(runtime, router(), &loads[0], size),
            false => floored(runtime, trivial.clone(), &loads[0], size),
        }];
        for load in &loads {
            let request = || load.request();
            variants.push(match is_axum {
                true => answered(runtime, layer(COUNT).layer(router()), request),
                false => answered(runtime, layer(COUNT).layer(trivial.clone()), request),
            });
        }
        let seconds = seconds(&mut variants, mode.of(TIME));
        let service = if is_axum { "axum" } else { "nothing" };
        for (load, time) in loads.iter().zip(&seconds[1..]) {
            println!(
                "| {service} | {} | {:.0} | {:.2} | {:.0} |",
                load.head.headers.len(),
                time / COUNT as f64 * 1e9,
                time / seconds[0],
                (time - seconds[1]) / COUNT as f64 * 1e9,
            );
        }
    }
}
