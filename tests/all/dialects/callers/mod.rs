//! Headers in which products name the caller, its address or its target. No item can set them.

mod names;

use axum::body::Body;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use serde_json::{Map, Value, json};
use tower::Layer;
use tower_multistatus::{BatchLayer, Multipart};

use super::{multipart, part};
use crate::headers::spellings;
use crate::support::{Received, recorder, requests, send};

use self::names::NAMES;

/// The maximum number of headers per item.
const MAX_HEADERS: usize = 64;

type Envelope = fn(&[Vec<String>]) -> Request<Body>;

fn json_envelope(items: &[Vec<String>]) -> Request<Body> {
    let item = |(id, names): (usize, &Vec<String>)| {
        let headers: Map<_, _> = names
            .iter()
            .map(|name| (name.clone(), json!("evil")))
            .collect();
        json!({ "id": id.to_string(), "method": "GET", "url": "/", "headers": headers })
    };
    requests(items.iter().enumerate().map(item).collect::<Value>())
}

fn multipart_envelope(items: &[Vec<String>]) -> Request<Body> {
    let item = |names: &Vec<String>| {
        let headers: String = names
            .iter()
            .map(|name| format!("{name}: evil\r\n"))
            .collect();
        part(&format!("GET / HTTP/1.1\r\n{headers}\r\n"))
    };
    let mut lines: Vec<_> = items.iter().map(item).collect();
    lines.push("--b--".to_owned());
    multipart(
        "/batch",
        &lines.iter().map(String::as_str).collect::<Vec<_>>(),
    )
}

/// Each preset with each of its formats, and the names above that its protocol allows to items.
fn cases() -> Vec<(&'static str, BatchLayer, Envelope, &'static [&'static str])> {
    let new = BatchLayer::new("/batch").format(Multipart::new());
    let odata = BatchLayer::odata("/batch");
    let google = BatchLayer::google("/batch");
    vec![
        ("new, JSON", new.clone(), json_envelope, &[]),
        ("new, multipart", new, multipart_envelope, &[]),
        (
            "graph, JSON",
            BatchLayer::graph("/batch"),
            json_envelope,
            &[],
        ),
        ("odata, JSON", odata.clone(), json_envelope, &[]),
        ("odata, multipart", odata, multipart_envelope, &[]),
        (
            "google, multipart",
            google,
            multipart_envelope,
            &["Authorization"],
        ),
    ]
}

/// The inner requests of items with these headers in all spellings, with these outer headers.
async fn received(
    layer: &BatchLayer,
    envelope: Envelope,
    names: &[&str],
    outer: &HeaderMap,
) -> Vec<Received> {
    let spelled: Vec<_> = names.iter().map(|name| spellings(name)).collect();
    let spelling = |nth: usize| spelled.iter().map(move |all| all[nth].clone());
    let items: Vec<_> = (0..spelled[0].len())
        .flat_map(|nth| {
            let names: Vec<_> = spelling(nth).collect();
            let chunks = names.chunks(MAX_HEADERS).map(<[_]>::to_vec);
            chunks.collect::<Vec<_>>()
        })
        .collect();
    let (log, inner) = recorder();
    let mut request = envelope(&items);
    request.headers_mut().extend(outer.clone());
    send(layer.clone().layer(inner), request).await;
    let received = log.all();
    assert_eq!(received.len(), items.len());
    received
}

#[tokio::test]
async fn no_item_can_set_a_caller_header_of_a_known_product() {
    assert!(NAMES.len() >= 72);
    let mut expected = HeaderMap::new();
    expected.insert("host", HeaderValue::from_static("api.example"));
    for (case, layer, envelope, given) in cases() {
        let names: Vec<_> = NAMES
            .iter()
            .copied()
            .filter(|name| !given.contains(name))
            .collect();
        for received in received(&layer, envelope, &names, &HeaderMap::new()).await {
            assert_eq!(received.headers, expected, "{case}");
        }
    }
}

#[tokio::test]
async fn no_item_replaces_caller_headers_of_the_outer_request() {
    let is_inherited =
        |name: &str| !name.starts_with("Proxy-") && !matches!(name, "Host" | "Max-Forwards");
    for (case, layer, envelope, given) in cases() {
        let names: Vec<_> = NAMES
            .iter()
            .copied()
            .filter(|name| is_inherited(name) && !given.contains(name))
            .collect();
        let outer: HeaderMap = names
            .iter()
            .map(|name| {
                let name: HeaderName = name.parse().expect("a name");
                (name, HeaderValue::from_static("true"))
            })
            .collect();
        let mut expected = outer.clone();
        expected.insert("host", HeaderValue::from_static("api.example"));
        for received in received(&layer, envelope, &names, &outer).await {
            assert_eq!(received.headers, expected, "{case}");
        }
    }
}

/// The names of those headers of an item that reach the inner service.
async fn brought(layer: BatchLayer, names: &[&str], envelope: Envelope) -> Vec<String> {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let (log, inner) = recorder();
    let mut request = envelope(std::slice::from_ref(&names));
    for name in &names {
        let name: HeaderName = name.parse().expect("a name");
        if name != "content-type" {
            request
                .headers_mut()
                .insert(name, HeaderValue::from_static("outer"));
        }
    }
    send(layer.layer(inner), request).await;
    let headers = log.only().headers;
    let mut taken: Vec<_> = headers
        .iter()
        .filter(|(_, value)| *value == "evil")
        .map(|(name, _)| name.to_string())
        .collect();
    taken.sort_unstable();
    taken
}

#[tokio::test]
async fn the_presets_allow_the_item_headers_of_their_protocols() {
    const OWN: &[&str] = &[
        "Client-Request-Id",
        "ConsistencyLevel",
        "DataServiceVersion",
        "MaxDataServiceVersion",
        "OData-Isolation",
        "OData-MaxVersion",
        "Slug",
        "Workbook-Session-Id",
        "X-Goog-API-Client",
        "X-Goog-User-Project",
        "X-RequestDigest",
        "sap-cancel-on-close",
        "sap-contextid-accept",
        "sap-message-scope",
    ];
    let odata = [
        "consistencylevel",
        "dataserviceversion",
        "maxdataserviceversion",
        "odata-isolation",
        "odata-maxversion",
        "sap-cancel-on-close",
        "sap-contextid-accept",
        "sap-message-scope",
        "slug",
        "x-requestdigest",
    ];
    let taken = brought(BatchLayer::new("/batch"), OWN, json_envelope).await;
    assert_eq!(taken, [""; 0]);
    let taken = brought(BatchLayer::odata("/batch"), OWN, json_envelope).await;
    assert_eq!(taken, odata);
    let taken = brought(BatchLayer::odata("/batch"), OWN, multipart_envelope).await;
    assert_eq!(taken, odata);
    let graph = [
        "client-request-id",
        "consistencylevel",
        "workbook-session-id",
    ];
    let taken = brought(BatchLayer::graph("/batch"), OWN, json_envelope).await;
    assert_eq!(taken, graph);
    let google = ["x-goog-api-client", "x-goog-user-project"];
    let taken = brought(BatchLayer::google("/batch"), OWN, multipart_envelope).await;
    assert_eq!(taken, google);
}
