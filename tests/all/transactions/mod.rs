//! Atomicity groups in transactions of the application.

use serde_json::{Value, json};

mod commits;
mod dependencies;
#[cfg(feature = "multipart")]
mod grouped;
mod lines;
mod locks;
#[cfg(feature = "multipart")]
mod multipart;
#[cfg(feature = "multipart")]
mod random;
mod rollbacks;
mod store;

pub(crate) use store::{Fault, Store, service};

/// A POST with its path as its id.
pub(crate) fn post(url: &str) -> Value {
    json!({ "id": url, "method": "POST", "url": url })
}

/// A POST in a group.
pub(crate) fn member(group: &str, url: &str) -> Value {
    json!({ "id": url, "method": "POST", "url": url, "atomicityGroup": group })
}

/// The id, the status and the code of each item.
pub(crate) fn results(items: &[Value]) -> Vec<String> {
    let result = |item: &Value| {
        let code = item["body"]["code"].as_str().unwrap_or_default();
        let id = item["id"].as_str().expect("an id");
        format!("{id} {} {code}", item["status"])
            .trim_end()
            .to_owned()
    };
    items.iter().map(result).collect()
}
