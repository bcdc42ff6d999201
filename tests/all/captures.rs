//! Recorded requests of published clients, replayed over a socket. Each gets the recorded response.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;

use axum::Router;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::Layer;
use tower_multistatus::{BatchLayer, ChangeSets, ItemHeaders, Multipart};

use crate::captured_inner::{captured_inner, folder};
use crate::model::parts::{ItemResponse, Part, parse};

/// A header that the recorder added to every response of this dialect.
const OF_THE_RECORDER: &str = "DataServiceVersion";

/// A client, the exchanges to replay, and the endpoint for it.
struct Row {
    client: &'static str,
    exchanges: &'static [&'static str],
    layer: fn() -> BatchLayer,
}

const ROWS: &[Row] = &[
    row("azure-blob-js", &["01"], || azure_blob("/devstoreaccount1")),
    row("azure-blob-js", &["02"], || {
        azure_blob("/devstoreaccount1/cont")
    }),
    row("azure-tables-js", &["01", "02"], azure_tables),
    row("batchelor", &["01"], || {
        BatchLayer::google("/batch/demo/v1")
    }),
    row("fmodata", &["01"], || odata("/fmi/odata/v4/db/$batch")),
    row("google-api-python", &["01"], || {
        BatchLayer::google("/batch/demo/v1")
    }),
    row("msgraph-js", &["01", "02"], || {
        BatchLayer::graph("/v1.0/$batch")
    }),
    row("ndjson-curl", &["01"], || {
        BatchLayer::new("/batch").status(StatusCode::OK)
    }),
    row("o-js", &["01", "02"], || odata("/odata4/$batch")),
    row("odata-client-json", &["01"], || odata("/odata4/$batch")),
    row("office365-graph-python", &["01", "02", "03"], || {
        BatchLayer::graph("/v1.0/$batch")
    }),
    row("pyodata", &["01", "02", "03"], || {
        odata("/odata2/$batch").status(StatusCode::ACCEPTED)
    }),
    row("syncfusion", &["01"], || odata("/odata4/$batch")),
    row("ui5-v4-batch", &["01", "02"], || odata("/odata4/$batch")),
    #[cfg(feature = "multistatus")]
    row("webdav-js", &["01"], || {
        BatchLayer::new("/batch").format(tower_multistatus::MultiStatus::new())
    }),
];

const fn row(
    client: &'static str,
    exchanges: &'static [&'static str],
    layer: fn() -> BatchLayer,
) -> Row {
    Row {
        client,
        exchanges,
        layer,
    }
}

fn odata(path: &str) -> BatchLayer {
    BatchLayer::odata(path).change_sets(ChangeSets::best_effort())
}

fn azure_tables() -> BatchLayer {
    odata("/devstoreaccount1/$batch")
        .status(StatusCode::ACCEPTED)
        .format(
            Multipart::new()
                .sequential(true)
                .wrap_failed_change_sets(true),
        )
}

fn azure_blob(path: &str) -> BatchLayer {
    BatchLayer::new(path)
        .clear_formats()
        .format(Multipart::new())
        .when(|request| {
            request
                .uri
                .query()
                .is_some_and(|query| query.contains("comp=batch"))
        })
        .status(StatusCode::ACCEPTED)
        .item_headers(ItemHeaders::guarded().allow(["authorization", "x-ms-date"]))
}

#[tokio::test]
async fn requests_of_published_clients_get_the_recorded_responses() {
    for row in ROWS {
        let (calls, inner) = captured_inner();
        let app: Router = Router::new().fallback_service((row.layer)().layer(inner));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = tokio::spawn(async { axum::serve(listener, app).await });
        let folder = folder().join(row.client);
        for exchange in row.exchanges {
            let file = |what: &str| {
                fs::read(folder.join(format!("{exchange}.{what}.http"))).expect(row.client)
            };
            let request = file("request");
            let got = exchanged(address, &request).await;
            if String::from_utf8_lossy(&request).contains("\r\nOData-Version: 4.0\r\n") {
                assert_eq!(got.odata_version.as_deref(), Some("4.0"), "{}", row.client);
            }
            let recorded = Message::whole(&file("response")).expect("a whole message");
            compare(row.client, &got, &recorded);
        }
        server.abort();
        let calls = calls.lock().expect("the calls").clone();
        let calls: BTreeSet<_> = calls.iter().map(String::as_str).collect();
        let listed = fs::read_to_string(folder.join("inner.txt")).expect("the calls");
        assert_eq!(calls, listed.lines().collect(), "{}", row.client);
    }
}

/// Sends these bytes, and reads the response.
async fn exchanged(server: SocketAddr, request: &[u8]) -> Message {
    let mut stream = TcpStream::connect(server).await.expect("a connection");
    stream
        .write_all(request)
        .await
        .expect("the request is sent");
    let mut bytes = Vec::new();
    loop {
        let count = stream.read_buf(&mut bytes).await.expect("a response");
        if let Some(message) = Message::whole(&bytes) {
            return message;
        }
        assert_ne!(count, 0, "cut short: {}", bytes.escape_ascii());
    }
}

/// A response as it was read from a socket.
struct Message {
    status: String,
    content_type: String,
    odata_version: Option<String>,
    body: Vec<u8>,
}

impl Message {
    fn whole(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).expect("text");
        let header = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            lines
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.to_owned())
        };
        let body = &bytes[end + 4..];
        let body = match header("content-length") {
            Some(length) => body.get(..length.parse().expect("a number"))?.to_vec(),
            None => dechunked(body)?,
        };
        Some(Self {
            status: head.split(' ').nth(1).expect("a status").to_owned(),
            content_type: header("content-type").expect("a content type"),
            odata_version: header("odata-version"),
            body,
        })
    }
}

fn dechunked(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|two| two == b"\r\n")?;
        let size = std::str::from_utf8(&bytes[..end]).expect("text");
        let size = usize::from_str_radix(size, 16).expect("a size");
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(bytes.get(end + 2..end + 2 + size)?);
        bytes = bytes.get(end + 4 + size..)?;
    }
}

/// Asserts the same items in the same order, with the same statuses, headers and bodies.
fn compare(client: &str, got: &Message, recorded: &Message) {
    assert_eq!(got.status, recorded.status, "{client}");
    let is = |name: &str| recorded.content_type.starts_with(name);
    if is("multipart/mixed") {
        let prefix = |message: &Message| {
            message
                .content_type
                .rsplit_once('_')
                .map(|(prefix, _)| prefix.to_owned())
        };
        assert_eq!(prefix(got), prefix(recorded), "{client}");
        let parts = |message: &Message| -> Vec<_> {
            let parts = parse(&message.content_type, &message.body).into_iter();
            parts.map(comparable).collect()
        };
        return assert_eq!(parts(got), parts(recorded), "{client}");
    }
    let items = if is("application/json") {
        json_responses
    } else if is("application/x-ndjson") {
        json_lines
    } else {
        xml_responses
    };
    assert_eq!(items(got), items(recorded), "{client}");
}

/// The comparable form of a part: for each response whether it is in a change set, the response,
/// and its JSON body.
fn comparable(part: Part) -> Vec<(bool, ItemResponse, Value)> {
    let (is_change_set, responses) = match part {
        Part::Response(response) => (false, vec![response]),
        Part::ChangeSet(responses) => (true, responses),
    };
    let comparable = |mut response: ItemResponse| {
        response.headers.retain(|(name, _)| name != OF_THE_RECORDER);
        response.headers.sort();
        // Compare JSON as values: the order of members has no meaning.
        let json = serde_json::from_slice(&response.body).unwrap_or_default();
        if json != Value::Null {
            response.body.clear();
        }
        (is_change_set, response, json)
    };
    responses.into_iter().map(comparable).collect()
}

/// Without `encoding`, which only this crate writes, and without the recorder's bodies of items
/// that did not run.
fn json_responses(message: &Message) -> Vec<Value> {
    let mut envelope: Value = serde_json::from_slice(&message.body).expect("JSON");
    let responses = envelope["responses"].as_array_mut().expect("responses");
    for response in responses.iter_mut().filter_map(Value::as_object_mut) {
        response.remove("encoding");
        if response["status"] == 424 {
            response.retain(|name, _| matches!(&**name, "id" | "status"));
        }
    }
    std::mem::take(responses)
}

/// In the order of arrival, without the summary, which only this crate writes.
fn json_lines(message: &Message) -> Vec<Value> {
    let lines = message
        .body
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    let values = lines.map(|line| serde_json::from_slice::<Value>(line).expect("JSON"));
    values.filter(|value| value["summary"].is_null()).collect()
}

/// The `href` and `status` of each `<D:response>`.
fn xml_responses(message: &Message) -> Vec<Value> {
    let text = std::str::from_utf8(&message.body).expect("text");
    assert!(text.contains("xmlns:D=\"DAV:\""));
    let inside = |text: &str, name: &str| {
        let (_, after) = text.split_once(&format!("<D:{name}>")).expect("a start");
        after
            .split_once(&format!("</D:{name}>"))
            .expect("an end")
            .0
            .to_owned()
    };
    let responses = text.split("<D:response>").skip(1);
    responses
        .map(|response| json!([inside(response, "href"), inside(response, "status")]))
        .collect()
}
