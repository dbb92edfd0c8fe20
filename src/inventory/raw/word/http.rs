//! Status codes and HTTP versions.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::SeqAccess;

use super::Whole;
use crate::diagnostic::{Expected, choices, shown};
use crate::inventory::field::{Peek, Shaped, Wrong};
use crate::model::{HttpVersion, StatusCodes, WrongStatus};

/// HTTP status codes: a number, or a text with numbers, ranges and classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::inventory) struct Codes(pub StatusCodes);

impl Shaped for Codes {
    const EXPECTED: Expected = Expected::like(
        "an HTTP status such as 200, a range such as 200-299, or a list of them",
        "200",
    );

    fn read<'de, A: SeqAccess<'de>>(
        shape: &str,
        node: &mut Peek<A>,
    ) -> Result<Option<Self>, A::Error> {
        match shape {
            "int" => {
                let code: Whole<u16, 100, 599> = node.as_a()?;
                Ok(Some(Self(StatusCodes::one(code.0))))
            }
            "text" => {
                let text: String = node.as_a()?;
                let read = StatusCodes::parse(&text).map(|codes| Some(Self(codes)));
                read.map_err(|wrong| {
                    let help = match wrong {
                        WrongStatus::Shape(_) => {
                            "write it like `200`, `200-299` or `[200-299, 302]`"
                        }
                        WrongStatus::Outside(_) => "they go from 100 to 599: `200-299`",
                        WrongStatus::Reversed(..) => "write the lower one first: `200-299`",
                    };
                    Wrong::because(wrong.to_string(), help).into_error()
                })
            }
            _ => Ok(None),
        }
    }
}

impl JsonSchema for Codes {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "StatusCodes".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": 100, "maximum": 599 },
                { "type": "string", "title": "a range such as 200-299" },
            ],
        })
    }
}

/// A version of HTTP: YAML takes `1.1` for a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inventory) struct Version(pub HttpVersion);

impl Shaped for Version {
    const EXPECTED: Expected = Expected::words("a version of HTTP", "1.0 or 1.1");

    fn read<'de, A: SeqAccess<'de>>(
        shape: &str,
        node: &mut Peek<A>,
    ) -> Result<Option<Self>, A::Error> {
        let text = match shape {
            "float" => format!("{:.1}", node.as_a::<f64>()?),
            "text" => node.as_a()?,
            _ => return Ok(None),
        };
        let version = match text.trim_start_matches("HTTP/") {
            "1.0" => HttpVersion::V1_0,
            "1.1" => HttpVersion::V1_1,
            _ => {
                let message = format!("no health check asks by HTTP {}", shown(&text));
                return Err(Wrong::because(message, choices(&text, &["1.0", "1.1"])).into_error());
            }
        };
        Ok(Some(Self(version)))
    }
}

impl JsonSchema for Version {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "HttpVersion".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": ["1.0", "1.1", 1.0, 1.1] })
    }
}
