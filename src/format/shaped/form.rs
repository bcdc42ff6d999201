//! Reads forms (`application/x-www-form-urlencoded`), strictly in UTF-8.

use percent_encoding::percent_decode;

use super::members::{DUPLICATE_NAME, MISSPELT, resembles};
use super::shape::Top;
use crate::error::Error;
use crate::format::json::check_json;

/// Returns the values of these fields as JSON, in the order of the table: fields that are strings,
/// and fields that are JSON already. Other fields are ignored.
///
/// # Errors
///
/// A field occurs twice, is a known one in another spelling, is not UTF-8, or is not JSON.
pub(super) fn fields(text: &[u8], table: &[(&str, Top)]) -> Result<Vec<Option<String>>, Error> {
    let mut values = vec![None; table.len()];
    for field in text.split(|byte| *byte == b'&') {
        let equals = field.iter().position(|byte| *byte == b'=');
        let (name, value) = field.split_at(equals.unwrap_or(field.len()));
        let name = decoded(name)?;
        let place = table.iter().position(|(known, _)| *known == name);
        let known = place.and_then(|place| Some((table.get(place)?, values.get_mut(place)?)));
        let Some(((_, member), known)) = known else {
            if table.iter().any(|(known, _)| resembles(&name, known)) {
                return Err(Error::malformed(MISSPELT));
            }
            continue;
        };
        let value = decoded(value.strip_prefix(b"=").unwrap_or_default())?;
        let value = match member {
            Top::AllValid(_) | Top::Echo | Top::ItemHeader(_) | Top::ItemQuery(_) => {
                serde_json::Value::from(value).to_string()
            }
            _ => {
                check_json(&value)?;
                value
            }
        };
        if known.replace(value).is_some() {
            return Err(Error::malformed(DUPLICATE_NAME));
        }
    }
    Ok(values)
}

fn decoded(text: &[u8]) -> Result<String, Error> {
    let space = |byte: &u8| if *byte == b'+' { b' ' } else { *byte };
    let text: Vec<_> = text.iter().map(space).collect();
    let text = percent_decode(&text).decode_utf8();
    let text = text.map_err(|_| Error::malformed("not UTF-8"))?;
    Ok(text.into_owned())
}
