//! Facebook's Graph API.

use axum::body::Body;
use http::Request;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus::BatchLayer;

use crate::support::{Log, Reply, ask_through, responding, send};

fn form(fields: &[(&str, &str)]) -> Request<Body> {
    let fields = fields.iter().map(|(name, value)| {
        let value = utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
        format!("{name}={}", value.replace("%20", "+"))
    });
    raw_form(fields.collect::<Vec<_>>().join("&"))
}

fn raw_form(body: impl Into<Body>) -> Request<Body> {
    Request::post("/v19.0/?access_token=outer")
        .header("host", "api.example")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body.into())
        .unwrap()
}

async fn ask(request: Request<Body>) -> (Reply, Log) {
    ask_through(BatchLayer::facebook("/v19.0/"), request).await
}

#[tokio::test]
async fn a_form_of_the_python_client() {
    let items = json!([
        { "body": "name=a%20%26&targeting=%7B%7D", "method": "POST", "relative_url": "me/campaigns" },
        { "method": "GET", "relative_url": "101?fields=id%2Cname" },
        { "headers": [{ "name": "If-None-Match", "value": "\"x\"" }], "method": "DELETE", "relative_url": "101 ü" },
    ]);
    let (reply, log) = ask(form(&[("batch", &items.to_string())])).await;
    let received = log.all();
    assert_eq!(
        log.uris(),
        [
            "/v19.0/me/campaigns",
            "/v19.0/101?fields=id%2Cname",
            "/v19.0/101%20%C3%BC"
        ]
    );
    assert_eq!(
        received[0].header("content-type"),
        ["application/x-www-form-urlencoded"]
    );
    assert_eq!(received[0].body, "name=a%20%26&targeting=%7B%7D");
    assert_eq!(received[2].header("if-none-match"), ["\"x\""]);
    let result = json!({ "code": 200, "headers": [{ "name": "Content-Type", "value": "application/json" }], "body": "{}" });
    assert_eq!(reply.json(), json!([result, result, result]));
}

#[tokio::test]
async fn the_token_of_the_envelope_is_that_of_items_without_one() {
    let items = json!([
        { "method": "GET", "relative_url": "me" },
        { "method": "GET", "relative_url": "me?" },
        { "method": "GET", "relative_url": "me?a=1" },
        { "method": "GET", "relative_url": "me?access_token=own" },
    ]);
    let expected = [
        "/v19.0/me?access_token=a%26%2F",
        "/v19.0/me?access_token=a%26%2F",
        "/v19.0/me?a=1&access_token=a%26%2F",
        "/v19.0/me?access_token=own",
    ];
    let (_, log) = ask(form(&[
        ("access_token", "a&/"),
        ("batch", &items.to_string()),
    ]))
    .await;
    assert_eq!(log.uris(), expected);
    let mut request = form(&[]);
    let json = "application/json".parse().unwrap();
    request.headers_mut().insert("content-type", json);
    *request.body_mut() = json!({ "batch": items, "access_token": "a&/" })
        .to_string()
        .into();
    let (_, log) = ask(request).await;
    assert_eq!(log.uris(), expected);
}

#[tokio::test]
async fn items_depend_on_names() {
    let items = json!([
        { "method": "GET", "relative_url": "//x", "name": "first" },
        { "method": "GET", "relative_url": "b", "name": "same" },
        { "method": "GET", "relative_url": "c", "depends_on": "first" },
        { "method": "GET", "relative_url": "d", "name": "same" },
    ]);
    let (reply, log) = ask(form(&[("batch", &items.to_string())])).await;
    assert_eq!(log.uris(), ["/v19.0/b", "/v19.0/d"]);
    let codes: Vec<_> = reply
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["code"].clone())
        .collect();
    assert_eq!(codes, [400, 200, 424, 200]);
    for on in ["same", "none"] {
        let mut items = items.clone();
        items
            .as_array_mut()
            .unwrap()
            .push(json!({ "method": "GET", "relative_url": "e", "depends_on": on }));
        let (reply, log) = ask(form(&[("batch", &items.to_string())])).await;
        assert_eq!((reply.status.as_u16(), log.len()), (400, 0));
    }
}

#[tokio::test]
async fn a_client_can_leave_out_headers_and_responses() {
    let items = json!([{ "method": "GET", "relative_url": "a", "omit_response_on_success": true },
                       { "method": "GET", "relative_url": "//b", "omit_response_on_success": true }]);
    let (reply, log) = ask(form(&[
        ("batch", &items.to_string()),
        ("include_headers", "false"),
    ]))
    .await;
    assert_eq!(log.len(), 1);
    assert_eq!(reply.json()[0], Value::Null);
    assert_eq!(reply.json()[1]["code"], 400);
    assert_eq!(reply.json()[1]["headers"], json!([]));
}

#[tokio::test]
async fn a_failure_is_an_error_for_a_client_that_ignores_statuses() {
    let items = json!([{ "method": "GET", "relative_url": "a" }]).to_string();
    let layer = || BatchLayer::facebook("/v19.0/");
    let json: crate::support::Headers = &[("content-type", "application/json")];
    let generic = r#"{"error":{"message":"Not Found","type":"GraphMethodException","code":1}}"#;
    let own = r#"{"error":{"message":"own","code":7}}"#;
    for (body, expected) in [
        ("", generic),
        ("{\"message\":\"x\"}", generic),
        ("text", generic),
        (own, own),
    ] {
        let reply = send(
            layer().layer(responding(404, json, body)),
            form(&[("batch", &items)]),
        )
        .await;
        assert_eq!(
            (&reply.json()[0]["code"], &reply.json()[0]["body"]),
            (&json!(404), &json!(expected))
        );
    }
    let reply = send(
        layer().layer(responding(204, &[], "")),
        form(&[("batch", &items)]),
    )
    .await;
    assert_eq!(reply.json()[0]["body"], r#"{"success":true}"#);
}

#[tokio::test]
async fn nothing_is_evaluated_and_no_file_is_lost() {
    for item in [
        json!({ "method": "GET", "relative_url": "{result=a:$.id}" }),
        json!({ "method": "GET", "relative_url": "x?ids=%7Bresult%3Da:$.id}" }),
        json!({ "method": "POST", "relative_url": "x", "body": "a={result=a:$.id}" }),
        json!({ "method": "POST", "relative_url": "x", "body": "a=%7bresult%3da:$.id%7d" }),
        json!({ "method": "POST", "relative_url": "x", "attached_files": "file1" }),
    ] {
        let (reply, log) = ask(form(&[("batch", &json!([item]).to_string())])).await;
        assert_eq!(
            (&reply.json()[0]["code"], log.len()),
            (&json!(400), 0),
            "{item}"
        );
    }
}

#[tokio::test]
async fn broken_forms_are_refused() {
    let items = "%5B%5D";
    for body in [
        String::new(),
        format!("batch={items}&batch={items}"),
        format!("b%61tch={items}&batch={items}"),
        format!("Batch={items}"),
        "batch=%FF".into(),
        "batch=%5B".into(),
        "batch=".into(),
        "batch".into(),
        "batch=%7B%7D".into(),
        format!("access_token=%FF&batch={items}"),
        format!("include_headers=maybe&batch={items}"),
    ] {
        let (reply, log) = ask(raw_form(body.clone())).await;
        assert_eq!((reply.status.as_u16(), log.len()), (400, 0), "{body}");
    }
    let (reply, _) = ask(raw_form(format!("other=%FF%ZZ&&=&batch={items}"))).await;
    assert_eq!(reply.json(), json!([]));
}
