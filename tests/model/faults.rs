//! What an inner service can do, by dice.

use super::batch::{Act, Claim, Drops, End, Ready, Script};
use super::dice::Dice;

/// The readiness of an instance.
pub(crate) fn readiness(dice: &mut Dice<'_>) -> Ready {
    match dice.below(16) {
        11 => Ready::Later(1),
        12 => Ready::Later(9),
        13 => Ready::Fails,
        14 => Ready::Panics,
        15 => Ready::Never,
        _ => Ready::Now,
    }
}

/// What the inner service does with an item.
pub(crate) fn script(dice: &mut Dice<'_>) -> Script {
    const EMPTY: &[u8] = b"";
    const LARGE: &[u8] = &[b'x'; 1500];
    type Headers = &'static [(&'static str, &'static str)];
    const RESPONSES: &[(Headers, &[&[u8]])] = &[
        (
            &[("content-type", "application/json")],
            &[b"{\"a\":", b"1}"],
        ),
        (&[], &[]),
        (
            &[("content-type", "text/plain")],
            &[b"plain \"text\" ", b"\xC3\xA9\n"],
        ),
        (
            &[("content-type", "image/png"), ("etag", "\"1\"")],
            &[b"\0\xFF", b"", b"\r\n--"],
        ),
        (
            &[("content-type", "application/problem+json")],
            &[b"{\"a\":1e999}"],
        ),
        (
            &[("content-type", "application/json")],
            &[b"}},{\"id\":\"i1\""],
        ),
        (
            &[
                ("connection", "x-a"),
                ("x-a", "1"),
                ("vary", "a"),
                ("vary", "b"),
            ],
            &[b"x"],
        ),
        (
            &[
                ("set-cookie", "a=b"),
                ("access-control-allow-origin", "*"),
                ("x-a", "1"),
            ],
            &[b"x"],
        ),
        (&[("retry-after", "7")], &[b"later"]),
        (&[("retry-after", "9"), ("location", "/b")], &[]),
        (&[("content-type", "text/plain")], &[LARGE, LARGE]),
        (&[("content-type", "text/plain")], &[EMPTY; 300]),
    ];
    let (headers, frames) = dice.pick(RESPONSES);
    Script {
        act: match dice.below(16) {
            11 => Act::Fail,
            12 => Act::PanicInCall,
            13 => Act::PanicInFuture,
            14 => Act::Hang,
            _ => Act::Respond,
        },
        delay: dice.pick(&[0, 0, 0, 0, 1, 3, 5000]),
        status: dice.pick(&[200, 200, 201, 204, 301, 304, 404, 429, 500, 503, 100, 599]),
        headers: headers.to_vec(),
        frames: frames.to_vec(),
        end: match dice.below(16) {
            11 => End::Trailers,
            12 => End::Breaks,
            13 => End::Panics,
            14 => End::Hangs,
            15 => End::EmptyFrames,
            _ => End::Ends,
        },
        claim: match dice.below(16) {
            13 => Claim::Little,
            14 => Claim::TooMuch,
            15 => Claim::Ended,
            _ => Claim::Nothing,
        },
        drops: match dice.below(16) {
            14 => Drops::FuturePanics,
            15 => Drops::BodyPanics,
            _ => Drops::Quietly,
        },
    }
}
