//! The members of an item.

/// A member of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
    Id = 1 << 0,
    Method = 1 << 1,
    Url = 1 << 2,
    Headers = 1 << 3,
    Body = 1 << 4,
    DependsOn = 1 << 5,
    AtomicityGroup = 1 << 6,
    If = 1 << 7,
    Unknown = 0,
}

/// The members that most items have: what follows on the first quote of their name.
pub(super) const USUAL: [(&[u8], Member); 5] = [
    (b"id\":", Member::Id),
    (b"method\":", Member::Method),
    (b"url\":", Member::Url),
    (b"headers\":", Member::Headers),
    (b"body\":", Member::Body),
];

impl Member {
    pub(super) fn named(name: &[u8]) -> Self {
        match name {
            b"id" => Self::Id,
            b"method" => Self::Method,
            b"url" => Self::Url,
            b"headers" => Self::Headers,
            b"body" => Self::Body,
            b"dependsOn" => Self::DependsOn,
            b"atomicityGroup" => Self::AtomicityGroup,
            b"if" => Self::If,
            _ => Self::Unknown,
        }
    }

    /// The member whose name resembles this one.
    pub(super) fn resembling(name: &[u8]) -> Option<Self> {
        NAMED
            .iter()
            .find_map(|(known, member, _)| resembles(name, known).then_some(*member))
    }

    /// The detail of the refusal of a name that resembles this member's.
    pub(super) fn misspelt(self) -> &'static str {
        let found = NAMED.iter().find(|(_, member, _)| *member == self);
        found.map_or("an unknown member", |(.., detail)| detail)
    }
}

/// Each member, and the detail of the refusal of a name that resembles its own.
const NAMED: [(&[u8], Member, &str); 8] = [
    (b"id", Member::Id, "`id` in another spelling"),
    (b"method", Member::Method, "`method` in another spelling"),
    (b"url", Member::Url, "`url` in another spelling"),
    (b"headers", Member::Headers, "`headers` in another spelling"),
    (b"body", Member::Body, "`body` in another spelling"),
    (
        b"dependsOn",
        Member::DependsOn,
        "`dependsOn` in another spelling",
    ),
    (
        b"atomicityGroup",
        Member::AtomicityGroup,
        "`atomicityGroup` in another spelling",
    ),
    (b"if", Member::If, "`if` in another spelling"),
];

/// Whether a name is the same as a known one but for case, `_` and `-`.
pub(super) fn resembles(name: &[u8], known: &[u8]) -> bool {
    let letters = name.iter().filter(|byte| !matches!(byte, b'_' | b'-'));
    letters
        .map(u8::to_ascii_lowercase)
        .eq(known.iter().map(u8::to_ascii_lowercase))
}

/// The members of an item that have been read.
#[derive(Debug, Default)]
pub(super) struct Seen(u8);

impl Seen {
    /// Adds a member. Returns whether it is new.
    #[inline]
    pub(super) fn insert(&mut self, member: Member) -> bool {
        let is_new = !self.has(member);
        self.0 |= member as u8;
        is_new
    }

    pub(super) fn has(&self, member: Member) -> bool {
        self.0 & member as u8 != 0
    }
}
