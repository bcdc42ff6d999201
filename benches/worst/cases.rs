//! The most expensive envelopes, headers and responses that can be sent to the layer.

use http::header::HeaderMap;
use http::{HeaderName, HeaderValue, StatusCode};

use super::exchange::{Exchange, SIZE};

pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) comment: &'static str,
    pub(crate) make: fn() -> Exchange,
}

fn one(name: &'static str, value: impl AsRef<[u8]>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let value = HeaderValue::from_bytes(value.as_ref()).expect("a value");
    headers.insert(name, value);
    headers
}

/// A header whose value repeats `piece` up to this number of bytes.
fn long(name: &'static str, piece: &[u8], bytes: usize) -> HeaderMap {
    one(name, piece.repeat(bytes / piece.len()))
}

/// Adds 990 headers with different names.
fn many_headers(mut headers: HeaderMap, prefix: &str) -> HeaderMap {
    // More than 1,000 fields are an error.
    for index in 0..990 {
        let name = format!("{prefix}{index}").parse::<HeaderName>();
        headers.insert(name.expect("a name"), HeaderValue::from_static("v"));
    }
    headers
}

/// Text of about `SIZE` bytes, made of numbered pieces.
pub(crate) fn fill(one: impl Fn(usize) -> String) -> String {
    let mut text = String::with_capacity(SIZE + 1024);
    for index in 0.. {
        text += &one(index);
        if text.len() >= SIZE {
            break;
        }
    }
    text
}

pub(crate) fn repeat(piece: &str) -> String {
    piece.repeat(SIZE / piece.len())
}

/// Items that wait for all before them, or for all groups before them.
fn waiting(is_grouped: bool) -> Exchange {
    let mut items = String::new();
    let mut earlier = String::new();
    for index in 0.. {
        let group = if is_grouped {
            format!(r#","atomicityGroup":"g{index}""#)
        } else {
            String::new()
        };
        let on = earlier.trim_end_matches(',');
        items += &format!(
            "{{\"id\":\"{index}\",\"method\":\"GET\",\"url\":\"/\",\"dependsOn\":[{on}]{group}}},"
        );
        let prefix = if is_grouped { "g" } else { "" };
        earlier += &format!("\"{prefix}{index}\",");
        if items.len() >= SIZE {
            break;
        }
    }
    Exchange::json(format!(
        r#"{{"requests":[{}]}}"#,
        items.trim_end_matches(',')
    ))
    .of_many_items()
}

/// A batch of about `SIZE` bytes, made of numbered items.
fn items(one: impl Fn(usize) -> String) -> Exchange {
    let items = fill(|index| one(index) + ",");
    Exchange::json(format!(
        r#"{{"requests":[{}]}}"#,
        items.trim_end_matches(',')
    ))
    .of_many_items()
}

const REQUEST: &str = "Content-Type: application/http\n\nGET /a HTTP/1.1\n\n";

/// The start of a part, up to the end of the request line.
const REQUEST_LINE: &str = "Content-Type: application/http\n\nGET /a HTTP/1.1\n";

fn parts(one: impl Fn(usize) -> String) -> Exchange {
    Exchange::multipart(fill(one) + "\n--b--").of_many_items()
}

/// A batch of one part with this start and these lines.
fn part(start: &str, lines: &str) -> Exchange {
    Exchange::multipart(format!("--b\n{start}{lines}\n\n--b--"))
}

/// GET items with these further members.
fn gets(more: impl Fn(usize) -> String) -> Exchange {
    items(|at| format!(r#"{{"id":"{at}","method":"GET","url":"/"{}}}"#, more(at)))
}

/// One item with this string as its body.
fn posted(content_type: &str, string: &str) -> Exchange {
    let headers = format!(r#"{{"content-type":"{content_type}"}}"#);
    Exchange::item(&format!(r#""headers":{headers},"body":"{string}""#))
}

/// One item whose body is an array that repeats `piece`.
fn numbers(piece: &str) -> Exchange {
    Exchange::item(&format!(r#""body":[{}0]"#, repeat(piece)))
}

fn repeated() -> Exchange {
    let on = repeat("\"a\",");
    let items = format!(r#"{{"id":"a"}},{{"id":"b","dependsOn":[{on}"a"]}}"#);
    Exchange::json(format!(r#"{{"requests":[{items}]}}"#)).refused()
}

/// Text that looks like the start of the boundary, again and again, in chunks of one byte.
fn multipart_chunks() -> Exchange {
    let boundary = "-".repeat(70);
    let near = repeat("\n-------------");
    let body = format!("--{boundary}\n{REQUEST}{near}\n--{boundary}--");
    let mut exchange = Exchange::multipart(body).in_chunks_of(1);
    let content_type = format!("multipart/mixed; boundary={boundary}");
    exchange.headers = one("content-type", content_type);
    exchange
}

fn underscores() -> Exchange {
    let headers: Vec<String> = (0..60).map(|at| format!(r#""x{at}":"""#)).collect();
    let headers = headers.join(",");
    let mut exchange = gets(|_| format!(r#","headers":{{{headers}}}"#));
    exchange.layer = exchange.layer.filter(|_| Err(StatusCode::FORBIDDEN));
    exchange.headers.extend((0..90).map(|at| {
        let name = format!("a_{at}").parse::<HeaderName>();
        (name.expect("a name"), HeaderValue::from_static("v"))
    }));
    exchange
}

fn text(piece: &str) -> Exchange {
    Exchange::body("text/plain", repeat(piece))
}

/// A streamed multipart response: the layer has to search it for the boundary.
fn streamed_part(piece: &str) -> Exchange {
    let mut exchange = text(piece).accepting("multipart/mixed");
    exchange.layer = exchange.layer.streamed(true);
    exchange
}

fn json(body: String) -> Exchange {
    Exchange::body("application/json", body)
}

fn binary() -> Exchange {
    Exchange::body("image/png", repeat("\x01"))
}

fn connection(piece: &[u8]) -> HeaderMap {
    many_headers(long("connection", piece, 400_000), "x")
}

pub(crate) const fn case(
    name: &'static str,
    comment: &'static str,
    make: fn() -> Exchange,
) -> Case {
    Case {
        name,
        comment,
        make,
    }
}

pub(crate) const CASES: &[Case] = &[
    case("members", "unknown members of an item", || {
        Exchange::item(&(fill(|at| format!(r#""{at:x}":0,"#)) + r#""x":0"#))
    }),
    case("escaped-members", "the same, escaped", || {
        Exchange::item(&(fill(|at| format!(r#""\n{at:x}":0,"#)) + r#""x":0"#))
    }),
    case("header-names", "names of headers without values", || {
        let names = fill(|at| format!(r#""{at:x}":[],"#));
        Exchange::item(&format!(r#""headers":{{{names}"x":""}}"#))
    }),
    case("header-values", "values of one header", || {
        let values = repeat("\"\",");
        Exchange::item(&format!(r#""headers":{{"x":[{values}""]}}"#))
    }),
    case("waiting", "items that wait for all before them", || {
        waiting(false)
    }),
    case(
        "waiting-groups",
        "items that wait for all groups before them",
        || waiting(true),
    ),
    case("repeated", "one dependency, repeated", repeated),
    case("groups", "groups of one item", || {
        gets(|at| format!(r#","atomicityGroup":"g{at}""#))
    }),
    case("one-group", "one group of all items", || {
        gets(|_| r#","atomicityGroup":"g""#.to_owned())
    }),
    case("items", "items as short as can be", || {
        gets(|_| String::new())
    }),
    case("bad-items", "items with an id and nothing else", || {
        items(|at| format!(r#"{{"id":"{at}"}}"#))
    }),
    case("escapes", "a text of escapes", || {
        posted("text/plain", &repeat(r"\n"))
    }),
    case("base64", "a body in base64, with line breaks", || {
        posted("image/png", &repeat(r"QUJD\r\n"))
    }),
    case("numbers", "a body of numbers", || numbers("0,")),
    case("blanks", "white space", || numbers("\t")),
    case("chunks", "JSON, a byte at a time", || {
        posted("text/plain", &repeat("x")).in_chunks_of(1)
    }),
    case("line-starts", "lines that begin like a delimiter", || {
        part(REQUEST, &repeat("\n--b-"))
    }),
    case(
        "multipart-chunks",
        "almost a delimiter, again and again, a byte at a time",
        multipart_chunks,
    ),
    case("change-sets", "change sets of one item", || {
        let member = format!("--c\n{REQUEST}--c--\n");
        parts(|_| format!("--b\nContent-Type: multipart/mixed; boundary=c\n\n{member}"))
    }),
    case("no-members", "change sets without items", || {
        parts(|_| "--b\nContent-Type:multipart/mixed;boundary=c\n\n--c--\n".to_owned())
    }),
    case("parts", "parts as short as can be", || {
        parts(|_| format!("--b\n{REQUEST}"))
    }),
    case("folded", "folded header lines", || {
        part(REQUEST_LINE, &("X: 1\n".to_owned() + &repeat(" x\n")))
    }),
    case("lines", "header lines of a request", || {
        part(REQUEST_LINE, &repeat("X:1\n"))
    }),
    case("spaces", "a target of spaces", || {
        part(
            "Content-Type: application/http\n\nGET /",
            &(repeat(" ") + "x"),
        )
    }),
    case(
        "connection",
        "a Connection that names nothing, and many headers",
        || Exchange::with_headers(connection(b"a,")),
    ),
    case(
        "connection-names",
        "a Connection that names one header again and again",
        || Exchange::with_headers(connection(b"x1,")),
    ),
    case("accept", "an Accept of many ranges", || {
        Exchange::with_headers(long("accept", b"*/*,", 400_000))
    }),
    case("prefer", "a Prefer of many preferences", || {
        Exchange::with_headers(long("prefer", b"a,", 400_000))
    }),
    case(
        "underscores",
        "outer headers with an underscore, and many of items",
        underscores,
    ),
    case(
        "told-connection",
        "a response's Connection, and many headers",
        || Exchange::responded(connection(b"a,"), ""),
    ),
    case("told-latin1", "a response's header beyond ASCII", || {
        Exchange::responded(long("x", b"\x85", SIZE), "")
    }),
    case("told-controls", "a response of control characters", || {
        text("\x01")
    }),
    case("told-quotes", "a response of quotes", || text("\"")),
    case("told-separators", "a response of line separators", || {
        text("\u{2028}")
    }),
    case("told-binary", "a binary response", binary),
    case(
        "told-exponents",
        "a response of numbers with large exponents",
        || json(format!("[{}0]", repeat("1e300,"))),
    ),
    case("told-digits", "a response of one long number", || {
        json(format!("0.{}", repeat("9")))
    }),
    case("told-escapes", "a response of surrogate pairs", || {
        json(format!("\"{}\"", repeat("\\ud83d\\ude00")))
    }),
    case(
        "told-lines",
        "a response of many lines, written on one",
        || json(format!("[{}0]", repeat("0,\n"))).accepting("application/x-ndjson"),
    ),
    case("told-xml", "a response of angle brackets, as XML", || {
        text("<").accepting("application/xml")
    }),
    case("told-xml-binary", "a binary response, as XML", || {
        binary().accepting("application/xml")
    }),
    case(
        "told-part",
        "a response of text that is almost a delimiter, as multipart, streamed",
        || streamed_part("\r\n--batchresponse_"),
    ),
    case(
        "told-underscores",
        "a response of the byte that the search for a boundary looks for, streamed",
        || streamed_part("_"),
    ),
];
