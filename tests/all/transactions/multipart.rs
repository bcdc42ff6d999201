//! Groups in JSON and multipart: a failed change set has one part.

use axum::body::Body;
use http::Request;
use serde_json::json;
use tower::Layer;

use super::{Store, member, service};
use crate::support::{requests, send};

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
