//! A case to measure, named by five words: `layer axum get small 100`.

use std::hint::black_box;
use std::sync::Arc;

use axum::Router;
use tokio::sync::Barrier;
use tower::Layer;
use tower_multistatus::Json;

use super::callgrind::Runs;
use super::harness::{Variant, floored, oneshot, runtime, served};
use super::inner::{Payload, Trivial};
use super::waiting::{Held, one_by_one};
use super::{Kind, Load, by_hand, inner, layer, real};

/// How often a case runs: the fewer items, the more often.
pub(crate) fn runs(case: &str) -> Runs {
    let count = case.rsplit(' ').next().expect("five words");
    let items = count.parse().expect("the last word is a number");
    Runs {
        few: 2 + 100 / items,
        more: 4 + 2000 / items,
        units: items,
    }
}

/// Prepares a case, and passes it to `run`.
///
/// # Panics
///
/// If the words do not name a case.
pub(crate) fn with<T>(case: &str, run: impl FnOnce(&mut Variant<'_>) -> T) -> T {
    let words: Vec<&str> = case.split(' ').collect();
    let [way, service, kind, payload, count] = words[..] else {
        panic!("not a case: {case}")
    };
    let kind = match kind {
        "get" => Kind::Get,
        "chain" => Kind::Chain,
        _ => Kind::Post,
    };
    let payload = match payload {
        "small" => Payload::Small,
        "medium" => Payload::Medium,
        _ => Payload::Large,
    };
    let load = Load::new(kind, payload, count.parse().expect("a number of items"));
    let runtime = runtime();
    let mut variant = match service {
        "trivial" => trivial(way, &runtime, &load, payload),
        "axum" => application(way, &runtime, &load, payload, inner::router()),
        "real" => application(way, &runtime, &load, payload, real::router()),
        _ => None,
    };
    run(variant
        .as_mut()
        .unwrap_or_else(|| panic!("not a case: {case}")))
}

/// A case whose inner service does nothing, or only waits.
fn trivial<'a>(
    way: &str,
    runtime: &'a tokio::runtime::Runtime,
    load: &'a Load,
    payload: Payload,
) -> Option<Variant<'a>> {
    let body = payload.body();
    let trivial = Trivial(body.clone());
    let layer = layer(load.ready.len());
    let batch = || load.request();
    let first = || load.first();
    Some(match way {
        "floor" => floored(runtime, trivial, load, body.len()),
        "layer" => served(runtime, layer.layer(trivial), batch),
        "streamed" => served(runtime, layer.streamed(true).layer(trivial), batch),
        "by-hand" => served(runtime, by_hand::app(trivial), batch),
        "bare" => served(runtime, trivial, first),
        "through" => served(runtime, layer.layer(trivial), first),
        "one-by-one-of-8" => one_by_one(runtime, layer, body, load),
        "one-by-one-of-all" => one_by_one(runtime, layer.concurrency(load.ready.len()), body, load),
        "held" => {
            let held = Held {
                body,
                others: Arc::new(Barrier::new(8)),
            };
            served(runtime, layer.streamed(true).layer(held), batch)
        }
        _ => return None,
    })
}

/// A case whose inner service is an axum application.
fn application<'a>(
    way: &str,
    runtime: &'a tokio::runtime::Runtime,
    load: &'a Load,
    payload: Payload,
    router: Router,
) -> Option<Variant<'a>> {
    let size = payload.body().len();
    let layer = layer(load.ready.len());
    let batch = || load.request();
    let first = || load.first();
    Some(match way {
        "floor" => floored(runtime, router, load, size),
        "oneshot" => oneshot(runtime, router, load, size),
        "layer" => served(runtime, layer.layer(router), batch),
        "trusting" => {
            let layer = layer.format(Json::new().trust_responses(true));
            served(runtime, layer.layer(router), batch)
        }
        #[cfg(feature = "multipart")]
        "multipart" | "multipart-streamed" => {
            let layer = layer.format(tower_multistatus::Multipart::new());
            let layer = layer.streamed(way == "multipart-streamed");
            let load = load.as_multipart();
            served(runtime, layer.layer(router), move || load.request())
        }
        #[cfg(feature = "shapes")]
        "shaped" => {
            let shape = &tower_multistatus::shape::Shape::RESULTS;
            served(
                runtime,
                layer.format(Json::shaped(shape)).layer(router),
                batch,
            )
        }
        #[cfg(feature = "tracing")]
        "filtered-out" | "recorded" => {
            super::subscribe(way == "recorded");
            served(runtime, layer.layer(router), batch)
        }
        "observed" => {
            let layer = layer
                .on_response(|item| _ = black_box((item.status(), item.run())))
                .on_batch(|batch| _ = black_box((batch.items(), batch.duration())));
            served(runtime, layer.layer(router), batch)
        }
        "streamed" => served(runtime, layer.streamed(true).layer(router), batch),
        "stream" => {
            let load = load.as_lines();
            served(runtime, layer.layer(router), move || load.request())
        }
        "by-hand" => served(runtime, by_hand::app(router), batch),
        "bare" => served(runtime, router, first),
        "bare-alike" => served(runtime, router, || load.first_alike()),
        "through" => served(runtime, layer.layer(router), first),
        _ => return None,
    })
}
