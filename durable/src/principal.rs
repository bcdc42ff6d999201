//! What the application needs to know about the caller when the batch runs.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

/// The value that [`principal`](crate::DurableLayer::principal) returned for the outer request, in
/// the extensions of every item.
///
/// ```
/// use axum::{Extension, Router, routing::get};
/// use serde::Deserialize;
/// use tower_multistatus_durable::Principal;
///
/// #[derive(Deserialize)]
/// struct Caller {
///     user: String,
/// }
///
/// async fn handler(Extension(principal): Extension<Principal>) -> String {
///     match principal.get::<Caller>() {
///         Ok(caller) => format!("hello {}", caller.user),
///         Err(_) => "hello".to_owned(),
///     }
/// }
///
/// let api: Router = Router::new().route("/hello", get(handler));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Principal(Arc<Value>);

impl Principal {
    pub(crate) fn new(value: Value) -> Self {
        Self(Arc::new(value))
    }

    /// The value as JSON.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// Reads the value as this type.
    ///
    /// # Errors
    ///
    /// If the value does not have this type.
    pub fn get<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(&*self.0)
    }
}
