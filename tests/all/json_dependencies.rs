//! How `dependsOn` of a JSON item is read.

use http::StatusCode;
use tower_multistatus::{BatchLayer, ChangeSets};

use crate::support::{ask, ask_through, envelope};

#[tokio::test]
async fn an_item_waits_only_for_earlier_ones() {
    let chain = |first: &str, second: &str| {
        format!(
            r#"{{"requests":[{{"id":"a","method":"GET","url":"/1"{first}}},{{"id":"é","method":"GET","url":"/2"{second}}}]}}"#
        )
    };
    for (first, second) in [
        ("", r#","dependsOn":["a"]"#),
        ("", r#","dependsOn":["\u0061"]"#),
        (r#","dependsOn":[]"#, r#","dependsOn":null"#),
    ] {
        let (reply, log) = ask(chain(first, second)).await;
        assert_eq!(reply.statuses(), [200, 200], "{first} {second}");
        assert_eq!(log.uris(), ["/1", "/2"]);
    }
    for (first, second, at) in [
        (r#","dependsOn":["\u00e9"]"#, "", 0),
        (r#","dependsOn":["a"]"#, "", 0),
        ("", r#","dependsOn":["é"]"#, 1),
        ("", r#","dependsOn":["a","A"]"#, 1),
        ("", r#","dependsOn":["a","a"]"#, 1),
        ("", r#","dependsOn":[""]"#, 1),
        ("", r#","dependsOn":["nobody"]"#, 1),
    ] {
        let (reply, log) = ask(chain(first, second)).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        assert_eq!(reply.code(), "unknown-dependency", "{first} {second}");
        assert_eq!(reply.json()["pointer"], format!("#/requests/{at}"));
        assert_eq!(log.len(), 0);
    }
}

#[tokio::test]
async fn depends_on_of_a_wrong_type_refuses_the_batch() {
    for value in [
        r#""a""#,
        "1",
        "true",
        "{}",
        "[1]",
        "[null]",
        r#"[["a"]]"#,
        r#"["a",2]"#,
        r#"["\ud800"]"#,
    ] {
        let item = format!(r#"{{"id":"b","method":"GET","url":"/2","dependsOn":{value}}}"#);
        let batch = format!(r#"{{"requests":[{{"id":"a","method":"GET","url":"/1"}},{item}]}}"#);
        let (reply, log) = ask(batch).await;
        assert_eq!(reply.code(), "malformed", "{value}");
        assert_eq!(reply.json()["pointer"], "#/requests/1", "{value}");
        assert_eq!(log.len(), 0);
    }
}

#[tokio::test]
async fn more_dependencies_than_earlier_items_are_refused_while_reading() {
    let item = |id: &str, on: &str| {
        format!(r#"{{"id":"{id}","method":"GET","url":"/{id}","dependsOn":{on}}}"#)
    };
    let three = |on: &str| {
        let items = [item("a", "[]"), item("b", r#"["a"]"#), item("c", on)];
        format!(r#"{{"requests":[{}]}}"#, items.join(","))
    };
    for on in [r#"["a","b"]"#, r#"["b","a"]"#, r#"["a","a"]"#] {
        assert_eq!(ask(three(on)).await.0.statuses(), [200; 3], "{on}");
    }
    // Everything after the first name too many is not read: it is not even JSON.
    for on in [r#"["a","b","a"]"#, r#"["a","b","c""#, r#"["a","b","b",7,{"#] {
        let (reply, log) = ask(three(on)).await;
        assert_eq!(reply.code(), "unknown-dependency", "{on}");
        assert_eq!(reply.json()["pointer"], "#/requests/2", "{on}");
        assert_eq!(log.len(), 0, "{on}");
    }
}

#[tokio::test]
async fn an_item_may_wait_for_all_earlier_items_and_for_their_groups_too() {
    let item = |id: &str, group: &str, on: &str| {
        format!(
            r#"{{"id":"{id}","method":"GET","url":"/{id}","atomicityGroup":{group},"dependsOn":{on}}}"#
        )
    };
    let four = |groups: [&str; 2], on: &str| {
        let items = [
            item("a", "null", "[]"),
            item("b", groups[0], "[]"),
            item("c", groups[1], "[]"),
            item("d", "null", on),
        ];
        envelope(format!(r#"{{"requests":[{}]}}"#, items.join(",")))
    };
    let layer = BatchLayer::new("/batch").change_sets(ChangeSets::best_effort());
    for (groups, on, one_more) in [
        (
            [r#""g""#; 2],
            r#"["g","a","b","c"]"#,
            r#"["g","a","b","c","a"]"#,
        ),
        (
            [r#""g""#, r#""h""#],
            r#"["g","h","a","b","c"]"#,
            r#"["g","h","a","b","c","a"]"#,
        ),
    ] {
        let (reply, log) = ask_through(layer.clone(), four(groups, on)).await;
        assert_eq!(reply.statuses(), [200; 4]);
        assert_eq!(log.uris(), ["/a", "/b", "/c", "/d"]);
        let (reply, _) = ask_through(layer.clone(), four(groups, one_more)).await;
        assert_eq!(reply.code(), "unknown-dependency");
    }
}
