//! Header fields as JSON.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::store::StoreError;

/// Writes the fields as a list of names and values, in their order. A value is ISO-8859-1, as bytes
/// of a header are, so that each of its bytes is one character.
pub(crate) fn to_json(headers: &HeaderMap) -> String {
    let text = |value: &HeaderValue| {
        value
            .as_bytes()
            .iter()
            .map(|byte| char::from(*byte))
            .collect()
    };
    let fields = headers
        .iter()
        .map(|(name, value)| (name.as_str(), text(value)));
    let fields: Vec<(&str, String)> = fields.collect();
    // Strings can always be written.
    serde_json::to_string(&fields).unwrap_or_default()
}

/// # Errors
///
/// If the text is not what [`to_json`] has written.
pub(crate) fn from_json(json: &str) -> Result<HeaderMap, StoreError> {
    let fields: Vec<(String, String)> = serde_json::from_str(json).map_err(StoreError::new)?;
    let mut headers = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields {
        let name: HeaderName = name.parse().map_err(StoreError::new)?;
        let bytes = value.chars().map(u8::try_from);
        let bytes: Vec<u8> = bytes.collect::<Result<_, _>>().map_err(StoreError::new)?;
        let value = HeaderValue::from_bytes(&bytes).map_err(StoreError::new)?;
        headers.append(name, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::{from_json, to_json};

    #[test]
    fn every_header_is_read_as_it_was_written() {
        let mut headers = HeaderMap::new();
        for value in [&b"a"[..], b"\xff\x80\"\\ b", b"", b"\tc"] {
            headers.append("x-one", HeaderValue::from_bytes(value).unwrap());
        }
        headers.append("content-type", HeaderValue::from_static("text/plain"));
        assert_eq!(from_json(&to_json(&headers)).unwrap(), headers);
    }
}
