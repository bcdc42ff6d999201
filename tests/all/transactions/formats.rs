//! Groups in each format: NDJSON holds their lines back, multipart has one part for a failed one.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};
use tower::Layer;

use super::{Store, member, post, results, service};
use crate::support::{requests, send};

#[tokio::test(start_paused = true)]
async fn the_lines_of_a_group_are_sent_after_its_end() {
    let store = Store::default();
    let items = json!([
        member("g", "/add/a"),
        member("g", "/slow/b"),
        member("g", "/fail/c"),
        post("/add/d"),
    ]);
    let mut request = requests(items);
    let accept = "application/x-ndjson".parse().expect("a value");
    request.headers_mut().insert("accept", accept);
    let reply = send(store.layer().layer(service(&store)), request).await;
    let lines = reply
        .body
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    let mut lines: Vec<Value> = lines
        .map(|line| serde_json::from_slice(line).expect("JSON"))
        .collect();
    let summary = lines.pop().expect("a summary");
    assert_eq!(
        summary,
        json!({ "summary": { "total": 4, "succeeded": 1, "failed": 3 } })
    );
    let expected = [
        "/add/d 201",
        "/add/a 424 rolled-back",
        "/slow/b 424 rolled-back",
        "/fail/c 409",
    ];
    assert_eq!(results(&lines), expected);
}

#[cfg(feature = "multipart")]
#[tokio::test]
async fn json_and_multipart_have_the_same_results() {
    let cases: [(&[&str], &[u16]); 4] = [
        (&["/add/a", "/add/b"], &[201, 201]),
        (&["/add/a", "/fail/b", "/add/c"], &[424, 409, 424]),
        (&["/panic/a", "/add/b"], &[500, 424]),
        (&["/add/a"], &[201]),
    ];
    for (urls, statuses) in cases {
        let is_committed = statuses.iter().all(|status| *status == 201);
        let store = Store::default();
        let items: Vec<_> = urls.iter().map(|url| member("g", url)).collect();
        let json = send(store.layer().layer(service(&store)), requests(json!(items))).await;
        let expected: Vec<_> = statuses.iter().map(|status| u64::from(*status)).collect();
        assert_eq!(json.statuses(), expected);
        assert_eq!(
            store.names().len(),
            if is_committed { urls.len() } else { 0 }
        );

        let parts: String = urls
            .iter()
            .map(|url| {
                format!(
                    "--c\r\nContent-Type: application/http\r\n\r\nPOST {url} HTTP/1.1\r\n\r\n\r\n"
                )
            })
            .collect();
        let body = format!(
            "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n{parts}--c--\r\n--b--\r\n"
        );
        let request = Request::post("/batch")
            .header("content-type", "multipart/mixed; boundary=b")
            .body(Body::from(body))
            .expect("a request");
        let store = Store::default();
        let layer = store.layer().format(tower_multistatus::Multipart::new());
        let reply = send(layer.layer(service(&store)), request).await;
        let text = std::str::from_utf8(&reply.body).expect("UTF-8");
        let written: Vec<u16> = text
            .lines()
            .filter_map(|line| line.strip_prefix("HTTP/1.1 "))
            .map(|line| line[..3].parse().expect("a status"))
            .collect();
        // A failed change set has one response, of the item that has failed.
        let failure = statuses
            .iter()
            .copied()
            .filter(|status| !matches!(status, 201 | 424));
        let expected = if is_committed {
            statuses.to_vec()
        } else {
            failure.collect()
        };
        assert_eq!(written, expected, "{urls:?}");
        assert_eq!(
            store.names().len(),
            if is_committed { urls.len() } else { 0 }
        );
    }
}
