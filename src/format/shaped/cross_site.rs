//! Refuses forms that a page of another site may have sent.

use http::HeaderValue;
use http::header::{COOKIE, HOST, ORIGIN};
use http::request::Parts;

use crate::error::{Error, ErrorKind};
use crate::media_type::MediaType;

/// The types that a browser sends to another site without a preflight (Fetch, "CORS-safelisted
/// request-header").
const WITHOUT_PREFLIGHT: [&str; 3] = [
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "text/plain",
];

/// # Errors
///
/// [`ErrorKind::CrossSite`] if the envelope has one of these types, and may come from another site
/// with the identity of the user.
pub(super) fn check(envelope: &Parts, media_type: &MediaType<'_>) -> Result<(), Error> {
    let is_type = |name: &&str| media_type.essence().eq_ignore_ascii_case(name);
    if !WITHOUT_PREFLIGHT.iter().any(is_type) {
        return Ok(());
    }
    let headers = &envelope.headers;
    let is_same_site = |site: &HeaderValue| site == "same-origin" || site == "none";
    let mut sites = headers.get_all("sec-fetch-site").iter();
    let mut origins = headers.get_all(ORIGIN).iter();
    if headers.contains_key(COOKIE)
        || !sites.all(is_same_site)
        || !origins.all(|origin| is_own(origin, envelope))
    {
        return Err(ErrorKind::CrossSite.into());
    }
    Ok(())
}

/// Whether this is an origin of the host of the request.
fn is_own(origin: &HeaderValue, envelope: &Parts) -> bool {
    let Some((_, origin)) = origin
        .to_str()
        .ok()
        .and_then(|origin| origin.split_once("://"))
    else {
        return false;
    };
    let host = envelope.headers.get(HOST);
    let host = host.and_then(|host| host.to_str().ok());
    let host = host.or_else(|| Some(envelope.uri.authority()?.as_str()));
    host.is_some_and(|host| host.eq_ignore_ascii_case(origin))
}
