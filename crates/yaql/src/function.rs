//! Declarations of YAQL's functions: their parameters and their code.

use std::sync::Arc;

use super::call::Call;
use super::error::Result;
use super::value::Value;

/// One of YAQL's own functions. Several may share a name; the arguments choose among them.
pub(super) struct Function {
    pub name: &'static str,
    pub shape: Shape,
    pub params: &'static [Param],
    /// The type of further positional arguments.
    pub rest: Option<Type>,
    /// Accepts keyword arguments that match no parameter.
    pub any_name: bool,
    /// It reads `name => value` arguments itself; they are not keyword arguments.
    pub takes_rules: bool,
    pub run: fn(&mut Call) -> Result<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// `name(x)`
    Function,
    /// `x.name()`
    Method,
    /// Both.
    Both,
}

pub(super) struct Param {
    pub name: &'static str,
    pub ty: Type,
    pub default: Default,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Default {
    /// There is no default.
    Required,
    /// The function can see that the argument is missing.
    Absent,
    Null,
    Bool(bool),
    Int(i8),
    Str(&'static str),
}

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Type {
    pub class: Class,
    pub nullable: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Any,
    Null,
    Bool,
    /// An integer. In Python a boolean is one.
    Int,
    /// A number that is no boolean.
    Number,
    Str,
    Iterable,
    /// Any collection but a set.
    Unset,
    Iterator,
    Sequence,
    Map,
    Set,
    Regex,
    Ordering,
    Context,
    /// `key => value`, evaluated.
    Rule,
    /// `key => value`, not evaluated.
    LazyRule,
    /// An expression, which the function evaluates as often as it needs.
    Lambda,
    /// An expression that is evaluated in a context that the function chooses.
    ContextLambda,
}

impl Type {
    pub fn is_lazy(self) -> bool {
        matches!(
            self.class,
            Class::LazyRule | Class::Lambda | Class::ContextLambda
        )
    }

    /// Returns whether it accepts fewer values than the other type, by their classes in Python.
    pub fn is_special_of(self, other: Type) -> bool {
        use Class::{Any, Bool, Int, Iterable, Iterator, Ordering, Sequence, Set, Str, Unset};
        let wide = |class| if class == Unset { Iterable } else { class };
        let (class, other) = (wide(self.class), wide(other.class));
        let typed = |ty: Type| !ty.is_lazy() && ty.class != Class::Number;
        if class == other
            || !typed(self)
            || !typed(Type {
                class: other,
                nullable: false,
            })
        {
            return false;
        }
        match other {
            Any => true,
            Iterable => matches!(
                class,
                Class::Map | Iterator | Ordering | Sequence | Set | Str
            ),
            Sequence => class == Str,
            Int => class == Bool,
            _ => false,
        }
    }
}

const fn one(class: Class) -> Type {
    Type {
        class,
        nullable: false,
    }
}

pub(super) const ANY: Type = or_null(Class::Any);
pub(super) const NOT_NULL: Type = one(Class::Any);
pub(super) const NULL: Type = or_null(Class::Null);
pub(super) const BOOL: Type = one(Class::Bool);
pub(super) const INT: Type = one(Class::Int);
pub(super) const NUMBER: Type = one(Class::Number);
pub(super) const STR: Type = one(Class::Str);
pub(super) const ITERABLE: Type = one(Class::Iterable);
pub(super) const UNSET: Type = one(Class::Unset);
pub(super) const ITERATOR: Type = one(Class::Iterator);
pub(super) const SEQUENCE: Type = one(Class::Sequence);
pub(super) const MAP: Type = one(Class::Map);
pub(super) const SET: Type = one(Class::Set);
pub(super) const REGEX: Type = one(Class::Regex);
pub(super) const ORDERING: Type = one(Class::Ordering);
pub(super) const CONTEXT: Type = one(Class::Context);
pub(super) const RULE: Type = one(Class::Rule);
pub(super) const LAZY_RULE: Type = one(Class::LazyRule);
pub(super) const LAMBDA: Type = or_null(Class::Lambda);
pub(super) const CONTEXT_LAMBDA: Type = or_null(Class::ContextLambda);

pub(super) const fn or_null(class: Class) -> Type {
    Type {
        class,
        nullable: true,
    }
}

/// Declares a required parameter.
pub(super) const fn p(name: &'static str, ty: Type) -> Param {
    Param {
        name,
        ty,
        default: Default::Required,
    }
}

/// Declares an optional parameter.
pub(super) const fn opt(name: &'static str, ty: Type, default: Default) -> Param {
    Param { name, ty, default }
}

const fn shaped(
    name: &'static str,
    shape: Shape,
    params: &'static [Param],
    run: fn(&mut Call) -> Result<Value>,
) -> Function {
    Function {
        name,
        shape,
        params,
        rest: None,
        any_name: false,
        takes_rules: false,
        run,
    }
}

/// `name(…)`
pub(super) const fn function(
    name: &'static str,
    params: &'static [Param],
    run: fn(&mut Call) -> Result<Value>,
) -> Function {
    shaped(name, Shape::Function, params, run)
}

/// `x.name(…)`, `x` being the first parameter.
pub(super) const fn method(
    name: &'static str,
    params: &'static [Param],
    run: fn(&mut Call) -> Result<Value>,
) -> Function {
    shaped(name, Shape::Method, params, run)
}

/// `name(x, …)` and `x.name(…)`
pub(super) const fn both(
    name: &'static str,
    params: &'static [Param],
    run: fn(&mut Call) -> Result<Value>,
) -> Function {
    shaped(name, Shape::Both, params, run)
}

impl Function {
    /// Adds any number of further arguments.
    pub const fn rest(mut self, ty: Type) -> Self {
        self.rest = Some(ty);
        self
    }

    /// Adds keyword arguments of any name.
    pub const fn any_name(mut self) -> Self {
        self.any_name = true;
        self
    }

    /// Takes `key => value` as arguments, not as keyword arguments.
    pub const fn rules(mut self) -> Self {
        self.takes_rules = true;
        self
    }
}

impl Default {
    pub fn value(self) -> Option<Value> {
        match self {
            Default::Required | Default::Absent => None,
            Default::Null => Some(Value::Null),
            Default::Bool(value) => Some(Value::Bool(value)),
            Default::Int(number) => Some(Value::Int(number.into())),
            Default::Str(text) => Some(Value::Str(Arc::from(text))),
        }
    }
}
