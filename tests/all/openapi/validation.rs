//! JSON Schema validation.

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::{Value, json};

const SPECIFICATION: &str = include_str!("../../fixtures/openapi/schema.json");

/// A compiled schema.
pub(crate) struct Schema {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Schema {
    /// The specification of OpenAPI 3.1. It does not check Schema Objects, so they are checked with
    /// JSON Schema 2020-12 here.
    pub(crate) fn of_openapi() -> Self {
        let mut specification: Value = serde_json::from_str(SPECIFICATION).expect("JSON");
        specification["$defs"]["schema"] =
            json!({ "$ref": "https://json-schema.org/draft/2020-12/schema" });
        Self::new(specification)
    }

    /// A schema without a document around it.
    pub(crate) fn new(schema: Value) -> Self {
        let id = schema["$id"]
            .as_str()
            .unwrap_or("https://test.example/schema");
        let id = id.to_owned();
        let mut compiler = Compiler::new();
        compiler.enable_format_assertions();
        compiler.add_resource(&id, schema).expect("a resource");
        let mut schemas = Schemas::new();
        let index = compiler.compile(&id, &mut schemas);
        let index = index.unwrap_or_else(|error| panic!("{error:#}"));
        Self { schemas, index }
    }

    /// A component of an OpenAPI document.
    pub(crate) fn component(document: &Value, name: &str) -> Self {
        let mut schema = document.clone();
        schema["$ref"] = format!("#/components/schemas/{name}").into();
        Self::new(schema)
    }

    pub(crate) fn allows(&self, value: &Value) -> bool {
        self.schemas.validate(value, self.index).is_ok()
    }

    /// # Panics
    ///
    /// If the value is not valid. The message has the reason.
    pub(crate) fn assert(&self, value: &Value) {
        if let Err(error) = self.schemas.validate(value, self.index) {
            panic!("{error:#}\n{value:#}");
        }
    }
}
