//! One byte of a valid envelope is changed. If `serde_json`, and the few rules on top of it, refuse
//! the envelope, nothing is dispatched. If not, the batch does what the model says of the items
//! that `serde_json` reads: the change has the same meaning, or exactly one other.

use std::collections::BTreeMap;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, general_purpose::NO_PAD};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::value::RawValue;

use super::batch;
use crate::json_reference::reference;
use crate::model::batch::{Batch, Content, Item, Wire};
use crate::model::check::{check_envelope, code_of_refusal, outcome};
use crate::model::predict::errors;
use crate::model::requests::dispatched;
use crate::model::write::envelope;

/// Base64 whose last character may have bits that are in no byte, as the layer reads it.
const LENIENT: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, NO_PAD.with_decode_allow_trailing_bits(true));

/// The batch without what refuses it, and without what fails an item before it runs.
fn without_errors(mut batch: Batch) -> Batch {
    batch.wire = Wire::Json;
    // The reference refuses all groups.
    for item in &mut batch.items {
        item.group = None;
    }
    batch.settings.max_items = 100;
    let all = batch.clone();
    batch.items.retain(|item| dispatched(&all, item).is_ok());
    while let Some(bad) = (0..batch.items.len()).find(|at| !errors(&batch, *at).is_empty()) {
        batch.items.remove(bad);
    }
    batch
}

type Members<'a> = BTreeMap<String, &'a RawValue>;

fn parsed<'a, T: serde::Deserialize<'a> + Default>(members: &Members<'a>, name: &str) -> T {
    let value = members
        .get(name)
        .map(|value| serde_json::from_str(value.get()));
    value
        .unwrap_or_else(|| Ok(T::default()))
        .expect("a value of its type")
}

/// The item that `serde_json` reads, with the script of the item that was there.
fn item(text: &str, before: &Item) -> Item {
    let members: Members<'_> = serde_json::from_str(text).expect("an object");
    let mut headers: BTreeMap<String, String> = parsed(&members, "headers");
    let names = headers.keys();
    let name = names
        .clone()
        .find(|name| name.eq_ignore_ascii_case("content-type"))
        .cloned();
    let content_type = name.and_then(|name| headers.remove(&name));
    let body = members.get("body").map(|body| body.get());
    Item {
        id: parsed(&members, "id"),
        method: parsed(&members, "method"),
        url: parsed(&members, "url"),
        headers: headers.into_iter().collect(),
        content: body.map_or(Content::None, |body| content(content_type.as_deref(), body)),
        content_type,
        on: parsed(&members, "dependsOn"),
        group: parsed(&members, "atomicityGroup"),
        script: before.script.clone(),
    }
}

fn content(content_type: Option<&str>, body: &str) -> Content {
    let essence = content_type.map(|value| value.split(';').next().unwrap_or_default());
    let essence = essence.map(|essence| essence.trim_matches([' ', '\t']).to_ascii_lowercase());
    let is_json = |essence: &str| essence == "application/json" || essence.ends_with("+json");
    match (essence.as_deref(), serde_json::from_str::<String>(body)) {
        (None, _) => Content::Json(body.to_owned()),
        (Some(essence), _) if is_json(essence) => Content::Json(body.to_owned()),
        (Some(essence), Ok(text)) if is_text(essence) => Content::Text(text),
        (Some(essence), Err(_)) if is_text(essence) => Content::NoText,
        (_, Err(_)) => Content::NoBase64,
        (_, Ok(text)) => {
            let standard = text
                .replace('-', "+")
                .replace('_', "/")
                .replace(['\r', '\n'], "");
            match LENIENT.decode(standard.trim_end_matches('=')) {
                Ok(bytes) => Content::Bytes(bytes),
                Err(_) => Content::NoBase64,
            }
        }
    }
}

fn is_text(essence: &str) -> bool {
    const FORM: &str = "application/x-www-form-urlencoded";
    let is_xml = essence == "application/xml" || essence.ends_with("+xml");
    essence.starts_with("text/") || essence == FORM || is_xml
}

#[derive(serde::Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    requests: Vec<&'a RawValue>,
}

/// The batch that `serde_json` reads. `None` if it is to be refused.
fn read(batch: &Batch, envelope: &[u8]) -> Option<Batch> {
    let ids = reference(envelope)?;
    let text = std::str::from_utf8(envelope).expect("UTF-8");
    let envelope: Envelope<'_> = serde_json::from_str(text).expect("an envelope");
    assert_eq!(envelope.requests.len(), ids.len());
    let items = envelope.requests.iter().zip(&batch.items);
    let mut batch = batch.clone();
    batch.items = items
        .map(|(text, before)| item(text.get(), before))
        .collect();
    Some(batch)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn one_byte_means_the_same_or_one_other_thing_or_dispatches_nothing(
        batch in batch(),
        at in any::<Index>(),
        byte in any::<u8>(),
    ) {
        let batch = without_errors(batch);
        let mut bytes = envelope(&batch);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        match read(&batch, &bytes) {
            Some(read) => check_envelope(&read, &bytes),
            None => {
                let (exchange, calls) = outcome(&batch, &bytes);
                prop_assert_eq!(calls, []);
                code_of_refusal(&exchange);
            }
        }
    }
}
