//! Unit tests of custom formats: items of a decoder, responses for an encoder.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use tower_multistatus::{Decoder, Error, Format, Json, Limits, NdJson, Subrequest};

/// The name and value of each header.
fn headers(item: &Subrequest) -> Vec<(&str, &[u8])> {
    let headers = item.headers();
    headers
        .map(|(name, value): (&HeaderName, &HeaderValue)| (name.as_str(), value.as_bytes()))
        .collect()
}

#[test]
fn an_item_returns_everything_that_was_set() -> Result<(), Error> {
    let item = Subrequest::new("é 1")?
        .with_method(b"purge")
        .with_url("//not/checked yet")
        .with_header(b"X-B", "2")
        .with_header(b"X-A", "1")
        .with_header(b"x-b", "3")
        .with_header(b"Content-TYPE", "text/plain")
        .with_body("body")
        .with_dependency("a")
        .with_dependency("b")
        .in_group("g");
    assert_eq!(item.id(), "é 1");
    assert_eq!(item.method().map(Method::as_str), Some("purge"));
    assert_eq!(item.url(), "//not/checked yet");
    assert_eq!(
        headers(&item),
        [
            ("content-type", &b"text/plain"[..]),
            ("x-b", b"2"),
            ("x-a", b"1"),
            ("x-b", b"3")
        ]
    );
    assert_eq!(item.body(), "body");
    assert!(item.dependencies().eq(["a", "b"]));
    assert_eq!((item.group(), item.rejection()), (Some("g"), None));
    Ok(())
}

#[test]
fn a_new_item_has_nothing_but_its_id() -> Result<(), Error> {
    let item = Subrequest::new("1")?;
    assert_eq!((item.id(), item.method(), item.url()), ("1", None, ""));
    assert_eq!((headers(&item), item.body()), (vec![], &Bytes::new()));
    assert_eq!(item.dependencies().count(), 0);
    assert_eq!((item.group(), item.rejection()), (None, None));
    Ok(())
}

#[test]
fn an_item_has_the_status_of_its_failure_and_keeps_valid_values() -> Result<(), Error> {
    let new = || Subrequest::new("1");
    let many = (0..65).try_fold(new()?, |item, _| {
        Ok::<_, Error>(item.with_header(b"x", "1"))
    })?;
    for (item, status) in [
        (new()?.with_method(b"G T"), 400),
        (new()?.with_url(&b"\xff"[..]), 400),
        (new()?.with_header(b"x y", "1"), 400),
        (new()?.with_header(b"x", "a\nb"), 400),
        (many, 400),
        (new()?.reject(StatusCode::CONFLICT), 409),
        (new()?.reject(StatusCode::PROCESSING), 500),
        (new()?.reject(StatusCode::CONFLICT).with_method(b""), 409),
    ] {
        let rejection = item.rejection().map(|status| status.as_u16());
        assert_eq!(rejection, Some(status), "{item:?}");
        let item = item.with_url("/a").with_header(b"y", "1");
        assert_eq!(item.url(), "/a");
        // No layer can allow this method later.
        assert_eq!(item.method(), None);
    }
    Ok(())
}

#[test]
fn items_of_a_decoder_of_the_crate_can_be_inspected() -> Result<(), Error> {
    let envelope = r#"{"requests":[
        {"id":"a","method":"post","url":"/x","body":{"b":1},"dependsOn":[]},
        {"id":"b","method":"GET","url":"y","headers":{"If-Match":"1"},"dependsOn":["a"]}]}"#;
    let (outer, ()) = Request::post("/batch").body(()).expect("one").into_parts();
    let decoder = Json::new().decoder(&outer, &Limits::default());
    let mut decoder: Box<dyn Decoder> = decoder.expect("JSON is read")?;
    let mut found = Vec::new();
    decoder.push(envelope.into(), &mut found)?;
    decoder.end(&mut found)?;
    let [a, b] = &found[..] else {
        panic!("two items, not {found:?}");
    };
    assert_eq!((a.method(), a.url()), (Some(&Method::POST), "/x"));
    assert_eq!(a.body(), r#"{"b":1}"#);
    assert_eq!(headers(a), [("content-type", &b"application/json"[..])]);
    assert_eq!((b.method(), b.url()), (Some(&Method::GET), "y"));
    assert_eq!(headers(b), [("if-match", &b"1"[..])]);
    assert!(b.dependencies().eq(["a"]));
    Ok(())
}

#[test]
fn a_decoder_of_lines_adds_each_item_when_its_line_is_complete() -> Result<(), Error> {
    let (outer, ()) = Request::new(()).into_parts();
    let decoder = NdJson::new().decoder(&outer, &Limits::default());
    let mut decoder = decoder.expect("it reads")?;
    assert!(decoder.is_streamed());
    let mut found = Vec::new();
    decoder.push("{\"id\":\"a\"}\n{\"id\"".into(), &mut found)?;
    assert_eq!(found.iter().map(Subrequest::id).collect::<Vec<_>>(), ["a"]);
    found.clear();
    decoder.push(":\"b\"}".into(), &mut found)?;
    assert!(found.is_empty());
    decoder.end(&mut found)?;
    assert_eq!(found.iter().map(Subrequest::id).collect::<Vec<_>>(), ["b"]);
    Ok(())
}

#[cfg(feature = "test-util")]
mod made_by_hand {
    use http::{HeaderMap, Request, StatusCode};
    use tower_multistatus::{Format, Frames, Json, Subresponse, Summary};

    #[test]
    fn an_encoder_writes_constructed_responses_and_summaries() {
        let (outer, ()) = Request::new(()).into_parts();
        let mut encoder = Json::new().encoder(&outer).expect("JSON is written");
        let mut out = Frames::default();
        encoder.begin(&mut out);
        let mut headers = HeaderMap::new();
        headers.insert("etag", http::HeaderValue::from_static("1"));
        let response = Subresponse::new("a", StatusCode::CREATED, headers, "text");
        assert_eq!((response.index(), response.url()), (0, ""));
        assert_eq!((response.group(), response.body()), (None, &"text".into()));
        encoder.push(&response, &mut out);
        encoder.push(&response, &mut out);
        encoder.end(&Summary::new(2, 2), &mut out);
        assert_eq!(out.written(), out.len() as u64);
        let item = r#"{"id":"a","status":201,"headers":{"ETag":"1"},"body":"text"}"#;
        let expected = format!("{{\"responses\":[\n{item},\n{item}]}}");
        assert_eq!(out.into_bytes(), expected);
    }

    #[test]
    fn a_summary_counts() {
        for (total, succeeded) in [(0, 0), (1, 0), (1, 1), (3, 2)] {
            let summary = Summary::new(total, succeeded);
            assert_eq!(summary.total(), total);
            assert_eq!(summary.succeeded(), succeeded);
            assert_eq!(summary.failed(), total - succeeded);
        }
    }

    #[test]
    #[should_panic(expected = "more items succeeded than there are")]
    fn a_summary_of_more_successes_than_items_cannot_be_made() {
        let _ = Summary::new(2, 3);
    }
}
