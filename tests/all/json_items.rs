//! How the members of a JSON item are read.

use http::StatusCode;
use serde_json::{Value, json};

use crate::support::{Received, Reply, ask};

/// The inner request of a batch of this item.
async fn received(item: &str) -> Received {
    let (reply, log) = ask(format!(r#"{{"requests":[{item}]}}"#)).await;
    assert_eq!(reply.statuses(), [200], "{item}");
    log.only()
}

/// The error code of an item between two valid ones, which must run.
async fn problem(item: &str) -> Value {
    let envelope = format!(
        r#"{{"requests":[{{"id":"a","method":"GET","url":"/1"}},{item},{{"id":"c","method":"GET","url":"/3"}}]}}"#
    );
    let (reply, log) = ask(envelope).await;
    assert_eq!(reply.status, StatusCode::MULTI_STATUS, "{item}");
    assert_eq!(reply.statuses(), [200, 400, 200], "{item}");
    assert_eq!(log.uris(), ["/1", "/3"], "{item}");
    let response = reply.item("b");
    assert_eq!(
        response["headers"],
        json!({ "Content-Type": "application/problem+json" })
    );
    assert_eq!(response["body"]["status"], 400);
    response["body"]["code"].clone()
}

/// The reply to GETs with these ids, given as JSON texts.
async fn with_ids(ids: &[&str]) -> Reply {
    let items: Vec<_> = ids
        .iter()
        .map(|id| format!(r#"{{"id":{id},"method":"GET","url":"/1"}}"#))
        .collect();
    ask(format!(r#"{{"requests":[{}]}}"#, items.join(",")))
        .await
        .0
}

#[tokio::test]
async fn an_id_is_a_string_of_1_to_256_bytes_and_is_repeated_unchanged() {
    let (long, wide) = ("x".repeat(256), "é".repeat(128));
    let (quotes, backslashes) = ("\"".repeat(256), "\\".repeat(256));
    for id in [
        "a",
        " ",
        "$1",
        "__proto__",
        "\"\\/",
        "😀",
        "\u{2028}",
        &long,
        &wide,
        &quotes,
        &backslashes,
    ] {
        let reply = with_ids(&[&json!(id).to_string()]).await;
        assert_eq!(reply.items()[0]["id"], id);
    }
    let reply = with_ids(&[r#""\u00e9\ud83d\ude00\/""#]).await;
    assert_eq!(reply.items()[0]["id"], "é😀/");
}

#[tokio::test]
async fn any_other_id_or_a_missing_one_refuses_the_batch() {
    let (long, wide) = (json!("x".repeat(257)), json!("€".repeat(86)));
    for id in [
        "1",
        "null",
        "true",
        "[]",
        r#"["a"]"#,
        "{}",
        r#""""#,
        r#""\u0000""#,
        r#""a\n""#,
        r#""\t""#,
        "\"\u{7f}\"",
        r#""\u0085""#,
        "\"\u{9f}\"",
        &long.to_string(),
        &wide.to_string(),
    ] {
        let reply = with_ids(&[r#""a""#, id]).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{id}");
        assert_eq!(reply.code(), "malformed", "{id}");
        assert_eq!(reply.json()["pointer"], "#/requests/1", "{id}");
    }
    let (reply, log) = ask(r#"{"requests":[{"method":"GET","url":"/1"}]}"#).await;
    assert_eq!((reply.code().as_str(), log.len()), ("malformed", 0));
}

#[tokio::test]
async fn ids_are_compared_by_code_points() {
    let distinct = ["é", "e\u{301}", "E\u{301}", "a", "A", "a ", "ａ"];
    let ids: Vec<_> = distinct.iter().map(|id| json!(id).to_string()).collect();
    let reply = with_ids(&ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let returned: Vec<_> = reply
        .items()
        .iter()
        .map(|item| item["id"].clone())
        .collect();
    assert_eq!(returned, distinct);
    for (one, same) in [(r#""é""#, r#""\u00e9""#), (r#""a""#, r#""\u0061""#)] {
        let reply = with_ids(&[one, r#""b""#, same]).await;
        assert_eq!(reply.code(), "duplicate-id");
        assert_eq!(reply.json()["pointer"], "#/requests/2");
    }
}

#[tokio::test]
async fn a_method_in_any_case_and_an_escaped_url_are_normalized() {
    let item = r#"{"id":"b","method":"dEl\u0065te","url":"\/a\u002fb?c=%20\u0064"}"#;
    let received = received(item).await;
    assert_eq!(received.method, http::Method::DELETE);
    assert_eq!(received.uri, "/a/b?c=%20d");
}

#[tokio::test]
async fn a_method_or_a_url_of_a_wrong_type_fails_its_item_alone() {
    for value in [
        "null",
        "1",
        "true",
        "[]",
        r#"["GET"]"#,
        "{}",
        r#""""#,
        r#""G T""#,
        r#""GÉT""#,
    ] {
        let item = format!(r#"{{"id":"b","method":{value},"url":"/2"}}"#);
        assert_eq!(problem(&item).await, "bad-method", "{value}");
    }
    for value in [
        "null",
        "1",
        "true",
        "[]",
        r#"["/2"]"#,
        "{}",
        r#""""#,
        r#""/ 2""#,
        r#""/é""#,
        r#""//x""#,
    ] {
        let item = format!(r#"{{"id":"b","method":"GET","url":{value}}}"#);
        assert_eq!(problem(&item).await, "bad-target", "{value}");
    }
    assert_eq!(problem(r#"{"id":"b","url":"/2"}"#).await, "bad-method");
    assert_eq!(problem(r#"{"id":"b","method":"GET"}"#).await, "bad-target");
}

#[tokio::test]
async fn headers_are_strings_or_arrays_of_strings_by_names_in_any_case() {
    let received = received(
        r#"{"id":"b","method":"GET","url":"/2","headers":{
            "ACCEPT":"text/plain","if-Many":["1","2"],"IF-One":["\u0061"],"if-none":[],"if-empty":""}}"#,
    )
    .await;
    let all = |name| -> Vec<_> { received.headers.get_all(name).iter().collect() };
    assert_eq!(all("accept"), ["text/plain"]);
    assert_eq!(all("if-many"), ["1", "2"]);
    assert_eq!(all("if-one"), ["a"]);
    assert_eq!(all("if-empty"), [""]);
    assert!(!received.headers.contains_key("if-none"));
    assert!(!received.headers.contains_key("content-type"));
}

#[tokio::test]
async fn a_bad_header_fails_its_item_alone() {
    for headers in [
        r#"{"":"1"}"#,
        r#"{"a b":"1"}"#,
        r#"{"a:b":"1"}"#,
        r#"{"é":"1"}"#,
        r#"{"a\n":"1"}"#,
        r#"{"x":"a\nb"}"#,
        r#"{"x":"a\r\ny: b"}"#,
        r#"{"x":"\u0000"}"#,
        r#"{"x":["1","\u007f"]}"#,
        r#"{"x":1}"#,
        r#"{"x":null}"#,
        r#"{"x":{}}"#,
        r#"{"x":["1",2]}"#,
        r#"{"x":[["1"]]}"#,
        r#"{"content-type":["text/plain","text/html"]}"#,
        r#"{"content-type":"text/plain","Content-Type":"text/plain"}"#,
        r#"{"accept":"a/b","Accept":"a/b"}"#,
        r#"{"if-match":["a","b"],"range":"c","IF-MATCH":[]}"#,
        r#"{"x-tenant":"a","X_Tenant":"b"}"#,
        r#"{"x_tenant_id":"a","x-tenant-id":"b"}"#,
        r#""x: 1""#,
        r#"["x"]"#,
        "1",
    ] {
        let item = format!(r#"{{"id":"b","method":"GET","url":"/2","headers":{headers}}}"#);
        assert_eq!(problem(&item).await, "bad-header", "{headers}");
    }
}

#[tokio::test]
async fn an_item_has_at_most_64_headers_and_16_kib_of_them() {
    let many = |count| {
        let headers: Vec<_> = (0..count).map(|at| format!(r#""if-{at}":"1""#)).collect();
        format!(
            r#"{{"id":"b","method":"GET","url":"/2","headers":{{{}}}}}"#,
            headers.join(",")
        )
    };
    let long = |bytes: usize| {
        let value = "v".repeat(bytes - "range".len());
        format!(r#"{{"id":"b","method":"GET","url":"/2","headers":{{"range":"{value}"}}}}"#)
    };
    // 64, and the inherited `Host`.
    assert_eq!(received(&many(64)).await.headers.len(), 65);
    assert_eq!(problem(&many(65)).await, "too-many-headers");
    assert_eq!(
        received(&long(16 << 10)).await.headers["range"].len(),
        (16 << 10) - "range".len()
    );
    assert_eq!(problem(&long((16 << 10) + 1)).await, "too-many-headers");
}

#[tokio::test]
async fn members_may_come_in_any_order() {
    let item = r#"{"body":"YWJj","dependsOn":["a"],"headers":{"Content-Type":"image/png"},"url":"/2","method":"PUT","id":"b"}"#;
    let envelope =
        format!(r#"{{"requests":[{{"url":"/1","id":"a","method":"GET"}},{item}],"after":1}}"#);
    let (reply, log) = ask(envelope).await;
    assert_eq!(reply.statuses(), [200, 200]);
    let received = &log.all()[1];
    assert_eq!(
        (received.uri.as_str(), &*received.body),
        ("/2", &b"abc"[..])
    );
    assert_eq!(received.headers["content-type"], "image/png");
}

#[tokio::test]
async fn an_item_means_the_same_in_every_spelling() {
    let spelled = [
        r#"{"id":"1","method":"PUT","url":"/a?b","body":{}}"#,
        r#" {"id":"1","method":"PUT","url":"/a?b","body":{}}"#,
        r#"{ "id":"1","method":"PUT","url":"/a?b","body":{}}"#,
        r#"{"id" :"1","method":"PUT","url":"/a?b","body":{}}"#,
        r#"{"id": "1","method":"PUT","url":"/a?b","body":{}}"#,
        r#"{"id":"1" ,"method":"PUT","url":"/a?b","body":{}}"#,
        r#"{"id":"1", "method":"PUT","url":"/a?b","body":{}}"#,
        r#"{"id":"1","method": "PUT","url":"/a?b","body":{}}"#,
        r#"{"id":"1","method":"PUT", "url":"/a?b","body":{}}"#,
        r#"{"id":"1","method":"PUT","url": "/a?b","body":{}}"#,
        r#"{"id":"1","method":"PUT","url":"/a?b" ,"body":{}}"#,
        r#"{"\u0069d":"1","method":"PUT","url":"/a?b","body":{}}"#,
        r#"{"id":"\u0031","method":"PUT","url":"/a?b","body":{}}"#,
        r#"{"id":"1","method":"P\u0055T","url":"/a?b","body":{}}"#,
        r#"{"id":"1","method":"PUT","url":"\/a?b","body":{}}"#,
        r#"{"id":"1","method":"put","url":"/a?b","body":{}}"#,
        r#"{"id":"1","url":"/a?b","method":"PUT","body":{}}"#,
        r#"{"method":"PUT","url":"/a?b","id":"1","body":{}}"#,
        r#"{"body":{},"url":"/a?b","method":"PUT","id":"1"}"#,
    ];
    for item in spelled {
        let received = received(item).await;
        let target = (received.method.as_str(), received.uri.as_str());
        assert_eq!(target, ("PUT", "/a?b"), "{item}");
        assert_eq!(received.body, "{}", "{item}");
    }
}
