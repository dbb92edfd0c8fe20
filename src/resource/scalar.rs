//! Scalars of roles that may be written in several types.

use serde::de::Unexpected;
use serde::{Deserialize, Deserializer};

/// Reads a scalar of a role as text: roles write `value: 1` as often as `value: "1"`.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::String(text) => Ok(text),
        serde_json::Value::Number(number) => Ok(number.to_string()),
        serde_json::Value::Bool(value) => Ok(u8::from(value).to_string()),
        _ => Err(serde::de::Error::invalid_type(
            Unexpected::Other("a list or a map"),
            &"a single value",
        )),
    }
}

/// What is wrong with a name that a command or a path is made of.
pub(crate) fn no_name(what: &str, name: &str) -> Option<String> {
    let odd = name.is_empty() || name.contains(|c: char| c.is_whitespace() || c.is_control());
    odd.then(|| format!("expected {what} without blanks, found `{name}`: write one name"))
}

/// What is wrong with the name of a network interface (IFNAMSIZ of the kernel).
pub(crate) fn no_interface(name: &str) -> Option<String> {
    if name.len() > 15 || name.contains('/') {
        return Some(format!(
            "expected an interface's name, found `{name}`: write one of at most 15 letters and without `/`, such as `eth0`"
        ));
    }
    no_name("an interface's name", name)
}
