//! Which URLs an item may have, and what the inner service gets.

/// The host of the outer request.
pub(crate) const HOST: &str = "api.example";

/// The folder of the batch path, against which relative URLs are resolved.
const FOLDER: &str = "/api/";

/// The path and query that the inner service gets. `None` if the URL is not allowed.
pub(crate) fn resolved(url: &str) -> Option<String> {
    let is_visible = |byte| matches!(byte, 0x21..=0x7E) && byte != b'#';
    if url.is_empty() || url.len() > 8192 || !url.bytes().all(is_visible) {
        return None;
    }
    let path = if url.starts_with('/') {
        url.to_owned()
    } else if let Some((scheme, rest)) = scheme(url) {
        let rest = rest.strip_prefix("//")?;
        let end = rest.find(['/', '?', '\\']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let port = match scheme.to_ascii_lowercase().as_str() {
            "http" => ":80",
            "https" => ":443",
            _ => return None,
        };
        let host = authority.strip_suffix(port).unwrap_or(authority);
        if !host.eq_ignore_ascii_case(HOST) {
            return None;
        }
        let slash = if path.starts_with('/') { "" } else { "/" };
        format!("{slash}{path}")
    } else {
        format!("{FOLDER}{url}")
    };
    let is_one_slash = !path[1..].starts_with(['/', '\\']);
    (is_one_slash && fits_into_uri(&path) && !has_dot_segment(&path)).then_some(path)
}

/// Whether `http::Uri` can hold this path and query: it excludes delimiters of text.
fn fits_into_uri(target: &str) -> bool {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    !path.contains(['<', '>', '`']) && !query.contains(['<', '>', '"'])
}

/// The scheme and what follows its colon. A colon after another character is part of a path.
fn scheme(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once(':')?;
    let is_scheme_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let starts_with_letter = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
    (starts_with_letter && scheme.chars().all(is_scheme_char)).then_some((scheme, rest))
}

/// Whether a segment of the path is `.` or `..`, also before a parameter, between slashes of either
/// kind, and when the path is decoded once or twice.
fn has_dot_segment(target: &str) -> bool {
    let mut path = target
        .split('?')
        .next()
        .unwrap_or_default()
        .as_bytes()
        .to_vec();
    for _ in 0..3 {
        let mut segments = path.split(|byte| matches!(byte, b'/' | b'\\'));
        if segments
            .any(|segment| matches!(segment.split(|b| *b == b';').next(), Some(b"." | b"..")))
        {
            return true;
        }
        path = decoded(&path);
    }
    false
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let (mut decoded, mut rest) = (Vec::new(), text);
    while let [first, after @ ..] = rest {
        let pair = after.get(..2).filter(|_| *first == b'%');
        let pair = pair.and_then(|pair| std::str::from_utf8(pair).ok());
        let pair = pair.filter(|pair| pair.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let byte = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok());
        decoded.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    decoded
}
