//! The functions of the template language.

mod access;
mod choice;
mod cloud_formation;
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

/// The function behind a name. Some names stand for different functions in different versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    GetParam,
    GetAttr,
    /// The whole attribute first, then the path into it.
    GetAttrThenSelect,
    GetResource,
    GetFile,
    ListJoin,
    /// Of one list of strings.
    ListJoinStrings,
    ListConcat,
    ListConcatUnique,
    MapMerge,
    MapReplace,
    StrReplace,
    /// With strings and numbers alone.
    StrReplaceScalars,
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
    AwsBase64,
    AwsGetAzs,
    AwsMemberListToMap,
    AwsRef,
    AwsReplace,
    AwsResourceFacade,
    AwsSelect,
    AwsSplit,
}

/// The places in which a function may be called.
#[derive(Debug, PartialEq)]
enum Place {
    Values,
    Conditions,
    Both,
}

/// A function of the template language.
#[derive(Debug)]
pub(crate) struct Function {
    text: &'static str,
    name: Name,
    /// The first version that has it.
    since: Version,
    /// The first version without it, or with another function of that name.
    until: Option<Version>,
    place: Place,
}

impl Function {
    const fn new(text: &'static str, name: Name, since: Version) -> Function {
        Function {
            text,
            name,
            since,
            until: None,
            place: Place::Values,
        }
    }

    const fn until(mut self, version: Version) -> Function {
        self.until = Some(version);
        self
    }

    const fn placed(mut self, place: Place) -> Function {
        self.place = place;
        self
    }

    fn is_in(&self, version: Version) -> bool {
        self.since <= version && self.until.is_none_or(|until| version < until)
    }
}

const FUNCTIONS: &[Function] = {
    use Place::{Both, Conditions};
    use Version::{Icehouse, Juno, Kilo, Liberty, Mitaka, Newton, Ocata, Pike};
    &[
        Function::new("get_param", Name::GetParam, Icehouse).placed(Both),
        Function::new("get_attr", Name::GetAttrThenSelect, Icehouse).until(Juno),
        Function::new("get_attr", Name::GetAttr, Juno),
        Function::new("get_resource", Name::GetResource, Icehouse),
        Function::new("get_file", Name::GetFile, Icehouse),
        Function::new("list_join", Name::ListJoinStrings, Icehouse).until(Liberty),
        Function::new("list_join", Name::ListJoin, Liberty),
        Function::new("repeat", Name::Repeat, Kilo),
        Function::new("resource_facade", Name::ResourceFacade, Icehouse),
        Function::new("str_replace", Name::StrReplaceScalars, Icehouse).until(Liberty),
        Function::new("str_replace", Name::StrReplace, Liberty),
        Function::new("digest", Name::Digest, Kilo),
        Function::new("str_split", Name::StrSplit, Liberty),
        Function::new("map_merge", Name::MapMerge, Mitaka),
        Function::new("yaql", Name::Yaql, Newton),
        Function::new("yaql", Name::Yaql, Pike).placed(Conditions),
        Function::new("map_replace", Name::MapReplace, Newton),
        Function::new("if", Name::If, Newton),
        Function::new("filter", Name::Filter, Ocata),
        Function::new("str_replace_strict", Name::StrReplaceStrict, Ocata),
        Function::new("make_url", Name::MakeUrl, Pike),
        Function::new("list_concat", Name::ListConcat, Pike),
        Function::new("str_replace_vstrict", Name::StrReplaceVstrict, Pike),
        Function::new("list_concat_unique", Name::ListConcatUnique, Pike),
        Function::new("contains", Name::Contains, Pike).placed(Both),
        Function::new("equals", Name::Equals, Newton).placed(Conditions),
        Function::new("not", Name::Not, Newton).placed(Conditions),
        Function::new("and", Name::And, Newton).placed(Conditions),
        Function::new("or", Name::Or, Newton).placed(Conditions),
        Function::new("Ref", Name::AwsRef, Icehouse).until(Juno),
        Function::new("Fn::GetAZs", Name::AwsGetAzs, Icehouse).until(Juno),
        Function::new("Fn::Join", Name::ListJoinStrings, Icehouse).until(Juno),
        Function::new("Fn::Split", Name::AwsSplit, Icehouse).until(Juno),
        Function::new("Fn::Replace", Name::AwsReplace, Icehouse).until(Juno),
        Function::new("Fn::Base64", Name::AwsBase64, Icehouse).until(Juno),
        Function::new("Fn::MemberListToMap", Name::AwsMemberListToMap, Icehouse).until(Juno),
        Function::new("Fn::ResourceFacade", Name::AwsResourceFacade, Icehouse).until(Juno),
        Function::new("Fn::Select", Name::AwsSelect, Icehouse).until(Liberty),
    ]
};

impl Function {
    /// Returns the function that a map's only key names, if it names one.
    pub(crate) fn find(text: &str, context: Context) -> Result<Option<&'static Self>, String> {
        let place = if context.condition {
            Place::Conditions
        } else {
            Place::Values
        };
        let mut is_removed = false;
        let mut is_elsewhere = false;
        for function in FUNCTIONS.iter().filter(|function| function.text == text) {
            if !function.is_in(context.version) {
                is_removed |= function.since < context.version;
                continue;
            }
            if function.place == Place::Both || function.place == place {
                return Ok(Some(function));
            }
            is_elsewhere |= function.place == Place::Values;
        }
        if is_elsewhere {
            return Err("this function cannot be used in a condition".to_owned());
        }
        if is_removed {
            return Err("this function is not in this version of the language".to_owned());
        }
        Ok(None)
    }
}

/// A call of a function. Its arguments are checked as far as possible before they are evaluated.
#[derive(Debug)]
pub(crate) struct Call {
    function: &'static Function,
    arguments: Arguments,
}

#[derive(Debug)]
enum Arguments {
    /// Any argument.
    One(Expression),
    /// As many arguments as the function takes.
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
        /// A map stands for its keys.
        maps: bool,
    },
    Yaql {
        expression: Expression,
        data: Expression,
    },
}

impl Call {
    pub(crate) fn compile(
        function: &'static Function,
        argument: Node,
        context: Context,
    ) -> Result<Self, Problem> {
        let arguments = match function.name {
            Name::GetAttr | Name::GetAttrThenSelect => {
                Arguments::Many(access::compile_get_attr(argument, context)?)
            }
            Name::ListJoin => Arguments::Many(lists::compile_join(argument, context)?),
            Name::ListJoinStrings => {
                Arguments::Many(list_of(argument, 2, "a delimiter and strings", context)?)
            }
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
            Name::StrReplace
            | Name::StrReplaceScalars
            | Name::StrReplaceStrict
            | Name::StrReplaceVstrict => strings::compile_replace(argument, context)?,
            Name::AwsReplace => cloud_formation::compile_replace(argument, context)?,
            Name::AwsSelect => {
                Arguments::Many(list_of(argument, 2, "an index and a list or map", context)?)
            }
            Name::AwsSplit => cloud_formation::compile_split(argument, context)?,
            Name::AwsMemberListToMap => cloud_formation::compile_member_list(argument, context)?,
            Name::AwsResourceFacade => cloud_formation::compile_facade(argument)?,
            Name::StrSplit if argument.as_str().is_some() => {
                return Err(wants(
                    "a delimiter, a string and perhaps an index, in a list",
                ));
            }
            Name::Repeat => lists::compile_repeat(argument, context)?,
            Name::Yaql => compile_yaql(argument, context)?,
            Name::MakeUrl => {
                let argument = compile(argument, context);
                url::check(&argument)?;
                Arguments::One(argument)
            }
            Name::ResourceFacade => access::compile_facade(argument)?,
            Name::GetParam
            | Name::GetResource
            | Name::GetFile
            | Name::ListConcat
            | Name::ListConcatUnique
            | Name::MapMerge
            | Name::MapReplace
            | Name::StrSplit
            | Name::Digest
            | Name::Not
            | Name::AwsBase64
            | Name::AwsGetAzs
            | Name::AwsRef => Arguments::One(compile(argument, context)),
        };
        Ok(Self {
            function,
            arguments,
        })
    }

    pub(crate) fn evaluate<'a>(&'a self, stack: &'a Stack<'_>) -> Result<Option<Cow<'a, Value>>> {
        self.result(stack)
            .map_err(|error| error.at(self.function.text))
    }

    /// Reports the errors that count even if its result is not needed.
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
        checked.map_err(|error| error.at(self.function.text))
    }

    /// Adds the parameters that it reads, with the path inside them.
    pub(crate) fn parameters(&self, found: &mut IndexSet<String>) {
        match &self.arguments {
            Arguments::One(argument) if self.function.name == Name::GetParam => {
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

    /// Calls `visit` with the name of each resource that it refers to.
    pub(crate) fn resources<'a>(&'a self, visit: &mut impl FnMut(&'a str)) {
        let mut named = |argument: &'a Expression| {
            if let Some(name) = argument.as_text() {
                visit(name);
            }
        };
        match (self.function.name, &self.arguments) {
            (Name::GetResource | Name::AwsRef, Arguments::One(argument)) => named(argument),
            (Name::GetAttr | Name::GetAttrThenSelect, Arguments::Many(arguments)) => {
                arguments.first().into_iter().for_each(named);
            }
            _ => {}
        }
        match &self.arguments {
            Arguments::One(argument) => argument.resources(visit),
            Arguments::Many(arguments) => {
                arguments
                    .iter()
                    .for_each(|argument| argument.resources(visit));
            }
            Arguments::If {
                condition,
                then,
                otherwise,
            } => {
                condition.resources(visit);
                then.resources(visit);
                otherwise
                    .iter()
                    .for_each(|otherwise| otherwise.resources(visit));
            }
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
            } => {
                one.resources(visit);
                other.resources(visit);
            }
        }
    }

    /// Returns the parameter's name, if the call is a whole parameter.
    pub(crate) fn whole_parameter(&self) -> Option<&str> {
        match (self.function.name, &self.arguments) {
            (Name::GetParam, Arguments::One(Expression::Text(name))) if !name.is_empty() => {
                Some(name)
            }
            _ => None,
        }
    }

    fn result<'a>(&'a self, stack: &'a Stack<'_>) -> Result<Option<Cow<'a, Value>>> {
        let value = match (&self.arguments, self.function.name) {
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
            (Arguments::Many(arguments), Name::GetAttrThenSelect) => {
                return access::get_attr_then_select(arguments, stack).map(Some);
            }
            (Arguments::One(argument), Name::GetResource) => access::get_resource(argument, stack)?,
            (Arguments::One(argument), Name::GetFile) => {
                made(access::get_file(argument, stack)?, stack)?
            }
            (Arguments::One(argument), Name::ResourceFacade) => access::facade(argument, stack)?,
            (Arguments::Many(arguments), Name::ListJoin) => {
                made(lists::join(arguments, stack)?, stack)?
            }
            (Arguments::Many(arguments), Name::ListJoinStrings) => {
                made(lists::join_strings(arguments, stack)?, stack)?
            }
            (Arguments::Many(arguments), Name::AwsSelect) => {
                made(cloud_formation::select(arguments, stack)?, stack)?
            }
            (Arguments::Many(arguments), Name::AwsSplit) => {
                cloud_formation::split(arguments, stack)?
            }
            (Arguments::Many(arguments), Name::AwsMemberListToMap) => {
                cloud_formation::member_list_to_map(arguments, stack)?
            }
            (Arguments::One(argument), Name::AwsRef) => {
                cloud_formation::reference(argument, stack)?
            }
            (Arguments::One(argument), Name::AwsBase64) => {
                made(cloud_formation::base64(argument, stack)?, stack)?
            }
            (Arguments::One(argument), Name::AwsResourceFacade) => access::facade(argument, stack)?,
            (Arguments::One(_), Name::AwsGetAzs) => {
                let reason = "only a running cloud knows its availability zones";
                return Err(Problem::Function(reason.to_owned()).into());
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

/// The error of an argument that the function does not accept.
fn wants(what: &str) -> Problem {
    Problem::Function(format!("expected {what}"))
}

/// Compiles a list of this many arguments.
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

/// Counts a function's result against the budget.
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
        return Err(crate::Error::from(wants("an expression in a string")).at("expression"));
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

/// Names the parameters that a value consists of, because one of them must be changed.
fn origin(data: &Expression) -> String {
    let mut names = IndexSet::new();
    data.parameters(&mut names);
    if names.is_empty() {
        return String::new();
    }
    let names: Vec<_> = names.into_iter().collect();
    format!(" (it is given {})", names.join(", "))
}
