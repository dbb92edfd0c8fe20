//! Numbers with bounds, firewall marks and ports.

use std::borrow::Cow;
use std::fmt::{self, Display as _};
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Unexpected, Visitor};

use crate::diagnostic::{Expected, shown};
use crate::inventory::decode::Typed;
use crate::inventory::field::{Peek, Shaped, Wrong};
use crate::model::ports::{NoRange, PortRange};

/// A whole number within bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inventory) struct Whole<N, const LOW: i64, const HIGH: i64>(pub N);

pub(in crate::inventory) fn within<N: TryFrom<i64>, const LOW: i64, const HIGH: i64>(
    value: i64,
) -> Option<Whole<N, LOW, HIGH>> {
    let whole = Some(value).filter(|n| (LOW..=HIGH).contains(n))?;
    N::try_from(whole).ok().map(Whole)
}

pub(in crate::inventory) struct WholeVisitor<N, const LOW: i64, const HIGH: i64>(PhantomData<N>);

impl<N: TryFrom<i64>, const LOW: i64, const HIGH: i64> Visitor<'_> for WholeVisitor<N, LOW, HIGH> {
    type Value = Whole<N, LOW, HIGH>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let max = Some(HIGH);
        Typed(&Expected::Integer { min: LOW, max }).fmt(f)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        let whole = i64::try_from(value).ok().and_then(within);
        whole.ok_or_else(|| E::invalid_value(Unexpected::Unsigned(value), &self))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        within(value).ok_or_else(|| E::invalid_value(Unexpected::Signed(value), &self))
    }
}

impl<N, const LOW: i64, const HIGH: i64> JsonSchema for Whole<N, LOW, HIGH> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Whole{LOW}To{HIGH}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": LOW, "maximum": HIGH })
    }
}

/// A port that one can ask for.
pub(in crate::inventory) type Port = Whole<u16, 1, 65535>;

/// 0 is a service's every port.
pub(in crate::inventory) type ServicePort = Whole<u16, 0, 65535>;

/// 0 is a real server that gets no new connections.
pub(in crate::inventory) type Weight = Whole<u16, 0, 65535>;

pub(in crate::inventory) type Priority = Whole<u8, 1, 254>;

/// The change of a VRRP priority by a tracker; 0 makes its failure the instance's.
pub(in crate::inventory) type PriorityChange = Whole<i16, -253, 253>;

/// At most a day.
pub(in crate::inventory) type Seconds = Whole<u32, 1, 86_400>;

/// A firewall mark: a number, or a text in decimal or hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inventory) struct Mark(pub u32);

impl Mark {
    pub(in crate::inventory) fn parse(text: &str) -> Option<Self> {
        let number = match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => text.parse(),
        };
        number.ok().filter(|mark| *mark > 0).map(Self)
    }
}

impl Shaped for Mark {
    const EXPECTED: Expected = Expected::Mark;

    fn read<'de, A: SeqAccess<'de>>(
        shape: &str,
        node: &mut Peek<A>,
    ) -> Result<Option<Self>, A::Error> {
        let value = match shape {
            "int" => node.as_a::<i64>().ok().and_then(|n| u32::try_from(n).ok()),
            "text" => {
                let text: String = node.as_a()?;
                return Ok(Self::parse(&text));
            }
            _ => None,
        };
        Ok(value.filter(|mark| *mark > 0).map(Self))
    }
}

impl JsonSchema for Mark {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Mark".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": 1, "maximum": u32::MAX },
                { "type": "string", "title": "a hexadecimal string", "pattern": "^(0[xX][0-9a-fA-F]{1,8}|[0-9]{1,10})$" },
            ],
        })
    }
}

/// A port of a service, 0 for every port, or a range of ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inventory) struct ServicePorts(pub PortRange);

impl Shaped for ServicePorts {
    const EXPECTED: Expected = Expected::like(
        "a port, or a range of ports such as `10000-20000`",
        "10000-20000",
    );

    fn read<'de, A: SeqAccess<'de>>(
        shape: &str,
        node: &mut Peek<A>,
    ) -> Result<Option<Self>, A::Error> {
        let wrong = |what: String, help: &str| Err(Wrong::because(what, help).into_error());
        if shape == "text" {
            let text: String = node.as_a()?;
            match PortRange::read(&text) {
                Ok(range) => return Ok(Some(Self(range))),
                Err(NoRange::Backwards) => {
                    let what = format!("the range of ports {} ends before it begins", shown(&text));
                    let (first, last) = text.split_once('-').unwrap_or((&text, ""));
                    let (first, last) = (first.trim(), last.trim());
                    return wrong(
                        what,
                        &format!("write `{last}-{first}`, the smaller port first"),
                    );
                }
                Err(NoRange::OutOfBounds) => {
                    let what = format!("the range of ports {} is out of bounds", shown(&text));
                    return wrong(
                        what,
                        "a range is within 1 to 65535; `port: 0` is every port",
                    );
                }
                Err(NoRange::Divided) => {
                    let what = format!("{} is no range of ports", shown(&text));
                    let ends: Vec<&str> = text.split([':', '.', '–']).map(str::trim).collect();
                    let (first, last) = (ends.first().unwrap_or(&""), ends.last().unwrap_or(&""));
                    return wrong(what, &format!("write `{first}-{last}`, with a `-`"));
                }
                Err(NoRange::Other) => {}
            }
        }
        let port: ServicePort = node.as_a()?;
        Ok(Some(Self(PortRange::single(port.0))))
    }
}

impl JsonSchema for ServicePorts {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ServicePorts".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": 0, "maximum": u16::MAX },
                { "type": "string", "title": "a range of ports such as `10000-20000`", "pattern": "^ *[0-9]{1,5} *- *[0-9]{1,5} *$" },
            ],
        })
    }
}

impl<'de, N: TryFrom<i64>, const LOW: i64, const HIGH: i64> Deserialize<'de>
    for Whole<N, LOW, HIGH>
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WholeVisitor(PhantomData))
    }
}
