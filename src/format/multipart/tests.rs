//! Tests of what the public API cannot show: streamed responses that contain the boundary, and
//! groups.

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};

use super::Multipart;
use super::boundary::RANDOM_LENGTH;
use crate::format::{Encoder, Format, Frames};
use crate::item_error::ItemError;
use crate::subresponse::Subresponse;
use crate::summary::Summary;

fn encoder(format: &Multipart) -> Box<dyn Encoder> {
    let outer = Request::builder().header("content-type", "multipart/mixed; boundary=b");
    let (outer, ()) = outer.body(()).unwrap().into_parts();
    format.encoder(&outer).unwrap()
}

fn response(id: &'static str, status: u16, body: impl Into<Bytes>) -> Subresponse {
    let mut response = Subresponse::new(
        id,
        StatusCode::from_u16(status).unwrap(),
        HeaderMap::new(),
        body,
    );
    response.extras.get_or_insert_default().label = Some(id.into());
    response
}

fn not_executed(id: &'static str) -> Subresponse {
    let mut response = response(id, 200, "");
    response.replace_with_error(ItemError::Stopped);
    response
}

fn text(frames: Frames) -> String {
    String::from_utf8(frames.into_bytes().into()).unwrap()
}

/// The boundary in the `Content-Type` of the response.
fn boundary_of(encoder: &dyn Encoder) -> String {
    let content_type = encoder.content_type();
    let content_type = content_type.to_str().unwrap();
    let boundary = content_type.strip_prefix("multipart/mixed; boundary=");
    boundary.unwrap().to_owned()
}

fn part(boundary: &str, id: &str, status: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "--{boundary}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: {id}\r\n\r\n\
        HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}\r\n"
    )
}

#[test]
fn in_a_streamed_change_set_a_response_with_the_boundary_of_the_envelope_is_502() {
    let (mut encoder, mut out) = (encoder(&Multipart::new()), Frames::with_estimate(0, true));
    let boundary = boundary_of(&*encoder);
    let forged = response("2", 200, format!("\r\n--{boundary}--"));
    encoder.push_group(
        &[response("1", 200, ""), forged, response("3", 200, "")],
        &mut out,
    );
    let written = text(out);
    assert_eq!(written.matches(&boundary).count(), 1);
    let statuses: Vec<_> = written
        .lines()
        .filter(|line| line.starts_with("HTTP/1.1"))
        .collect();
    assert_eq!(
        statuses,
        [
            "HTTP/1.1 200 OK",
            "HTTP/1.1 502 Bad Gateway",
            "HTTP/1.1 200 OK"
        ]
    );
}

#[test]
fn after_a_rewind_the_response_is_gone_and_the_boundary_is_the_same() {
    let (mut encoder, mut out) = (encoder(&Multipart::new()), Frames::default());
    let boundary = boundary_of(&*encoder);
    encoder.push(&response("a", 200, "x".repeat(10_000)), &mut out);
    let before = out.len();
    encoder.push_group(
        &[response("b", 200, "y"), response("c", 200, "z")],
        &mut out,
    );
    out.rewind(before);
    encoder.push(&response("b", 507, ""), &mut out);
    encoder.end(&Summary::default(), &mut out);
    assert_eq!(boundary_of(&*encoder), boundary);
    let expected = [
        part(&boundary, "a", "200 OK", &"x".repeat(10_000)),
        part(&boundary, "b", "507 Insufficient Storage", ""),
        format!("--{boundary}--\r\n"),
    ];
    assert_eq!(text(out), expected.concat());
}

/// The bytes that are written for a group, with `7` for the random digits of the envelope's
/// boundary and `8` for those of a change set.
fn group(format: Multipart, responses: &[Subresponse]) -> String {
    let (mut encoder, mut out) = (encoder(&format), Frames::default());
    let boundary = boundary_of(&*encoder);
    encoder.push_group(responses, &mut out);
    let outer = &boundary[boundary.len() - RANDOM_LENGTH..];
    let written = text(out).replace(outer, "7");
    let nested = written.split_once("boundary=changesetresponse_");
    match nested.and_then(|(_, rest)| rest.get(..RANDOM_LENGTH)) {
        Some(nested) => written.replace(nested, "8"),
        None => written,
    }
}

fn nested(members: &str) -> String {
    format!(
        "--batchresponse_7\r\nContent-Type: multipart/mixed; boundary=changesetresponse_8\r\n\r\n\
        {members}--changesetresponse_8--\r\n\r\n"
    )
}

#[test]
fn a_change_set_that_succeeded_is_a_multipart() {
    let responses = [response("1", 201, "x"), response("2", 304, "")];
    let members = |boundary: &str| {
        [
            part(boundary, "1", "201 Created", "x"),
            part(boundary, "2", "304 Not Modified", ""),
        ]
        .concat()
    };
    assert_eq!(
        group(Multipart::new(), &responses),
        nested(&members("changesetresponse_8"))
    );
    assert_eq!(
        group(Multipart::new().flatten_change_sets(true), &responses),
        members("batchresponse_7")
    );
}

#[test]
fn a_change_set_that_failed_is_the_response_of_the_item_at_fault() {
    let cause = || response("2", 404, "x");
    let responses = [
        response("1", 201, ""),
        not_executed("0"),
        cause(),
        response("3", 500, ""),
        not_executed("4"),
    ];
    let plain = part("batchresponse_7", "2", "404 Not Found", "x");
    assert_eq!(group(Multipart::new(), &responses), plain);
    assert_eq!(
        group(Multipart::new().omit_not_executed(true), &responses),
        plain
    );
    assert_eq!(
        group(Multipart::new().flatten_change_sets(true), &responses),
        plain
    );
    let wraps = || Multipart::new().wrap_failed_change_sets(true);
    assert_eq!(
        group(wraps(), &responses),
        nested(&part("changesetresponse_8", "2", "404 Not Found", "x"))
    );
    assert_eq!(group(wraps().flatten_change_sets(true), &responses), plain);
}

#[test]
fn items_that_did_not_run_have_a_response_or_are_left_out() {
    let responses = [not_executed("1"), not_executed("2")];
    let written = group(Multipart::new(), &responses);
    assert!(written.contains("Content-ID: 1\r\n\r\nHTTP/1.1 424 Failed Dependency\r\n"));
    assert!(!written.contains("Content-ID: 2"));
    assert_eq!(
        group(Multipart::new().omit_not_executed(true), &responses),
        ""
    );
}

#[test]
fn the_response_to_an_item_without_an_id_has_no_content_id() {
    let mut unnamed = response("1", 200, "");
    unnamed.extras.get_or_insert_default().label = None;
    assert!(!group(Multipart::new(), &[unnamed]).contains("Content-ID"));
}
