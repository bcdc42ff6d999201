//! Header names in the spelling that clients expect.

use http::HeaderName;

use super::Frames;

/// Registered spellings in which not simply each word is capitalized. Sorted by the name.
const REGISTERED: &[(&str, &str)] = &[
    ("content-id", "Content-ID"),
    ("content-md5", "Content-MD5"),
    ("dataserviceid", "DataServiceId"),
    ("dataserviceversion", "DataServiceVersion"),
    ("dav", "DAV"),
    ("dnt", "DNT"),
    ("dpop-nonce", "DPoP-Nonce"),
    ("etag", "ETag"),
    ("expect-ct", "Expect-CT"),
    ("im", "IM"),
    ("maxdataserviceversion", "MaxDataServiceVersion"),
    ("mime-version", "MIME-Version"),
    ("nel", "NEL"),
    ("odata-entityid", "OData-EntityId"),
    ("odata-error", "OData-Error"),
    ("odata-isolation", "OData-Isolation"),
    ("odata-maxversion", "OData-MaxVersion"),
    ("odata-version", "OData-Version"),
    ("p3p", "P3P"),
    ("sourcemap", "SourceMap"),
    ("www-authenticate", "WWW-Authenticate"),
    ("x-ua-compatible", "X-UA-Compatible"),
    ("x-xss-protection", "X-XSS-Protection"),
];

/// Writes a header name in its registered spelling. Names that begin with `x-ms-` stay in lower
/// case. In all others, each word is capitalized.
pub(super) fn put_name(name: &HeaderName, out: &mut Frames) {
    let name = name.as_str();
    if name.starts_with("x-ms-") {
        return out.put(name.as_bytes());
    }
    if let Ok(found) = REGISTERED.binary_search_by_key(&name, |(plain, _)| plain) {
        let registered = REGISTERED.get(found).map_or(name, |(_, spelling)| spelling);
        return out.put(registered.as_bytes());
    }
    for (index, word) in name.split('-').enumerate() {
        if index > 0 {
            out.put_byte(b'-');
        }
        let (first, rest) = word.split_at(word.len().min(1));
        out.put(first.to_ascii_uppercase().as_bytes());
        out.put(rest.as_bytes());
    }
}
