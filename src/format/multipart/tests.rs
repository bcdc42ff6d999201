//! What cannot be seen from outside: answers that contain the boundary, and groups of answers.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode};

use super::Multipart;
use crate::fault::Fault;
use crate::format::{Encoder, Format, Frames};
use crate::policy::Summary;
use crate::subresponse::Subresponse;

const SEVEN: &str = "00000000000000000000000000000007";
const EIGHT: &str = "00000000000000000000000000000008";

/// A format whose random source is stuck.
fn stuck() -> Multipart {
    Multipart {
        random: || 7,
        ..Multipart::new()
    }
}

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
    answer.replace(Fault::Stopped);
    answer
}

fn text(mut frames: Frames) -> String {
    let frames: Vec<_> = std::iter::from_fn(|| frames.pop()).collect();
    String::from_utf8(frames.concat()).unwrap()
}

/// The envelope of these answers, and its boundary.
fn written(format: &Multipart, answers: &[Subresponse], mut out: Frames) -> (String, String) {
    let mut encoder = encoder(format);
    encoder.begin(&mut out);
    for answer in answers {
        encoder.push(answer, &mut out);
    }
    encoder.end(&Summary::default(), &mut out);
    let content_type = encoder.content_type();
    let boundary = content_type
        .to_str()
        .unwrap()
        .strip_prefix("multipart/mixed; boundary=");
    (text(out), boundary.unwrap().to_owned())
}

fn part(boundary: &str, id: &str, status: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "--{boundary}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: {id}\r\n\r\n\
        HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}\r\n"
    )
}

#[test]
fn a_body_that_contains_the_boundary_gets_another_one() {
    let forged = format!("\r\n--batchresponse_{SEVEN}--\r\n");
    let both = format!("batchresponse_{SEVEN} batchresponse_{EIGHT}");
    let large = "x".repeat(10_000);
    for (body, last) in [(&forged, "8"), (&both, "9")] {
        let answers = [
            answer("a", 200, "1"),
            answer("b", 200, large.clone()),
            answer("c", 200, body.clone()),
            answer("d", 200, "2"),
        ];
        let (envelope, boundary) = written(&stuck(), &answers, Frames::default());
        assert_eq!(
            boundary,
            format!("batchresponse_0000000000000000000000000000000{last}")
        );
        let expected = [
            part(&boundary, "a", "200 OK", "1"),
            part(&boundary, "b", "200 OK", &large),
            part(&boundary, "c", "200 OK", body),
            part(&boundary, "d", "200 OK", "2"),
            format!("--{boundary}--\r\n"),
        ];
        assert_eq!(envelope, expected.concat());
    }
}

#[test]
fn the_next_boundary_is_not_one_that_was_written_before() {
    let answers = [
        answer("a", 200, format!("--batchresponse_{EIGHT}")),
        answer("b", 200, format!("--batchresponse_{SEVEN}")),
    ];
    let (envelope, boundary) = written(&stuck(), &answers, Frames::default());
    assert!(boundary.ends_with("0009"));
    assert_eq!(envelope.matches(&boundary).count(), 3);
}

#[test]
fn headers_and_ids_that_contain_the_boundary_get_another_one_too() {
    let token = format!("batchresponse_{SEVEN}");
    let mut in_value = answer("a", 200, "");
    in_value
        .headers
        .insert("x", HeaderValue::try_from(&token).unwrap());
    let mut in_name = answer("a", 200, "");
    let name = http::HeaderName::try_from(format!("x-ms-{token}")).unwrap();
    in_name.headers.insert(name, HeaderValue::from_static("1"));
    let mut in_id = answer("a", 200, "");
    in_id.extras.get_or_insert_default().label = Some(format!("<{token}>").into());
    for answer in [in_value, in_name, in_id] {
        let (envelope, boundary) = written(&stuck(), &[answer], Frames::default());
        assert!(boundary.ends_with(EIGHT));
        assert_eq!(envelope.matches(&token).count(), 1);
    }
    // It comes about only when the id is marked.
    let mut joined = answer("a", 200, "");
    joined.extras.get_or_insert_default().label = Some(format!("<{SEVEN}>").into());
    let format = stuck().boundary_prefix("response-").response_ids(true);
    let (_, boundary) = written(&format, &[joined], Frames::default());
    assert!(boundary.ends_with(EIGHT));
}

#[test]
fn in_a_streamed_envelope_such_an_item_is_502() {
    let forged = format!("\r\n--batchresponse_{SEVEN}--\r\n");
    let answers = [answer("a", 200, forged), answer("b", 200, "2")];
    let (envelope, boundary) = written(&stuck(), &answers, Frames::with_estimate(0, true));
    assert!(boundary.ends_with(SEVEN));
    assert_eq!(envelope.matches(&boundary).count(), 3);
    assert!(envelope.contains(
        "Content-ID: a\r\n\r\nHTTP/1.1 502 Bad Gateway\r\nContent-Type: application/problem+json"
    ));
    assert!(
        envelope.ends_with(
            &[
                part(&boundary, "b", "200 OK", "2"),
                format!("--{boundary}--\r\n")
            ]
            .concat()
        )
    );
}

#[test]
fn what_is_taken_back_after_the_boundary_has_changed_is_gone() {
    let (mut encoder, mut out) = (encoder(&stuck()), Frames::default());
    encoder.push(&answer("a", 200, "x".repeat(10_000)), &mut out);
    let before = out.len();
    encoder.push(
        &answer("b", 200, format!("batchresponse_{SEVEN}")),
        &mut out,
    );
    out.rewind(before);
    encoder.retract();
    encoder.push(&answer("b", 507, ""), &mut out);
    encoder.end(&Summary::default(), &mut out);
    let boundary = format!("batchresponse_{EIGHT}");
    let expected = [
        part(&boundary, "a", "200 OK", &"x".repeat(10_000)),
        part(&boundary, "b", "507 Insufficient Storage", ""),
        format!("--{boundary}--\r\n"),
    ];
    assert_eq!(text(out), expected.concat());
}

/// What is written of a group, with its boundaries shortened.
fn group(format: Multipart, answers: &[Subresponse]) -> String {
    let (mut encoder, mut out) = (encoder(&format), Frames::default());
    encoder.push_group(answers, &mut out);
    let digits = ["7", "8"].map(|digit| format!("0000000000000000000000000000000{digit}"));
    text(out).replace(&digits[0], "7").replace(&digits[1], "8")
}

fn nested(members: &str) -> String {
    format!(
        "--batchresponse_7\r\nContent-Type: multipart/mixed; boundary=changesetresponse_7\r\n\r\n\
        {members}--changesetresponse_7--\r\n\r\n"
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
        group(stuck(), &answers),
        nested(&members("changesetresponse_7"))
    );
    assert_eq!(
        group(stuck().flatten_change_sets(true), &answers),
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
    assert_eq!(group(stuck(), &answers), plain);
    assert_eq!(group(stuck().omit_not_executed(true), &answers), plain);
    assert_eq!(group(stuck().flatten_change_sets(true), &answers), plain);
    let wraps = || stuck().wrap_failed_change_sets(true);
    assert_eq!(
        group(wraps(), &answers),
        nested(&part("changesetresponse_7", "2", "404 Not Found", "x"))
    );
    assert_eq!(group(wraps().flatten_change_sets(true), &answers), plain);
}

#[test]
fn what_was_not_executed_is_answered_or_left_out() {
    let answers = [not_executed("1"), not_executed("2")];
    let told = group(stuck(), &answers);
    assert!(told.contains("Content-ID: 1\r\n\r\nHTTP/1.1 424 Failed Dependency\r\n"));
    assert!(!told.contains("Content-ID: 2"));
    assert_eq!(group(stuck().omit_not_executed(true), &answers), "");
    let (alone, boundary) = written(
        &stuck().omit_not_executed(true),
        &answers,
        Frames::default(),
    );
    assert_eq!(alone, format!("--{boundary}--\r\n"));
}

#[test]
fn the_boundary_of_a_change_set_stands_in_none_of_its_answers() {
    let body = format!("--changesetresponse_{SEVEN}--");
    let (mut encoder, mut out) = (encoder(&stuck()), Frames::default());
    encoder.push_group(&[answer("1", 200, ""), answer("2", 200, body)], &mut out);
    let envelope = text(out);
    assert_eq!(
        envelope
            .matches(&format!("changesetresponse_{EIGHT}"))
            .count(),
        4
    );
    // Nor is it the envelope's.
    let same = group(
        stuck().boundary_prefix("changesetresponse_"),
        &[answer("1", 200, "")],
    );
    assert!(same.starts_with(
        "--changesetresponse_7\r\nContent-Type: multipart/mixed; boundary=changesetresponse_8\r\n"
    ));
}

#[test]
fn the_last_member_of_a_change_set_can_change_the_boundary_too() {
    let (mut encoder, mut out) = (encoder(&stuck()), Frames::default());
    encoder.push(&answer("0", 200, ""), &mut out);
    let forged = answer("2", 200, format!("--batchresponse_{SEVEN}"));
    encoder.push_group(
        &[answer("1", 200, format!("batchresponse_{EIGHT}")), forged],
        &mut out,
    );
    encoder.end(&Summary::default(), &mut out);
    let envelope = text(out);
    let boundary = encoder.content_type();
    let boundary = boundary.to_str().unwrap().split_once('=').unwrap().1;
    assert!(boundary.ends_with("0009"));
    assert_eq!(envelope.matches(boundary).count(), 3);
}

#[test]
fn items_without_an_id_have_no_content_id_in_the_answer() {
    let mut unnamed = answer("1", 200, "");
    unnamed.extras.get_or_insert_default().label = None;
    let (envelope, _) = written(&stuck(), &[unnamed], Frames::default());
    assert!(!envelope.contains("Content-ID"));
}
