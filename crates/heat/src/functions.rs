//! The functions of the template language.

mod access;
mod choice;
mod lists;
mod maps;
mod strings;
mod url;

use std::borrow::Cow;

use indexmap::IndexSet;
use serde_json::Value;
use slipway_yaml::{Data, Node, take};

use crate::error::{Problem, Result};
use crate::expression::{Context, Expression, compile};
use crate::stack::Stack;
use crate::version::Version;
use slipway_pyvalue as py;

pub(crate) use access::select;
pub(crate) use choice::is_enabled;

/// A function's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    GetParam,
    GetAttr,
    GetResource,
    GetFile,
    ListJoin,
    ListConcat,
    ListConcatUnique,
    MapMerge,
    MapReplace,
    StrReplace,
    StrReplaceStrict,
    StrReplaceVstrict,
    StrSplit,
    Repeat,
    Digest,
    MakeUrl,
    If,
    Equals,
    Not,
    And,
    Or,
    Contains,
    Filter,
    Yaql,
    ResourceFacade,
}

/// Where a function may be called.
#[derive(PartialEq)]
enum Where {
    Values,
    Conditions,
    Both,
}

/// Each function, since when it is there, and where it may be called.
const FUNCTIONS: &[(&str, Name, Version, Where)] = &[
    ("get_param", Name::GetParam, Version::Liberty, Where::Both),
    ("get_attr", Name::GetAttr, Version::Liberty, Where::Values),
    (
        "get_resource",
        Name::GetResource,
        Version::Liberty,
        Where::Values,
    ),
    ("get_file", Name::GetFile, Version::Liberty, Where::Values),
    ("list_join", Name::ListJoin, Version::Liberty, Where::Values),
    ("repeat", Name::Repeat, Version::Liberty, Where::Values),
    (
        "resource_facade",
        Name::ResourceFacade,
        Version::Liberty,
        Where::Values,
    ),
    (
        "str_replace",
        Name::StrReplace,
        Version::Liberty,
        Where::Values,
    ),
    ("digest", Name::Digest, Version::Liberty, Where::Values),
    ("str_split", Name::StrSplit, Version::Liberty, Where::Values),
    ("map_merge", Name::MapMerge, Version::Mitaka, Where::Values),
    ("yaql", Name::Yaql, Version::Newton, Where::Values),
    (
        "map_replace",
        Name::MapReplace,
        Version::Newton,
        Where::Values,
    ),
    ("if", Name::If, Version::Newton, Where::Values),
    ("filter", Name::Filter, Version::Ocata, Where::Values),
    (
        "str_replace_strict",
        Name::StrReplaceStrict,
        Version::Ocata,
        Where::Values,
    ),
    ("make_url", Name::MakeUrl, Version::Pike, Where::Values),
    (
        "list_concat",
        Name::ListConcat,
        Version::Pike,
        Where::Values,
    ),
    (
        "str_replace_vstrict",
        Name::StrReplaceVstrict,
        Version::Pike,
        Where::Values,
    ),
    (
        "list_concat_unique",
        Name::ListConcatUnique,
        Version::Pike,
        Where::Values,
    ),
    ("contains", Name::Contains, Version::Pike, Where::Both),
    ("yaql", Name::Yaql, Version::Pike, Where::Conditions),
    ("equals", Name::Equals, Version::Newton, Where::Conditions),
    ("not", Name::Not, Version::Newton, Where::Conditions),
    ("and", Name::And, Version::Newton, Where::Conditions),
    ("or", Name::Or, Version::Newton, Where::Conditions),
];

/// What other languages of Heat's had, and these templates must not use.
const REMOVED: &[&str] = &[
    "Fn::GetAZs",
    "Fn::Join",
    "Fn::Split",
    "Fn::Replace",
    "Fn::Base64",
    "Fn::MemberListToMap",
    "Fn::ResourceFacade",
    "Fn::Select",
    "Ref",
];

impl Name {
    /// The function that a map's only key names, if it names one.
    pub(crate) fn find(name: &str, context: Context) -> Result<Option<Self>, String> {
        let place = if context.condition {
            Where::Conditions
        } else {
            Where::Values
        };
        let mut elsewhere = false;
        for (text, function, since, place_of_it) in FUNCTIONS {
            if *text != name || *since > context.version {
                continue;
            }
            if *place_of_it == Where::Both || *place_of_it == place {
                return Ok(Some(*function));
            }
            elsewhere |= *place_of_it == Where::Values;
        }
        if REMOVED.contains(&name) {
            return Err("this function is not in these versions of the language".to_owned());
        }
        if elsewhere {
            return Err("this function cannot be used in a condition".to_owned());
        }
        Ok(None)
    }

    fn text(self) -> &'static str {
        FUNCTIONS
            .iter()
            .find(|(_, name, ..)| *name == self)
            .map_or("", |(text, ..)| text)
    }
}

/// A call of a function: its arguments, checked as far as they can be before they are known.
#[derive(Debug)]
pub(crate) struct Call {
    name: Name,
    arguments: Arguments,
}

#[derive(Debug)]
enum Arguments {
    /// Whatever it is.
    One(Expression),
    /// As many as the function takes.
    Many(Vec<Expression>),
    If {
        condition: Expression,
        then: Expression,
        otherwise: Option<Expression>,
    },
    Replace {
        template: Expression,
        params: Expression,
    },
    Repeat {
        template: Expression,
        for_each: Expression,
        permutations: bool,
        /// Whether a map stands for its keys.
        maps: bool,
    },
    Yaql {
        expression: Expression,
        data: Expression,
    },
}

impl Call {
    pub(crate) fn compile(name: Name, argument: Node, context: Context) -> Result<Self, Problem> {
        let arguments = match name {
            Name::GetAttr => Arguments::Many(access::compile_get_attr(argument, context)?),
            Name::ListJoin => Arguments::Many(lists::compile_join(argument, context)?),
            Name::If => choice::compile_if(argument, context)?,
            Name::Equals | Name::Contains => {
                Arguments::Many(list_of(argument, 2, "two values", context)?)
            }
            Name::Filter => Arguments::Many(list_of(
                argument,
                2,
                "the values to leave out, and a list",
                context,
            )?),
            Name::And | Name::Or => Arguments::Many(choice::compile_all(argument, context)?),
            Name::Not if argument.is_null() => return Err(wants("a condition")),
            Name::StrReplace | Name::StrReplaceStrict | Name::StrReplaceVstrict => {
                strings::compile_replace(argument, context)?
            }
            Name::StrSplit if argument.as_str().is_some() => {
                return Err(wants("a delimiter, a text and perhaps an index, in a list"));
            }
            Name::Repeat => lists::compile_repeat(argument, context)?,
            Name::Yaql => compile_yaql(argument, context)?,
            Name::MakeUrl => {
                let argument = compile(argument, context);
                url::check(&argument)?;
                Arguments::One(argument)
            }
            Name::ResourceFacade => access::compile_facade(argument)?,
            _ => Arguments::One(compile(argument, context)),
        };
        Ok(Self { name, arguments })
    }

    pub(crate) fn evaluate<'a>(&'a self, stack: &'a Stack<'_>) -> Result<Option<Cow<'a, Value>>> {
        self.result(stack)
            .map_err(|error| error.at(self.name.text()))
    }

    /// What is wrong with it whether or not its result is needed.
    pub(crate) fn check(&self, stack: &Stack<'_>) -> Result<()> {
        let checked = match &self.arguments {
            Arguments::One(argument) => argument.check(stack),
            Arguments::Many(arguments) => arguments
                .iter()
                .try_for_each(|argument| argument.check(stack)),
            Arguments::If {
                condition,
                then,
                otherwise,
            } => choice::chosen(condition, then, otherwise.as_ref(), stack).and_then(
                |(place, chosen)| match chosen {
                    Some(chosen) => chosen.check(stack).map_err(|error| error.at(place)),
                    None => Ok(()),
                },
            ),
            Arguments::Replace {
                template: one,
                params: other,
            }
            | Arguments::Repeat {
                template: one,
                for_each: other,
                ..
            }
            | Arguments::Yaql {
                expression: one,
                data: other,
            } => one.check(stack).and_then(|()| other.check(stack)),
        };
        checked.map_err(|error| error.at(self.name.text()))
    }

    /// Adds the parameters that it asks for, with the path that is asked for in them.
    pub(crate) fn parameters(&self, found: &mut IndexSet<String>) {
        match &self.arguments {
            Arguments::One(argument) if self.name == Name::GetParam => {
                let steps = match argument {
                    Expression::List(steps) => steps.as_slice(),
                    step => std::slice::from_ref(step),
                };
                let steps: Vec<_> = steps.iter().map_while(Expression::as_text).collect();
                found.insert(steps.join("."));
            }
            Arguments::One(argument) => argument.parameters(found),
            Arguments::Many(arguments) => {
                arguments
                    .iter()
                    .for_each(|argument| argument.parameters(found));
            }
            _ => {}
        }
    }

    /// The parameter that this is, whole.
    pub(crate) fn whole_parameter(&self) -> Option<&str> {
        match (self.name, &self.arguments) {
            (Name::GetParam, Arguments::One(Expression::Text(name))) if !name.is_empty() => {
                Some(name)
            }
            _ => None,
        }
    }

    fn result<'a>(&'a self, stack: &'a Stack<'_>) -> Result<Option<Cow<'a, Value>>> {
        let value = match (&self.arguments, self.name) {
            (
                Arguments::If {
                    condition,
                    then,
                    otherwise,
                },
                _,
            ) => return choice::result(condition, then, otherwise.as_ref(), stack),
            (Arguments::One(argument), Name::GetParam) => {
                return access::get_param(argument, stack).map(Some);
            }
            (Arguments::Many(arguments), Name::GetAttr) => {
                return access::get_attr(arguments, stack).map(Some);
            }
            (Arguments::One(argument), Name::GetResource) => access::get_resource(argument, stack)?,
            (Arguments::One(argument), Name::GetFile) => {
                made(access::get_file(argument, stack)?, stack)?
            }
            (Arguments::One(argument), Name::ResourceFacade) => access::facade(argument, stack)?,
            (Arguments::Many(arguments), Name::ListJoin) => {
                made(lists::join(arguments, stack)?, stack)?
            }
            (Arguments::One(argument), Name::ListConcat) => {
                lists::concat(argument.owned(stack)?, false)?
            }
            (Arguments::One(argument), Name::ListConcatUnique) => {
                lists::concat(argument.owned(stack)?, true)?
            }
            (Arguments::One(argument), Name::MapMerge) => maps::merge(argument, stack)?,
            (Arguments::One(argument), Name::MapReplace) => {
                maps::replace(argument.owned(stack)?, stack.budget())?
            }
            (Arguments::One(argument), Name::StrSplit) => {
                strings::split(&*argument.evaluate(stack)?, stack.budget())?
            }
            (Arguments::One(argument), Name::Digest) => {
                strings::digest(&*argument.evaluate(stack)?)?
            }
            (Arguments::One(argument), Name::MakeUrl) => url::make(&*argument.evaluate(stack)?)?,
            (Arguments::One(argument), Name::Not) => {
                Value::Bool(!choice::is_enabled(&*argument.evaluate(stack)?, stack)?)
            }
            (Arguments::Many(arguments), Name::And) => choice::all(arguments, stack)?,
            (Arguments::Many(arguments), Name::Or) => choice::any(arguments, stack)?,
            (Arguments::Many(arguments), Name::Equals) => {
                let [a, b] = two(arguments, stack)?;
                Value::Bool(py::equal(&a, &b))
            }
            (Arguments::Many(arguments), Name::Contains) => {
                let [value, sequence] = two(arguments, stack)?;
                lists::contains(&value, &sequence)?
            }
            (Arguments::Many(arguments), Name::Filter) => lists::filter(arguments, stack)?,
            (Arguments::Replace { template, params }, name) => {
                made(strings::replace(name, template, params, stack)?, stack)?
            }
            (
                Arguments::Repeat {
                    template,
                    for_each,
                    permutations,
                    maps,
                },
                _,
            ) => lists::repeat(template, for_each, *permutations, *maps, stack)?,
            (Arguments::Yaql { expression, data }, _) => yaql(expression, data, stack)?,
            (Arguments::One(argument), _) => argument.owned(stack)?,
            (Arguments::Many(arguments), _) => {
                Value::Array(crate::expression::evaluate_list(arguments, stack)?)
            }
        };
        Ok(Some(Cow::Owned(value)))
    }
}

/// The problem of an argument that is not what the function wants.
fn wants(what: &str) -> Problem {
    Problem::Function(format!("it wants {what}"))
}

/// A list of that many arguments.
fn list_of(
    argument: Node,
    count: usize,
    what: &str,
    context: Context,
) -> Result<Vec<Expression>, Problem> {
    match compile(argument, context) {
        Expression::List(items) if items.len() == count => Ok(items),
        _ => Err(wants(&format!("a list of {what}"))),
    }
}

fn two<'a>(arguments: &'a [Expression], stack: &'a Stack<'_>) -> Result<[Cow<'a, Value>; 2]> {
    let [first, second] = arguments else {
        return Err(wants("two values").into());
    };
    Ok([
        first.evaluate(stack).map_err(|error| error.at("[0]"))?,
        second.evaluate(stack).map_err(|error| error.at("[1]"))?,
    ])
}

/// What a function made: it counts.
fn made(value: Value, stack: &Stack<'_>) -> Result<Value> {
    stack.budget().spend_on(&value)?;
    Ok(value)
}

fn compile_yaql(argument: Node, context: Context) -> Result<Arguments, Problem> {
    let shape = || wants("a map of an expression and its data");
    let Data::Map(mut map) = argument.data else {
        return Err(shape());
    };
    let expression = take(&mut map, "expression").ok_or_else(shape)?;
    let data = take(&mut map, "data");
    if !map.is_empty() {
        return Err(shape());
    }
    Ok(Arguments::Yaql {
        expression: compile(expression, context),
        data: match data {
            Some(data) => compile(data, context),
            None => Expression::Map(Vec::new()),
        },
    })
}

fn yaql(expression: &Expression, data: &Expression, stack: &Stack<'_>) -> Result<Value> {
    let text = expression
        .evaluate_text(stack)
        .map_err(|error| error.at("expression"))?;
    let Some(text) = text else {
        return Err(crate::Error::from(wants("an expression in a text")).at("expression"));
    };
    let values = data.owned(stack).map_err(|error| error.at("data"))?;
    let root = Value::Object([("data".to_owned(), values)].into_iter().collect());
    let result = stack.resolver().yaql(&text, &root);
    let result = result.map_err(|error| match error.problem() {
        Problem::Yaql(reason) => Problem::Yaql(format!("{reason}{}", origin(data))).into(),
        _ => error,
    });
    made(result?, stack)
}

/// The parameters that something is made of, for whoever has to give one of them another value.
fn origin(data: &Expression) -> String {
    let mut names = IndexSet::new();
    data.parameters(&mut names);
    if names.is_empty() {
        return String::new();
    }
    let names: Vec<_> = names.into_iter().collect();
    format!(" (it is given {})", names.join(", "))
}
