//! Values that a key takes, as types: messages name them, hints depend on them.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Seconds: 31 days, the most that the kernel takes.
pub(crate) const LONGEST_PERSISTENCE: u32 = 2_678_400;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Expected {
    Bool,
    /// A whole number; without a maximum if no inventory reaches it.
    Integer {
        min: i64,
        max: Option<i64>,
    },
    Number,
    Seconds {
        min: i64,
        max: i64,
    },
    Text,
    List,
    Map,
    Nothing,
    Address(AddressForm),
    /// A subnet, also with others by name.
    Subnet {
        named: bool,
    },
    /// A firewall mark.
    Mark,
    /// Persistence: a switch, seconds or a map.
    Persistence,
    /// One of several words: a name for them, and the words.
    Words(Cow<'static, str>, Cow<'static, str>),
    /// Any other, with an example.
    Other(Cow<'static, str>, Option<Cow<'static, str>>),
}

/// The parts with which an address is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum AddressForm {
    Alone,
    /// With the prefix length of its subnet or without.
    MayHavePrefix,
    MayHavePort,
    /// Also the name of a host.
    OrHost,
    /// Of an interface, or a map.
    OfInterface,
    /// In roles: one address of any family, or of this one.
    OneOf(Option<bool>),
    HasPrefix,
    HasPort,
}

impl Expected {
    pub(crate) const fn other(what: &'static str) -> Self {
        Self::Other(Cow::Borrowed(what), None)
    }

    pub(crate) const fn like(what: &'static str, example: &'static str) -> Self {
        Self::Other(Cow::Borrowed(what), Some(Cow::Borrowed(example)))
    }

    pub(crate) const fn words(what: &'static str, words: &'static str) -> Self {
        Self::Words(Cow::Borrowed(what), Cow::Borrowed(words))
    }

    pub(crate) const ADDRESS: Self = Self::Address(AddressForm::Alone);
    pub(crate) const SUBNET: Self = Self::Subnet { named: false };

    /// For the schema, without an example.
    pub(crate) fn title(&self) -> &str {
        match self {
            Self::Address(AddressForm::MayHavePort) => "an address with or without a port",
            Self::Address(AddressForm::OrHost) => "an address or the name of a host",
            Self::Address(_) => "an address",
            Self::Subnet { .. } => "a subnet",
            Self::Other(what, _) => what,
            _ => "a value",
        }
    }

    pub(crate) fn example(&self) -> Option<&str> {
        match self {
            Self::Address(form) => match form {
                AddressForm::Alone | AddressForm::MayHavePrefix => Some("‹host›"),
                AddressForm::OfInterface => Some("‹host/24›"),
                AddressForm::MayHavePort => Some("‹host:8080›"),
                _ => None,
            },
            Self::Subnet { .. } => Some("192.168.100.0/24"),
            Self::Mark => Some("6666"),
            Self::Other(_, example) => example.as_deref(),
            _ => None,
        }
    }

    /// The numbers between which it is.
    pub(crate) fn bounds(&self) -> Option<(i64, i64)> {
        match self {
            Self::Integer {
                min,
                max: Some(max),
            }
            | Self::Seconds { min, max } => Some((*min, *max)),
            Self::Persistence => Some((1, LONGEST_PERSISTENCE.into())),
            _ => None,
        }
    }

    pub(crate) fn is_number(&self) -> bool {
        self.is_whole() || matches!(self, Self::Number)
    }

    pub(crate) fn is_whole(&self) -> bool {
        matches!(
            self,
            Self::Integer { .. } | Self::Seconds { .. } | Self::Persistence
        )
    }

    pub(crate) fn is_switch(&self) -> bool {
        matches!(self, Self::Bool | Self::Persistence)
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("`true` or `false`"),
            Self::Integer { min, max: None } => write!(f, "a whole number from {min} on"),
            Self::Integer {
                min,
                max: Some(max),
            } => write!(f, "a whole number from {min} to {max}"),
            Self::Number => f.write_str("a number"),
            Self::Seconds { min, max } => write!(f, "seconds from {min} to {max}"),
            Self::Text => f.write_str("a text"),
            Self::List => f.write_str("a list"),
            Self::Map => f.write_str("a map of keys"),
            Self::Nothing => f.write_str("nothing"),
            Self::Address(form) => f.write_str(match form {
                AddressForm::Alone => "an address such as ‹host›",
                AddressForm::MayHavePrefix => "an address such as ‹host› or ‹host/24›",
                AddressForm::MayHavePort => {
                    "an address with or without a port, such as ‹host:8080›"
                }
                AddressForm::OrHost => "an address or the name of a host",
                AddressForm::OfInterface => "an address such as ‹host/24›, or a map with `address`",
                AddressForm::OneOf(None) => "one address, such as 192.168.100.14",
                AddressForm::OneOf(Some(true)) => "one IPv4 address, such as 192.168.100.14",
                AddressForm::OneOf(Some(false)) => "one IPv6 address, such as 2001:db8::14",
                AddressForm::HasPrefix => {
                    "an address with its prefix length, such as 192.168.100.200/32"
                }
                AddressForm::HasPort => "an address with its port, such as 192.168.100.200:80",
            }),
            Self::Subnet { named: false } => f.write_str("a subnet such as 192.168.100.0/24"),
            Self::Subnet { named: true } => {
                f.write_str("a subnet such as 192.168.100.0/24, or a map of names to subnets")
            }
            Self::Mark => {
                f.write_str("a firewall mark from 1 to 4294967295, such as 6666 or 0x1a0a")
            }
            Self::Persistence => {
                f.write_str("`true`, seconds, or a map with `timeout` and `granularity`")
            }
            Self::Words(what, words) => write!(f, "{what}: {words}"),
            Self::Other(what, _) => f.write_str(what),
        }
    }
}
