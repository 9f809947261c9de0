//! Methods of values.

mod format;
mod names;
mod string;

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, State, Value};

use crate::value::{self, integer, type_name};

use names::StringMethod;
pub(crate) use names::{DictMethod, ListMethod};
pub(crate) use string::replace;

/// Calls a method that minijinja does not know.
pub(crate) fn call(
    state: &mut State<'_, '_>,
    value: &Value,
    method: &str,
    args: &[Value],
) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default();
            state.consume_fuel(text.len() as u64 / 8)?;
            string::call(state, text, method, args)
        }
        ValueKind::Map => value::dict::of_mapping(state, value, method, args),
        ValueKind::Seq | ValueKind::Iterable if type_name(value) != "generator" => {
            value::list::read(state, value, method, args)
        }
        ValueKind::Number | ValueKind::Bool => number(value, method),
        _ => Err(Error::from(ErrorKind::UnknownMethod)),
    }
}

fn number(value: &Value, method: &str) -> Result<Value, Error> {
    match (method, value::real(value)) {
        ("is_integer", Some(number)) => Ok(Value::from(number.fract() == 0.0)),
        ("bit_length", _) => match integer(value) {
            Some(number) => Ok(Value::from(128 - number.unsigned_abs().leading_zeros())),
            None => Err(Error::from(ErrorKind::UnknownMethod)),
        },
        ("conjugate", Some(_)) => Ok(value.clone()),
        _ => Err(Error::from(ErrorKind::UnknownMethod)),
    }
}

/// Returns true if a value has a method of this name, for `x|attr('upper')`.
pub(crate) fn exists(value: &Value, name: &str) -> bool {
    match type_name(value) {
        "str" => StringMethod::by_name(name).is_some(),
        "list" => ListMethod::by_name(name).is_some(),
        "tuple" => matches!(
            ListMethod::by_name(name),
            Some(ListMethod::Count | ListMethod::Index)
        ),
        "dict" => DictMethod::by_name(name).is_some(),
        _ => false,
    }
}
