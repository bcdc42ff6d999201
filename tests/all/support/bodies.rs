//! Random bodies of the inner service.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Any bytes, text, JSON, and what is nearly JSON or the frame of an envelope.
pub(crate) fn body() -> impl Strategy<Value = Bytes> {
    let piece = select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\"a\"",
        "\"id\"",
        "1",
        "-0.5e9",
        "true",
        "null",
        "\\",
        "\\u",
        "\n",
        " ",
        "\u{2028}",
        "é",
        "😀",
        "},{\"id\":\"x\"",
        "\r\n--",
        "\r\n\r\n",
        "\"status\"",
        "1e999",
        "\\ud800",
        "\0",
        "},{\"status\":200",
        "\"error\":",
        "\"schemas\":",
    ]);
    let value = select(vec![
        "{}",
        "[1, 2]",
        " null ",
        "\"\"",
        "{\"a\":{\"a\":[]}}",
        "1e999",
        "\"\\ud800\"",
        "0",
        "\n[\n]\n",
        "null",
        "\"null\"",
        "\"\u{2028}\\u00e9\u{e9}\"",
        "\r\n",
        "\n",
    ]);
    prop_oneof![
        vec(any::<u8>(), 0..40).prop_map(Bytes::from),
        vec(piece, 0..12).prop_map(|pieces| Bytes::from(pieces.concat())),
        value.prop_map(Bytes::from),
        ".{0,20}".prop_map(Bytes::from),
        (any::<u8>(), 8000..9000usize).prop_map(|(byte, count)| vec![byte; count].into()),
    ]
}
