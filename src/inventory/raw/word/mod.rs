//! Values written as one word, in a file for each kind of value.

mod address;
mod choice;
mod http;
mod number;

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::SeqAccess;

pub(in crate::inventory) use address::{Address, Bare, Cidr, Endpoint, Gateway, Mac};
pub(in crate::inventory) use choice::SCHEDULERS;
pub(in crate::inventory) use http::{Codes, Version};
pub(in crate::inventory) use number::{
    Mark, Port, Priority, PriorityChange, Seconds, ServicePorts, Weight, Whole,
};

use crate::diagnostic::Expected;
use crate::inventory::field::{Peek, Shaped, shaped};

shaped!(Mark, FreeValue, Codes, Version, ServicePorts);

/// Any YAML value, for templates.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::inventory) struct FreeValue(pub serde_json::Value);

impl Shaped for FreeValue {
    const EXPECTED: Expected = Expected::other("a value");

    fn read<'de, A: SeqAccess<'de>>(_: &str, node: &mut Peek<A>) -> Result<Option<Self>, A::Error> {
        node.as_a().map(|value| Some(Self(value)))
    }
}

impl JsonSchema for FreeValue {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Value".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "title": "any value" })
    }
}
