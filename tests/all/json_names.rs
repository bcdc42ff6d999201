//! Names of members: duplicates, invalid names, and unknown names.

use tower_multistatus::{BatchLayer, ItemHeaders};

use crate::support::{
    ask, ask_through, assert_malformed, envelope, failed, recorded, second, with,
};

#[tokio::test]
async fn duplicate_names_in_the_envelope_refuse_the_batch() {
    for envelope in [
        r#"{"requests":[],"requests":[]}"#,
        r#"{"requests":[],"request\u0073":[]}"#,
        r#"{"x":1,"requests":[],"\u0078":1}"#,
        r#"{"\u0078":1,"requests":[],"x":1}"#,
        r#"{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0,"i":0,"j":0,"j":0,"requests":[]}"#,
        r#"{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0,"i":0,"\u0069":0,"requests":[]}"#,
        r#"{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0,"\u0069":0,"i":0,"requests":[]}"#,
    ] {
        assert_malformed(envelope, None).await;
    }
}

#[tokio::test]
async fn duplicate_names_in_an_item_refuse_the_batch() {
    for members in [
        r#""id":"b""#,
        r#""\u0069d":"c""#,
        r#""id" :"c""#,
        r#""method":"GET""#,
        r#""m\u0065thod":"GET""#,
        r#""url":"/3""#,
        r#""url" :"/3""#,
        r#""body":1,"body":1"#,
        r#""body":null,"\u0062ody":null"#,
        r#""headers":{},"headers":{}"#,
        r#""dependsOn":[],"dependsOn":null"#,
        r#""if":null,"if":null"#,
        r#""atomicityGroup":null,"atomicityGroup":null"#,
        r#""x":1,"x":1"#,
        r#""x":1,"\u0078":1"#,
        r#""é":1,"\u00e9":1"#,
        r#""😀":1,"\ud83d\ude00":1"#,
    ] {
        assert_malformed(with(members), Some(1)).await;
    }
}

#[tokio::test]
async fn duplicate_names_in_headers_refuse_the_batch() {
    for headers in [
        r#"{"x":"1","x":"1"}"#,
        r#"{"x":"1","\u0078":"1"}"#,
        r#"{"":"1","":"1"}"#,
        r#"{"x":["1"],"x":[]}"#,
    ] {
        assert_malformed(with(&format!(r#""headers":{headers}"#)), Some(1)).await;
    }
}

#[tokio::test]
async fn a_name_is_the_same_with_white_space_around_it_or_with_escapes() {
    for item in [
        r#"{"id":"a","method":"POST","url":"/1","headers":{"range":"1"},"body":1}"#,
        r#"{ "id" : "a" , "method" : "POST" , "url" : "/1" , "headers" : { "range" : "1" } , "body" : 1 }"#,
        "{\t\"id\"\n:\"a\",\r\"method\"\t:\"POST\",\"url\" :\"/1\",\"headers\"  :{\"range\":\"1\"},\"body\"\n\n:1}",
        r#"{"\u0069d":"a","meth\u006fd":"POST","\u0075rl":"/1","header\u0073":{"r\u0061nge":"1"},"b\u006fdy":1}"#,
    ] {
        let (reply, log) = ask(format!(r#"{{"requests":[{item}]}}"#)).await;
        assert_eq!(reply.statuses(), [200], "{item}");
        let received = log.only();
        assert_eq!(
            (received.method.as_str(), &*received.uri),
            ("POST", "/1"),
            "{item}"
        );
        assert_eq!(received.header("range"), ["1"], "{item}");
        assert_eq!(received.body, "1", "{item}");
    }
}

#[tokio::test]
async fn half_a_surrogate_pair_is_refused_in_names_and_ids() {
    assert_malformed(r#"{"\ud800":1,"requests":[]}"#, None).await;
    assert_malformed(second(r#"{"id":"\udc00"}"#), Some(1)).await;
    assert_malformed(with(r#""\ud800":1"#), Some(1)).await;
    assert_malformed(with(r#""headers":{"\ud800":"1"}"#), Some(1)).await;
}

#[tokio::test]
async fn unknown_members_are_ignored_and_may_have_duplicates_inside() {
    let envelope = r#"{"@odata.context":{"a":1,"a":2},"requests":[
        {"x":[{"requests":[],"ID":7,"ID":8}],"ids":7,"id":"a","method":"GET","url":"/1","uri":"/9"}],"request":4}"#;
    let (reply, log) = ask(envelope).await;
    assert_eq!(reply.statuses(), [200]);
    assert_eq!(log.uris(), ["/1"]);
}

/// Asserts that the item fails with 400, and the one before it runs.
async fn assert_bad_header(headers: &str) {
    let (reply, log) = ask(with(&format!(r#""headers":{headers}"#))).await;
    let expected = failed("b", 400, "bad-header", "a header is invalid");
    assert_eq!(reply.items(), [recorded("a"), expected], "{headers}");
    assert_eq!(log.uris(), ["/1"], "{headers}");
}

#[tokio::test]
async fn a_header_that_is_given_twice_in_different_spellings_fails_the_item() {
    for headers in [
        r#"{"etag":"a","ETag":"b"}"#,
        r#"{"etag":"a","ETag":"a"}"#,
        r#"{"x-a":"1","x_a":"1"}"#,
        r#"{"x-a-b":"1","c":"2","X_A-b":"1"}"#,
        r#"{"content-type":"text/plain","Content-Type":"text/plain"}"#,
        r#"{"content-type":"text/plain","content_type":"text/plain"}"#,
        r#"{"x":"1","\u0058":"1"}"#,
        r#"{"\u0078":"1","X":"1"}"#,
        r#"{"x":["1"],"X":[]}"#,
        r#"{"a":"","b":"","c":"","d":"","e":"","f":"","g":"","h":"","i":"","A":""}"#,
        r#"{"a":"","b":"","c":"","d":"","e":"","f":"","g":"","h":"","i":"","I":""}"#,
    ] {
        assert_bad_header(headers).await;
    }
}

#[tokio::test]
async fn headers_that_only_look_alike_and_arrays_of_values_are_taken() {
    let headers = r#"{"x-a":["1","2"],"x-ab":"3","xa":"4","X-B":["5"],"x-c":[],"X-C":["8"],"x__d":"6","x_-d_":"7"}"#;
    let layer = BatchLayer::new("/batch").item_headers(ItemHeaders::only(["x*"]));
    let batch = envelope(with(&format!(r#""headers":{headers}"#)));
    let (reply, log) = ask_through(layer, batch).await;
    assert_eq!(reply.statuses(), [200, 200]);
    let received = &log.all()[1];
    for (name, values) in [
        ("x-a", &["1", "2"][..]),
        ("x-ab", &["3"]),
        ("xa", &["4"]),
        ("x-b", &["5"]),
        ("x-c", &["8"]),
        ("x__d", &["6"]),
        ("x_-d_", &["7"]),
    ] {
        assert_eq!(received.header(name), values, "{name}");
    }
}
