//! Instructions, counted by callgrind: the hot cases as ratios, compared with `budgets.txt`.
mod support;

use std::process::Command;

use axum::body::Body;
use http::{Request, Response};
use http_body_util::BodyExt;
use support::inner::{Answer, Trivial, router};
use support::{Kind, Load, by_hand, floor, layer};
use tower::{Layer, Service};

fn drive<S, B>(mut service: S, load: &Load, times: usize)
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: std::fmt::Debug,
    B: http_body::Body + Unpin,
    B::Error: std::fmt::Debug,
{
    block_on(async {
        for _ in 0..times {
            std::future::poll_fn(|cx| service.poll_ready(cx))
                .await
                .expect("ready");
            let mut body = service
                .call(load.request())
                .await
                .expect("an answer")
                .into_body();
            while let Some(frame) = body.frame().await {
                std::hint::black_box(frame.expect("a frame"));
            }
        }
    });
}

fn block_on(run: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime")
        .block_on(run);
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let [_, way, inner, kind, answer, count, times] = &args[..] else {
        return;
    };
    let kind = if kind == "get" { Kind::Get } else { Kind::Post };
    let answer = match answer.as_str() {
        "small" => Answer::Small,
        "medium" => Answer::Medium,
        _ => Answer::Large,
    };
    let (count, times) = (count.parse().expect("count"), times.parse().expect("times"));
    let load = Load::new(kind, answer, count);
    let size = answer.body().len();
    match (way.as_str(), inner.as_str()) {
        ("floor", "axum") => block_on(async {
            let mut router = router();
            for _ in 0..times {
                std::hint::black_box(floor::run(&mut router, &load, size).await);
            }
        }),
        ("floor", _) => block_on(async {
            let mut service = Trivial(answer.body());
            for _ in 0..times {
                std::hint::black_box(floor::run(&mut service, &load, size).await);
            }
        }),
        ("layer", "axum") => drive(layer(count).layer(router()), &load, times),
        ("layer", _) => drive(layer(count).layer(Trivial(answer.body())), &load, times),
        ("streamed", "axum") => drive(layer(count).streamed(true).layer(router()), &load, times),
        ("streamed", _) => drive(
            layer(count).streamed(true).layer(Trivial(answer.body())),
            &load,
            times,
        ),
        (_, _) => drive(by_hand::app(router()), &load, times),
    }
    let _ = Command::new("true");
}
