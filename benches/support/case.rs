//! One thing to measure, as words: `layer axum get small 100`.

use std::sync::Arc;

use axum::Router;
use tokio::sync::Barrier;
use tower::Layer;
use tower_multistatus::Json;

use super::callgrind::Runs;
use super::harness::{Variant, answered, floored, oneshot, runtime};
use super::inner::{Answer, Trivial};
use super::waiting::{Held, one_by_one};
use super::{Kind, Load, by_hand, inner, layer, real};

/// How often a case runs: more often the fewer items it has.
pub(crate) fn runs(case: &str) -> Runs {
    let count = case.rsplit(' ').next().expect("five words");
    let items = count.parse().expect("the last word is a number");
    Runs {
        few: 2 + 100 / items,
        more: 4 + 2000 / items,
        units: items,
    }
}

/// Makes a case ready, and hands it to whoever runs it.
///
/// # Panics
///
/// If the words say nothing.
pub(crate) fn with<T>(case: &str, run: impl FnOnce(&mut Variant<'_>) -> T) -> T {
    let words: Vec<&str> = case.split(' ').collect();
    let [way, service, kind, answer, count] = words[..] else {
        panic!("not a case: {case}")
    };
    let kind = match kind {
        "get" => Kind::Get,
        "chain" => Kind::Chain,
        _ => Kind::Post,
    };
    let answer = match answer {
        "small" => Answer::Small,
        "medium" => Answer::Medium,
        _ => Answer::Large,
    };
    let load = Load::new(kind, answer, count.parse().expect("a number of items"));
    let runtime = runtime();
    let mut variant = match service {
        "trivial" => trivial(way, &runtime, &load, answer),
        "axum" => application(way, &runtime, &load, answer, inner::router()),
        "real" => application(way, &runtime, &load, answer, real::router()),
        _ => None,
    };
    run(variant
        .as_mut()
        .unwrap_or_else(|| panic!("not a case: {case}")))
}

/// Over a service that does nothing, or nothing but wait.
fn trivial<'a>(
    way: &str,
    runtime: &'a tokio::runtime::Runtime,
    load: &'a Load,
    answer: Answer,
) -> Option<Variant<'a>> {
    let body = answer.body();
    let trivial = Trivial(body.clone());
    let layer = layer(load.ready.len());
    let batch = || load.request();
    let first = || load.first();
    Some(match way {
        "floor" => floored(runtime, trivial, load, body.len()),
        "layer" => answered(runtime, layer.layer(trivial), batch),
        "streamed" => answered(runtime, layer.streamed(true).layer(trivial), batch),
        "by-hand" => answered(runtime, by_hand::app(trivial), batch),
        "bare" => answered(runtime, trivial, first),
        "through" => answered(runtime, layer.layer(trivial), first),
        "one-by-one-of-8" => one_by_one(runtime, layer, body, load),
        "one-by-one-of-all" => one_by_one(runtime, layer.concurrency(load.ready.len()), body, load),
        "held" => {
            let held = Held {
                answer: body,
                others: Arc::new(Barrier::new(8)),
            };
            answered(runtime, layer.streamed(true).layer(held), batch)
        }
        _ => return None,
    })
}

fn application<'a>(
    way: &str,
    runtime: &'a tokio::runtime::Runtime,
    load: &'a Load,
    answer: Answer,
    router: Router,
) -> Option<Variant<'a>> {
    let size = answer.body().len();
    let layer = layer(load.ready.len());
    let batch = || load.request();
    let first = || load.first();
    Some(match way {
        "floor" => floored(runtime, router, load, size),
        "oneshot" => oneshot(runtime, router, load, size),
        "layer" => answered(runtime, layer.layer(router), batch),
        "trusting" => {
            let layer = layer.format(Json::new().trust_responses(true));
            answered(runtime, layer.layer(router), batch)
        }
        #[cfg(feature = "multipart")]
        "multipart" | "multipart-streamed" => {
            let layer = layer.format(tower_multistatus::Multipart::new());
            let layer = layer.streamed(way == "multipart-streamed");
            let load = load.as_multipart();
            answered(runtime, layer.layer(router), move || load.request())
        }
        #[cfg(feature = "tracing")]
        "filtered-out" | "recorded" => {
            super::subscribe(way == "recorded");
            answered(runtime, layer.layer(router), batch)
        }
        "streamed" => answered(runtime, layer.streamed(true).layer(router), batch),
        "by-hand" => answered(runtime, by_hand::app(router), batch),
        "bare" => answered(runtime, router, first),
        "bare-alike" => answered(runtime, router, || load.first_alike()),
        "through" => answered(runtime, layer.layer(router), first),
        _ => return None,
    })
}
