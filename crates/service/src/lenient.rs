//! Values that service definitions write in several forms: null where a condition removed a value, a
//! list of lines for a string, one task for a list of tasks.

use std::marker::PhantomData;

use serde::{Deserialize, Deserializer};

use crate::{ConfigVolume, Step};

/// Reads a value, or its type's default for null.
pub fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads a string, or a list of lines.
pub fn lines<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(strings(deserializer)?.join("\n"))
}

/// Reads a string, or a list of Puppet tags.
pub fn tags<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(strings(deserializer)?.join(","))
}

/// Reads a list of strings without its null and empty items, which conditions leave behind.
pub fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let items: Option<Vec<Option<String>>> = Option::deserialize(deserializer)?;
    Ok(present(items.unwrap_or_default()))
}

/// Reads a config volume; null and the empty string mean that there is none.
pub fn volume<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<ConfigVolume>, D::Error> {
    match Option::<String>::deserialize(deserializer)? {
        Some(name) if !name.is_empty() => ConfigVolume::new(name)
            .map(Some)
            .map_err(serde::de::Error::custom),
        _ => Ok(None),
    }
}

/// Reads the tasks of each step: one, or a list of them.
pub fn tasks<'de, D, T>(deserializer: D) -> Result<crate::ByStep<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let steps: Option<crate::ByStep<Option<OneOrMany<T>>>> = Option::deserialize(deserializer)?;
    let tasks = |many: Option<OneOrMany<T>>| many.map(|many| many.0).unwrap_or_default();
    Ok(steps
        .unwrap_or_default()
        .into_iter()
        .map(|(step, many): (Step, _)| (step, tasks(many)))
        .collect())
}

fn strings<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct Strings;
    impl<'de> serde::de::Visitor<'de> for Strings {
        type Value = Vec<String>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a string or a list of strings")
        }
        fn visit_str<E>(self, text: &str) -> Result<Vec<String>, E> {
            Ok(vec![text.to_owned()])
        }
        fn visit_unit<E>(self) -> Result<Vec<String>, E> {
            Ok(Vec::new())
        }
        fn visit_seq<A: serde::de::SeqAccess<'de>>(
            self,
            mut items: A,
        ) -> Result<Vec<String>, A::Error> {
            let mut all: Vec<Option<String>> = Vec::new();
            while let Some(item) = items.next_element()? {
                all.push(item);
            }
            Ok(present(all))
        }
    }
    deserializer.deserialize_any(Strings)
}

fn present(items: Vec<Option<String>>) -> Vec<String> {
    let items = items.into_iter().flatten();
    items.filter(|item| !item.is_empty()).collect()
}

/// One value, or a list of values. The form in the file decides which errors are reported.
struct OneOrMany<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<OneOrMany<T>, D::Error> {
        struct Visitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> serde::de::Visitor<'de> for Visitor<T> {
            type Value = OneOrMany<T>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a task or a list of tasks")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                map: A,
            ) -> Result<OneOrMany<T>, A::Error> {
                let map = serde::de::value::MapAccessDeserializer::new(map);
                T::deserialize(map).map(|task| OneOrMany(vec![task]))
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                seq: A,
            ) -> Result<OneOrMany<T>, A::Error> {
                let seq = serde::de::value::SeqAccessDeserializer::new(seq);
                Vec::deserialize(seq).map(OneOrMany)
            }
        }
        deserializer.deserialize_any(Visitor(PhantomData))
    }
}
