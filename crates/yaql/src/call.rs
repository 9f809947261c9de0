//! Calls of functions by their names. The function's parameter decides how its argument is evaluated.

use std::rc::Rc;
use std::sync::Arc;

use super::context::{Body, Context};
use super::error::{Error, Result};
use super::evaluate::evaluate;
use super::function::{ANY, Class, Type};
use super::iterate::{self, Cursor};
use super::machine::Machine;
use super::overload::{
    Candidate, Mapping, accepts_all, ambiguous, candidates, is_special_of, map, readable,
};
use super::syntax::Expr;
use super::value::{Map, Pattern, Value};

/// An argument: its expression, or its value.
#[derive(Clone)]
pub(super) enum Arg {
    Expr(Arc<Expr>),
    Value(Value),
    /// Omitted, between two commas.
    Skipped,
}

/// The named arguments of a call.
pub(super) type KeywordArgs = Vec<(Arc<str>, Arg)>;

/// An expression that the called function evaluates.
#[derive(Clone)]
pub(super) struct Lambda {
    body: Body,
    context: Context,
}

impl Lambda {
    /// Evaluates it with `$1`, `$2`, …; `$` is the first of them.
    pub fn call(&self, machine: &Machine, args: &[Value]) -> Result<Value> {
        let context = self.context.child()?;
        for (index, arg) in args.iter().enumerate() {
            context.set((index + 1).to_string().into(), arg.clone())?;
        }
        self.call_in(machine, &context)
    }

    /// Evaluates it in this context.
    pub fn call_in(&self, machine: &Machine, context: &Context) -> Result<Value> {
        match &self.body {
            Body::Expr(expr) => evaluate(machine, expr, context),
            Body::Value(value) => Ok(value.clone()),
        }
    }

    pub fn body(&self) -> Body {
        self.body.clone()
    }

    pub fn depth(&self) -> u32 {
        self.context.depth()
    }
}

/// The state of an argument.
#[derive(Clone)]
enum Slot {
    Value(Value),
    Lambda(Lambda),
    Rule(Lambda, Lambda),
    Absent,
}

/// A call in progress.
pub(super) struct Call<'a> {
    pub machine: &'a Machine,
    /// The call's own layer of names.
    pub context: Context,
    slots: Vec<Slot>,
    rest: Vec<Slot>,
    named: Vec<(Arc<str>, Value)>,
}

impl Call<'_> {
    /// Returns an argument or its default; null if it is missing.
    pub fn value(&self, index: usize) -> Value {
        self.argument(index).unwrap_or(Value::Null)
    }

    /// Returns an argument, unless it is omitted.
    pub fn argument(&self, index: usize) -> Option<Value> {
        match self.slots.get(index) {
            Some(Slot::Value(value)) => Some(value.clone()),
            _ => None,
        }
    }

    pub fn str(&self, index: usize) -> Result<Arc<str>> {
        self.opt_str(index)?.ok_or_else(|| wrong("a string"))
    }

    pub fn opt_str(&self, index: usize) -> Result<Option<Arc<str>>> {
        match self.value(index) {
            Value::Null => Ok(None),
            Value::Str(text) => Ok(Some(text)),
            _ => Err(wrong("a string")),
        }
    }

    pub fn int(&self, index: usize) -> Result<i128> {
        match self.value(index) {
            Value::Int(number) => Ok(number),
            Value::Bool(value) => Ok(value.into()),
            _ => Err(wrong("an integer")),
        }
    }

    pub fn map(&self, index: usize) -> Result<Rc<Map>> {
        match self.value(index) {
            Value::Map(map) => Ok(map),
            _ => Err(wrong("a map")),
        }
    }

    pub fn regex(&self, index: usize) -> Result<Rc<Pattern>> {
        match self.value(index) {
            Value::Regex(pattern) => Ok(pattern),
            _ => Err(wrong("a regular expression")),
        }
    }

    pub fn cursor(&self, index: usize) -> Result<Cursor> {
        iterate::cursor(&self.value(index), self.machine)
    }

    pub fn items(&self, index: usize) -> Result<Vec<Value>> {
        iterate::items(&self.value(index), self.machine)
    }

    pub fn lambda(&self, index: usize) -> Result<Lambda> {
        self.opt_lambda(index).ok_or_else(|| wrong("an expression"))
    }

    pub fn opt_lambda(&self, index: usize) -> Option<Lambda> {
        match self.slots.get(index) {
            Some(Slot::Lambda(lambda)) => Some(lambda.clone()),
            _ => None,
        }
    }

    /// Returns the arguments beyond the parameters.
    pub fn rest(&self) -> Vec<Value> {
        let value = |slot: &Slot| {
            if let Slot::Value(value) = slot {
                Some(value.clone())
            } else {
                None
            }
        };
        self.rest.iter().filter_map(value).collect()
    }

    pub fn rest_lambdas(&self) -> Vec<Lambda> {
        let lambda = |slot: &Slot| {
            if let Slot::Lambda(lambda) = slot {
                Some(lambda.clone())
            } else {
                None
            }
        };
        self.rest.iter().filter_map(lambda).collect()
    }

    pub fn rest_rules(&self) -> Vec<(Lambda, Lambda)> {
        let rule = |slot: &Slot| {
            if let Slot::Rule(key, value) = slot {
                Some((key.clone(), value.clone()))
            } else {
                None
            }
        };
        self.rest.iter().filter_map(rule).collect()
    }

    /// Returns the named arguments that match no parameter.
    pub fn keywords(&self) -> &[(Arc<str>, Value)] {
        &self.named
    }

    /// Calls another function with values.
    pub fn delegate(&self, name: &str, args: &[Value]) -> Result<Value> {
        delegate(self.machine, &self.context, name, args)
    }
}

/// Calls a function with values.
pub(super) fn delegate(
    machine: &Machine,
    context: &Context,
    name: &str,
    args: &[Value],
) -> Result<Value> {
    call(
        machine,
        context,
        name,
        None,
        args.iter().cloned().map(Arg::Value).collect(),
        KeywordArgs::new(),
    )
}

fn wrong(what: &str) -> Error {
    Error::new(format!("an argument is not {what}"))
}

/// Calls the function of this name that accepts the arguments. The choice depends first on the facts
/// known before their evaluation, then on their values.
pub(super) fn call(
    machine: &Machine,
    context: &Context,
    name: &str,
    receiver: Option<Value>,
    mut args: Vec<Arg>,
    mut named: KeywordArgs,
) -> Result<Value> {
    machine.spend(1)?;
    let levels = candidates(context, name, receiver.as_ref())?;
    let method = receiver.is_some();
    args.splice(0..0, receiver.map(Arg::Value));
    let no_match = || {
        let what = if method { "method" } else { "function" };
        Error::no_match(format!(
            "no {what} `{}` takes such arguments",
            readable(name)
        ))
    };

    let mut all = levels.iter().flatten();
    let rules = all.next().is_some_and(Candidate::takes_rules);
    if all.any(|candidate| candidate.takes_rules() != rules) {
        return Err(ambiguous(name));
    }
    if !rules {
        split_names(&mut args, &mut named)?;
    }

    let mut lazy: Option<(Vec<bool>, Vec<bool>)> = None;
    let mut fitting = Vec::new();
    for level in &levels {
        let mut fits = Vec::new();
        for candidate in level {
            let Some(mapping) = map(candidate, &args, &named) else {
                continue;
            };
            let is_lazy = |types: &[Type]| types.iter().map(|ty| ty.is_lazy()).collect::<Vec<_>>();
            let these = (is_lazy(&mapping.by_position), is_lazy(&mapping.by_name));
            if lazy.get_or_insert_with(|| these.clone()) != &these {
                return Err(ambiguous(name));
            }
            fits.push((candidate, mapping));
        }
        fitting.push(fits);
    }
    let Some((lazy, lazy_names)) = lazy else {
        return Err(no_match());
    };
    let with_laziness = args
        .iter_mut()
        .zip(lazy)
        .chain(named.iter_mut().map(|(_, arg)| arg).zip(lazy_names));
    for (arg, lazy) in with_laziness {
        if let Arg::Expr(expr) = arg
            && !lazy
        {
            *arg = Arg::Value(evaluate(machine, expr, context)?);
        }
    }

    for level in fitting {
        let mut winner: Option<(&Candidate, Mapping)> = None;
        for (candidate, mapping) in level {
            if !accepts_all(&mapping, &args, &named) {
                continue;
            }
            match &winner {
                Some((_, best)) if is_special_of(best, &mapping) => {}
                Some((_, best)) if !is_special_of(&mapping, best) => return Err(ambiguous(name)),
                _ => winner = Some((candidate, mapping)),
            }
        }
        if let Some((candidate, _)) = winner {
            return run(machine, context, candidate, args, named);
        }
    }
    Err(no_match())
}

/// Removes the named arguments, `name => value`, from the arguments.
fn split_names(args: &mut Vec<Arg>, named: &mut KeywordArgs) -> Result<()> {
    let mut kept = Vec::with_capacity(args.len());
    for arg in args.drain(..) {
        let Arg::Expr(expr) = &arg else {
            kept.push(arg);
            continue;
        };
        let Expr::Rule(key, value) = &**expr else {
            kept.push(arg);
            continue;
        };
        let Expr::Keyword(name) = &**key else {
            return Err(Error::new(
                "an argument's name before `=>` must be a bare word",
            ));
        };
        match named.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = Arg::Expr(value.clone()),
            None => named.push((name.clone(), Arg::Expr(value.clone()))),
        }
    }
    *args = kept;
    Ok(())
}

fn run(
    machine: &Machine,
    context: &Context,
    candidate: &Candidate,
    args: Vec<Arg>,
    mut named: KeywordArgs,
) -> Result<Value> {
    let context = context.child()?;
    let slot = |ty: Type, arg: Arg| -> Result<Slot> {
        let lambda = |body| Lambda {
            body,
            context: context.clone(),
        };
        Ok(match (ty.class, arg) {
            (_, Arg::Skipped) => Slot::Absent,
            (Class::LazyRule, Arg::Expr(expr)) => match &*expr {
                Expr::Rule(key, value) => Slot::Rule(
                    lambda(Body::Expr(key.clone())),
                    lambda(Body::Expr(value.clone())),
                ),
                _ => Slot::Absent,
            },
            (Class::Lambda | Class::ContextLambda, Arg::Expr(expr)) => {
                Slot::Lambda(lambda(Body::Expr(expr)))
            }
            (Class::Lambda | Class::ContextLambda, Arg::Value(value)) => {
                Slot::Lambda(lambda(Body::Value(value)))
            }
            (Class::Iterable | Class::Unset, Arg::Value(value))
                if !matches!(value, Value::Null) =>
            {
                Slot::Value(iterate::limited(value, machine)?)
            }
            (_, Arg::Value(value)) => Slot::Value(value),
            (_, Arg::Expr(expr)) => Slot::Value(evaluate(machine, &expr, &context)?),
        })
    };

    let mut slots = Vec::new();
    let mut args = args.into_iter();
    for param in candidate.params() {
        let by_name = |named: &mut KeywordArgs| {
            named
                .iter()
                .position(|(name, _)| **name == *param.name)
                .map(|index| named.remove(index).1)
        };
        let argument = match args.next() {
            None | Some(Arg::Skipped) => by_name(&mut named),
            argument => argument,
        };
        slots.push(match argument {
            Some(arg) => slot(param.ty, arg)?,
            None => param
                .default
                .value()
                .filter(|_| !param.ty.is_lazy())
                .map_or(Slot::Absent, Slot::Value),
        });
    }
    let rest_type = candidate.rest().unwrap_or(ANY);
    let rest = args
        .map(|arg| slot(rest_type, arg))
        .collect::<Result<_>>()?;
    let named = named.into_iter().map(|(name, arg)| match slot(ANY, arg)? {
        Slot::Value(value) => Ok((name, value)),
        _ => Err(wrong("a value")),
    });
    let named = named.collect::<Result<Vec<_>>>()?;
    let mut call = Call {
        machine,
        context: context.clone(),
        slots,
        rest,
        named,
    };
    match candidate {
        Candidate::Own(function) => (function.run)(&mut call),
        Candidate::Defined(body, layer) => {
            let context = layer.child()?;
            for (index, arg) in call.rest().into_iter().enumerate() {
                context.set((index + 1).to_string().into(), arg)?;
            }
            for (name, value) in &call.named {
                context.set(name.clone(), value.clone())?;
            }
            Lambda {
                body: body.clone(),
                context: context.clone(),
            }
            .call_in(machine, &context)
        }
    }
}
