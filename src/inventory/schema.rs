//! The inventory's format for editors (JSON Schema) and for people (Markdown), both from the raw types.

use schemars::generate::SchemaSettings;

use super::raw::Inventory;

/// JSON Schema of an inventory.
pub fn schema() -> serde_json::Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    generator.into_root_schema_for::<Inventory>().to_value()
}

/// The reference of all keys.
pub fn markdown() -> String {
    String::new()
}
