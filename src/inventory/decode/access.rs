//! Access for serde's visitors: elements, entries, variants, and the three requests of our own types.

use miette::SourceSpan;
use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use super::{Cursor, DecodeError, whole};
use crate::diagnostic::Fault;
use crate::inventory::location::Location;
use crate::yaml::{Entry, Node, Value};

pub(super) struct Recover<'de>(pub(super) Cursor<'de>);

impl<'de> SeqAccess<'de> for Recover<'de> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        if let Some(fault) = whole::misread(self.0) {
            self.0.note(fault.into());
            return Ok(None);
        }
        match seed.deserialize(self.0) {
            Ok(value) => Ok(Some(value)),
            Err(error) => {
                self.0.note(error);
                Ok(None)
            }
        }
    }
}

pub(super) struct Shapes<'de>(pub(super) Cursor<'de>, pub(super) bool);

impl<'de> SeqAccess<'de> for Shapes<'de> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        if !std::mem::take(&mut self.1) {
            return seed.deserialize(self.0).map(Some);
        }
        let shape = match self.0.node.value {
            Value::Null => "null",
            Value::Bool(..) => "bool",
            Value::Int(..) => "int",
            Value::Float(..) => "float",
            Value::Text(_) => "text",
            Value::List(_) => "list",
            Value::Map(_) => "map",
        };
        let shape: StrDeserializer<'_, DecodeError> = shape.into_deserializer();
        seed.deserialize(shape).map(Some)
    }
}

pub(super) struct Elements<'de>(
    pub(super) Cursor<'de>,
    pub(super) std::slice::Iter<'de, Node>,
);

impl<'de> SeqAccess<'de> for Elements<'de> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        match self.1.next() {
            Some(node) => seed.deserialize(self.0.element(node)).map(Some),
            None => Ok(None),
        }
    }
}

pub(super) struct Entries<'de> {
    cursor: Cursor<'de>,
    site: Location<'de>,
    entries: std::slice::Iter<'de, Entry>,
    /// Keys that are not among these have been noted already.
    known: Option<&'static [&'static str]>,
    value: Option<&'de Entry>,
}

impl<'de> Entries<'de> {
    pub(super) fn new(
        cursor: Cursor<'de>,
        site: Location<'de>,
        known: Option<&'static [&'static str]>,
    ) -> Self {
        Self {
            cursor,
            entries: site.map().iter(),
            site,
            known,
            value: None,
        }
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DecodeError> {
        let known = self.known;
        self.value = self
            .entries
            .find(|e| known.is_none_or(|known| known.contains(&e.key.as_str())));
        let Some(entry) = self.value else {
            return Ok(None);
        };
        let key: StrDeserializer<'_, DecodeError> = entry.key.as_str().into_deserializer();
        let decoded = seed.deserialize(key);
        decoded.map(Some).map_err(|e| e.at(entry.key_span))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, DecodeError> {
        match self.value.take() {
            Some(entry) => {
                let cursor = self.cursor.of(entry, self.site);
                cursor.locate(seed.deserialize(cursor))
            }
            None => Err(Fault::new("a key without a value").into()),
        }
    }
}

pub(super) struct Variant<'de>(
    pub(super) Cursor<'de>,
    pub(super) &'de str,
    pub(super) SourceSpan,
);

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = DecodeError;
    type Variant = Content<'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Content<'de>), DecodeError> {
        let word: StrDeserializer<'_, DecodeError> = self.1.into_deserializer();
        let variant = seed.deserialize(word).map_err(|e| e.at(self.2))?;
        Ok((variant, Content(self.0)))
    }
}

pub(super) struct Content<'de>(pub(super) Cursor<'de>);

impl<'de> VariantAccess<'de> for Content<'de> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        self.0.deserialize_unit(de::IgnoredAny).map(|_| ())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, DecodeError> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.0.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.0.deserialize_struct("", fields, visitor)
    }
}
