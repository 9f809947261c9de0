//! Chooses among functions of one name by the arguments.

use super::call::{Arg, KeywordArgs};
use super::context::{Body, Context};
use super::error::{Error, Result};
use super::evaluate::constant;
use super::function::{ANY, Class, Default, Function, Param, Shape, Type};
use super::iterate;
use super::library;
use super::syntax::Expr;
use super::value::Value;

/// A function that can be called by a name.
pub(super) enum Candidate {
    Own(&'static Function),
    /// A function that an expression defined, and its context.
    Defined(Body, Context),
}

impl Candidate {
    pub fn params(&self) -> &'static [Param] {
        match self {
            Candidate::Own(function) => function.params,
            Candidate::Defined(..) => &[],
        }
    }

    pub fn rest(&self) -> Option<Type> {
        match self {
            Candidate::Own(function) => function.rest,
            Candidate::Defined(..) => Some(ANY),
        }
    }

    pub fn any_name(&self) -> bool {
        matches!(
            self,
            Candidate::Defined(..) | Candidate::Own(Function { any_name: true, .. })
        )
    }

    pub fn takes_rules(&self) -> bool {
        matches!(
            self,
            Candidate::Own(Function {
                takes_rules: true,
                ..
            })
        )
    }
}

/// The parameter types for the arguments.
pub(super) struct Mapping {
    pub by_position: Vec<Type>,
    pub by_name: Vec<Type>,
}

/// Returns the functions of a name by layer: those that an expression defined hide YAQL's own.
pub(super) fn candidates(
    context: &Context,
    name: &str,
    receiver: Option<&Value>,
) -> Result<Vec<Vec<Candidate>>> {
    let name = name.trim_end_matches('_');
    let mut levels = Vec::new();
    if receiver.is_none() {
        for (layer, bodies) in context.functions(name) {
            levels.push(
                bodies
                    .into_iter()
                    .map(|body| Candidate::Defined(body, layer.clone()))
                    .collect(),
            );
        }
    }
    let unwanted = if receiver.is_some() {
        Shape::Function
    } else {
        Shape::Method
    };
    let own: Vec<_> = library::functions(name)
        .iter()
        .filter(|function| function.shape != unwanted)
        .map(|function| Candidate::Own(function))
        .collect();
    if !own.is_empty() {
        levels.push(own);
    }
    if levels.is_empty() {
        Err(unknown(name, receiver))
    } else {
        Ok(levels)
    }
}

fn unknown(name: &str, receiver: Option<&Value>) -> Error {
    let (what, on) = match receiver {
        Some(value) => ("method", format!(" of {}", value.kind())),
        None => ("function", String::new()),
    };
    let hint = match library::nearest(name) {
        Some(nearest) if nearest == name && receiver.is_some() => {
            format!("; `{name}(…)` is a function, not a method")
        }
        Some(nearest) if nearest == name => format!("; `.{name}(…)` is a method"),
        Some(nearest) => format!("; did you mean `{nearest}`?"),
        None => String::new(),
    };
    Error::new(format!("unknown {what} `{name}`{on}{hint}"))
}

pub(super) fn ambiguous(name: &str) -> Error {
    Error::new(format!(
        "more than one `{}` takes such arguments",
        readable(name)
    ))
}

/// Returns the name as it is written in an expression: operators are functions with a prefix.
pub(super) fn readable(name: &str) -> &str {
    match name {
        "*equal" => "=",
        "*not_equal" => "!=",
        "#list" => "[…]",
        "#map" => "{…}",
        "#indexer" => "[index]",
        _ => name
            .trim_start_matches("#unary_operator_")
            .trim_start_matches("#operator_"),
    }
}

/// Returns the parameter type for each argument; `None` if an argument is certainly not accepted, as far as
/// is known before its evaluation.
pub(super) fn map(candidate: &Candidate, args: &[Arg], named: &KeywordArgs) -> Option<Mapping> {
    let params = candidate.params();
    let mut by_position = Vec::with_capacity(args.len());
    let is_named = |param: &Param| named.iter().any(|(name, _)| **name == *param.name);
    for (index, param) in params.iter().enumerate() {
        match args.get(index) {
            None if is_named(param) => {}
            Some(Arg::Skipped) if is_named(param) => by_position.push(candidate.rest()?),
            Some(_) if is_named(param) => return None,
            Some(Arg::Skipped) | None if matches!(param.default, Default::Required) => return None,
            Some(_) => by_position.push(param.ty),
            None => {}
        }
    }
    for arg in args.iter().skip(params.len()) {
        by_position.push(candidate.rest().filter(|_| !matches!(arg, Arg::Skipped))?);
    }
    let by_name =
        named.iter().map(
            |(name, _)| match params.iter().find(|param| *param.name == **name) {
                Some(param) => Some(param.ty),
                None => candidate.any_name().then_some(ANY),
            },
        );
    let mapping = Mapping {
        by_position,
        by_name: by_name.collect::<Option<_>>()?,
    };
    accepts_all(&mapping, args, named).then_some(mapping)
}

pub(super) fn accepts_all(mapping: &Mapping, args: &[Arg], named: &KeywordArgs) -> bool {
    mapping
        .by_position
        .iter()
        .zip(args)
        .all(|(ty, arg)| accepts(*ty, arg))
        && mapping
            .by_name
            .iter()
            .zip(named)
            .all(|(ty, (_, arg))| accepts(*ty, arg))
}

fn accepts(ty: Type, arg: &Arg) -> bool {
    match (ty.class, arg) {
        (Class::LazyRule, Arg::Expr(expr)) => matches!(**expr, Expr::Rule(..)),
        (Class::LazyRule, _) => false,
        (Class::Lambda | Class::ContextLambda, _) | (_, Arg::Skipped) => true,
        (_, Arg::Expr(expr)) => constant(expr).is_none_or(|value| accepts_value(ty, &value)),
        (_, Arg::Value(value)) => accepts_value(ty, value),
    }
}

fn accepts_value(ty: Type, value: &Value) -> bool {
    if matches!(value, Value::Null) {
        return ty.nullable;
    }
    match ty.class {
        Class::Any => true,
        Class::Null | Class::LazyRule | Class::Lambda | Class::ContextLambda => false,
        Class::Bool => matches!(value, Value::Bool(_)),
        Class::Int => matches!(value, Value::Int(_) | Value::Bool(_)),
        Class::Number => matches!(value, Value::Int(_) | Value::Float(_)),
        Class::Str => matches!(value, Value::Str(_)),
        Class::Iterable => iterate::is_iterable(value),
        Class::Unset => iterate::is_iterable(value) && !is_set(value),
        Class::Iterator => iterate::is_iterator(value),
        Class::Sequence => matches!(value, Value::List(_)),
        Class::Map => matches!(value, Value::Map(_)),
        Class::Set => is_set(value),
        Class::Regex => matches!(value, Value::Regex(_)),
        Class::Ordering => matches!(value, Value::Ordering(_)),
        Class::Context => matches!(value, Value::Context(_)),
        Class::Rule => matches!(value, Value::Rule(_)),
    }
}

/// Returns whether Python treats the value as a set: a map's keys and items are sets too.
pub(super) fn is_set(value: &Value) -> bool {
    use super::value::View::{Items, Keys};
    matches!(value, Value::Set(_) | Value::View(_, Keys | Items))
}

/// Returns whether the first accepts fewer values than the second.
pub(super) fn is_special_of(first: &Mapping, second: &Mapping) -> bool {
    let pairs = || {
        let by_position = first.by_position.iter().zip(&second.by_position);
        by_position.chain(first.by_name.iter().zip(&second.by_name))
    };
    for (one, other) in pairs() {
        if other.is_special_of(*one) {
            return false;
        }
        if one.is_special_of(*other) {
            return pairs().all(|(one, other)| !other.is_special_of(*one));
        }
    }
    false
}
