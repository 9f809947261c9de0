//! Equality: numbers compare by value, and `True` is 1.

use std::borrow::Borrow;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value};

use crate::json_value::{float, whole};

/// Returns `a == b`.
pub fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Bool(_) | Value::Number(_), Value::Bool(_) | Value::Number(_)) => {
            match (whole(a), whole(b)) {
                (Some(a), Some(b)) => a == b,
                _ => float(a) == float(b),
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Value::Object(a), Value::Object(b)) => equal_maps(a, b),
        _ => a == b,
    }
}

fn equal_maps(a: &Map<String, Value>, b: &Map<String, Value>) -> bool {
    a.len() == b.len()
        && a.iter()
            .all(|(key, value)| b.get(key).is_some_and(|other| equal(value, other)))
}

/// A key of a hash map that stands for every value equal to it.
pub struct Equal<T>(pub T);

impl<T: Borrow<Value>> PartialEq for Equal<T> {
    fn eq(&self, other: &Self) -> bool {
        equal(self.0.borrow(), other.0.borrow())
    }
}

impl<T: Borrow<Value>> Eq for Equal<T> {}

impl<T: Borrow<Value>> Hash for Equal<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash(self.0.borrow(), state);
    }
}

fn hash(value: &Value, state: &mut impl Hasher) {
    match value {
        Value::Null => state.write_u8(0),
        // Zero has two signs.
        Value::Bool(_) | Value::Number(_) => state.write_u64((float(value) + 0.0).to_bits()),
        Value::String(text) => text.hash(state),
        Value::Array(items) => {
            state.write_usize(items.len());
            for item in items {
                hash(item, state);
            }
        }
        // The order of a map's keys does not count.
        Value::Object(map) => {
            let entry = |(key, item): (&String, &Value)| {
                let mut state = DefaultHasher::new();
                key.hash(&mut state);
                hash(item, &mut state);
                state.finish()
            };
            state.write_u64(map.iter().map(entry).fold(0, u64::wrapping_add));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn true_is_one() {
        assert!(equal(&json!([true, {"a": 1.0}]), &json!([1, {"a": 1}])));
        assert!(!equal(&json!("1"), &json!(1)));
        assert!(!equal(&json!(null), &json!(false)));
    }

    #[test]
    fn equal_values_have_one_hash() {
        let hashed = |value: &Value| {
            let mut state = DefaultHasher::new();
            hash(value, &mut state);
            state.finish()
        };
        for (a, b) in [
            (json!([true, -0.0]), json!([1.0, 0])),
            (json!({"a": 1, "b": [2]}), json!({"b": [2.0], "a": true})),
            (json!(9007199254740993_i64), json!(9007199254740992.0)),
        ] {
            assert!(equal(&a, &b));
            assert_eq!(hashed(&a), hashed(&b));
        }
    }
}
