//! An invalid value fails its item only. Ids, order and dependencies.

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus::shape::{Member, Shape};
use tower_multistatus::{BatchLayer, Json};

use super::table::{Client, for_each};
use crate::support::{Log, Reply, ask_through, envelope, responding_with, send};

/// Where an item has this member, and those of an object in it.
fn place<'a>(
    item: &'a mut Value,
    table: &[(&str, Member)],
    is: fn(&Member) -> bool,
) -> Option<&'a mut Value> {
    if let Some((name, _)) = table.iter().find(|(_, member)| is(member)) {
        return Some(&mut item[*name]);
    }
    let (name, inside) = table.iter().find_map(|(name, member)| match member {
        Member::Object(inside) => Some((name, inside)),
        _ => None,
    })?;
    place(&mut item[*name], inside, is)
}

/// A valid item, and one with this value for a member.
fn with(client: &Client, is: fn(&Member) -> bool, value: Value) -> Option<Vec<Value>> {
    let mut item = client.post("/b", json!({}));
    *place(&mut item, client.shape.item, is)? = value;
    Some(vec![client.get("/a"), item])
}

async fn fails_alone(client: &Client, items: Vec<Value>) {
    let shown = format!("{}: {items:?}", client.name);
    let (reply, log) = ask_through(client.layer(), client.batch(items)).await;
    let results = client.results(&reply);
    assert_eq!(log.uris(), ["/a"], "{shown}");
    assert_eq!(results.len(), 2, "{shown}");
    if client.has_status() {
        assert_eq!(
            [results[0].status, results[1].status],
            [Some(200), Some(400)],
            "{shown}"
        );
    }
}

#[test]
fn an_invalid_value_fails_its_item() {
    for_each(async |client| {
        for url in [
            json!(7),
            json!("//host/a"),
            json!("/a/../b"),
            json!(""),
            json!("http://other/"),
        ] {
            let items = with(client, |member| matches!(member, Member::Url), url);
            fails_alone(client, items.unwrap()).await;
        }
        for method in [json!(7), json!("G T"), json!("")] {
            let items = with(client, |member| matches!(member, Member::Method), method);
            fails_alone(client, items.unwrap()).await;
        }
        for headers in [
            json!(7),
            json!({ "a\n": "b" }),
            json!({ "x-a": 1 }),
            json!({ "etag": "1", "ETag": "2" }),
            json!([{ "name": "x-a" }]),
            json!([7]),
            json!([{ "name": 1, "value": "" }]),
        ] {
            let items = with(client, |member| matches!(member, Member::Headers), headers);
            if let Some(items) = items {
                fails_alone(client, items).await;
            }
        }
        let items = with(
            client,
            |member| matches!(member, Member::Unsupported),
            json!("x"),
        );
        if let Some(items) = items {
            fails_alone(client, items).await;
        }
    });
}

#[test]
fn half_a_surrogate_pair_never_reaches_the_inner_service() {
    for_each(async |client| {
        let envelope = client.envelope(vec![client.get("/a"), client.post("/HALF", json!({}))]);
        let envelope = envelope.replace("/HALF", "/\\ud800");
        let (reply, log) = ask_through(client.layer(), client.request(envelope)).await;
        assert_eq!(
            (client.results(&reply).len(), log.uris()),
            (2, vec!["/a".to_owned()])
        );
    });
}

#[test]
fn results_have_the_order_of_the_items() {
    for_each(async |client| {
        let service = responding_with(|request| {
            let mut response = Response::new(Bytes::from(format!("{:?}", request.uri().path())));
            let json = "application/json".parse().unwrap();
            response.headers_mut().insert("content-type", json);
            response
        });
        let urls: Vec<_> = (0..20).map(|at| format!("/{at}")).collect();
        let items = urls.iter().map(|url| client.get(url)).collect();
        let reply = send(client.layer().layer(service), client.batch(items)).await;
        let bodies = client
            .results(&reply)
            .into_iter()
            .map(|result| result.body.unwrap());
        let bodies: Vec<_> = bodies
            .map(|body| String::from_utf8(body).unwrap())
            .collect();
        let expected: Vec<_> = urls.iter().map(|url| format!("{url:?}")).collect();
        assert_eq!(bodies, expected, "{}", client.name);
    });
}

/// Sends items to a layer with this shape.
async fn ask(shape: &'static Shape, items: Value) -> (Reply, Log) {
    let layer = BatchLayer::new("/batch").format(Json::shaped(shape));
    ask_through(layer, envelope(items.to_string())).await
}

#[tokio::test]
async fn an_id_is_written_as_it_came() {
    let items = json!([
        { "Id": 7, "method": "GET", "url": "/" },
        { "Id": "\u{2028}\"", "method": "GET", "url": "/" },
        { "method": "GET", "url": "/" },
        { "Id": "3", "method": "GET", "url": "/" },
        { "Id": null, "method": "GET", "url": "/" },
        { "Id": 1.50, "method": "GET", "url": "/" },
    ]);
    let (reply, log) = ask(&Shape::ID_STATUS_DATA, items).await;
    assert_eq!(log.len(), 6);
    let ids: Vec<_> = reply
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["Id"].clone())
        .collect();
    assert_eq!(
        ids,
        [
            json!(7),
            json!("\u{2028}\""),
            json!(null),
            json!("3"),
            json!(null),
            json!(1.5)
        ]
    );
    assert!(
        std::str::from_utf8(&reply.body)
            .unwrap()
            .contains("\\u2028")
    );
}

#[tokio::test]
async fn an_item_of_another_format_keeps_its_id() {
    const SHAPE: Shape = Shape {
        media_types: &["application/vnd.mine+json"],
        ..Shape::ID_STATUS_DATA
    };
    let layer = BatchLayer::new("/batch").format(Json::shaped(&SHAPE));
    let items = json!({ "requests": [{ "id": "a", "method": "GET", "url": "/" }] });
    let mut request = envelope(items.to_string());
    let accept = "application/vnd.mine+json".parse().unwrap();
    request.headers_mut().insert("accept", accept);
    let (reply, _) = ask_through(layer, request).await;
    assert_eq!(
        reply.json(),
        json!([{ "Id": "a", "status": 200, "data": {} }])
    );
}

#[tokio::test]
async fn a_generated_id_gives_way_to_one_of_the_client() {
    // The position of the second item is the id of the first.
    let items = json!([
        { "key": "2", "request": { "method": "GET", "endpoint": "/a" } },
        { "request": { "method": "GET", "endpoint": "/b" } },
    ]);
    let (reply, log) = ask(&Shape::JIVE, items).await;
    assert_eq!(log.len(), 2);
    assert_eq!(reply.json()[0]["id"], "2");
    assert_eq!(reply.json()[1]["id"], "2.1");
}

#[tokio::test]
async fn an_id_that_two_items_have_is_refused() {
    let twice = json!([{ "Id": 1, "method": "GET", "url": "/" }, { "Id": "1", "method": "GET", "url": "/" }]);
    let (reply, log) = ask(&Shape::ID_STATUS_DATA, twice).await;
    assert_eq!((reply.code().as_str(), log.len()), ("duplicate-id", 0));
    for id in [
        json!([]),
        json!({}),
        json!(true),
        json!(""),
        json!("\n"),
        json!("a".repeat(257)),
    ] {
        let items = json!([{ "Id": id, "method": "GET", "url": "/" }]);
        let (reply, log) = ask(&Shape::ID_STATUS_DATA, items).await;
        assert_eq!((reply.code().as_str(), log.len()), ("malformed", 0));
    }
}

#[tokio::test]
async fn an_item_waits_for_those_it_depends_on() {
    let items = |on: Value| {
        json!({ "requests": [
            { "id": "a", "method": "G T", "url": "/" },
            { "id": "b", "method": "GET", "url": "/b", "dependsOn": on },
        ] })
    };
    for on in [json!("a"), json!(["a"]), json!(["a"])] {
        let (reply, log) = ask(&Shape::RESULTS, items(on)).await;
        let results = reply.json();
        assert_eq!(log.len(), 0);
        assert_eq!(
            [
                &results["results"][0]["status"],
                &results["results"][1]["status"]
            ],
            [400, 424]
        );
    }
    for (on, code) in [
        (json!(["b"]), "unknown-dependency"),
        (json!("c"), "unknown-dependency"),
        (json!(["a", "a"]), "unknown-dependency"),
        (json!(7), "malformed"),
        (json!([7]), "malformed"),
    ] {
        let (reply, log) = ask(&Shape::RESULTS, items(on)).await;
        assert_eq!((reply.code().as_str(), log.len()), (code, 0));
    }
}

#[tokio::test]
async fn a_body_with_a_coding_or_two_types_is_base64() {
    const TYPE: (&str, &str) = ("content-type", "application/json");
    const IDENTITY: (&str, &str) = ("content-encoding", "identity");
    const GZIP: (&str, &str) = ("content-encoding", "gzip");
    let cases: [(&[_], bool); 6] = [
        (&[TYPE], true),
        (&[TYPE, IDENTITY], true),
        (&[TYPE, GZIP], false),
        (&[TYPE, IDENTITY, GZIP], false),
        (&[TYPE, IDENTITY, IDENTITY], false),
        (&[TYPE, TYPE], false),
    ];
    for (headers, is_json) in cases {
        let mut response = http::Response::builder();
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        let response = response.body("[1]".into()).expect("a response");
        let layer = BatchLayer::new("/batch").format(Json::shaped(&Shape::RESULTS));
        let reply = crate::support::batch_with(layer, &[response]).await;
        let expected = if is_json { json!([1]) } else { json!("WzFd") };
        assert_eq!(reply.json()["results"][0]["body"], expected, "{headers:?}");
    }
}
