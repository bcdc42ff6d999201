//! Multi-Status XML: what a WebDAV client reads, and that it can be parsed whatever the inner
//! service sends.

mod long_texts;

use std::convert::Infallible;

use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use proptest::prelude::*;
use serde_json::{Value, json};
use tower::{Layer, service_fn};
use tower_multistatus::{BatchLayer, MultiStatus, RequestBody};

use crate::model::xml::{Element, responses};
use crate::support::{Reply, requests, response, run, send};

type Inner = Response<Full<Bytes>>;

async fn ask(layer: BatchLayer, items: Value, inner: Vec<Inner>) -> Reply {
    let responses = std::sync::Mutex::new(inner.into_iter());
    let responses = std::sync::Arc::new(responses);
    let service = service_fn(move |_: Request<RequestBody<Body>>| {
        let response = responses
            .lock()
            .expect("the responses")
            .next()
            .expect("one more");
        async { Ok::<_, Infallible>(response) }
    });
    let mut request = requests(items);
    request
        .headers_mut()
        .insert("accept", HeaderValue::from_static("application/xml"));
    send(layer.concurrency(1).layer(service), request).await
}

fn parse(reply: &Reply) -> Vec<Vec<Element>> {
    let content_type = reply.header("content-type");
    assert_eq!(content_type, Some("application/xml; charset=\"utf-8\""));
    responses(&reply.body)
}

fn layer() -> BatchLayer {
    BatchLayer::new("/batch")
        .format(MultiStatus::new())
        .status(StatusCode::OK)
}

fn elements(expected: &[(&str, &str)]) -> Vec<Element> {
    let owned = |(name, text): &(&str, &str)| (String::from(*name), String::from(*text));
    expected.iter().map(owned).collect()
}

/// The `href` and the status of each response.
fn hrefs(reply: &Reply) -> Vec<Element> {
    let of_one = |response: Vec<Element>| {
        let [(_, href), (_, status), ..] = &response[..] else {
            panic!("a status");
        };
        (href.clone(), status.clone())
    };
    parse(reply).into_iter().map(of_one).collect()
}

#[tokio::test]
async fn an_item_that_is_not_dispatched_keeps_its_own_url() {
    let get = |id: &str, url: &str| json!({ "id": id, "method": "GET", "url": url });
    let post = |id: &str, url: &str| json!({ "id": id, "method": "POST", "url": url });
    let created = |location| response(201, &[("location", location)], "");
    let layer = layer().references(true);

    let items = json!([
        post("made", "/things"),
        post("astray", "/others"),
        get("refers", "/$made"),
        get("refused", "/$astray"),
    ]);
    let inner = vec![
        created("/things/1"),
        created("http://other.example/"),
        response(200, &[], ""),
    ];
    let reply = ask(layer.clone(), items, inner).await;
    let expected = [
        ("/things", "HTTP/1.1 201 Created"),
        ("/others", "HTTP/1.1 201 Created"),
        ("/things/1", "HTTP/1.1 200 OK"),
        ("/$astray", "HTTP/1.1 400 Bad Request"),
    ];
    assert_eq!(hrefs(&reply), elements(&expected));

    let mut lost = get("lost", "/$made/x");
    lost["dependsOn"] = json!(["fails"]);
    let halted = get("halted", "/$made?y");
    let items = json!([
        post("made", "/things"),
        get("fails", "/fails"),
        lost,
        halted
    ]);
    let inner = vec![created("/things/1"), response(500, &[], "")];
    let reply = ask(layer.continue_on_error(false), items, inner).await;
    let expected = [
        ("/things", "HTTP/1.1 201 Created"),
        ("/fails", "HTTP/1.1 500 Internal Server Error"),
        ("/$made/x", "HTTP/1.1 424 Failed Dependency"),
        ("/$made?y", "HTTP/1.1 424 Failed Dependency"),
    ];
    assert_eq!(hrefs(&reply), elements(&expected));
}

#[tokio::test]
async fn responses_are_in_the_order_of_the_request() {
    let items = json!([
        { "id": "u", "method": "GET", "url": "/b%20%26%20c.txt?x=1&y=2" },
        { "id": "r", "method": "GET", "url": "/old" },
        { "id": "e", "method": "GET", "url": "/gone" },
        { "id": "p", "method": "GET", "url": "/a b\u{eb}<" },
        { "id": "d", "method": "DELETE", "url": "/d", "dependsOn": ["p"] },
    ]);
    let inner = vec![
        response(
            200,
            &[("content-type", "application/json")],
            "{\"a\":\"<&>\"}",
        ),
        response(301, &[("location", "/new?a&b c")], ""),
        response(599, &[], ""),
    ];
    let reply = ask(layer(), items, inner).await;
    assert_eq!(reply.status, StatusCode::MULTI_STATUS);
    let expected = [
        elements(&[
            ("D:href", "/b%20%26%20c.txt?x=1&y=2"),
            ("D:status", "HTTP/1.1 200 OK"),
            ("B:id", "u"),
            ("B:body type=application/json", "{\"a\":\"<&>\"}"),
        ]),
        elements(&[
            ("D:href", "/old"),
            ("D:status", "HTTP/1.1 301 Moved Permanently"),
            ("D:location", ""),
            ("D:href", "/new?a&b%20c"),
            ("B:id", "r"),
        ]),
        elements(&[
            ("D:href", "/gone"),
            ("D:status", "HTTP/1.1 599 Unknown"),
            ("D:responsedescription", "Unknown"),
            ("B:id", "e"),
        ]),
    ];
    let responses = parse(&reply);
    assert_eq!(responses[..3], expected);
    let [(href, url), (_, status), (description, title), ..] = &responses[3][..] else {
        panic!()
    };
    assert_eq!((href.as_str(), url.as_str()), ("D:href", "/a%20b%C3%AB<"));
    assert_eq!(status, "HTTP/1.1 400 Bad Request");
    assert_eq!(
        (description.as_str(), title.as_str()),
        ("D:responsedescription", "the URL is not allowed in an item")
    );
    assert_eq!(responses[4][1].1, "HTTP/1.1 424 Failed Dependency");
}

#[tokio::test]
async fn the_xml_is_compact() {
    let items = json!([{ "id": "u", "method": "GET", "url": "/users/1" }]);
    let inner = vec![response(
        200,
        &[("content-type", "application/json")],
        "{\"id\":1}",
    )];
    let reply = ask(layer(), items, inner).await;
    let expected = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
        <D:multistatus xmlns:D=\"DAV:\" xmlns:B=\"urn:tower-multistatus\"><D:response><D:href>/users/1</D:href>\
        <D:status>HTTP/1.1 200 OK</D:status><B:id>u</B:id><B:body type=\"application/json\">{\"id\":1}</B:body></D:response>\n\
        </D:multistatus>\n";
    assert_eq!(std::str::from_utf8(&reply.body), Ok(expected));
}

#[tokio::test]
async fn what_xml_cannot_hold_is_base64() {
    let bodies: [(&[u8], bool); 9] = [
        (b"a\r\nb\tc\r ]]> <x/> &amp; '\"", true),
        ("\u{85}\u{2028}\u{FFFD}\u{10FFFF}\u{FEFF}".as_bytes(), true),
        (b" ", true),
        (b"\0", false),
        (b"\x1B[0m", false),
        ("\u{FFFE}".as_bytes(), false),
        ("\u{FFFF}".as_bytes(), false),
        (b"\xFF\xFE", false),
        (b"\xED\xA0\x80", false),
    ];
    for (body, is_text) in bodies {
        let items = json!([{ "id": "\u{FFFE}", "method": "GET", "url": "/a" }]);
        let inner = vec![response(
            200,
            &[("content-type", "text/plain; a=\"<\t&\"")],
            body.to_vec(),
        )];
        let reply = ask(layer(), items, inner).await;
        let (name, text) = if is_text {
            ("", std::str::from_utf8(body).expect("text").to_owned())
        } else {
            (" encoding=base64", STANDARD.encode(body))
        };
        let response = parse(&reply).remove(0);
        assert_eq!(
            response[2],
            (
                "B:id encoding=base64".to_owned(),
                STANDARD.encode("\u{FFFE}")
            )
        );
        assert_eq!(
            response[3],
            (format!("B:body type=text/plain; a=\"<\t&\"{name}"), text),
            "{}",
            body.escape_ascii()
        );
    }
    // Bytes that are valid UTF-8, but have another charset.
    let items = json!([{ "id": "1", "method": "GET", "url": "/a" }]);
    let latin1 = response(
        200,
        &[("content-type", "text/plain; charset=iso-8859-1")],
        "\u{eb}",
    );
    let reply = ask(layer(), items, vec![latin1]).await;
    assert_eq!(parse(&reply)[0][3].1, STANDARD.encode("\u{eb}"));
}

#[tokio::test]
async fn an_error_is_described_by_the_title_of_its_problem() {
    let problem = |content_type, body| response(409, &[("content-type", content_type)], body);
    let cases = [
        (
            problem("application/problem+json", "{\"title\":\"so & so\"}"),
            "so & so",
        ),
        (
            problem("application/problem+json", "{\"title\":\"\\u0000\"}"),
            "Conflict",
        ),
        (
            problem("application/problem+json", "{\"title\":1}"),
            "Conflict",
        ),
        (problem("application/problem+json", "no JSON"), "Conflict"),
        (problem("application/json", "{\"title\":\"x\"}"), "Conflict"),
    ];
    for (inner, expected) in cases {
        let items = json!([{ "id": "1", "method": "GET", "url": "/a" }]);
        let reply = ask(layer(), items, vec![inner]).await;
        assert_eq!(
            parse(&reply)[0][2],
            ("D:responsedescription".to_owned(), expected.to_owned())
        );
    }
}

#[tokio::test]
async fn multi_status_cannot_be_read() {
    let request = Request::post("/batch").header("content-type", "application/xml");
    let service = service_fn(async |_: Request<RequestBody<Body>>| {
        Ok::<_, Infallible>(response(200, &[], ""))
    });
    let reply = send(
        layer().layer(service),
        request.body(Body::empty()).expect("a request"),
    )
    .await;
    assert_eq!(reply.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

fn content_type() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![Just(b'\t'), 0x20_u8..0x7F, 0x80_u8..], 0..20)
}

proptest! {
    #[test]
    fn any_response_can_be_read_back(
        status in 200_u16..1000,
        content_type in prop::option::of(content_type()),
        body in prop_oneof![any::<Vec<u8>>(), any::<String>().prop_map(String::into_bytes)],
        id in "\\PC{1,9}",
        url: String,
        streamed: bool,
    ) {
        let mut inner = response(status, &[], body.clone());
        if let Some(content_type) = content_type {
            let content_type = HeaderValue::from_bytes(&content_type).expect("a value");
            inner.headers_mut().insert("content-type", content_type);
        }
        let items = json!([
            { "id": id.clone() + "1", "method": "GET", "url": url },
            { "id": id + "2", "method": "GET", "url": "/a" },
        ]);
        let layer = layer().streamed(streamed);
        let reply = run(ask(layer, items, vec![inner.clone(), inner]));
        let responses = parse(&reply);
        prop_assert_eq!(responses.len(), 2);
        let found = responses[1].iter().find(|(name, _)| name.starts_with("B:body"));
        let found = found.map(|(name, text)| if name.ends_with(" encoding=base64") { STANDARD.decode(text).expect("base64") } else { text.clone().into_bytes() });
        let has_body = !matches!(status, 204 | 205 | 304) && !body.is_empty();
        prop_assert_eq!(found, has_body.then_some(body));
    }
}
