//! A batch takes at most the memory that `guide::performance` says, whatever is in it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body::{Body, Frame};
use tower::{Layer, Service, service_fn};
use tower_multistatus::{BatchLayer, RequestBody, SubrequestInfo};

use crate::no_runtime::{block_on, body_len};

// Just more than a power of two, so that a buffer that doubles has the most to spare.
const MAX_ENVELOPE: usize = 257 << 10;
const MAX_RESPONSE: usize = 129 << 10;

/// The bytes of a frame of an upload or of a response.
const FRAME: usize = 16 << 10;

/// The formats of responses.
const FORMATS: &[&str] = &[
    "application/json",
    "application/x-ndjson",
    #[cfg(feature = "multipart")]
    "multipart/mixed",
    #[cfg(feature = "multistatus")]
    "application/xml",
];

/// The settings that matter for the memory of a batch.
#[derive(Clone, Copy, Debug)]
struct Settings {
    items: usize,
    concurrency: usize,
    total: usize,
    is_streamed: bool,
}

impl Settings {
    /// The formula of the guide.
    fn most(self) -> usize {
        let response = if self.is_streamed { 0 } else { 2 * self.total };
        3 * MAX_ENVELOPE
            + (2 * self.concurrency + 8) * MAX_RESPONSE
            + response
            + (self.items << 10)
            + (64 << 10)
    }

    fn layer(self) -> BatchLayer {
        let layer = BatchLayer::new("/batch")
            .max_items(self.items)
            .max_envelope_bytes(MAX_ENVELOPE)
            .max_response_bytes(MAX_RESPONSE)
            .max_total_response_bytes(self.total)
            .concurrency(self.concurrency)
            .streamed(self.is_streamed);
        #[cfg(feature = "multipart")]
        let layer = layer.format(tower_multistatus::Multipart::new());
        #[cfg(feature = "multistatus")]
        let layer = layer.format(tower_multistatus::MultiStatus::new());
        // There is no runtime that has a timer.
        #[cfg(feature = "timeout")]
        let layer = layer.item_timeout(None).batch_timeout(None);
        layer
    }
}

/// A body in small frames, each of which exists only while it is read.
struct Frames {
    bytes: Bytes,
    /// Polls before the last frame, in which others in flight get theirs.
    waits: usize,
}

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.bytes.len().min(FRAME);
        if next == self.bytes.len() && self.waits > 0 {
            self.waits -= 1;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let frame = Bytes::copy_from_slice(&self.bytes.split_to(next));
        Poll::Ready((next > 0).then_some(Ok(Frame::data(frame))))
    }
}

/// The media type and the bytes of the response to every item.
type Content = (&'static str, Bytes);

/// An envelope as large as allowed. Each item has these members, with the middle repeated as often
/// as it fits.
fn full_envelope(items: usize, start: &str, repeated: &str, end: &str) -> Bytes {
    let room = (MAX_ENVELOPE - "{\"requests\":[]}".len()) / items - ",".len();
    let item = |id: usize| {
        let start = format!("{{\"id\":\"{id}\",\"method\":\"POST\",\"url\":\"/\",{start}");
        let times = (room - start.len() - end.len()) / repeated.len();
        [&start, &*repeated.repeat(times), end].concat()
    };
    let items: Vec<_> = (0..items).map(item).collect();
    Bytes::from(format!("{{\"requests\":[{}]}}", items.join(",")))
}

/// The peak of memory of a batch. `first_waits` is the number of polls that the first item takes.
fn peak(
    settings: Settings,
    accept: &str,
    envelope: &Bytes,
    content: &Content,
    first_waits: usize,
) -> usize {
    let request = Request::post("/batch")
        .header("content-type", "application/json")
        .header("accept", accept);
    let upload = Frames {
        bytes: envelope.clone(),
        waits: 0,
    };
    let request = request.body(upload).expect("a request");
    let (media_type, bytes) = content.clone();
    let inner = service_fn(move |request: Request<RequestBody<Frames>>| {
        let info = request.extensions().get::<SubrequestInfo>();
        let is_first = info.is_some_and(|info| info.index() == 0);
        let mut response = Response::new(Frames {
            bytes: bytes.clone(),
            waits: if is_first { first_waits } else { 4 },
        });
        let media_type = HeaderValue::from_static(media_type);
        response.headers_mut().insert("content-type", media_type);
        std::future::ready(Ok::<_, Infallible>(response))
    });
    let measured = allocation_counter::measure(|| {
        let mut service = settings.layer().layer(inner);
        block_on(async {
            let Ok(response) = service.call(request).await;
            assert_eq!(response.status(), 207);
            assert!(body_len(response).await > 0);
        });
    });
    measured.bytes_max as usize
}

/// Responses that are nearly as large as allowed, and one that is not.
fn contents() -> [Content; 5] {
    let large = MAX_RESPONSE - 200;
    let json = |length: usize| Bytes::from(format!("\"{}\"", "x".repeat(length - 2)));
    [
        ("application/json", json(large)),
        ("application/json", json(10_000)),
        // Each byte is six bytes of JSON, or of XML.
        ("text/plain", vec![1; large].into()),
        ("text/plain", vec![b'"'; large].into()),
        ("image/png", vec![1; large].into()),
    ]
}

/// All settings that the formula is compared for.
fn settings() -> Vec<Settings> {
    let mut all = Vec::new();
    for concurrency in [1, 8] {
        for total in [MAX_RESPONSE, 1 << 20] {
            all.extend([false, true].map(|is_streamed| Settings {
                items: 12,
                concurrency,
                total,
                is_streamed,
            }));
        }
    }
    all
}

#[test]
fn a_batch_takes_no_more_memory_than_documented() {
    // Bodies that are decoded, so that each is there twice.
    let start = r#""headers":{"content-type":"image/png"},"body":""#;
    let mut nearest = 0.0_f64;
    for settings in settings() {
        let envelope = full_envelope(settings.items, start, "AAAA", "\"}");
        for content in contents() {
            for accept in FORMATS {
                let peak = peak(settings, accept, &envelope, &content, 4);
                let (most, what) = (settings.most(), content.0);
                assert!(
                    peak <= most,
                    "{peak} > {most}: {settings:?}, {accept}, {what}"
                );
                nearest = nearest.max(peak as f64 / most as f64);
            }
        }
    }
    assert!(nearest > 0.6, "the formula is far too large: {nearest}");
}

/// Small responses, all of which wait for the first one, and whose headers are most of them.
#[test]
fn many_small_items_take_no_more_memory_than_documented() {
    let settings = Settings {
        items: 4_000,
        concurrency: 8,
        total: 1 << 20,
        is_streamed: false,
    };
    let envelope = full_envelope(settings.items, "\"x\":\"", "x", "\"}");
    let content = ("application/json", Bytes::from_static(b"{}"));
    for first_waits in [0, 4 * settings.items] {
        let peak = peak(settings, FORMATS[0], &envelope, &content, first_waits);
        let most = settings.most();
        assert!(peak <= most, "{peak} > {most}");
    }
}

#[test]
fn a_batch_of_100_small_items_takes_less_than_100_kib() {
    let settings = Settings {
        items: 100,
        concurrency: 8,
        total: 8 << 20,
        is_streamed: false,
    };
    let items = (0..100).map(|id| format!("{{\"id\":\"{id}\",\"method\":\"GET\",\"url\":\"/\"}}"));
    let items: Vec<_> = items.collect();
    let envelope = format!("{{\"requests\":[{}]}}", items.join(",")).into();
    let content = (
        "application/json",
        Bytes::from_static(b"{\"name\":\"a part\",\"ok\":true}"),
    );
    let peak = peak(settings, FORMATS[0], &envelope, &content, 4);
    assert!(peak < 100 << 10, "{peak}");
}
