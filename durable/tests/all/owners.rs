//! Who can see a monitor.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::json;

use crate::support::{App, Reply, background, batch_layer, item, with_header};

async fn app() -> App {
    App::with(batch_layer(), |layer| {
        layer.owner(|outer| Some(outer.headers.get("x-user")?.to_str().ok()?.to_owned()))
    })
    .await
}

async fn ask(app: &App, method: &str, monitor: &str, user: Option<&str>) -> Reply {
    let request = Request::builder().method(method).uri(monitor);
    let request = request.body(Body::empty()).expect("a request");
    let request = match user {
        Some(user) => with_header(request, "x-user", user),
        None => request,
    };
    app.send(request).await
}

#[tokio::test]
async fn only_the_owner_of_a_batch_sees_its_monitor() {
    let app = app().await;
    let request = with_header(background(json!([item("GET", "/held/1")])), "x-user", "ada");
    let monitor = app.send(request).await.header("location").to_owned();
    app.until("held 1").await;
    let missing = ask(
        &app,
        "GET",
        "/batch/monitors/00000000-0000-0000-0000-000000000000",
        Some("eve"),
    )
    .await;
    for is_done in [false, true] {
        for method in ["GET", "DELETE", "PUT"] {
            for user in [Some("eve"), Some("ADA"), Some(""), None] {
                let reply = ask(&app, method, &monitor, user).await;
                assert_eq!(reply.status, StatusCode::NOT_FOUND);
                // A batch of somebody else looks like none.
                assert_eq!(
                    (&reply.body, &reply.headers),
                    (&missing.body, &missing.headers)
                );
            }
        }
        if !is_done {
            app.gate.open(1);
            while ask(&app, "GET", &monitor, Some("ada")).await.status == StatusCode::ACCEPTED {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        }
    }
    assert_eq!(
        ask(&app, "GET", &monitor, Some("ada")).await.statuses(),
        [200]
    );
    assert_eq!(
        ask(&app, "DELETE", &monitor, Some("ada")).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn who_knows_the_url_of_a_batch_without_an_owner_sees_it() {
    let app = app().await;
    let monitor = app.submit(json!([item("GET", "/users/1")])).await;
    app.result(&monitor).await;
    for user in [Some("eve"), None] {
        assert_eq!(
            ask(&app, "GET", &monitor, user).await.status,
            StatusCode::OK
        );
    }
}

#[tokio::test]
async fn ids_are_random_in_all_their_bits() {
    let app = App::without_worker(batch_layer(), |layer| layer).await;
    let (mut ones, mut zeros) = (0_u128, 0_u128);
    let mut seen = std::collections::HashSet::new();
    for _ in 0..64 {
        let monitor = app.submit(json!([item("GET", "/users/1")])).await;
        let id = monitor.rsplit('/').next().expect("an id").replace('-', "");
        let bits = u128::from_str_radix(&id, 16).expect("a number");
        assert!(seen.insert(bits));
        ones |= bits;
        zeros |= !bits;
    }
    // The chance that one of 128 fair bits is the same 64 times is 1 to 7e16.
    assert_eq!((ones, zeros), (u128::MAX, u128::MAX));
}
