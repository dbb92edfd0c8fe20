//! The inventory's format for editors (JSON Schema) and for people (Markdown), both from the raw types.

mod markdown;

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::raw::Inventory;

/// JSON Schema of an inventory.
pub fn schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    generator.into_root_schema_for::<Inventory>().to_value()
}

/// The reference of all keys: what `docs/inventory.md` holds.
pub fn markdown() -> String {
    const INTRO: &str = include_str!("intro.md");
    const EXAMPLE: &str = include_str!("../../../inventories/dr-keepalived.yaml");
    INTRO.replace("@EXAMPLE@", EXAMPLE) + &markdown::reference(&schema())
}
