//! Scalars of roles that may be written in several types.

use serde::{Deserialize, Deserializer};

/// Reads a scalar of a role as text: roles write `value: 1` as often as `value: "1"`.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::String(text) => Ok(text),
        serde_json::Value::Number(number) => Ok(number.to_string()),
        serde_json::Value::Bool(value) => Ok(u8::from(value).to_string()),
        other => Err(serde::de::Error::custom(format!(
            "expected a single value, found {other}"
        ))),
    }
}
