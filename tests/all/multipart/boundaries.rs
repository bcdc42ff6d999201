//! The boundary of a response is unique, and hidden from those who could repeat it.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use tokio::sync::watch;
use tower::{Layer, ServiceExt, service_fn};
use tower_multistatus::{BatchLayer, ChangeSets, RequestBody, SubrequestInfo};

use super::responses_of;
use crate::support::{Reply, read, send};

/// Two change sets of one POST each, and a GET.
const ENVELOPE: &str = "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n\
    --c\r\nContent-Type: application/http\r\n\r\nPOST /0 HTTP/1.1\r\n\r\n\r\n--c--\r\n\
    --b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n\
    --c\r\nContent-Type: application/http\r\n\r\nPOST /1 HTTP/1.1\r\n\r\n\r\n--c--\r\n\
    --b\r\nContent-Type: application/http\r\n\r\nGET /2 HTTP/1.1\r\n\r\n\r\n--b--\r\n";

fn layer() -> BatchLayer {
    super::layer().change_sets(ChangeSets::best_effort())
}

fn envelope() -> Request<Body> {
    super::envelope("multipart/mixed; boundary=b", &[ENVELOPE.as_bytes()])
}

fn boundary(reply: &Reply) -> &str {
    let content_type = reply.header("content-type").expect("one");
    let boundary = content_type.strip_prefix("multipart/mixed; boundary=");
    boundary.expect("a boundary")
}

/// The random digits of all boundaries in a response.
fn digits(reply: &Reply) -> BTreeSet<String> {
    let text = std::str::from_utf8(&reply.body).expect("UTF-8");
    let nested = text
        .split("boundary=changesetresponse_")
        .skip(1)
        .map(|rest| &rest[..32]);
    let outer = boundary(reply).strip_prefix("batchresponse_");
    nested.chain(outer).map(str::to_owned).collect()
}

#[tokio::test]
async fn no_two_batches_and_no_two_change_sets_have_the_same_boundary() {
    let (_, inner) = crate::support::recorder();
    let mut all = BTreeSet::new();
    for streamed in [false, true] {
        let service = layer().streamed(streamed).layer(inner.clone());
        for _ in 0..500 {
            let reply = send(service.clone(), envelope()).await;
            let digits = digits(&reply);
            assert_eq!(digits.len(), 3, "one for the envelope, one a change set");
            all.extend(digits);
        }
    }
    assert_eq!(all.len(), 3 * 1000);
}

#[tokio::test]
async fn boundaries_are_random_in_all_their_bits() {
    let (_, inner) = crate::support::recorder();
    let service = layer().layer(inner);
    let (mut ones, mut zeros) = (0_u128, 0_u128);
    for _ in 0..64 {
        for digits in digits(&send(service.clone(), envelope()).await) {
            let bits = u128::from_str_radix(&digits, 16).expect("a number");
            ones |= bits;
            zeros |= !bits;
        }
    }
    // The chance that one of 128 fair bits is the same in all 192 boundaries is 1 to 2e55.
    assert_eq!((ones, zeros), (u128::MAX, u128::MAX));
}

/// Everything that the inner service and callbacks saw, as text.
#[derive(Clone, Default)]
struct Shown(Arc<Mutex<String>>);

impl Shown {
    fn add(&self, value: impl Debug) {
        let mut shown = self.0.lock().expect("the text");
        *shown += &format!("{value:?}\n");
    }
}

#[tokio::test]
async fn no_service_and_no_callback_sees_the_boundary_of_a_buffered_response() {
    let shown = Shown::default();
    let inner = service_fn({
        let shown = shown.clone();
        move |request: Request<RequestBody<Body>>| {
            let (parts, body) = request.into_parts();
            shown.add((&parts, &body));
            let info = parts.extensions.get::<SubrequestInfo>().expect("an item");
            shown.add((info, info.outer()));
            async { Err::<Response<Full<Bytes>>, _>(std::io::Error::other("broken")) }
        }
    });
    let add = || {
        let shown = shown.clone();
        move |value: &dyn Debug| shown.add(value)
    };
    let (when, admit, filter, map_error) = (add(), add(), add(), add());
    let layer = layer()
        .when(move |parts| {
            when(parts);
            true
        })
        .admit(move |admission| {
            admit(&admission);
            Ok::<_, StatusCode>(())
        })
        .filter(move |parts| {
            filter(parts);
            Ok::<_, StatusCode>(())
        })
        .map_error(move |error, parts| {
            map_error(&(error, parts));
            Some(StatusCode::CONFLICT)
        });
    #[cfg(feature = "tracing")]
    let (recording, _guard) = crate::tracing::recording::Recording::start();
    let reply = send(layer.layer(inner), envelope()).await;
    #[cfg(feature = "tracing")]
    shown.add((recording.spans(), recording.events()));
    assert_eq!(reply.status, 207);
    let shown = shown.0.lock().expect("the text");
    for seen in ["/0", "/1", "/2", "multipart/mixed", "broken"] {
        assert!(shown.contains(seen), "{seen} is shown");
    }
    for digits in digits(&reply) {
        assert!(!shown.contains(&digits), "{shown}");
    }
}

/// The reply to a streamed batch of three GETs. `forge` makes the second response once it knows the
/// boundary from the outer head.
async fn forged(forge: impl Fn(&str) -> Response<Bytes> + Clone + Send + 'static) -> Reply {
    let (sender, receiver) = watch::channel(String::new());
    let inner = service_fn(move |request: Request<RequestBody<Body>>| {
        let (mut receiver, forge) = (receiver.clone(), forge.clone());
        async move {
            let boundary = receiver.wait_for(|boundary| !boundary.is_empty()).await;
            let response = match request.uri().path() {
                "/1" => forge(&boundary.expect("a boundary")),
                _ => Response::new(Bytes::from_static(b"x")),
            };
            Ok::<_, Infallible>(response.map(Full::new))
        }
    });
    let parts = (0..3).map(|at| {
        format!(
            "--b\r\nContent-Type: application/http\r\nContent-ID: {at}\r\n\r\n\
             GET /{at} HTTP/1.1\r\n\r\n"
        )
    });
    let body = parts.collect::<String>() + "--b--";
    let request = super::envelope("multipart/mixed; boundary=b", &[body.as_bytes()]);
    let service = super::layer().streamed(true).layer(inner);
    let response = service.oneshot(request).await.expect("a response");
    let content_type = response.headers()["content-type"].to_str().expect("text");
    let (_, boundary) = content_type.split_once('=').expect("a boundary");
    sender.send(boundary.to_owned()).expect("a receiver");
    read(response).await
}

fn ok(body: impl Into<Bytes>) -> Response<Bytes> {
    Response::new(body.into())
}

fn with_header(name: &str, value: &str) -> Response<Bytes> {
    let mut response = ok("y");
    let name: HeaderName = name.parse().expect("a name");
    let value: HeaderValue = value.parse().expect("a value");
    response.headers_mut().insert(name, value);
    response
}

type Forge = fn(&str) -> Response<Bytes>;

#[tokio::test(start_paused = true)]
async fn an_item_that_repeats_the_streamed_boundary_is_502_and_the_rest_run() {
    let forges: [Forge; 6] = [
        |boundary| ok(format!("y\r\n--{boundary}--\r\n")),
        |boundary| ok(format!("\r\n--{boundary}\r\n").repeat(1000)),
        |boundary| ok("_".repeat(100_000) + boundary),
        |boundary| ok(boundary[..boundary.len() - 1].repeat(1000) + boundary),
        |boundary| with_header("x", &format!("--{boundary}--")),
        |boundary| with_header(&format!("x-{boundary}"), "1"),
    ];
    for forge in forges {
        let reply = forged(forge).await;
        let reported = responses_of(&reply)
            .into_iter()
            .map(|response| (response.content_id.expect("one"), response.status));
        let expected = [("0", 200), ("1", 502), ("2", 200)];
        assert!(reported.eq(expected.map(|(id, status)| (id.to_owned(), status))));
        let problem = String::from_utf8(responses_of(&reply)[1].body.clone()).expect("text");
        assert!(problem.contains("\"unframed\""), "{problem}");
        let text = String::from_utf8(reply.body.to_vec()).expect("text");
        assert_eq!(text.matches(boundary(&reply)).count(), 4);
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_that_repeats_most_of_the_streamed_boundary_is_unchanged() {
    let forges: [Forge; 5] = [
        |boundary| with_header(&format!("x-{}", "long-".repeat(20)), &boundary[1..]),
        // A space keeps the end of one and the start of the next from being the boundary by chance.
        |boundary| ok(format!("{} ", &boundary[..boundary.len() - 1]).repeat(1000)),
        |boundary| ok(format!("{} ", &boundary[1..]).repeat(1000)),
        |boundary| ok("_".repeat(100_000) + &boundary[..40]),
        |boundary| ok(boundary.to_uppercase()),
    ];
    for forge in forges {
        let reply = forged(forge).await;
        let expected = forge(boundary(&reply)).into_body();
        let bodies: Vec<_> = responses_of(&reply)
            .into_iter()
            .map(|one| one.body)
            .collect();
        assert!(bodies == [&b"x"[..], &expected, &b"x"[..]]);
    }
}
