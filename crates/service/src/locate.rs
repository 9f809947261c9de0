//! From a key's path to its line.
//!
//! Definitions are read in two passes (text to values, so that YAML merge keys apply; values to
//! types), and the second no longer knows about lines. This finds them again.

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// One turn on the way to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Into a mapping.
    Key(String),
    /// Into a list.
    Item(usize),
}

/// Line and column, counted from 1, of the deepest key on this way that the text has.
pub fn locate(text: &str, way: &[Turn]) -> Option<(usize, usize)> {
    (1..=way.len()).rev().find_map(|depth| {
        let reader = serde_yaml::Deserializer::from_str(text);
        // Arriving is signalled by an error, because errors are what the reader gives places to.
        let arrived = Walk(&way[..depth]).deserialize(reader).err()?;
        let place = arrived.location()?;
        arrived
            .to_string()
            .contains(ARRIVED)
            .then_some((place.line(), place.column()))
    })
}

const ARRIVED: &str = "slipway: arrived";

struct Walk<'a>(&'a [Turn]);

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a mapping or a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((Turn::Key(wanted), rest)) = self.0.split_first() else {
            return Ok(());
        };
        let last = rest.is_empty();
        while let Some(found) = map.next_key_seed(Key { wanted, last })? {
            if found {
                return map.next_value_seed(Walk(rest));
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Some((Turn::Item(wanted), rest)) = self.0.split_first() else {
            return Ok(());
        };
        for _ in 0..*wanted {
            if seq.next_element::<IgnoredAny>()?.is_none() {
                return Ok(());
            }
        }
        match rest.is_empty() {
            true => seq.next_element_seed(Arrive).map(|_| ()),
            false => seq.next_element_seed(Walk(rest)).map(|_| ()),
        }
    }
}

/// Reads a key: whether it is the wanted one.
struct Key<'a> {
    wanted: &'a str,
    last: bool,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = bool;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = bool;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a key")
    }
    fn visit_str<E: Error>(self, key: &str) -> Result<bool, E> {
        match (key == self.wanted, self.last) {
            (true, true) => Err(E::custom(ARRIVED)),
            (found, _) => Ok(found),
        }
    }
}

/// Signals arrival at a list's item, whatever it is.
struct Arrive;

impl<'de> DeserializeSeed<'de> for Arrive {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

macro_rules! arrive {
    ($($visit:ident($kind:ty)),*) => {
        $(fn $visit<E: Error>(self, _: $kind) -> Result<(), E> { Err(E::custom(ARRIVED)) })*
    };
}

impl<'de> Visitor<'de> for Arrive {
    type Value = ();
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("anything")
    }
    arrive!(
        visit_str(&str),
        visit_bool(bool),
        visit_i64(i64),
        visit_u64(u64),
        visit_f64(f64)
    );
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Err(E::custom(ARRIVED))
    }
    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(A::Error::custom(ARRIVED))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(A::Error::custom(ARRIVED))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a: 1\nb:\n  c:\n    - x\n    - y: 2\n      z: {q: 1}\n";

    fn way(turns: &[&str]) -> Vec<Turn> {
        let turn = |text: &&str| match text.parse() {
            Ok(item) => Turn::Item(item),
            Err(_) => Turn::Key((*text).to_owned()),
        };
        turns.iter().map(turn).collect()
    }

    #[test]
    fn keys_and_items_are_found() {
        assert_eq!(locate(TEXT, &way(&["a"])), Some((1, 1)));
        assert_eq!(locate(TEXT, &way(&["b", "c"])), Some((3, 3)));
        assert_eq!(locate(TEXT, &way(&["b", "c", "0"])), Some((4, 7)));
        assert_eq!(locate(TEXT, &way(&["b", "c", "1", "z"])), Some((6, 7)));
        assert_eq!(
            locate(TEXT, &way(&["b", "c", "1", "z", "q"])),
            Some((6, 11))
        );
    }

    #[test]
    fn the_deepest_known_key_stands_in_for_one_that_is_not_there() {
        assert_eq!(locate(TEXT, &way(&["b", "nothing", "x"])), Some((2, 1)));
        assert_eq!(locate(TEXT, &way(&["nothing"])), None);
    }
}
