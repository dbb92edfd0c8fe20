//! A serde deserializer over a [`Node`] that records every fault with its place and continues; serde itself would stop at the
//! first. Types request that by the names [`RECOVER`], [`EACH`] and [`SHAPE`] (see `field.rs`).

mod access;
mod address;
mod error;
mod group;
mod hint;
mod maps;
mod nameless;
mod number;
mod place_hint;
mod role;
#[cfg(test)]
mod tests;
mod whole;

use std::cell::RefCell;

use miette::SourceSpan;
use serde::de::value::StrDeserializer;
use serde::de::{self, Deserializer, IntoDeserializer, Unexpected, Visitor};

use access::{Elements, Entries, Recover, Shapes, Variant};
pub(super) use error::{DecodeError, Typed};
use error::{expected_by, plain_secret, unknown_entry};
use hint::hint;

use super::foreign;
use super::location::{Location, MapType};
use super::place::Places;
use crate::diagnostic::{Expected, Fault, FaultKind, Found, Shape, shown};
use crate::secret::SecretSource;
use crate::yaml::{Entry, Node, Value};

/// The visitor gets a sequence of the value, or of nothing where the value is faulty (and noted so).
pub(super) const RECOVER: &str = "$recover";

/// The visitor gets a sequence: the list's elements, or the one value that is no list.
pub(super) const EACH: &str = "$each";

/// The visitor gets a sequence: first the value's shape as a text, then the value itself as often as it asks.
pub(super) const SHAPE: &str = "$shape";

pub(crate) type Sink = RefCell<Vec<Fault>>;

/// Decodes a tree; faults go to the sink.
pub(crate) fn decode<'de, T: de::Deserialize<'de>>(root: &'de Node, sink: &'de Sink) -> Option<T> {
    decode_in(root, Location::new(root), sink)
}

/// The same for a resource of a role, whose texts are not numbers too.
pub(crate) fn decode_resource<'de, T: de::Deserialize<'de>>(
    root: &'de Node,
    sink: &'de Sink,
) -> Option<T> {
    let mut site = Location::new(root);
    site.role = true;
    decode_in(root, site, sink)
}

fn decode_in<'de, T: de::Deserialize<'de>>(
    root: &'de Node,
    site: Location<'de>,
    sink: &'de Sink,
) -> Option<T> {
    let cursor = Cursor {
        node: root,
        key: "",
        site,
        in_list: false,
        at: root.span,
        behind: root.span,
        sink,
    };
    T::deserialize(cursor)
        .map_err(|error| sink.borrow_mut().push(error.fault.at_once(root.span)))
        .ok()
}

#[derive(Clone, Copy)]
struct Cursor<'de> {
    node: &'de Node,
    /// The key that it stands behind.
    key: &'de str,
    /// The map that the key stands in.
    site: Location<'de>,
    /// Whether it is one of a list behind the key.
    in_list: bool,
    /// The place of its faults: the value, or the key where there is none.
    at: SourceSpan,
    /// The key: a missing key of its map is reported there.
    behind: SourceSpan,
    sink: &'de Sink,
}

impl<'de> Cursor<'de> {
    /// The value of an entry; `site` is the map that the entry stands in.
    fn of(self, entry: &'de Entry, site: Location<'de>) -> Self {
        Self {
            node: &entry.value,
            key: &entry.key,
            site,
            in_list: false,
            at: pointed(&entry.value, entry.key_span, site.root),
            behind: entry.key_span,
            ..self
        }
    }

    fn element(self, node: &'de Node) -> Self {
        Self {
            node,
            // A single value in the place of a list stands behind the key itself.
            in_list: self.in_list || !std::ptr::eq(node, self.node),
            at: pointed(node, self.at, self.site.root),
            behind: if node.span.is_empty() {
                self.behind
            } else {
                node.span
            },
            ..self
        }
    }

    /// The place of a fault of this value.
    fn place(self, fault: &Fault) -> SourceSpan {
        if fault.is_missing_key() {
            self.behind
        } else {
            self.at
        }
    }

    /// The inside of a map.
    fn inside(self, of: &'static str, map: &'de [Entry]) -> Location<'de> {
        self.site.inside(self.key, MapType::named(of), map)
    }

    fn note(self, error: DecodeError) {
        let place = self.place(&error.fault);
        self.sink.borrow_mut().push(*error.at(place).fault);
    }

    fn expected(self, what: Expected) -> DecodeError {
        self.locate_error(Fault::from(FaultKind::Expected(what, None)).into())
    }

    /// Adds the value that was found and the fix, if the fault has none yet.
    fn locate_error(self, error: DecodeError) -> DecodeError {
        let own = error.fault.span.is_none();
        let place = self.place(&error.fault);
        let mut fault = error.at(place).fault;
        if let Some(help) = hint::slip(self).filter(|_| own || fault.span == Some(self.at)) {
            fault.help = Some(help.into());
        }
        if let FaultKind::Expected(expected, found @ None) = &mut fault.kind {
            *found = Some(self.node.found());
            if fault.help.is_none() {
                fault.help = Some(hint(self, expected));
            }
        }
        DecodeError { fault }
    }

    fn integer<V: TryFrom<i128>>(self, low: i128, high: i128) -> Result<V, DecodeError> {
        let read = match self.node.value {
            Value::Int(n, _) => V::try_from(n).ok(),
            _ => None,
        };
        read.ok_or_else(|| {
            self.expected(Expected::Integer {
                min: i64::try_from(low).unwrap_or(i64::MIN),
                max: i64::try_from(high).ok().filter(|high| *high < i64::MAX),
            })
        })
    }

    /// In roles a number or a switch is not accepted as a text.
    fn text_of_role<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let expected = expected_by(&visitor);
        match &self.node.value {
            Value::Text(text) if matches!(expected, Expected::Address(_)) => {
                let read = visitor.visit_borrowed_str(text);
                read.map_err(|_: DecodeError| self.expected(expected))
            }
            Value::Text(text) => self.locate(visitor.visit_borrowed_str(text)),
            _ => Err(self.expected(expected)),
        }
    }

    fn list(self) -> Result<&'de [Node], DecodeError> {
        match &self.node.value {
            Value::List(list) => Ok(list),
            _ => Err(self.expected(Expected::List)),
        }
    }

    fn map(self) -> Result<&'de [Entry], DecodeError> {
        match &self.node.value {
            Value::Map(entries) => Ok(entries),
            // `hosts:` with nothing behind it, and `tcp:` for `tcp: {}`.
            Value::Null => Ok(&[]),
            _ => Err(self.expected(Expected::Map)),
        }
    }

    fn locate<T>(self, result: Result<T, DecodeError>) -> Result<T, DecodeError> {
        result.map_err(|error| self.locate_error(error))
    }
}

/// The place at which a fault of a value is shown. Lists and maps: at the alias that uses them. A single value: where it is
/// written if that is in `vars`, else at the alias.
fn pointed(node: &Node, otherwise: SourceSpan, root: &Node) -> SourceSpan {
    match node.value {
        Value::Null => otherwise,
        Value::List(_) | Value::Map(_) => node.used.unwrap_or(node.span),
        _ if node.span.is_empty() => otherwise,
        _ => Places(root).seen(node, node.span),
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident $type:ty;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            let value = self.integer::<$type>(i128::from(<$type>::MIN), i128::from(<$type>::MAX))?;
            self.locate(visitor.$visit(value))
        }
    )*};
}

impl<'de> Deserializer<'de> for Cursor<'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let result = match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(b, _) => visitor.visit_bool(*b),
            Value::Int(n, text) => match (u64::try_from(*n), i64::try_from(*n)) {
                (Ok(n), _) => visitor.visit_u64(n),
                (_, Ok(n)) => visitor.visit_i64(n),
                _ => visitor.visit_str(text),
            },
            Value::Float(n, _) => visitor.visit_f64(*n),
            Value::Text(text) => visitor.visit_borrowed_str(text),
            Value::List(_) => return self.deserialize_seq(visitor),
            Value::Map(_) => return self.deserialize_map(visitor),
        };
        self.locate(result)
    }

    integers! {
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match &self.node.value {
            Value::Bool(b, _) => self.locate(visitor.visit_bool(*b)),
            _ => Err(self.expected(Expected::Bool)),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match &self.node.value {
            Value::Float(n, _) => self.locate(visitor.visit_f64(*n)),
            Value::Int(n, _) => self.locate(visitor.visit_f64(*n as f64)),
            _ => Err(self.expected(Expected::Number)),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.site.role {
            return self.text_of_role(visitor);
        }
        match &self.node.value {
            Value::Text(text)
            | Value::Int(_, text)
            | Value::Float(_, text)
            | Value::Bool(_, text) => self.locate(visitor.visit_borrowed_str(text)),
            Value::Null | Value::List(_) | Value::Map(_) => {
                // The visitor's own text is more precise ("an address such as ...").
                self.locate(Err(de::Error::invalid_type(Unexpected::Unit, &visitor)))
            }
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.node.value {
            Value::Null => self.locate(visitor.visit_none()),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.node.value {
            Value::Null => self.locate(visitor.visit_unit()),
            _ => Err(self.expected(Expected::Nothing)),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match name {
            RECOVER => visitor.visit_seq(Recover(self)),
            EACH => match &self.node.value {
                Value::List(list) => visitor.visit_seq(Elements(self, list.iter())),
                _ => visitor.visit_seq(Elements(self, std::slice::from_ref(self.node).iter())),
            },
            SHAPE => self.locate(visitor.visit_seq(Shapes(self, true))),
            _ => self.locate(visitor.visit_newtype_struct(self)),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let list = self.list()?;
        self.locate(visitor.visit_seq(Elements(self, list.iter())))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match &self.node.value {
            Value::List(list) if self.site.role && list.len() != length => {
                let what = Expected::Other(format!("a list of {length} values").into(), None);
                let found = Found {
                    shape: Shape::List,
                    text: format!("one of {}", list.len()),
                };
                Err(DecodeError::from(Fault::expected(what, found)).at(self.at))
            }
            _ => self.deserialize_seq(visitor),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let entries = self.map()?;
        let site = self.inside("", entries);
        self.locate(visitor.visit_map(Entries::new(self, site, None)))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let entries = self.map()?;
        let site = self.inside(name, entries);
        if let Some(fault) = group::of_hosts(&site) {
            return Err(fault.into());
        }
        let is_unknown = |entry: &&Entry| !fields.contains(&entry.key.as_str());
        if entries.iter().any(|entry| is_unknown(&entry)) {
            let hints = if site.inventory {
                foreign::explain(&site, fields)
            } else {
                vec![None; entries.len()]
            };
            let unknown = entries
                .iter()
                .zip(hints)
                .filter(|(entry, _)| is_unknown(entry));
            for (entry, hint) in unknown {
                let fault = unknown_entry(entry, hint, &site, fields).at(entry.key_span);
                self.sink.borrow_mut().push(fault);
            }
        }
        self.locate(visitor.visit_map(Entries::new(self, site, Some(fields))))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match &self.node.value {
            // The text may be the secret itself, so it is neither read as a word nor shown.
            Value::Text(_) | Value::Bool(..) | Value::Int(..) | Value::Float(..)
                if name == SecretSource::TYPE =>
            {
                Err(DecodeError::from(plain_secret()).at(self.at))
            }
            Value::Text(word) | Value::Bool(_, word) | Value::Int(_, word) => {
                // Roles accept one spelling only, as another reader reads them too.
                let same = |known: &&&str| !self.site.role && known.eq_ignore_ascii_case(word);
                let word = variants.iter().find(same).copied().unwrap_or(word);
                let known: StrDeserializer<'_, DecodeError> = word.into_deserializer();
                let made = visitor.visit_enum(known).map_err(|error: DecodeError| {
                    // The word is known, and needs a map behind it.
                    if self.site.role && error.fault.kind == FaultKind::EmptyVariant {
                        Fault::new(format!("{} has nothing behind it", shown(word))).into()
                    } else {
                        error
                    }
                });
                self.locate(made)
            }
            Value::Map(entries) => match entries.as_slice() {
                [entry] => {
                    let cursor = self.of(entry, self.inside(name, entries));
                    cursor.locate(visitor.visit_enum(Variant(cursor, &entry.key, entry.key_span)))
                }
                _ => {
                    Err(self.expected(Expected::Words("one of".into(), variants.join(", ").into())))
                }
            },
            _ => Err(self.expected(Expected::Words("one of".into(), variants.join(", ").into()))),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }
}
