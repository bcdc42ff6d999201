//! Seeds that are too large for files, and those that are in the fixtures of the tests.

use std::fs;
use std::path::Path;

/// A seed: its name, and its bytes.
pub type Seed = (String, Vec<u8>);

/// The generated seeds of a target.
///
/// # Panics
///
/// If the fixtures of the tests cannot be read.
pub fn generated(target: &str) -> Vec<Seed> {
    match target {
        "json" => large_json("0"),
        "ndjson" => vec![
            seed("many_lines", format!("0d\n{}", lines(3000))),
            seed("small_chunks", format!("0\x01\x02\n{}", lines(300))),
        ],
        "multipart" => captured("00001"),
        "dialects" => captured("110"),
        "chunks" => captured("2\x07"),
        "shapes" => (0..8)
            .flat_map(|preset| large_json(&preset.to_string()))
            .collect(),
        "media_types" => vec![
            seed(
                "many_ranges",
                format!("0\napplication/json\n{}", "a/b;q=0.1,".repeat(6000)),
            ),
            seed(
                "many_values",
                format!("0\napplication/json\n{}", "*/*;q=0.001\n".repeat(2000)),
            ),
            seed(
                "many_parameters",
                format!("0\napplication/json{}", ";a=\"\\\"".repeat(9000)),
            ),
            seed(
                "commas",
                format!("0\napplication/json\n{}", ",".repeat(60_000)),
            ),
        ],
        "targets" => vec![
            seed("longest", format!("0\n/{}", "a".repeat(8191))),
            seed("too_long", format!("0\n/{}", "a".repeat(8192))),
            seed("encoded", format!("0\n/{}", "%25".repeat(2700))),
            seed("grows", format!("1\n/{}", "é".repeat(1400))),
        ],
        "splice_json" | "splice_ndjson" | "splice_multipart" | "splice_multistatus" => bodies(),
        "client" => vec![seed(
            "many",
            format!("0\n{{\"responses\":[{}]}}", responses(3000)),
        )],
        _ => Vec::new(),
    }
}

fn seed(name: &str, bytes: impl Into<Vec<u8>>) -> Seed {
    (name.to_owned(), bytes.into())
}

fn lines(count: usize) -> String {
    let line = |at| format!("{{\"id\":\"{at}\",\"method\":\"GET\",\"url\":\"/\"}}\n");
    (0..count).map(line).collect()
}

fn responses(count: usize) -> String {
    let response = |at| format!("{{\"id\":\"{at}\",\"status\":200}}");
    (0..count).map(response).collect::<Vec<_>>().join(",")
}

/// Envelopes with thousands of something.
fn large_json(dice: &str) -> Vec<Seed> {
    let items = |items: String| format!("{dice}\n{{\"requests\":[{items}]}}");
    let item = |members: String| {
        items(format!(
            "{{\"id\":\"a\",\"method\":\"GET\",\"url\":\"/\",{members}}}"
        ))
    };
    let many = |count: usize, text: fn(usize) -> String| {
        (0..count).map(text).collect::<Vec<_>>().join(",")
    };
    let grouped = |at| {
        format!("{{\"id\":\"{at}\",\"method\":\"GET\",\"url\":\"/\",\"atomicityGroup\":\"g{at}\"}}")
    };
    vec![
        seed(&format!("groups{dice}"), items(many(900, grouped))),
        seed(
            &format!("headers{dice}"),
            item(format!(
                "\"headers\":{{{}}}",
                many(5000, |at| format!("\"x-{at}\":\"\""))
            )),
        ),
        seed(
            &format!("values{dice}"),
            item(format!(
                "\"headers\":{{\"accept\":[{}]}}",
                many(9000, |_| "\"\"".to_owned())
            )),
        ),
        seed(
            &format!("members{dice}"),
            item(many(5000, |at| format!("\"x{at}\":0"))),
        ),
        seed(
            &format!("dependencies{dice}"),
            item(format!(
                "\"dependsOn\":[{}]",
                many(9000, |_| "\"a\"".to_owned())
            )),
        ),
        seed(
            &format!("digits{dice}"),
            item(format!(
                "\"body\":[1e400,-1e-400,{}.{}]",
                "9".repeat(9000),
                "1".repeat(9000)
            )),
        ),
        seed(
            &format!("escapes{dice}"),
            item(format!("\"body\":\"{}\"", "\\u0001".repeat(9000))),
        ),
        seed(
            &format!("nested{dice}"),
            item(format!(
                "\"body\":{}{}",
                "[".repeat(20_000),
                "]".repeat(20_000)
            )),
        ),
        seed(
            &format!("white{dice}"),
            format!("{dice}\n{}", " \n".repeat(30_000)),
        ),
    ]
}

/// Responses with thousands of something.
fn bodies() -> Vec<Seed> {
    let headers = |count, value: &str| -> String {
        (0..count).map(|at| format!("x-{at}:{value}\n")).collect()
    };
    vec![
        seed("controls", format!("001\n\n{}", "\x01".repeat(60_000))),
        seed("headers", format!("00a\n{}\nx", headers(1500, ""))),
        seed("values", format!("00a\n{}\nx", "vary:a\n".repeat(1900))),
        seed(
            "long_values",
            format!("00a\n{}\nx", headers(10, &"\"".repeat(5000))),
        ),
        seed(
            "deep",
            format!("000\n\n{}{}", "[".repeat(127), "]".repeat(127)),
        ),
        seed(
            "too_deep",
            format!("000\n\n{}{}", "[".repeat(20_000), "]".repeat(20_000)),
        ),
        seed(
            "beyond_f64",
            format!("000\n\n[{}]", "1e400,".repeat(9000) + "1"),
        ),
        seed("long_number", format!("000\n\n{}", "9".repeat(309))),
        seed("long_text", format!("001\n\n{}", "é\"\n".repeat(12_000))),
        seed(
            "long_json",
            format!("000\n\n\"{}\"", "\u{2028}".repeat(12_000)),
        ),
        seed("long_binary", [b"002\n\n", &[0xFF; 40_000][..]].concat()),
        seed("delimiters", format!("007\n\n{}", "\r\n--b".repeat(9000))),
        seed("ends_of_data", format!("006\n\n{}", "]]>".repeat(9000))),
    ]
}

/// The recorded requests of published clients.
fn captured(dice: &str) -> Vec<Seed> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/captures");
    let mut seeds = Vec::new();
    for client in fs::read_dir(fixtures).expect("the fixtures") {
        let client = client.expect("a folder");
        let Ok(files) = fs::read_dir(client.path()) else {
            continue;
        };
        for file in files {
            let file = file.expect("a file");
            let name = file.file_name().into_string().expect("a name");
            if name.ends_with(".request.http") {
                let request = fs::read(file.path()).expect("a request");
                let name = format!("{}_{name}", client.file_name().display());
                seeds.push((name, input(dice, &request)));
            }
        }
    }
    seeds
}

/// The input with the content type and the body of this request.
fn input(dice: &str, request: &[u8]) -> Vec<u8> {
    let end = request
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("a head");
    let head = std::str::from_utf8(&request[..end]).expect("text");
    let header = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    };
    let mut body = request[end + 4..].to_vec();
    if header("transfer-encoding").is_some() {
        body = first_chunk(&body);
    }
    let content_type = header("content-type").expect("a type");
    [dice.as_bytes(), b" ", content_type.as_bytes(), b"\n", &body].concat()
}

/// The data of the first chunk. No recorded request has more than one of any length.
fn first_chunk(body: &[u8]) -> Vec<u8> {
    let end = body
        .windows(2)
        .position(|two| two == b"\r\n")
        .expect("a size");
    let size = std::str::from_utf8(&body[..end]).expect("text");
    let size = usize::from_str_radix(size, 16).expect("a size");
    body[end + 2..].iter().copied().take(size).collect()
}
