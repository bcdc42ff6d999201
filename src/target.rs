//! Checks and resolves the URL of an item.
//!
//! The raw string is checked before `http::Uri` parses it, which takes `a`, `:80` and
//! `javascript:x` for URIs with an authority and an empty path.

use std::borrow::Cow;

use bytes::Bytes;
use bytestring::ByteString;
use http::header::HOST;
use http::request::Parts;
use http::uri::{Authority, PathAndQuery};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode, utf8_percent_encode};

use crate::item_error::ItemError;

/// Maximum bytes of an item's URL.
pub(crate) const MAX_TARGET: usize = 8 * 1024;

/// A byte that is invalid in a target.
const INVALID: u8 = 1;

/// A byte that may be part of a dot segment.
const DOT: u8 = 2;

/// The kind of each byte.
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const KINDS: [u8; 256] = {
    let mut kinds = [INVALID; 256];
    let mut byte = 0x21;
    while byte <= 0x7E {
        kinds[byte] = 0;
        byte += 1;
    }
    kinds[b'#' as usize] = INVALID;
    kinds[b'.' as usize] = DOT;
    kinds[b'%' as usize] = DOT;
    kinds
};

const SPACE_AND_BEYOND: &AsciiSet = &CONTROLS.add(b' ');

/// The settings for item URLs. All paths are public ones, as clients see them.
#[derive(Clone, Debug, Default)]
pub(crate) struct TargetRules {
    /// The folder against which relative URLs are resolved. Starts and ends with `/`.
    pub(crate) base: String,
    /// The prefix that something in front of the layer strips. Empty, or like `/v1`.
    pub(crate) mount: String,
    /// Whether URLs that start with `/` are resolved against the base, too, unless they are below
    /// it already.
    pub(crate) base_for_all: bool,
    /// The origins that absolute URLs may have besides the request's own: scheme and authority.
    pub(crate) public_origins: Vec<(String, String)>,
    /// Whether spaces and non-ASCII characters are percent-encoded. Otherwise they fail the item.
    pub(crate) encode: bool,
}

impl TargetRules {
    /// Whether this is a path that needs no resolution.
    fn is_final(&self, url: &[u8]) -> bool {
        !self.base_for_all && self.mount.is_empty() && check_start(url).is_ok()
    }
}

/// The rules, and the outer request, whose origin absolute URLs must have.
#[derive(Debug)]
pub(crate) struct Targets<'a> {
    rules: &'a TargetRules,
    outer: &'a Parts,
}

impl<'a> Targets<'a> {
    pub(crate) fn new(rules: &'a TargetRules, outer: &'a Parts) -> Self {
        Self { rules, outer }
    }

    /// Returns the path and query that the inner service gets.
    pub(crate) fn resolve(&self, url: &ByteString) -> Result<PathAndQuery, ItemError> {
        let url = self.percent_encoded(url);
        let found = kinds(&url);
        if url.is_empty() || url.len() > MAX_TARGET || found & INVALID != 0 {
            return Err(ItemError::Target);
        }
        let path = match self.rules.is_final(&url) {
            true if found == 0 => url,
            _ => self.checked_path(url, found)?,
        };
        PathAndQuery::from_maybe_shared(path).map_err(|_| ItemError::Target)
    }

    /// Resolves and checks a URL that has bytes of these kinds.
    fn checked_path(&self, url: Bytes, found: u8) -> Result<Bytes, ItemError> {
        let length = url.len();
        let public = self.public_path(url)?;
        let path = self.without_mount(public)?;
        check_start(&path)?;
        // A prefix that was added or removed has not been checked yet.
        if found & DOT != 0 || path.len() != length {
            check_path(&path)?;
        }
        Ok(path)
    }

    fn percent_encoded(&self, url: &ByteString) -> Bytes {
        if !self.rules.encode {
            return url.as_bytes().clone();
        }
        match Cow::from(utf8_percent_encode(url, SPACE_AND_BEYOND)) {
            // The encoding of a single byte is borrowed, too, so the lengths are compared.
            Cow::Borrowed(same) if same.len() == url.len() => url.as_bytes().clone(),
            encoded => encoded.into_owned().into(),
        }
    }

    /// Returns the URL as a path of the public host.
    fn public_path(&self, url: Bytes) -> Result<Bytes, ItemError> {
        let base = self.rules.base.as_str();
        if url.starts_with(b"/") {
            // Checked before a prefix is added: `//evil` must not become `/base//evil`.
            check_start(&url)?;
            let rootless = base.strip_suffix('/').unwrap_or(base);
            if self.rules.base_for_all && below(&url, rootless).is_none() {
                return Ok(joined(rootless, &url));
            }
            return Ok(url);
        }
        match scheme_of(&url) {
            Some(scheme) => self.path_of_absolute(&url, scheme),
            None => Ok(joined(base, &url)),
        }
    }

    fn path_of_absolute(&self, url: &Bytes, scheme: &str) -> Result<Bytes, ItemError> {
        let after = url.get(scheme.len()..).unwrap_or_default();
        let Some(rest) = after.strip_prefix(b"://") else {
            return Err(ItemError::Target);
        };
        let end = rest
            .iter()
            .position(|byte| matches!(byte, b'/' | b'?' | b'\\'))
            .unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if !self.is_outer_origin(scheme, authority) && !self.is_public_origin(scheme, authority) {
            return Err(ItemError::Target);
        }
        Ok(match path.first() {
            Some(b'/') => url.slice_ref(path),
            _ => joined("/", path),
        })
    }

    /// Whether this is the origin of the outer request.
    fn is_outer_origin(&self, scheme: &str, authority: &[u8]) -> bool {
        let known = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
        let own = self.outer.uri.scheme_str();
        let same = own.is_none_or(|own| own.eq_ignore_ascii_case(scheme));
        let own = self.authority().map(str::as_bytes);
        known && same && own.is_some_and(|own| same_authority(authority, own, scheme))
    }

    /// Whether this is one of the public origins of the service.
    fn is_public_origin(&self, scheme: &str, authority: &[u8]) -> bool {
        let mut origins = self.rules.public_origins.iter();
        origins.any(|(public_scheme, public)| {
            public_scheme.eq_ignore_ascii_case(scheme)
                && same_authority(authority, public.as_bytes(), scheme)
        })
    }

    fn authority(&self) -> Option<&str> {
        let authority = self.outer.uri.authority().map(Authority::as_str);
        authority.or_else(|| self.outer.headers.get(HOST)?.to_str().ok())
    }

    fn without_mount(&self, path: Bytes) -> Result<Bytes, ItemError> {
        if self.rules.mount.is_empty() {
            return Ok(path);
        }
        let rest = below(&path, &self.rules.mount).ok_or(ItemError::OutsideMount)?;
        Ok(match rest.first() {
            Some(b'/') => path.slice_ref(rest),
            _ => joined("/", rest),
        })
    }
}

/// Whether a server accepts this path and query in an item, and does not change it.
#[cfg(feature = "client")]
pub(crate) fn is_item_path(path: &[u8]) -> bool {
    let found = kinds(path);
    path.len() <= MAX_TARGET
        && found & INVALID == 0
        && check_start(path).is_ok()
        && (found & DOT == 0 || check_path(path).is_ok())
}

/// Returns the kinds of all these bytes, combined. It does not stop at an invalid byte, because
/// nearly all are valid.
#[expect(
    clippy::indexing_slicing,
    reason = "the table has a place for each byte"
)]
fn kinds(bytes: &[u8]) -> u8 {
    let kinds = bytes.iter().map(|byte| KINDS[usize::from(*byte)]);
    kinds.fold(0, |found, kind| found | kind)
}

/// Returns what follows `prefix`, if `path` is that folder or inside it.
fn below<'a>(path: &'a [u8], prefix: &str) -> Option<&'a [u8]> {
    let rest = path.strip_prefix(prefix.as_bytes())?;
    matches!(rest.first(), None | Some(b'/' | b'?')).then_some(rest)
}

fn joined(front: &str, rest: &[u8]) -> Bytes {
    [front.as_bytes(), rest].concat().into()
}

/// Returns `http` of `http://x`. A colon after other characters (`Products('a:b')`, `a/b:c`) does
/// not end a scheme (RFC 3986 §3.1).
fn scheme_of(url: &[u8]) -> Option<&str> {
    let colon = url
        .iter()
        .position(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'+' | b'-' | b'.'))?;
    let starts_with_letter = url.first().is_some_and(u8::is_ascii_alphabetic);
    let (scheme, rest) = url.split_at(colon);
    match rest.first() {
        Some(b':') if starts_with_letter => std::str::from_utf8(scheme).ok(),
        _ => None,
    }
}

fn same_authority(given: &[u8], own: &[u8], scheme: &str) -> bool {
    let port: &[u8] = if scheme.eq_ignore_ascii_case("https") {
        b":443"
    } else {
        b":80"
    };
    let bare =
        |authority: &'_ [u8]| authority.len() - authority.ends_with(port) as usize * port.len();
    let (given, own) = (
        given.get(..bare(given)).unwrap_or_default(),
        own.get(..bare(own)).unwrap_or_default(),
    );
    !given.is_empty() && given.eq_ignore_ascii_case(own)
}

fn check_start(path: &[u8]) -> Result<(), ItemError> {
    match path {
        [b'/', b'/' | b'\\', ..] => Err(ItemError::Target),
        [b'/', ..] => Ok(()),
        _ => Err(ItemError::Target),
    }
}

fn check_path(target: &[u8]) -> Result<(), ItemError> {
    let path = target
        .split(|byte| *byte == b'?')
        .next()
        .unwrap_or_default();
    check_no_dot_segments(path)?;
    if !path.contains(&b'%') {
        return Ok(());
    }
    let once: Cow<'_, [u8]> = percent_decode(path).into();
    let twice: Cow<'_, [u8]> = percent_decode(&once).into();
    check_no_dot_segments(&once)?;
    check_no_dot_segments(&twice)
}

/// Checks that no segment is `.` or `..`, between slashes of either kind, before a parameter
/// (`..;x` is a dot segment to some servers), and before what may end the path once it is decoded:
/// a query, a fragment, or a null byte.
fn check_no_dot_segments(path: &[u8]) -> Result<(), ItemError> {
    let dots = |segment: &[u8]| {
        let mut names = segment.split(|byte| matches!(byte, b';' | b'?' | b'#' | 0));
        matches!(names.next(), Some(b"." | b".."))
    };
    if path.split(|byte| matches!(byte, b'/' | b'\\')).any(dots) {
        Err(ItemError::Target)
    } else {
        Ok(())
    }
}
