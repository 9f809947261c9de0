//! Jinja2's global functions.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::value::{Object, ObjectRepr, Rest, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, Value};

use crate::arguments::{bind, split};
use crate::bounds;
use crate::operators::values;
use crate::value::range::Range;
use crate::value::{dict, invalid};

pub(crate) fn install(env: &mut Environment<'static>) {
    env.add_function("range", |args: Rest<ValueOrKwargs>| {
        Range::of(&values(args))
    });
    env.add_function(
        "dict",
        |state: &State<'_, '_>, args: Rest<ValueOrKwargs>| dict::new(state, &values(args)),
    );
    env.add_function(
        "cycler",
        |state: &State<'_, '_>, args: Rest<ValueOrKwargs>| {
            let args = values(args);
            let (items, _) = split(&args);
            if items.is_empty() {
                return Err(invalid("cycler needs at least one item"));
            }
            for item in items {
                bounds::visit(state, item, &no_cycler)?;
            }
            Ok(Value::from_object(Cycler {
                items: items.to_vec(),
                at: AtomicUsize::new(0),
            }))
        },
    );
    env.add_function(
        "joiner",
        |state: &State<'_, '_>, args: Rest<ValueOrKwargs>| {
            let [separator] = bind("joiner", &values(args), ["sep"])?;
            let separator = separator.unwrap_or(Value::from(", "));
            bounds::visit(state, &separator, &no_cycler)?;
            Ok(Value::from_object(Joiner {
                separator: Mutex::new(None),
                kept: separator,
            }))
        },
    );
    env.remove_global("debug");
}

/// Refuses cyclers in cyclers, which could nest without end.
fn no_cycler(value: &Value) -> Result<(), Error> {
    match value.downcast_object_ref::<Cycler>().is_some()
        || value.downcast_object_ref::<Joiner>().is_some()
    {
        true => Err(invalid("a cycler or joiner cannot hold another")),
        false => Ok(()),
    }
}

/// Returns its items one after another, in a cycle.
#[derive(Debug)]
struct Cycler {
    items: Vec<Value>,
    at: AtomicUsize,
}

impl Object for Cycler {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let at = self.at.load(Ordering::Relaxed) % self.items.len();
        match key {
            "current" => self.items.get(at).cloned(),
            "pos" => Some(Value::from(at)),
            _ => None,
        }
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        _: &[Value],
    ) -> Result<Value, Error> {
        match method {
            "next" => {
                let at = self.at.fetch_add(1, Ordering::Relaxed) % self.items.len();
                Ok(self.items.get(at).cloned().unwrap_or_default())
            }
            "reset" => {
                self.at.store(0, Ordering::Relaxed);
                Ok(Value::from(()))
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<jinja2.utils.Cycler object>")
    }
}

/// Returns nothing the first time, and its separator from then on.
#[derive(Debug)]
struct Joiner {
    separator: Mutex<Option<Value>>,
    kept: Value,
}

impl Object for Joiner {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, _: &[Value]) -> Result<Value, Error> {
        let mut separator = self
            .separator
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let before = separator.replace(self.kept.clone());
        Ok(before.unwrap_or(Value::from("")))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<jinja2.utils.Joiner object>")
    }
}
