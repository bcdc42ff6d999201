//! What cannot be seen from outside: streamed responses that contain the boundary, and groups.

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

fn answer(id: &'static str, status: u16, body: impl Into<Bytes>) -> Subresponse {
    let mut answer = Subresponse::new(
        id,
        StatusCode::from_u16(status).unwrap(),
        HeaderMap::new(),
        body,
    );
    answer.extras.get_or_insert_default().label = Some(id.into());
    answer
}

fn not_executed(id: &'static str) -> Subresponse {
    let mut answer = answer(id, 200, "");
    answer.replace_with_error(ItemError::Stopped);
    answer
}

fn text(frames: Frames) -> String {
    String::from_utf8(frames.into_bytes().into()).unwrap()
}

/// The boundary that the head of the response tells.
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
fn in_a_streamed_change_set_a_member_with_the_boundary_of_the_envelope_in_it_is_502() {
    let (mut encoder, mut out) = (encoder(&Multipart::new()), Frames::with_estimate(0, true));
    let boundary = boundary_of(&*encoder);
    let forged = answer("2", 200, format!("\r\n--{boundary}--"));
    encoder.push_group(
        &[answer("1", 200, ""), forged, answer("3", 200, "")],
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
fn what_is_taken_back_is_gone_and_the_boundary_stays() {
    let (mut encoder, mut out) = (encoder(&Multipart::new()), Frames::default());
    let boundary = boundary_of(&*encoder);
    encoder.push(&answer("a", 200, "x".repeat(10_000)), &mut out);
    let before = out.len();
    encoder.push_group(&[answer("b", 200, "y"), answer("c", 200, "z")], &mut out);
    out.rewind(before);
    encoder.push(&answer("b", 507, ""), &mut out);
    encoder.end(&Summary::default(), &mut out);
    assert_eq!(boundary_of(&*encoder), boundary);
    let expected = [
        part(&boundary, "a", "200 OK", &"x".repeat(10_000)),
        part(&boundary, "b", "507 Insufficient Storage", ""),
        format!("--{boundary}--\r\n"),
    ];
    assert_eq!(text(out), expected.concat());
}

/// What is written of a group. The digits of the envelope's boundary are 7, those of a change set
/// 8.
fn group(format: Multipart, answers: &[Subresponse]) -> String {
    let (mut encoder, mut out) = (encoder(&format), Frames::default());
    let boundary = boundary_of(&*encoder);
    encoder.push_group(answers, &mut out);
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
fn a_change_set_that_worked_is_a_multipart() {
    let answers = [answer("1", 201, "x"), answer("2", 304, "")];
    let members = |boundary: &str| {
        [
            part(boundary, "1", "201 Created", "x"),
            part(boundary, "2", "304 Not Modified", ""),
        ]
        .concat()
    };
    assert_eq!(
        group(Multipart::new(), &answers),
        nested(&members("changesetresponse_8"))
    );
    assert_eq!(
        group(Multipart::new().flatten_change_sets(true), &answers),
        members("batchresponse_7")
    );
}

#[test]
fn a_change_set_that_failed_is_the_answer_that_says_why() {
    let cause = || answer("2", 404, "x");
    let answers = [
        answer("1", 201, ""),
        not_executed("0"),
        cause(),
        answer("3", 500, ""),
        not_executed("4"),
    ];
    let plain = part("batchresponse_7", "2", "404 Not Found", "x");
    assert_eq!(group(Multipart::new(), &answers), plain);
    assert_eq!(
        group(Multipart::new().omit_not_executed(true), &answers),
        plain
    );
    assert_eq!(
        group(Multipart::new().flatten_change_sets(true), &answers),
        plain
    );
    let wraps = || Multipart::new().wrap_failed_change_sets(true);
    assert_eq!(
        group(wraps(), &answers),
        nested(&part("changesetresponse_8", "2", "404 Not Found", "x"))
    );
    assert_eq!(group(wraps().flatten_change_sets(true), &answers), plain);
}

#[test]
fn what_was_not_executed_is_answered_or_left_out() {
    let answers = [not_executed("1"), not_executed("2")];
    let told = group(Multipart::new(), &answers);
    assert!(told.contains("Content-ID: 1\r\n\r\nHTTP/1.1 424 Failed Dependency\r\n"));
    assert!(!told.contains("Content-ID: 2"));
    assert_eq!(
        group(Multipart::new().omit_not_executed(true), &answers),
        ""
    );
}

#[test]
fn items_without_an_id_have_no_content_id_in_the_answer() {
    let mut unnamed = answer("1", 200, "");
    unnamed.extras.get_or_insert_default().label = None;
    assert!(!group(Multipart::new(), &[unnamed]).contains("Content-ID"));
}
