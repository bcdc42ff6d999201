//! The formats alone: reading an envelope, and writing answers into one, through the public traits.
//! Beside it is what `serde_json` takes for the same bytes.
//!
//! ```sh
//! cargo bench --bench parse_splice --features test-util [-- --quick]
//! ```
mod support;

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use support::harness::{Mode, Variant, seconds};
use support::inner::Answer;
use support::{Kind, Load};
use tower_multistatus::{Format, Frames, Json, Limits, Subresponse, Summary};

const COUNT: usize = 100;
const TIME: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
struct Envelope {
    requests: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    id: String,
    method: String,
    url: String,
    #[serde(default)]
    headers: Value,
    body: Option<Value>,
}

fn main() {
    let Some(mode) = Mode::from_args() else {
        println!("`cargo bench --bench parse_splice --features test-util` runs this");
        return;
    };
    println!("| {COUNT} items | ns an item | MB/s | of the first |\n| --- | --- | --- | --- |");
    for kind in [Kind::Get, Kind::Post] {
        reading(mode, &Load::new(kind, Answer::Small, COUNT));
    }
    for answer in [Answer::Small, Answer::Medium, Answer::Large] {
        writing(mode, answer);
    }
}

fn reading(mode: Mode, load: &Load) {
    let envelope = &load.envelope;
    let format = Json::new();
    let limits = Limits::default();
    let mut variants: Vec<Variant<'_>> = vec![
        Box::new(|times: u32| {
            for _ in 0..times {
                let decoder = format.decoder(&load.head, &limits).expect("it reads this");
                let mut decoder = decoder.expect("a decoder");
                let mut found = Vec::new();
                decoder
                    .push(envelope.clone(), &mut found)
                    .expect("an envelope");
                decoder.end(&mut found).expect("an envelope");
                assert_eq!(std::hint::black_box(found).len(), COUNT);
            }
        }),
        Box::new(|times: u32| {
            for _ in 0..times {
                let read: Envelope = serde_json::from_slice(envelope).expect("an envelope");
                for item in &read.requests {
                    std::hint::black_box((&item.id, &item.method, &item.url));
                    std::hint::black_box((&item.headers, &item.body));
                }
            }
        }),
        Box::new(|times: u32| {
            for _ in 0..times {
                let read = serde_json::from_slice::<Value>(envelope);
                std::hint::black_box(read.expect("JSON"));
            }
        }),
    ];
    let seconds = seconds(&mut variants, mode.of(TIME));
    let what = format!("read {} of {} B", load.ready[0].0, envelope.len() / COUNT);
    let names = [
        "this crate",
        "serde_json, `Vec<Item>`",
        "serde_json, `Value`",
    ];
    rows(&what, &names, &seconds, envelope.len());
}

fn writing(mode: Mode, answer: Answer) {
    let load = Load::new(Kind::Get, answer, 1);
    let body = answer.body();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let answers: Vec<Subresponse> = (0..COUNT)
        .map(|_| Subresponse::new("17", StatusCode::OK, headers.clone(), body.clone()))
        .collect();
    let write = |format: Json| -> Variant<'_> {
        let (answers, load) = (&answers, &load);
        Box::new(move |times: u32| {
            for _ in 0..times {
                let mut encoder = format.encoder(&load.head).expect("it writes");
                let mut out = Frames::default();
                encoder.begin(&mut out);
                for answer in answers {
                    encoder.push(answer, &mut out);
                }
                encoder.end(&Summary::new(COUNT, COUNT), &mut out);
                assert!(std::hint::black_box(out).len() > COUNT * body_len(answers));
            }
        })
    };
    let mut variants = vec![
        write(Json::new()),
        write(Json::new().trust_responses(true)),
        Box::new(|times: u32| {
            for _ in 0..times as usize * COUNT {
                let read = serde_json::from_slice::<IgnoredAny>(&body).expect("JSON");
                std::hint::black_box(read);
            }
        }) as Variant<'_>,
        Box::new(|times: u32| {
            for _ in 0..times as usize * COUNT {
                let read = serde_json::from_slice::<Value>(&body);
                std::hint::black_box(read.expect("JSON"));
            }
        }),
    ];
    let seconds = seconds(&mut variants, mode.of(TIME));
    let what = format!("write {} B", body.len());
    let names = [
        "this crate",
        "this crate, trusting",
        "serde_json reads it, `IgnoredAny`",
        "serde_json reads it, `Value`",
    ];
    rows(&what, &names, &seconds, body.len() * COUNT);
}

fn body_len(answers: &[Subresponse]) -> usize {
    answers
        .first()
        .map_or(0, |answer| Bytes::len(answer.body()))
}

fn rows(what: &str, names: &[&str], seconds: &[f64], bytes: usize) {
    for (name, time) in names.iter().zip(seconds) {
        let (an_item, rate) = (time / COUNT as f64 * 1e9, bytes as f64 / time / 1e6);
        println!(
            "| {what}: {name} | {an_item:.0} | {rate:.0} | {:.2} |",
            time / seconds[0]
        );
    }
}
