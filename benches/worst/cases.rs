//! The worst that a client, or the inner service, can send.

use http::header::HeaderMap;
use http::{HeaderName, HeaderValue, StatusCode};

use super::scene::{SIZE, Scene};

pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) comment: &'static str,
    pub(crate) make: fn() -> Scene,
}

fn one(name: &'static str, value: impl AsRef<[u8]>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let value = HeaderValue::from_bytes(value.as_ref()).expect("a value");
    headers.insert(name, value);
    headers
}

/// A header whose value goes on like this for so many bytes.
fn long(name: &'static str, piece: &[u8], bytes: usize) -> HeaderMap {
    one(name, piece.repeat(bytes / piece.len()))
}

/// Many names of headers.
fn many_headers(mut headers: HeaderMap, prefix: &str) -> HeaderMap {
    // More than 1,000 fields are refused.
    for index in 0..990 {
        let name = format!("{prefix}{index}").parse::<HeaderName>();
        headers.insert(name.expect("a name"), HeaderValue::from_static("v"));
    }
    headers
}

/// As many as make the size.
fn fill(one: impl Fn(usize) -> String) -> String {
    let mut text = String::with_capacity(SIZE + 1024);
    for index in 0.. {
        text += &one(index);
        if text.len() >= SIZE {
            break;
        }
    }
    text
}

fn repeat(piece: &str) -> String {
    piece.repeat(SIZE / piece.len())
}

/// Items that wait for all before them, or for all groups before them.
fn waiting(is_grouped: bool) -> Scene {
    let mut items = String::new();
    let mut earlier = String::new();
    for index in 0.. {
        let group = match is_grouped {
            true => format!(r#","atomicityGroup":"g{index}""#),
            false => String::new(),
        };
        let on = earlier.trim_end_matches(',');
        items += &format!(
            "{{\"id\":\"{index}\",\"method\":\"GET\",\"url\":\"/\",\"dependsOn\":[{on}]{group}}},"
        );
        earlier += &match is_grouped {
            true => format!("\"g{index}\","),
            false => format!("\"{index}\","),
        };
        if items.len() >= SIZE {
            break;
        }
    }
    Scene::json(format!(
        r#"{{"requests":[{}]}}"#,
        items.trim_end_matches(',')
    ))
    .of_many_items()
}

/// Items, one after the other.
fn items(one: impl Fn(usize) -> String) -> Scene {
    let items = fill(|index| one(index) + ",");
    Scene::json(format!(
        r#"{{"requests":[{}]}}"#,
        items.trim_end_matches(',')
    ))
    .of_many_items()
}

const REQUEST: &str = "Content-Type: application/http\n\nGET /a HTTP/1.1\n\n";

/// The same, up to the end of the request line.
const BEGUN: &str = "Content-Type: application/http\n\nGET /a HTTP/1.1\n";

fn parts(one: impl Fn(usize) -> String) -> Scene {
    Scene::multipart(fill(one) + "\n--b--").of_many_items()
}

/// A part that begins like this and goes on with these lines.
fn part(begun: &str, lines: &str) -> Scene {
    Scene::multipart(format!("--b\n{begun}{lines}\n\n--b--"))
}

/// GETs with these further members.
fn gets(more: impl Fn(usize) -> String) -> Scene {
    items(|at| format!(r#"{{"id":"{at}","method":"GET","url":"/"{}}}"#, more(at)))
}

/// One item with a body of this type that is this string.
fn posted(content_type: &str, string: &str) -> Scene {
    let headers = format!(r#"{{"content-type":"{content_type}"}}"#);
    Scene::item(&format!(r#""headers":{headers},"body":"{string}""#))
}

/// One item with a body that is an array of these, and a zero.
fn numbers(piece: &str) -> Scene {
    Scene::item(&format!(r#""body":[{}0]"#, repeat(piece)))
}

fn repeated() -> Scene {
    let on = repeat("\"a\",");
    let items = format!(r#"{{"id":"a"}},{{"id":"b","dependsOn":[{on}"a"]}}"#);
    Scene::json(format!(r#"{{"requests":[{items}]}}"#)).refused()
}

/// A boundary that the text begins again and again, a byte at a time.
fn multipart_chunks() -> Scene {
    let boundary = "-".repeat(70);
    let near = repeat("\n-------------");
    let body = format!("--{boundary}\n{REQUEST}{near}\n--{boundary}--");
    let mut scene = Scene::multipart(body).in_chunks_of(1);
    let content_type = format!("multipart/mixed; boundary={boundary}");
    scene.headers = one("content-type", content_type);
    scene
}

fn underscores() -> Scene {
    let headers: Vec<String> = (0..60).map(|at| format!(r#""x{at}":"""#)).collect();
    let headers = headers.join(",");
    let mut scene = gets(|_| format!(r#","headers":{{{headers}}}"#));
    scene.layer = scene.layer.filter(|_| Err(StatusCode::FORBIDDEN));
    scene.headers.extend((0..90).map(|at| {
        let name = format!("a_{at}").parse::<HeaderName>();
        (name.expect("a name"), HeaderValue::from_static("v"))
    }));
    scene
}

fn text(piece: &str) -> Scene {
    Scene::body("text/plain", repeat(piece))
}

/// In a streamed response, which is searched for its boundary.
fn streamed_part(piece: &str) -> Scene {
    let mut scene = text(piece).accepting("multipart/mixed");
    scene.layer = scene.layer.streamed(true);
    scene
}

fn json(body: String) -> Scene {
    Scene::body("application/json", body)
}

fn binary() -> Scene {
    Scene::body("image/png", repeat("\x01"))
}

fn connection(piece: &[u8]) -> HeaderMap {
    many_headers(long("connection", piece, 400_000), "x")
}

const fn case(name: &'static str, comment: &'static str, make: fn() -> Scene) -> Case {
    Case {
        name,
        comment,
        make,
    }
}

pub(crate) const CASES: &[Case] = &[
    case("members", "unknown members of an item", || {
        Scene::item(&(fill(|at| format!(r#""{at:x}":0,"#)) + r#""x":0"#))
    }),
    case("escaped-members", "the same, escaped", || {
        Scene::item(&(fill(|at| format!(r#""\n{at:x}":0,"#)) + r#""x":0"#))
    }),
    case("header-names", "names of headers without values", || {
        let names = fill(|at| format!(r#""{at:x}":[],"#));
        Scene::item(&format!(r#""headers":{{{names}"x":""}}"#))
    }),
    case("header-values", "values of one header", || {
        let values = repeat("\"\",");
        Scene::item(&format!(r#""headers":{{"x":[{values}""]}}"#))
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
    case("line-starts", "lines that begin as a delimiter", || {
        part(REQUEST, &repeat("\n--b-"))
    }),
    case(
        "multipart-chunks",
        "near delimiters, a byte at a time",
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
        part(BEGUN, &("X: 1\n".to_owned() + &repeat(" x\n")))
    }),
    case("lines", "header lines of a request", || {
        part(BEGUN, &repeat("X:1\n"))
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
        || Scene::with_headers(connection(b"a,")),
    ),
    case(
        "connection-names",
        "a Connection that names one header again and again",
        || Scene::with_headers(connection(b"x1,")),
    ),
    case("accept", "an Accept of many ranges", || {
        Scene::with_headers(long("accept", b"*/*,", 400_000))
    }),
    case("prefer", "a Prefer of many preferences", || {
        Scene::with_headers(long("prefer", b"a,", 400_000))
    }),
    case(
        "underscores",
        "outer headers with an underscore, and many of items",
        underscores,
    ),
    case(
        "told-connection",
        "a response's Connection, and many headers",
        || Scene::responded(connection(b"a,"), ""),
    ),
    case("told-latin1", "a response's header beyond ASCII", || {
        Scene::responded(long("x", b"\x85", SIZE), "")
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
    case("told-lines", "a response of many lines, on one", || {
        json(format!("[{}0]", repeat("0,\n"))).accepting("application/x-ndjson")
    }),
    case("told-xml", "a response of angle brackets, as XML", || {
        text("<").accepting("application/xml")
    }),
    case("told-xml-binary", "a binary response, as XML", || {
        binary().accepting("application/xml")
    }),
    case(
        "told-part",
        "a response of near delimiters, as multipart, streamed",
        || streamed_part("\r\n--batchresponse_"),
    ),
    case(
        "told-underscores",
        "a response of the byte that a boundary is searched by, streamed",
        || streamed_part("_"),
    ),
];
