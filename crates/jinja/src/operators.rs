//! Python's operators, as functions that [`crate::adapt`] writes into templates.

use minijinja::value::{Object, Rest, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, Value};
use slipway_pyvalue::percent::{self, Arguments};

use crate::bounds;
use crate::value::range::number;
use crate::value::{
    self, Py, integer, invalid, is_sequence, iterate, list, real, tuple, type_name,
};

pub(crate) fn install(env: &mut Environment<'static>) {
    env.add_filter("_list", own_list);
    env.add_filter("_dict", own_dict);
    env.add_filter("_tuple", check_tuple);
    env.add_function("_math", math);
    env.add_function("_compare", compare);
    env.add_function("_slice", slice);
    env.add_function("_items", items);
    env.add_function("_variadic", variadic);
}

fn own_list(state: &State<'_, '_>, literal: Value) -> Result<Value, Error> {
    match literal.downcast_object::<Vec<Value>>() {
        Some(items) => {
            let items = std::sync::Arc::unwrap_or_clone(items);
            state.consume_fuel(items.len() as u64 / 8)?;
            Ok(list(items))
        }
        None => Ok(list(bounds::items(state, &literal)?)),
    }
}

fn own_dict(state: &State<'_, '_>, literal: Value) -> Result<Value, Error> {
    for key in literal.try_iter()? {
        if key.as_object().is_some() {
            value::dict::check_key(state, &key)?;
        }
    }
    value::own_dict(state, &literal)
}

fn check_tuple(state: &State<'_, '_>, literal: Value) -> Result<Value, Error> {
    bounds::visit(state, &literal, &|_| Ok(()))?;
    Ok(literal)
}

/// Operators from left to right: a value, then operators and values.
fn math(state: &mut State<'_, '_>, first: Value, more: Rest<Value>) -> Result<Value, Error> {
    let operators = || more.chunks_exact(2).map(|pair| &pair[0]);
    // One text of many is not made piece by piece.
    if operators().all(|operator| operator.as_str() == Some("~")) {
        let operands = std::iter::once(&first).chain(more.chunks_exact(2).map(|pair| &pair[1]));
        let mut all = String::new();
        for operand in operands {
            let text = bounds::text(state, operand)?;
            bounds::fits(state, all.len() + text.len(), "what is put together here")?;
            all.push_str(&text);
        }
        return Ok(Value::from(all));
    }
    let mut result = first;
    for pair in more.chunks_exact(2) {
        let operator = pair[0].as_str().unwrap_or_default();
        result = operate(state, operator, &result, &pair[1])?;
        state.consume_fuel(1)?;
    }
    Ok(result)
}

fn operate(
    state: &mut State<'_, '_>,
    operator: &str,
    a: &Value,
    b: &Value,
) -> Result<Value, Error> {
    match operator {
        "+" => add(state, a, b),
        "*" => multiply(state, a, b),
        "%" => remainder(state, a, b),
        _ => arithmetic(operator, a, b),
    }
}

pub(crate) fn add(state: &State<'_, '_>, a: &Value, b: &Value) -> Result<Value, Error> {
    if let (Some(a), Some(b)) = (a.as_str(), b.as_str()) {
        bounds::fits(state, a.len() + b.len(), "what is put together here")?;
        state.consume_fuel((a.len() + b.len()) as u64 / 64)?;
        return Ok(Value::from(format!("{a}{b}")));
    }
    match (type_name(a), type_name(b)) {
        ("list", "list") => {
            let mut items = bounds::items(state, a)?;
            items.extend(bounds::items(state, b)?);
            Ok(list(items))
        }
        ("tuple", "tuple") => {
            let mut items = bounds::items(state, a)?;
            items.extend(bounds::items(state, b)?);
            Ok(tuple(items))
        }
        _ => arithmetic("+", a, b),
    }
}

fn multiply(state: &State<'_, '_>, a: &Value, b: &Value) -> Result<Value, Error> {
    let (repeated, times) = match (a.as_str().is_some() || is_sequence(a), integer(b)) {
        (true, Some(times)) => (a, times),
        _ => match (b.as_str().is_some() || is_sequence(b), integer(a)) {
            (true, Some(times)) => (b, times),
            _ => return arithmetic("*", a, b),
        },
    };
    let times = usize::try_from(times.max(0)).unwrap_or(usize::MAX);
    if let Some(text) = repeated.as_str() {
        let length = text.len().saturating_mul(times);
        state.consume_fuel(length as u64 / 64)?;
        bounds::fits(state, length, "this repeated string")?;
        return Ok(Value::from(text.repeat(times)));
    }
    let items = bounds::items(state, repeated)?;
    let length = items.len().saturating_mul(times);
    state.consume_fuel(length as u64 / 2)?;
    let items: Vec<Value> = items.iter().cycle().take(length).cloned().collect();
    match type_name(repeated) {
        "list" => Ok(list(items)),
        "tuple" => Ok(tuple(items)),
        _ => arithmetic("*", a, b),
    }
}

fn remainder(state: &State<'_, '_>, a: &Value, b: &Value) -> Result<Value, Error> {
    match a.as_str() {
        Some(format) => percent_format(state, format, b).map(Value::from),
        None => arithmetic("%", a, b),
    }
}

/// Returns `format % value`.
pub(crate) fn percent_format(
    state: &State<'_, '_>,
    format: &str,
    value: &Value,
) -> Result<String, Error> {
    bounds::visit(state, value, &|_| Ok(()))?;
    let room = bounds::room(state);
    let result = if type_name(value) == "tuple" {
        let items: Vec<Py> = bounds::items(state, value)?.into_iter().map(Py).collect();
        percent::format_with(format, &Arguments::Tuple(&items), room)
    } else {
        percent::format_with(format, &Arguments::Single(&Py(value.clone())), room)
    };
    result.map_err(bounds::format_error)
}

/// Numbers.
fn arithmetic(operator: &str, a: &Value, b: &Value) -> Result<Value, Error> {
    let refused = || {
        if a.is_undefined() || b.is_undefined() {
            return Error::new(
                ErrorKind::UndefinedError,
                "undefined value has no operators",
            );
        }
        let (a, b) = (type_name(a), type_name(b));
        invalid(format!(
            "unsupported operand types for {operator}: '{a}' and '{b}'"
        ))
    };
    let zero = || invalid("division by zero");
    if operator != "/"
        && let (Some(x), Some(y)) = (integer(a), integer(b))
    {
        let large = || invalid(format!("{x} {operator} {y} has more than 128 bits"));
        return match operator {
            "+" => x.checked_add(y).map(number).ok_or_else(large),
            "-" => x.checked_sub(y).map(number).ok_or_else(large),
            "*" => x.checked_mul(y).map(number).ok_or_else(large),
            "%" | "//" if y == 0 => Err(zero()),
            "//" => x
                .checked_div_euclid(y)
                .map(|_| number(floor_div(x, y)))
                .ok_or_else(large),
            "%" => Ok(number(x.wrapping_sub(floor_div(x, y).wrapping_mul(y)))),
            _ => Err(refused()),
        };
    }
    let (Some(x), Some(y)) = (real(a), real(b)) else {
        return Err(refused());
    };
    Ok(Value::from(match operator {
        "+" => x + y,
        "-" => x - y,
        "*" => x * y,
        "/" | "//" | "%" if y == 0.0 => return Err(zero()),
        "/" => x / y,
        "//" => (x / y).floor(),
        "%" => {
            let rest = x % y;
            let is_other_sign = rest != 0.0 && (rest < 0.0) != (y < 0.0);
            if is_other_sign { rest + y } else { rest }
        }
        _ => return Err(refused()),
    }))
}

fn floor_div(x: i128, y: i128) -> i128 {
    let quotient = x.wrapping_div(y);
    let has_rest = x.wrapping_rem(y) != 0;
    quotient - i128::from(has_rest && (x < 0) != (y < 0))
}

/// Comparisons, one or a chain: a value, then operators and values.
fn compare(state: &mut State<'_, '_>, first: Value, more: Rest<Value>) -> Result<bool, Error> {
    let mut left = first;
    for pair in more.chunks_exact(2) {
        let right = pair[1].clone();
        if !holds(state, pair[0].as_str().unwrap_or_default(), &left, &right)? {
            return Ok(false);
        }
        left = right;
    }
    Ok(true)
}

/// Returns `a operator b`.
pub(crate) fn holds(
    state: &State<'_, '_>,
    operator: &str,
    a: &Value,
    b: &Value,
) -> Result<bool, Error> {
    let ordered = || value::order(state, a, b);
    match operator {
        "==" => equal(state, a, b),
        "!=" => equal(state, a, b).map(|is_equal| !is_equal),
        "<" => Ok(ordered()?.is_lt()),
        "<=" => Ok(ordered()?.is_le()),
        ">" => Ok(ordered()?.is_gt()),
        ">=" => Ok(ordered()?.is_ge()),
        "in" => contains(state, b, a),
        "not in" => contains(state, b, a).map(|is_inside| !is_inside),
        _ => Err(invalid("unknown operator")),
    }
}

/// Returns `a == b`. One side is enough to be bounded: comparing ends where the smaller one does.
pub(crate) fn equal(state: &State<'_, '_>, a: &Value, b: &Value) -> Result<bool, Error> {
    if b.as_object().is_some() {
        bounds::visit(state, b, &|_| Ok(()))?;
    }
    let is_collection = is_sequence(a) && is_sequence(b);
    Ok((!is_collection || type_name(a) == type_name(b)) && a == b)
}

fn contains(state: &State<'_, '_>, all: &Value, item: &Value) -> Result<bool, Error> {
    match all.kind() {
        ValueKind::String => match item.as_str() {
            Some(part) => Ok(all.as_str().unwrap_or_default().contains(part)),
            None if item.is_undefined() => Ok(true),
            None => Err(invalid(format!(
                "'in <string>' requires string as left operand, not {}",
                type_name(item)
            ))),
        },
        ValueKind::Map => {
            if item.as_object().is_some() {
                value::dict::check_key(state, item)?;
            }
            let found = bounds::items(state, all)?;
            Ok(found.contains(item))
        }
        _ => {
            if item.as_object().is_some() {
                bounds::visit(state, item, &|_| Ok(()))?;
            }
            let items = iterate(state, all)?;
            bounds::searches(state, 1, items.len())?;
            for found in &items {
                if equal(state, found, item)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
    }
}

fn slice(
    state: &State<'_, '_>,
    value: Value,
    start: Value,
    stop: Value,
    step: Value,
) -> Result<Value, Error> {
    let bound = |bound: &Value| match (bound.is_none(), integer(bound)) {
        (true, _) => Ok(None),
        (false, Some(number)) => Ok(Some(number)),
        (false, None) => Err(invalid("slice indices must be integers or none")),
    };
    let (start, stop, step) = (bound(&start)?, bound(&stop)?, bound(&step)?.unwrap_or(1));
    let places = |length| {
        let places = slipway_pyvalue::number::slice(length, start, stop, step);
        places.ok_or_else(|| invalid("slice step cannot be zero"))
    };
    if let Some(text) = value.as_str() {
        state.consume_fuel(text.len() as u64 / 8)?;
        let characters: Vec<char> = text.chars().collect();
        let places = places(characters.len())?;
        let cut: String = places.filter_map(|at| characters.get(at)).collect();
        return Ok(Value::from(cut));
    }
    let name = type_name(&value);
    if !matches!(name, "list" | "tuple" | "range") {
        // Jinja2 makes what has no items undefined.
        return match value.is_undefined() {
            true => Err(Error::new(
                ErrorKind::UndefinedError,
                "an undefined value has no items",
            )),
            false => Ok(Value::UNDEFINED),
        };
    }
    let items = bounds::items(state, &value)?;
    let taken = places(items.len())?.filter_map(|at| items.get(at)).cloned();
    let taken: Vec<Value> = taken.collect();
    Ok(if name == "tuple" {
        tuple(taken)
    } else {
        list(taken)
    })
}

/// Returns the items of a `for`, with a known length.
fn items(state: &State<'_, '_>, value: Value) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::Seq => Ok(value),
        _ => Ok(list(iterate(state, &value)?)),
    }
}

/// A macro that takes further arguments.
#[derive(Debug)]
struct Variadic {
    inner: Value,
    parameters: Vec<String>,
    takes_args: bool,
    takes_kwargs: bool,
}

fn variadic(
    state: &State<'_, '_>,
    inner: Value,
    takes_args: bool,
    takes_kwargs: bool,
) -> Result<Value, Error> {
    let names = bounds::texts(state, &inner.get_attr("arguments")?)?;
    let parameters = names
        .into_iter()
        .filter(|name| !matches!(name.as_str(), "varargs" | "kwargs"));
    Ok(Value::from_object(Variadic {
        inner,
        parameters: parameters.collect(),
        takes_args,
        takes_kwargs,
    }))
}

impl Object for Variadic {
    fn repr(self: &std::sync::Arc<Self>) -> minijinja::value::ObjectRepr {
        minijinja::value::ObjectRepr::Plain
    }

    fn get_value_by_str(self: &std::sync::Arc<Self>, key: &str) -> Option<Value> {
        self.inner.get_attr(key).ok()
    }

    fn call(
        self: &std::sync::Arc<Self>,
        state: &mut State<'_, '_>,
        args: &[Value],
    ) -> Result<Value, Error> {
        let (positional, named) = crate::arguments::split(args);
        let count = positional.len().min(self.parameters.len());
        let (own, further) = positional.split_at(count);
        if !(further.is_empty() || self.takes_args) {
            return Err(Error::from(ErrorKind::TooManyArguments));
        }
        let is_own = |name: &str| name == "caller" || self.parameters.iter().any(|own| own == name);
        let (mut own_named, further_named): (Vec<_>, Vec<_>) =
            named.into_iter().partition(|(name, _)| is_own(name));
        if let Some((name, _)) = further_named.first().filter(|_| !self.takes_kwargs) {
            let message = format!("unknown keyword argument `{name}`");
            return Err(Error::new(ErrorKind::TooManyArguments, message));
        }
        let further_named = further_named
            .into_iter()
            .map(|(name, value)| (Value::from(name), value));
        own_named.push(("varargs".to_owned(), tuple(further.to_vec())));
        own_named.push(("kwargs".to_owned(), value::dict(further_named)));
        let mut all = own.to_vec();
        let named: minijinja::value::Kwargs = own_named.into_iter().collect();
        all.push(Value::from(named));
        self.inner.call(state, &all)
    }

    fn render(self: &std::sync::Arc<Self>, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.inner)
    }
}

/// Returns the arguments of a filter or function, keyword arguments included.
pub(crate) fn values(args: Rest<ValueOrKwargs>) -> Vec<Value> {
    args.0.into_iter().map(Value::from).collect()
}
