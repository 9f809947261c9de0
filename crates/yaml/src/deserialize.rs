//! Types out of documents, through serde.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, Expected,
    IntoDeserializer, MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::error::{Error, Problem, Step};
use crate::node::{Data, Node};

impl Node {
    /// Reads it as a type.
    ///
    /// # Errors
    /// Names the line, the column and the key.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, Error> {
        T::deserialize(self)
    }
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.data {
            Data::Null => visitor.visit_unit(),
            Data::Bool(value) => visitor.visit_bool(*value),
            Data::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => visitor.visit_u64(number),
                (None, Some(number)) => visitor.visit_i64(number),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
            },
            Data::Text(text) => visitor.visit_borrowed_str(text),
            Data::List(items) => visitor.visit_seq(Items {
                items: items.iter(),
                index: 0,
            }),
            Data::Map(entries) => visitor.visit_map(Entries {
                entries: entries.iter(),
                value: None,
            }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.data {
            Data::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    /// serde would take a list for the values of a struct's fields in their order.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.data {
            Data::List(_) => Err(Error::invalid_type(Unexpected::Seq, &visitor)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match &self.data {
            Data::Text(text) => visitor.visit_enum(Variant {
                name: text,
                value: None,
            }),
            Data::Map(entries) => match entries.as_slice() {
                [(name, value)] => visitor.visit_enum(Variant {
                    name,
                    value: Some(value),
                }),
                _ => Err(Error::custom("expected a map of one key")),
            },
            _ => Err(Error::custom(format_args!(
                "expected a string, found {}",
                self.kind()
            ))),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map identifier
    }
}

impl Node {
    fn kind(&self) -> &'static str {
        match self.data {
            Data::Null => "null",
            Data::Bool(_) => "a boolean",
            Data::Number(_) => "a number",
            Data::Text(_) => "a string",
            Data::List(_) => "a list",
            Data::Map(_) => "a map",
        }
    }
}

impl<'de> IntoDeserializer<'de, Error> for &'de Node {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

struct Items<'de> {
    items: std::slice::Iter<'de, Node>,
    index: usize,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let Some(item) = self.items.next() else {
            return Ok(None);
        };
        let index = self.index;
        self.index += 1;
        seed.deserialize(item)
            .map(Some)
            .map_err(|error| error.inside(item, Step::Item(index)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Entries<'de> {
    entries: std::slice::Iter<'de, (compact_str::CompactString, Node)>,
    value: Option<(&'de str, &'de Node)>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let Some((key, value)) = self.entries.next() else {
            return Ok(None);
        };
        self.value = Some((key, value));
        let key_itself: StrDeserializer<'_, Error> = key.as_str().into_deserializer();
        seed.deserialize(key_itself).map(Some).map_err(|error| {
            let mut error = error;
            error.position = Some(value.at);
            error.path = vec![Step::Key(key.to_string())];
            error
        })
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let Some((key, value)) = self.value.take() else {
            return Err(Error::custom("a value was asked for before its key"));
        };
        seed.deserialize(value)
            .map_err(|error| error.inside(value, Step::Key(key.to_owned())))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

/// A variant's name and, where it is a map's only key, its value.
struct Variant<'de> {
    name: &'de str,
    value: Option<&'de Node>,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let name: StrDeserializer<'_, Error> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.value {
            None => Ok(()),
            Some(value) if value.is_null() => Ok(()),
            Some(_) => Err(Error::custom("expected a string, found a map")),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        match self.value {
            Some(value) => seed
                .deserialize(value)
                .map_err(|error| error.inside(value, Step::Key(self.name.to_owned()))),
            None => Err(Error::custom("expected a map of one key, found a string")),
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Some(value) => value.deserialize_any(visitor),
            None => Err(Error::custom("expected a map of one key, found a string")),
        }
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.value {
            Some(value) => value.deserialize_struct("", fields, visitor),
            None => Err(Error::custom("expected a map of one key, found a string")),
        }
    }
}

impl Error {
    /// Adds a step to the path, and the position if there is none that is more exact.
    fn inside(mut self, node: &Node, step: Step) -> Error {
        if self.position.is_none() {
            // A reader inside, such as serde_json's for a value, knows a key's name and no place.
            let child = match &self.problem {
                Problem::UnknownKey { key, .. } => Some((key, node.get(key))),
                _ => None,
            };
            self.position = Some(node.at);
            if let Some((key, child)) = child
                && step != Step::Key(key.clone())
            {
                self.position = child.map(|child| child.at).or(self.position);
                self.path.push(Step::Key(key.clone()));
            }
        }
        self.path.push(step);
        self
    }

    pub(crate) fn without_place(problem: Problem) -> Error {
        Error {
            position: None,
            path: Vec::new(),
            problem,
        }
    }
}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Error {
        Error::without_place(described(&message.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Error {
        let found = kind(found);
        Error::without_place(Problem::Value(format!(
            "expected {expected}, found {found}"
        )))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Error {
        let found = kind(found);
        Error::without_place(Problem::Value(format!(
            "invalid value: expected {expected}, found {found}"
        )))
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Error {
        Error::without_place(Problem::UnknownKey {
            key: key.to_owned(),
            known: known.iter().map(|key| (*key).to_owned()).collect(),
        })
    }
}

/// The kind of a value. The value itself may be a password that stands in the wrong place.
fn kind(found: Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
        Unexpected::Char(_) | Unexpected::Str(_) | Unexpected::Bytes(_) => "a string",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "a list",
        Unexpected::Map | Unexpected::NewtypeStruct => "a map",
        _ => "something else",
    }
}

/// Reads serde's messages, which is all that is left of an error of another reader inside a value.
fn described(message: &str) -> Problem {
    if message.starts_with("unknown field ") {
        let mut quoted = message.split('`').skip(1).step_by(2).map(str::to_owned);
        if let Some(key) = quoted.next() {
            return Problem::UnknownKey {
                key,
                known: quoted.collect(),
            };
        }
    }
    let shows_value = ["invalid type: ", "invalid value: "]
        .iter()
        .find_map(|kind| message.strip_prefix(kind));
    // The value may hold anything, this separator too: hence the last one.
    match shows_value.and_then(|rest| rest.rsplit_once(", expected ")) {
        Some((found, expected)) => {
            let found = found.split(['"', '`']).next().unwrap_or_default().trim();
            let found = match found {
                "boolean" => "a boolean",
                "integer" | "floating point" => "a number",
                "string" | "character" => "a string",
                "null" | "unit value" | "Option value" => "null",
                "sequence" => "a list",
                "map" => "a map",
                _ => "something else",
            };
            Problem::Value(format!("expected {expected}, found {found}"))
        }
        None => Problem::Value(message.to_owned()),
    }
}
