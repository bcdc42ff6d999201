//! The rules of a JSON envelope on top of `serde_json`, to compare with the layer.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object without duplicates.
struct Members<'a>(Vec<(String, &'a str)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let (mut members, mut names) = (Vec::new(), HashSet::new());
                while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
                    if !names.insert(name.clone()) {
                        return Err(A::Error::custom("twice"));
                    }
                    members.push((name, value.get()));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

impl<'a> Members<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| *value)
    }

    /// Whether a name differs from one of these only by its case, `_` and `-`.
    fn has_nearly(&self, known: &[&str]) -> bool {
        self.0.iter().any(|(name, _)| {
            let plain = name.replace(['_', '-'], "");
            !known.contains(&name.as_str()) && known.iter().any(|k| k.eq_ignore_ascii_case(&plain))
        })
    }
}

const MEMBERS: [&str; 8] = [
    "id",
    "method",
    "url",
    "headers",
    "body",
    "dependsOn",
    "atomicityGroup",
    "if",
];

/// The ids of the items, or `None` if the envelope is to be refused.
pub(crate) fn reference(envelope: &[u8]) -> Option<Vec<String>> {
    let text = std::str::from_utf8(envelope).ok()?;
    let members: Members<'_> = serde_json::from_str(text).ok()?;
    let items: Vec<&RawValue> = serde_json::from_str(members.get("requests")?).ok()?;
    if depth(text) > 128 || members.has_nearly(&["requests"]) {
        return None;
    }
    let mut ids = Vec::new();
    for item in items {
        let id = reference_item(item.get(), &ids)?;
        ids.push(id);
    }
    Some(ids)
}

/// The id of an item after those with these ids, or `None` if the batch is to be refused.
pub(crate) fn reference_item(item: &str, earlier: &[String]) -> Option<String> {
    let item: Members<'_> = serde_json::from_str(item).ok()?;
    if item.has_nearly(&MEMBERS) {
        return None;
    }
    let id: String = serde_json::from_str(item.get("id")?).ok()?;
    if !(1..=256).contains(&id.len()) || id.chars().any(char::is_control) || earlier.contains(&id) {
        return None;
    }
    for never in ["if", "atomicityGroup"] {
        if item.get(never).is_some_and(|value| value != "null") {
            return None;
        }
    }
    let on: Option<Vec<String>> =
        serde_json::from_str(item.get("dependsOn").unwrap_or("null")).ok()?;
    let on = on.unwrap_or_default();
    if on.len() > earlier.len() || !on.iter().all(|on| earlier.contains(on)) {
        return None;
    }
    for text in [item.get("method"), item.get("url")].into_iter().flatten() {
        is_whole(text).then_some(())?;
    }
    let headers = item
        .get("headers")
        .filter(|headers| headers.starts_with('{'));
    let headers: Members<'_> = serde_json::from_str(headers.unwrap_or("{}")).ok()?;
    for (_, value) in headers.0 {
        if value.starts_with('[') {
            let values: Vec<&RawValue> = serde_json::from_str(value).ok()?;
            values
                .iter()
                .all(|value| is_whole(value.get()))
                .then_some(())?;
        }
        is_whole(value).then_some(())?;
    }
    Some(id)
}

/// Whether a value is no string, or a string without halves of surrogate pairs.
fn is_whole(value: &str) -> bool {
    !value.starts_with('"') || serde_json::from_str::<String>(value).is_ok()
}

/// The depth of this JSON.
pub(crate) fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth -= 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}
