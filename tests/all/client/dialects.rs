//! Servers of Microsoft Graph, OData and Google.

use http::HeaderValue;
use tower::Layer;

use super::*;

/// The paths that the server runs, as text.
async fn fetched(client: &BatchClient<Body>, paths: &[&str]) -> Vec<String> {
    shown(&fetch_all(client, paths.iter().map(|path| get(path))).await)
}

#[tokio::test(start_paused = true)]
async fn our_own_server_of_each_dialect_understands_its_client() {
    let wire = Wire::default();
    let graph = BatchLayer::graph("/v1.0/$batch");
    let client = BatchClientLayer::graph("/v1.0/$batch").layer(wire.to_server(graph, echo()));
    let expected = ["200 /v1.0/me?a", "200 /v1.0/me/photo"];
    assert_eq!(
        fetched(&client, &["/v1.0/me?a", "/v1.0/me/photo"]).await,
        expected
    );
    assert_eq!(wire.lines(), ["POST /v1.0/$batch"]);
    assert_eq!(wire.only().items()[0]["url"], "/me?a");

    let wire = Wire::default();
    let odata = BatchLayer::odata("/odata/$batch");
    let client = BatchClientLayer::odata("/odata/$batch").layer(wire.to_server(odata, echo()));
    let expected = ["200 /odata/People('a')", "200 /odata/People"];
    assert_eq!(
        fetched(&client, &["/odata/People('a')", "/odata/People"]).await,
        expected
    );
    let text = String::from_utf8(wire.only().body.to_vec()).unwrap();
    assert!(
        text.contains("\r\n\r\nGET People('a') HTTP/1.1\r\n"),
        "{text}"
    );
    assert_eq!(
        wire.only().header("prefer"),
        Some("odata.continue-on-error")
    );

    let wire = Wire::default();
    let google = BatchLayer::google("/batch/drive/v3");
    let client = BatchClientLayer::google("/batch/drive/v3").layer(wire.to_server(google, echo()));
    assert_eq!(
        fetched(&client, &["/a", "/b?c"]).await,
        ["200 /a", "200 /b?c"]
    );
    assert_eq!(wire.lines(), ["POST /batch/drive/v3"]);
}

#[tokio::test(start_paused = true)]
async fn a_failing_item_does_not_stop_those_behind_it_in_odata() {
    let api = Router::new().fallback(async |request: Request<Body>| {
        let status = match request.uri().path() {
            "/odata/no" => StatusCode::NOT_FOUND,
            _ => StatusCode::OK,
        };
        (status, request.uri().to_string())
    });
    let odata = BatchLayer::odata("/odata/$batch").continue_on_error(false);
    let connection = Wire::default().to_server(odata, api);
    let client = BatchClientLayer::odata("/odata/$batch").layer(connection);
    let expected = ["404 /odata/no", "200 /odata/a"];
    assert_eq!(fetched(&client, &["/odata/no", "/odata/a"]).await, expected);
}

#[tokio::test(start_paused = true)]
async fn graph_has_at_most_20_items_and_any_order() {
    let wire = Wire::default();
    let connection = wire.to(async |sent: Sent| {
        let mut items = echoed(&sent);
        items.reverse();
        // As Graph sends it: base64 without `encoding`.
        items[0]["headers"] = json!({ "Content-Type": "image/jpeg" });
        items[0]["body"] = json!("aGk=");
        json_response(200, json!({ "responses": items }).to_string())
    });
    let client = BatchClientLayer::graph("/v1.0/$batch").layer(connection);
    let paths: Vec<_> = (0..22).map(|at| format!("/v1.0/{at}")).collect();
    let paths: Vec<_> = paths.iter().map(String::as_str).collect();
    let texts = fetched(&client, &paths).await;
    let mut expected: Vec<_> = (0..22).map(|at| format!("200 /{at}")).collect();
    expected[19] = "200 hi".to_owned();
    expected[21] = "200 hi".to_owned();
    assert_eq!(texts, expected);
    let sizes: Vec<_> = wire.all().iter().map(|sent| sent.items().len()).collect();
    assert_eq!(sizes, [20, 2]);
}

/// A server of OData that sends no `Content-ID`.
async fn odata_without_ids(parts: &'static [&'static str]) -> Vec<String> {
    odata_that_ends(parts, "\r\n").await
}

/// The same, with this text behind the last delimiter.
async fn odata_that_ends(parts: &'static [&'static str], end: &'static str) -> Vec<String> {
    let connection = Wire::default().to(move |_| async move {
        let part = |id: &&str| match *id {
            "" => String::new(),
            id => format!("Content-ID: {id}\r\n"),
        };
        let parts = parts.iter().enumerate().map(|(at, id)| {
            let id = part(id);
            format!(
                "--b\r\nContent-Type: application/http\r\n{id}\r\nHTTP/1.1 200 OK\r\n\r\n{at}\r\n"
            )
        });
        let mut response = Response::new(Body::from(parts.collect::<String>() + "--b--" + end));
        let multipart = HeaderValue::from_static("multipart/mixed; boundary=b");
        response.headers_mut().insert("content-type", multipart);
        Ok(response)
    });
    let client = BatchClientLayer::odata("/$batch").layer(connection);
    let mut gets = ["/a", "/b", "/c"].map(get);
    gets[0]
        .extensions_mut()
        .insert(tower_multistatus::ItemId::new("x").unwrap());
    shown(&fetch_all(&client, gets).await)
}

#[tokio::test(start_paused = true)]
async fn odata_without_content_ids_is_matched_by_position_only_if_it_is_complete() {
    let missing = "MissingResponse";
    assert_eq!(
        odata_without_ids(&["", "", ""]).await,
        ["200 0", "200 1", "200 2"]
    );
    assert_eq!(odata_without_ids(&["", ""]).await, [missing; 3]);
    assert_eq!(
        odata_without_ids(&["", "x", ""]).await,
        ["200 1", missing, missing]
    );
    assert_eq!(
        odata_without_ids(&["2", "x", "1"]).await,
        ["200 1", "200 2", "200 0"]
    );
    // Only the end of the body shows that the last part is complete.
    assert_eq!(
        odata_that_ends(&["2"], "").await,
        [missing, missing, "200 0"]
    );
}
