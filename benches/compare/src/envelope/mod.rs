//! Random envelopes, valid ones and ones with faults.

mod json;
mod multipart;
mod values;

use self::values::{BAD_BODIES, BAD_HEADERS, BAD_METHODS, BAD_URLS, BODIES, HEADERS, METHODS};
use crate::random::Random;
use crate::settings::Settings;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Json,
    Multipart,
}

/// Writes the items of an envelope.
struct Items<'a> {
    random: &'a mut Random,
    ids: Vec<String>,
    groups: Vec<Option<usize>>,
    /// Whether some values are faulty.
    has_faults: bool,
}

impl Items<'_> {
    fn faulty(&mut self, one_in: usize) -> bool {
        self.has_faults && self.random.one_in(3 * one_in)
    }

    fn new_id(&mut self) -> String {
        let at = self.ids.len();
        let id = match self.random.below(12) {
            0 => format!("{at}"),
            1 => format!("\\u0061-{at}"),
            2 => format!("ünï {at}"),
            3 => "l".repeat(40) + &at.to_string(),
            _ => format!("i{at}"),
        };
        let id = match self.faulty(30) {
            true if at > 0 && self.random.one_in(2) => self.ids[0].clone(),
            true => self.random.pick(&["", "a\\u0000b", "\\ud800"]).to_owned(),
            false => id,
        };
        self.ids.push(id.clone());
        id
    }

    fn method(&mut self) -> &'static str {
        let methods = if self.faulty(15) {
            BAD_METHODS
        } else {
            METHODS
        };
        self.random.pick(methods)
    }

    fn url(&mut self) -> String {
        if self.faulty(8) {
            return self.random.pick(BAD_URLS).to_owned();
        }
        let number = self.random.below(10_000);
        match self.random.below(12) {
            0 => format!("r/{number}"),
            1 => format!("/v1/r/{number}"),
            2 => format!("/r/{number}?a=b%20c&d"),
            3 => format!("http://api.example/r/{number}"),
            4 if !self.ids.is_empty() => {
                let at = self.random.below(self.ids.len());
                format!("${}/{}", self.ids[at], number % 3)
            }
            5 => format!("/v1/r('{number}')"),
            _ => format!("/r/{number}"),
        }
    }

    fn headers(&mut self) -> Vec<(&'static str, &'static str)> {
        let count = self.random.below(4);
        let mut headers = Vec::new();
        for _ in 0..count {
            let names = if self.faulty(12) {
                BAD_HEADERS
            } else {
                HEADERS
            };
            let header = self.random.pick(names);
            let is_new = headers.iter().all(|(name, _)| *name != header.0);
            if is_new || self.has_faults {
                headers.push(header);
            }
        }
        headers
    }

    /// A content type, and a body as text in JSON and in multipart.
    fn body(&mut self) -> (&'static str, (&'static str, &'static str)) {
        let (content_type, bodies) = self.random.pick(BODIES);
        let bodies = if self.faulty(10) { BAD_BODIES } else { bodies };
        (content_type, self.random.pick(bodies))
    }
}

/// Changes a few random bytes.
fn mutate(text: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..1 + random.below(3) {
        if text.is_empty() {
            return;
        }
        let at = random.below(text.len());
        let end = (at + random.below(20)).min(text.len());
        match random.below(7) {
            0 => drop(text.remove(at)),
            1 => text.insert(at, random.pick(b"\"\\{}[],: \n\r-0b\x00\xff")),
            2 => text[at] = random.pick(b"\"\\{}[],: \n\r-0b\x00\xff"),
            3 => text[at] ^= 1 << random.below(8),
            4 => drop(text.drain(at..end)),
            5 => {
                let copy = text[at..end].to_vec();
                text.splice(at..at, copy);
            }
            _ => text.truncate(at),
        }
    }
}

pub(crate) fn envelope(kind: Kind, settings: &Settings, random: &mut Random) -> Vec<u8> {
    let most = settings.max_items.map_or(12, |max| max + 2);
    let count = random.below(most.min(12));
    let has_faults = random.one_in(3);
    let is_mutated = random.one_in(6);
    let mut items = Items {
        random,
        ids: Vec::new(),
        groups: Vec::new(),
        has_faults,
    };
    let mut text = match kind {
        Kind::Json => items.json(count),
        Kind::Multipart => items.multipart(count),
    }
    .into_bytes();
    if is_mutated {
        mutate(&mut text, random);
    }
    text
}
