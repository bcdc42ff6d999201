//! Extensions of requests and responses.

use tower::Layer;
use tower_multistatus::{DependsOn, ItemId, NotBatched};

use super::*;

fn with<T: Clone + Send + Sync + 'static>(
    mut request: Request<Body>,
    extension: T,
) -> Request<Body> {
    request.extensions_mut().insert(extension);
    request
}

fn id(request: Request<Body>, id: &str) -> Request<Body> {
    with(request, ItemId::new(id).unwrap())
}

fn server(wire: &Wire) -> BatchClient<Body> {
    let api = Router::new().fallback(async |request: Request<Body>| {
        let status = match request.uri().path() {
            "/fails" => StatusCode::CONFLICT,
            _ => StatusCode::OK,
        };
        (status, request.uri().to_string())
    });
    layer().layer(wire.to_server(BatchLayer::new("/batch"), api))
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_not_batched_is_sent_alone() {
    let wire = Wire::default();
    let client = server(&wire);
    let requests = [get("/a"), with(get("/b"), NotBatched), get("/c")];
    assert_eq!(sizes(&client, requests).await, [Some(2), None, Some(2)]);
    let mut lines = wire.lines();
    lines.sort();
    assert_eq!(lines, ["GET /b", "POST /batch"]);
}

#[tokio::test(start_paused = true)]
async fn an_item_has_the_id_that_its_request_gives() {
    let wire = Wire::default();
    let client = server(&wire);
    let id_of = async |request| {
        let response = client.clone().oneshot(request).await.unwrap();
        response
            .extensions()
            .get::<Batched>()
            .unwrap()
            .id()
            .to_owned()
    };
    let odd = "a \"b\" \\ \u{e9}";
    let requests = [id(get("/a"), odd), get("/b")];
    let ids = join_all(requests.map(id_of)).await;
    assert_eq!(ids[0], odd);
    assert_eq!(ids, wire.only().ids());
}

#[tokio::test(start_paused = true)]
async fn a_number_is_the_id_of_one_request_only() {
    let wire = Wire::default();
    let client = server(&wire);
    // The first is a number that the client would use itself.
    for _ in 0..2 {
        let requests = [id(get("/a"), "2"), get("/b"), get("/c"), get("/d")];
        let outcomes = fetch_all(&client, requests).await;
        assert_eq!(shown(&outcomes), ["200 /a", "200 /b", "200 /c", "200 /d"]);
    }
    let ids = wire
        .all()
        .iter()
        .filter(|sent| sent.is_batch())
        .map(Sent::ids)
        .collect::<Vec<_>>();
    let mut generated: Vec<_> = ids.concat().into_iter().filter(|id| id != "2").collect();
    let count = generated.len();
    generated.dedup();
    assert_eq!(generated.len(), count);
}

#[tokio::test(start_paused = true)]
async fn requests_with_the_same_id_are_in_different_batches() {
    let wire = Wire::default();
    let client = server(&wire);
    let requests =
        ["/a", "/b", "/c", "/d"].map(|path| id(get(path), if path < "/c" { "x" } else { path }));
    let outcomes = fetch_all(&client, requests).await;
    assert_eq!(shown(&outcomes), ["200 /a", "200 /b", "200 /c", "200 /d"]);
    let mut lines = wire.lines();
    lines.sort();
    assert_eq!(lines, ["GET /a", "POST /batch"]);
}

#[tokio::test(start_paused = true)]
async fn a_request_runs_after_those_on_which_it_depends() {
    let wire = Wire::default();
    let client = server(&wire);
    for (first, expected) in [("/a", ["200", "200"]), ("/fails", ["409", "424"])] {
        let requests = [
            id(get(first), "first"),
            with(get("/b"), DependsOn::new(["first"])),
        ];
        let outcomes = fetch_all(&client, requests).await;
        let statuses: Vec<_> = shown(&outcomes)
            .iter()
            .map(|text| text[..3].to_owned())
            .collect();
        assert_eq!(statuses, expected);
    }
    assert_eq!(wire.all()[0].items()[1]["dependsOn"], json!(["first"]));
}

#[tokio::test(start_paused = true)]
async fn a_request_without_its_dependency_in_the_batch_is_not_sent() {
    let depends = || with(get("/b"), DependsOn::new(["a"]));
    let cases: [(_, Vec<_>, &[&str]); 4] = [
        // It is alone.
        (layer(), vec![depends()], &["Dependency"]),
        // The other one comes later.
        (
            layer(),
            vec![depends(), id(get("/a"), "a")],
            &["Dependency", "200 /a"],
        ),
        // The other one is in another batch.
        (
            layer(),
            vec![with(id(get("/a"), "a"), NotBatched), depends()],
            &["200 /a", "Dependency"],
        ),
        (
            layer().max_items(2),
            vec![id(get("/a"), "a"), get("/c"), depends()],
            &["200 /a", "200 /c", "Dependency"],
        ),
    ];
    for (layer, requests, expected) in cases {
        let wire = Wire::default();
        let client = layer.layer(wire.to_server(BatchLayer::new("/batch"), echo()));
        assert_eq!(shown(&fetch_all(&client, requests).await), expected);
        assert!(!wire.lines().contains(&"GET /b".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_with_a_dependency_is_never_sent_without_it() {
    // The server has no endpoint, or cuts the response.
    let silent = Wire::default().to(async |sent: Sent| match sent.is_batch() {
        true => json_response(404, "{}"),
        false => Ok(Response::new(Body::empty())),
    });
    let cut = Wire::default().to(async |sent: Sent| match sent.is_batch() {
        true => json_response(200, "{"),
        false => Ok(Response::new(Body::empty())),
    });
    for (connection, expected) in [(silent, "Dependency"), (cut, "OutcomeUnknown")] {
        let client = layer().layer(connection);
        let requests = [id(get("/a"), "a"), with(get("/b"), DependsOn::new(["a"]))];
        assert_eq!(
            shown(&fetch_all(&client, requests).await),
            ["200 ", expected]
        );
    }
}

#[test]
fn an_id_has_to_be_one_that_a_server_accepts() {
    for id in ["", "a\nb", &"x".repeat(257)] {
        assert!(ItemId::new(id).is_err());
    }
    assert!(ItemId::new("x".repeat(256)).is_ok());
}
