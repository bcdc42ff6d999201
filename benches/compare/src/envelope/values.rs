//! Valid and faulty values for items.

pub(super) const METHODS: &[&str] = &[
    "GET", "GET", "get", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS",
];
pub(super) const BAD_METHODS: &[&str] = &[
    "MERGE", "QUERY", "CONNECT", "TRACE", "BREW", "", "G T", "Post",
];

pub(super) const BAD_URLS: &[&str] = &[
    "/a/../b",
    "//evil/x",
    "/a\\b",
    "/é",
    "/a b?c d",
    "",
    "/r/1#f",
    "/%2e%2e/x",
    "http://other/r",
    "https://public.example/r/4",
    "http://api.example/r/5?z",
    "javascript:x",
    "/r/%zz",
    "?q",
    "/$x",
    "http://api.example",
    "/v1",
    "/v1/../r",
    "../r",
    "./r",
    "*",
    "/batch",
    "/v1/$batch",
    "/r/.%2e",
];

pub(super) const HEADERS: &[(&str, &str)] = &[
    ("accept", "text/plain"),
    ("Accept-Language", "en"),
    ("If-Match", "\\\"e\\\""),
    ("if-none-match", "*"),
    ("X-A", "item"),
    ("x-tenant", "t"),
    ("authorization", "Basic eA=="),
    ("Cookie", "a=b"),
    ("host", "other"),
    ("X-User-Id", "1"),
    ("x_user_id", "2"),
    ("prefer", "return=minimal"),
    ("odata-version", "4.0"),
    ("user-agent", "item"),
    ("content-language", "de"),
    ("content-length", "3"),
    ("transfer-encoding", "chunked"),
    ("connection", "close"),
    ("traceparent", "00-x"),
    ("idempotency-key", "i"),
    ("x-goog-api-client", "g"),
    ("x-request-id", "mine"),
    ("range", "bytes=0-"),
    ("date", "now"),
];
pub(super) const BAD_HEADERS: &[(&str, &str)] = &[
    ("a b", "x"),
    ("", "x"),
    ("x-nl", "a\\nb"),
    ("x-uni", "\\u00e9"),
    ("x-a", "again"),
    ("X_A", "third"),
];

/// Content types, each with bodies as text in JSON and in multipart.
pub(super) const BODIES: &[(&str, &[(&str, &str)])] = &[
    (
        "",
        &[
            ("{\"a\":1}", "{\"a\":1}"),
            ("[1, 2 ,3e5]", "x"),
            ("null", ""),
            ("\"s\"", "\n\n"),
        ],
    ),
    (
        "application/json",
        &[
            ("{\"n\":12345678901234567890.10}", "{}"),
            ("{ \"a\" : [ ] }", "[\n1]"),
        ],
    ),
    (
        "application/json;odata=verbose",
        &[("{\"d\":\"\\u2028\"}", "{\"d\":1}\n")],
    ),
    (
        "text/plain",
        &[
            ("\"text \\\" \\u00e9\\n\"", "text \u{e9}"),
            ("\"\"", "--b-"),
        ],
    ),
    (
        "application/x-www-form-urlencoded",
        &[("\"a=b&c=d\"", "a=b&c=d"), ("\"YT1i\"", "a")],
    ),
    (
        "application/xml",
        &[("\"<a/>\"", "<a/>"), ("\"PGEvPg==\"", "<b/>\n")],
    ),
    (
        "image/png",
        &[
            ("\"iVBORw0KGgo\"", "\u{1}\u{2}"),
            ("\"aGk_\\r\\naGk-\"", "\n"),
            ("\"aA==\"", ""),
        ],
    ),
    (
        "application/octet-stream",
        &[("\"\"", "bytes"), ("\"AAECAw==\"", "\u{0}")],
    ),
];
pub(super) const BAD_BODIES: &[(&str, &str)] = &[
    ("5", "x"),
    ("\"no base64!\"", "--b"),
    ("{\"a\":}", "\n--b\n"),
    ("true", "--b--"),
    ("\"\\ud800\"", "\r"),
];

pub(super) const BAD_MEMBERS: &[&str] = &[
    "\"unknown\":{\"a\":[1,{\"b\":null}]}",
    "\"if\":null",
    "\"if\":\"x\"",
    "\"dependson\":[]",
    "\"id\":\"again\"",
    "\"Method\":\"GET\"",
    "\"headers\":[]",
    "\"headers\":null",
    "\"url\":5",
    "\"dependsOn\":null",
    "\"dependsOn\":[\"nobody\"]",
    "\"dependsOn\":\"x\"",
    "\"atomicityGroup\":null",
    "\"atomicityGroup\":\"g1\"",
    "\"id\":7",
    "\"body\":1,\"body\":2",
    "\"atomicity_group\":\"g\"",
];
