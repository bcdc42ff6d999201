//! What all APIs keep: JSON objects, in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

/// Objects by the path of their URL.
#[derive(Clone, Default)]
pub(crate) struct Objects(Arc<Mutex<Data>>);

#[derive(Default)]
struct Data {
    by_path: BTreeMap<String, Value>,
    last_id: u64,
}

impl Objects {
    /// A number that no call has returned before.
    pub(crate) fn next_id(&self) -> u64 {
        let mut data = self.lock();
        data.last_id += 1;
        data.last_id
    }

    /// All objects below a path.
    pub(crate) fn list(&self, path: &str) -> Vec<Value> {
        let prefix = format!("{path}/");
        let data = self.lock();
        let below = data.by_path.range(prefix.clone()..);
        below
            .take_while(|(path, _)| path.starts_with(&prefix))
            .map(|(_, object)| object.clone())
            .collect()
    }

    pub(crate) fn read(&self, path: &str) -> Option<Value> {
        self.lock().by_path.get(path).cloned()
    }

    pub(crate) fn write(&self, path: String, object: Value) {
        self.lock().by_path.insert(path, object);
    }

    /// Sets some members of an object, and returns all of it.
    pub(crate) fn change(&self, path: &str, members: Value) -> Option<Value> {
        let mut data = self.lock();
        let object = data.by_path.get_mut(path)?;
        if let (Value::Object(object), Value::Object(members)) = (&mut *object, members) {
            object.extend(members);
        }
        Some(object.clone())
    }

    pub(crate) fn delete(&self, path: &str) -> Option<Value> {
        self.lock().by_path.remove(path)
    }

    fn lock(&self) -> MutexGuard<'_, Data> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
