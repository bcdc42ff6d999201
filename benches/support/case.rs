//! One thing to measure, as words: `layer axum get small 100`.

use tower::Layer;
use tower_multistatus::Json;

use super::callgrind::Runs;
use super::harness::{Variant, answered, floored, runtime};
use super::inner::{Answer, Trivial, router};
use super::{Kind, Load, by_hand, layer};

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

/// Runs a case so many times.
///
/// # Panics
///
/// If the words say nothing.
pub(crate) fn run(case: &str, times: u32) {
    let words: Vec<&str> = case.split(' ').collect();
    let [way, service, kind, answer, count] = words[..] else {
        panic!("not a case: {case}")
    };
    let kind = match kind {
        "get" => Kind::Get,
        _ => Kind::Post,
    };
    let answer = match answer {
        "small" => Answer::Small,
        "medium" => Answer::Medium,
        _ => Answer::Large,
    };
    let load = Load::new(kind, answer, count.parse().expect("a number of items"));
    let size = answer.body().len();
    let is_axum = service == "axum";
    let trivial = Trivial(answer.body());
    let runtime = runtime();
    let layer = layer(load.ready.len());
    let batch = || load.request();
    let first = || load.first();
    let mut variant: Variant<'_> = match (way, is_axum) {
        ("floor", true) => floored(&runtime, router(), &load, size),
        ("floor", false) => floored(&runtime, trivial, &load, size),
        ("layer", true) => answered(&runtime, layer.layer(router()), batch),
        ("layer", false) => answered(&runtime, layer.layer(trivial), batch),
        ("trusting", true) => {
            let layer = layer.format(Json::new().trust_answers());
            answered(&runtime, layer.layer(router()), batch)
        }
        #[cfg(feature = "multipart")]
        ("multipart", true) => {
            let layer = layer.format(tower_multistatus::Multipart::new());
            let load = load.as_multipart();
            answered(&runtime, layer.layer(router()), move || load.request())
        }
        ("streamed", true) => answered(&runtime, layer.streamed(true).layer(router()), batch),
        ("streamed", false) => answered(&runtime, layer.streamed(true).layer(trivial), batch),
        ("by-hand", true) => answered(&runtime, by_hand::app(router()), batch),
        ("by-hand", false) => answered(&runtime, by_hand::app(trivial), batch),
        ("bare", true) => answered(&runtime, router(), first),
        ("bare", false) => answered(&runtime, trivial, first),
        ("through", true) => answered(&runtime, layer.layer(router()), first),
        ("through", false) => answered(&runtime, layer.layer(trivial), first),
        _ => panic!("not a case: {case}"),
    };
    variant(times);
}
