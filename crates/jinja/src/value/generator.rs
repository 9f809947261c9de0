//! Generators: what can be walked through once.

use std::sync::{Arc, Mutex, PoisonError};

use minijinja::Value;
use minijinja::value::{Enumerator, Object, ObjectRepr};

/// The result of `map`, `select` and the like. It is true, has no length, and is empty after its
/// first use.
#[derive(Debug)]
pub(crate) struct Generator {
    pub name: &'static str,
    items: Mutex<Vec<Value>>,
}

impl Generator {
    pub fn of(name: &'static str, items: Vec<Value>) -> Value {
        Value::from_object(Generator {
            name,
            items: Mutex::new(items),
        })
    }

    /// Removes and returns the first item.
    pub fn next(&self) -> Option<Value> {
        let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        (!items.is_empty()).then(|| items.remove(0))
    }
}

impl Object for Generator {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Iterable
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        Enumerator::Values(std::mem::take(&mut *items))
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        None
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }

    fn get_value(self: &Arc<Self>, _: &Value) -> Option<Value> {
        // Looking for an item would use it up.
        Some(Value::UNDEFINED)
    }

    fn render(self: &Arc<Self>, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<{} object>", self.name)
    }
}
