//! The fast path for common values of `Accept` selects the same format as full negotiation.

use bytes::Bytes;
use http::HeaderValue;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::request::Parts;
use tower_multistatus::{BatchLayer, Decoder, Encoder, Error, Format, Json, Limits, Subrequest};

use crate::support::{ask_through, envelope};

const ENVELOPE: &str = r#"{"requests":[{"id":"a","method":"GET","url":"/1"}]}"#;

/// JSON whose decoder reports that `Accept` is about the items, so that JSON is also written.
#[derive(Debug)]
struct Alike(Json);

impl Format for Alike {
    fn media_types(&self) -> &[&str] {
        self.0.media_types()
    }

    fn decoder(&self, outer: &Parts, limits: &Limits) -> Option<Result<Box<dyn Decoder>, Error>> {
        let decoder = self.0.decoder(outer, limits)?;
        Some(decoder.map(|decoder| Box::new(AlikeDecoder(decoder)) as _))
    }

    fn encoder(&self, outer: &Parts) -> Option<Box<dyn Encoder>> {
        self.0.encoder(outer)
    }
}

struct AlikeDecoder(Box<dyn Decoder>);

impl Decoder for AlikeDecoder {
    fn accept_is_for_items(&self) -> bool {
        true
    }

    fn push(&mut self, chunk: Bytes, found: &mut Vec<Subrequest>) -> Result<(), Error> {
        self.0.push(chunk, found)
    }

    fn end(&mut self, found: &mut Vec<Subrequest>) -> Result<(), Error> {
        self.0.end(found)
    }
}

/// The status and type of the response to a request with these values of `Accept`.
async fn negotiated(layer: &BatchLayer, accepts: &[&str]) -> (u16, Option<String>) {
    let mut request = envelope(ENVELOPE);
    for accept in accepts {
        let value = HeaderValue::from_bytes(accept.as_bytes()).expect("a value");
        request.headers_mut().append(ACCEPT, value);
    }
    let (reply, _) = ask_through(layer.clone(), request).await;
    let of_type = reply.header(CONTENT_TYPE.as_str()).map(str::to_owned);
    (reply.status.as_u16(), of_type)
}

#[tokio::test]
async fn the_fast_path_of_accept_equals_full_negotiation() {
    let elements = [
        "",
        "*/*",
        "application/json",
        "application/x-ndjson",
        "Application/JSON",
        "application/*",
        "text/plain",
        "application/json;q=0",
        "application/json;q=0.5",
        "application/jsonx",
        "\"application/json",
        "\u{e9}",
    ];
    for layer in [
        BatchLayer::new("/batch"),
        BatchLayer::new("/batch").format(Alike(Json::new())),
    ] {
        for first in elements {
            // An empty element has no effect, and excludes the fast path.
            let weighed = negotiated(&layer, &[&format!(",{first}")]).await;
            assert_eq!(negotiated(&layer, &[first]).await, weighed, "{first}");
            for second in elements {
                let list = format!("{first},{second}");
                let weighed = negotiated(&layer, &[&format!(",{list}")]).await;
                assert_eq!(negotiated(&layer, &[&list]).await, weighed, "{list}");
            }
        }
        let nothing = negotiated(&layer, &[]).await;
        assert_eq!(nothing, negotiated(&layer, &["", ""]).await);
    }
}
