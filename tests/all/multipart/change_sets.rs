//! Change sets: multiparts in the envelope.

use http::StatusCode;
use tower::Layer;
use tower_multistatus::{ChangeSets, ErrorKind, Subrequest};

use super::{decode, layer, replay};
use crate::model::parts::parse;
use crate::support::{recorder, send};

const REQUEST: &str = "Content-Type: application/http\r\n\r\nGET /a HTTP/1.1\r\n\r\n";

fn change_set(boundary: &str, inside: &str) -> String {
    format!("Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n{inside}\r\n")
}

fn found(envelope: &str) -> Result<Vec<Subrequest>, (ErrorKind, Option<usize>)> {
    decode("multipart/mixed; boundary=b", &[envelope.as_bytes()])
        .map_err(|error| (error.kind(), error.item()))
}

fn ids(envelope: &str) -> Vec<String> {
    let found = found(envelope).unwrap_or_else(|error| panic!("{error:?}: {envelope}"));
    found.iter().map(|item| item.id().to_owned()).collect()
}

#[test]
fn members_of_change_sets_have_ids_by_position() {
    let two = change_set("c", &format!("\r\n--c\r\n{REQUEST}\r\n--c\n{REQUEST}--c--"));
    let envelope = format!("--b\r\n{REQUEST}--b\r\n{two}--b\r\n{two}--b\r\n{REQUEST}--b--");
    assert_eq!(ids(&envelope), ["1", "2", "3", "4", "5", "6"]);
}

#[test]
fn an_empty_change_set_has_no_items() {
    for inside in [
        "--c--",
        "--c--\r\n",
        "\r\npreamble\r\n--c--\r\nepilogue\r\n--c\r\n",
    ] {
        let envelope = format!("--b\r\n{}--b\r\n{REQUEST}--b--", change_set("c", inside));
        assert_eq!(ids(&envelope), ["1"], "{inside:?}");
    }
}

#[test]
fn one_boundary_may_be_a_prefix_of_the_other() {
    for (outer, inner) in [
        ("b", "bb"),
        ("bb", "b"),
        ("b", "b-"),
        ("b-", "b"),
        ("x", "--x"),
    ] {
        let two = change_set(
            inner,
            &format!("--{inner}\r\n{REQUEST}--{inner}\r\n{REQUEST}--{inner}--"),
        );
        let envelope = format!("--{outer}\r\n{two}--{outer}\r\n{REQUEST}--{outer}--\r\n");
        let content_type = format!("multipart/mixed; boundary={outer}");
        let found = decode(&content_type, &[envelope.as_bytes()]);
        assert_eq!(found.expect("items").len(), 3, "{outer} {inner}");
    }
}

#[test]
fn an_invalid_change_set_is_refused_with_its_position() {
    let nested = change_set("d", &format!("--d\r\n{REQUEST}--d--"));
    let bad = [
        String::new(),
        "--c".to_owned(),
        format!("--c\r\n{REQUEST}"),
        format!("--c\r\n{REQUEST}--cc--"),
        format!("--c\r\n{REQUEST}--b--"),
        "--c\r\n\r\n--c--".to_owned(),
        format!("--c\r\n{nested}--c--"),
    ];
    for inside in bad {
        let envelope = format!("--b\r\n{REQUEST}--b\r\n{}--b--", change_set("c", &inside));
        let (kind, item) = found(&envelope).expect_err(&envelope);
        assert_eq!(kind, ErrorKind::Malformed, "{envelope}");
        assert!(matches!(item, Some(1 | 2)), "{envelope}");
    }
    // The delimiter of the envelope also ends a change set with the same boundary.
    let same = change_set("b", &format!("--b\r\n{REQUEST}--b--"));
    assert!(found(&format!("--b\r\n{same}--b--")).is_err());
}

#[test]
fn members_of_change_sets_count_for_the_item_limit() {
    let members = format!("--c\r\n{REQUEST}").repeat(101) + "--c--";
    let envelope = format!("--b\r\n{}--b--", change_set("c", &members));
    assert_eq!(
        found(&envelope).expect_err("too many").0,
        ErrorKind::TooManyItems
    );
}

#[tokio::test]
async fn without_transactions_a_change_set_is_refused() {
    let inside = format!("--c\r\n{REQUEST}--c--");
    let envelope = format!("--b\r\n{}--b--", change_set("c", &inside));
    let (log, reply) = replay("multipart/mixed; boundary=b", envelope).await;
    assert_eq!(reply.status, StatusCode::NOT_IMPLEMENTED);
    assert_eq!(reply.json()["code"], "unsupported-atomicity");
    assert_eq!(log.len(), 0);
}

#[tokio::test]
async fn no_id_is_the_name_of_a_change_set() {
    let member = REQUEST.replace("http\r\n", "http\r\nContent-ID: c#1\r\n");
    let inside = format!("--c\r\n{member}--c\r\n{REQUEST}--c--");
    let named = REQUEST.replace("http\r\n", "http\r\nContent-ID: c#1.1\r\n");
    let envelope = format!("--b\r\n{}--b\r\n{named}--b--", change_set("c", &inside));
    let (log, inner) = recorder();
    let layer = layer().change_sets(ChangeSets::best_effort());
    let request = super::envelope("multipart/mixed; boundary=b", &[envelope.as_bytes()]);
    let reply = send(layer.layer(inner), request).await;
    let content_type = reply.header("content-type").expect("a content type");
    assert_eq!(parse(content_type, &reply.body).len(), 2);
    assert_eq!(log.len(), 3);
}
