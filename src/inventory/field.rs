//! Building blocks of the raw types: fields that outlive a faulty value, and short forms beside long ones.

use std::borrow::Cow;
use std::fmt::{self, Display as _};
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::decode::{EACH, RECOVER, SHAPE, Typed};
use crate::diagnostic::{Expected, Fault, FaultKind, Help};

/// A key's value: not given, given but faulty (and reported), or given.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Opt<T> {
    #[default]
    Absent,
    Broken,
    Given(T),
}

impl<T> Opt<T> {
    pub(super) fn get(&self) -> Option<&T> {
        match self {
            Self::Given(value) => Some(value),
            _ => None,
        }
    }

    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    pub(super) fn is_broken(&self) -> bool {
        matches!(self, Self::Broken)
    }

    /// This one, or the other where this one is not given.
    pub(super) fn or<'a>(&'a self, other: &'a Self) -> &'a Self {
        if self.is_absent() { other } else { self }
    }
}

impl<T: Copy> Opt<T> {
    pub(super) fn copied(&self) -> Option<T> {
        self.get().copied()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Opt<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(RECOVER, OptVisitor(PhantomData))
    }
}

struct OptVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OptVisitor<T> {
    type Value = Opt<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Opt<T>, A::Error> {
        Ok(seq.next_element()?.map_or(Opt::Broken, Opt::Given))
    }
}

impl<T: JsonSchema> JsonSchema for Opt<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}

/// One value, or a list of them. Faulty ones are left out, having been reported; their place is kept.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Many<T>(pub Vec<Opt<T>>);

impl<T> Many<T> {
    /// The values with their index in the list.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        let all = self.0.iter().enumerate();
        all.filter_map(|(index, value)| Some((index, value.get()?)))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(EACH, ManyVisitor(PhantomData))
    }
}

struct ManyVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ManyVisitor<T> {
    type Value = Many<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or a list of values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Many<T>, A::Error> {
        let mut all = Vec::new();
        while let Some(value) = seq.next_element()? {
            all.push(value);
        }
        Ok(Many(all))
    }
}

impl<T: JsonSchema> JsonSchema for Many<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMore{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
    }
}

/// A map from names to values, in the order of the file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Named<T>(pub Vec<(String, Opt<T>)>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Named<T> {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        let all = self.0.iter();
        all.filter_map(|(name, value)| Some((name.as_str(), value.get()?)))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(NamedVisitor(PhantomData))
    }
}

struct NamedVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for NamedVisitor<T> {
    type Value = Named<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named<T>, A::Error> {
        let mut all = Vec::new();
        while let Some(entry) = map.next_entry()? {
            all.push(entry);
        }
        Ok(Named(all))
    }
}

impl<T: JsonSchema> JsonSchema for Named<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("MapOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "type": "object", "additionalProperties": one })
    }
}

/// A value written as one word or text.
pub(super) trait Word: Sized {
    const EXPECTED: Expected;

    fn read(text: &str) -> Result<Self, Wrong>;

    /// Its JSON Schema.
    fn schema() -> Schema {
        json_schema!({ "type": "string", "title": Self::EXPECTED.title() })
    }
}

/// The reason why a value is refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
pub(super) struct Wrong {
    /// Without a reason the message names the expected value.
    pub kind: Option<FaultKind>,
    pub help: Option<Box<Help>>,
}

impl Wrong {
    pub(super) fn because(message: impl Into<String>, help: impl Into<Help>) -> Self {
        Self {
            kind: Some(FaultKind::Other(message.into())),
            help: Some(Box::new(help.into())),
        }
    }

    pub(super) fn expected(what: Expected, help: impl Into<Help>) -> Self {
        Self {
            kind: Some(FaultKind::Expected(what, None)),
            help: Some(Box::new(help.into())),
        }
    }

    pub(super) fn help(help: impl Into<Help>) -> Self {
        Self {
            kind: None,
            help: Some(Box::new(help.into())),
        }
    }

    /// Through an error of serde.
    pub(super) fn into_error<E: Error>(self) -> E {
        E::custom(Typed(&self))
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Some(kind) => kind.fmt(f),
            None => f.write_str("another value is expected"),
        }
    }
}

impl From<Wrong> for Fault {
    fn from(wrong: Wrong) -> Self {
        let kind = wrong.kind.unwrap_or(FaultKind::Other(String::new()));
        let mut fault = Self::from(kind);
        fault.help = wrong.help.map(|help| *help);
        fault
    }
}

/// Decodes a [`Word`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Text<T>(pub T);

impl<'de, T: Word> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor(PhantomData))
    }
}

struct TextVisitor<T>(PhantomData<T>);

impl<T: Word> Visitor<'_> for TextVisitor<T> {
    type Value = Text<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Typed(&T::EXPECTED).fmt(f)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text<T>, E> {
        T::read(text).map(Text).map_err(|mut wrong| {
            let expected = || FaultKind::Expected(T::EXPECTED, None);
            wrong.kind.get_or_insert_with(expected);
            wrong.into_error()
        })
    }
}

impl<T: Word> JsonSchema for Text<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        T::schema()
    }
}

/// A value with a short and a long form, which its shape distinguishes.
pub(super) trait Shaped: Sized {
    const EXPECTED: Expected;

    /// `shape` is one of null, bool, int, float, text, list, map; the value can be taken from `node` as often as
    /// needed. None: the shape is none of those expected.
    fn read<'de, A: SeqAccess<'de>>(
        shape: &str,
        node: &mut Peek<A>,
    ) -> Result<Option<Self>, A::Error>;
}

/// A value that can be decoded more than once.
pub(super) struct Peek<A>(A);

impl<'de, A: SeqAccess<'de>> Peek<A> {
    pub(super) fn as_a<T: Deserialize<'de>>(&mut self) -> Result<T, A::Error> {
        match self.0.next_element()? {
            Some(value) => Ok(value),
            None => Err(A::Error::custom("expected a value")),
        }
    }
}

/// Decodes a [`Shaped`] value; to be called from its `Deserialize`.
pub(super) fn by_shape<'de, T: Shaped, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    deserializer.deserialize_newtype_struct(SHAPE, ShapeVisitor(PhantomData))
}

struct ShapeVisitor<T>(PhantomData<T>);

impl<'de, T: Shaped> Visitor<'de> for ShapeVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Typed(&T::EXPECTED).fmt(f)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<T, A::Error> {
        let mut node = Peek(seq);
        let shape: String = node.as_a()?;
        match T::read(&shape, &mut node)? {
            Some(value) => Ok(value),
            None => Err(Wrong {
                kind: Some(FaultKind::Expected(T::EXPECTED, None)),
                help: None,
            }
            .into_error()),
        }
    }
}

macro_rules! shaped {
    ($($type:ty),*) => {$(
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::inventory::field::by_shape(deserializer)
            }
        }
    )*};
}
pub(super) use shaped;
