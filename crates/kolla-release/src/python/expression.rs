//! Reads expressions from tokens, and evaluates them.

use serde_json::{Map, Value};

use super::Names;
use super::tokens::Token;
use slipway_pyvalue::truth;

/// An expression, as far as it is understood.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression {
    /// A string, number, `True`, `False` or `None`.
    Literal(Value),
    /// A name with its attributes, dotted.
    Name(String),
    /// A list, tuple or set.
    List(Vec<Expression>),
    /// A dictionary.
    Dict(Vec<(Expression, Expression)>),
    /// A call: what is called, arguments, named arguments.
    Call(Box<Expression>, Vec<Expression>, Vec<(String, Expression)>),
    /// An attribute of something that is no name.
    Attribute(Box<Expression>, String),
    /// Two operands.
    Binary(&'static str, Box<Expression>, Box<Expression>),
    /// `not`.
    Not(Box<Expression>),
    /// Anything else.
    Unknown,
}

impl Expression {
    /// Its value; `None` where it has none here. In dictionaries and lists, such items are null.
    pub(crate) fn value(&self, names: &Names) -> Option<Value> {
        match self {
            Expression::Literal(value) => Some(value.clone()),
            Expression::Name(name) => names.get(name).cloned(),
            Expression::List(items) => Some(
                items
                    .iter()
                    .map(|item| item.value(names).unwrap_or_default())
                    .collect(),
            ),
            Expression::Dict(items) => Some(Value::Object(
                items
                    .iter()
                    .filter_map(|(key, value)| {
                        let key = key.value(names)?.as_str()?.to_owned();
                        Some((key, value.value(names).unwrap_or_default()))
                    })
                    .collect::<Map<_, _>>(),
            )),
            Expression::Call(called, arguments, _) => call(called, arguments, names),
            Expression::Attribute(..) | Expression::Unknown => None,
            Expression::Not(inner) => Some(Value::Bool(!truth(&inner.value(names)?))),
            Expression::Binary(operator, left, right) => binary(operator, left, right, names),
        }
    }

    /// A named argument of a call.
    pub(crate) fn argument(&self, name: &str) -> Option<&Expression> {
        match self {
            Expression::Call(_, _, named) => named
                .iter()
                .find_map(|(key, value)| (key == name).then_some(value)),
            _ => None,
        }
    }

    /// The first argument of a call, where it is a string.
    pub(crate) fn first_argument(&self) -> Option<&str> {
        match self {
            Expression::Call(_, arguments, _) => match arguments.first()? {
                Expression::Literal(Value::String(text)) => Some(text),
                _ => None,
            },
            _ => None,
        }
    }

    /// The items of a list.
    pub(crate) fn items(&self) -> &[Expression] {
        match self {
            Expression::List(items) => items,
            _ => &[],
        }
    }
}

/// The calls that conditions make: `text.startswith(…)`, and versions, which are kept as text.
fn call(called: &Expression, arguments: &[Expression], names: &Names) -> Option<Value> {
    let argument = arguments.first()?.value(names)?;
    match called {
        Expression::Name(name) if name == "LooseVersion" => Some(argument),
        Expression::Name(name) => {
            let text = names.get(name.strip_suffix(".startswith")?)?.as_str()?;
            let starts = |prefix: &Value| prefix.as_str().is_some_and(|p| text.starts_with(p));
            Some(Value::Bool(match &argument {
                Value::Array(prefixes) => prefixes.iter().any(starts),
                prefix => starts(prefix),
            }))
        }
        _ => None,
    }
}

fn binary(operator: &str, left: &Expression, right: &Expression, names: &Names) -> Option<Value> {
    let left = left.value(names);
    match operator {
        "and" if left.as_ref().is_some_and(|value| !truth(value)) => return left,
        "and" => return left.and(right.value(names)),
        "or" if left.as_ref().is_some_and(truth) => return left,
        "or" => return right.value(names),
        _ => {}
    }
    let (left, right) = (left?, right.value(names)?);
    match operator {
        "+" => match (&left, &right) {
            (Value::String(a), Value::String(b)) => Some(Value::String(format!("{a}{b}"))),
            (Value::Array(a), Value::Array(b)) => Some(a.iter().chain(b).cloned().collect()),
            (Value::Number(a), Value::Number(b)) => Some((a.as_i64()? + b.as_i64()?).into()),
            _ => None,
        },
        "==" => Some(Value::Bool(left == right)),
        "!=" => Some(Value::Bool(left != right)),
        "in" => Some(Value::Bool(contains(&right, &left)?)),
        "not in" => Some(Value::Bool(!contains(&right, &left)?)),
        ">=" => Some(Value::Bool(version(&left)? >= version(&right)?)),
        "<" => Some(Value::Bool(version(&left)? < version(&right)?)),
        _ => None,
    }
}

fn contains(all: &Value, one: &Value) -> Option<bool> {
    match all {
        Value::Array(items) => Some(items.contains(one)),
        Value::Object(items) => Some(items.contains_key(one.as_str()?)),
        _ => None,
    }
}

/// The leading numbers of a version.
fn version(value: &Value) -> Option<Vec<u64>> {
    let parts = value.as_str()?.split(['.', '-']);
    Some(parts.map_while(|part| part.parse().ok()).collect())
}

/// The precedence of operators.
const LEVELS: [&[&str]; 4] = [
    &["or"],
    &["and"],
    &["==", "!=", "<=", ">=", "<", ">", "in", "not in", "is"],
    &["+", "-", "|", "%", "*", "/"],
];

/// The deepest nesting of an expression: far deeper than Kolla's do, far less than the stack holds.
const MAX_DEPTH: usize = 64;

/// The largest number of operators, calls and attributes of one expression. Each is one level of the tree
/// that is read, evaluated and dropped; Kolla's expressions have a dozen.
const MAX_OPERATIONS: usize = 500;

/// Reads one expression.
pub(super) struct Parser<'t> {
    tokens: &'t [Token],
    depth: usize,
    operations: usize,
}

impl<'t> Parser<'t> {
    /// All tokens as one expression; `Unknown` where some are left over.
    pub(super) fn whole(tokens: &'t [Token]) -> Expression {
        let mut parser = Parser {
            tokens,
            depth: 0,
            operations: 0,
        };
        let expression = parser.binary(0);
        match parser.tokens {
            [] => expression,
            _ => Expression::Unknown,
        }
    }

    fn binary(&mut self, level: usize) -> Expression {
        let Some(operators) = LEVELS.get(level) else {
            return self.operand();
        };
        let nots = if level == 2 { self.nots() } else { 0 };
        let mut left = self.binary(level + 1);
        while let Some(operator) = self.operator(operators) {
            let right = self.binary(level + 1);
            left = match self.may_grow() {
                true => Expression::Binary(operator, Box::new(left), Box::new(right)),
                false => Expression::Unknown,
            };
        }
        // Any even number of them says the same as two.
        let nots = if nots > 2 { 2 - nots % 2 } else { nots };
        (0..nots).fold(left, |inner, _| Expression::Not(Box::new(inner)))
    }

    /// Takes every `not` in a row.
    fn nots(&mut self) -> usize {
        let mut count = 0;
        while self.take_name("not") {
            count += 1;
        }
        count
    }

    /// Counts an operation; false if there are too many of them.
    fn may_grow(&mut self) -> bool {
        self.operations += 1;
        self.operations <= MAX_OPERATIONS
    }

    fn operator(&mut self, operators: &[&'static str]) -> Option<&'static str> {
        let (word, length) = match self.tokens {
            [Token::Name(not), Token::Name(inside), ..] if not == "not" && inside == "in" => {
                ("not in", 2)
            }
            [Token::Name(name), ..] => (name.as_str(), 1),
            [Token::Sign(sign), ..] => (*sign, 1),
            _ => return None,
        };
        let found = operators
            .iter()
            .copied()
            .find(|operator| *operator == word)?;
        self.tokens = &self.tokens[length..];
        Some(found)
    }

    fn operand(&mut self) -> Expression {
        self.depth += 1;
        let mut operand = if self.depth > MAX_DEPTH {
            self.tokens = &[];
            Expression::Unknown
        } else {
            self.atom()
        };
        loop {
            if self.take(".") {
                let Some(Token::Name(name)) = self.next() else {
                    operand = Expression::Unknown;
                    break;
                };
                operand = match operand {
                    Expression::Name(object) => Expression::Name(format!("{object}.{name}")),
                    other if self.may_grow() => {
                        Expression::Attribute(Box::new(other), name.clone())
                    }
                    _ => Expression::Unknown,
                };
            } else if self.take("(") {
                operand = match self.may_grow() {
                    true => self.call(operand),
                    false => {
                        self.sequence(")");
                        Expression::Unknown
                    }
                };
            } else if self.take("[") {
                self.sequence("]");
                operand = Expression::Unknown;
            } else {
                break;
            }
        }
        self.depth -= 1;
        operand
    }

    fn atom(&mut self) -> Expression {
        match self.next() {
            Some(Token::Text(text)) => self.strings(text.clone()),
            Some(Token::Number(number)) => Expression::Literal((*number).into()),
            Some(Token::Name(name)) => match name.as_str() {
                "True" => Expression::Literal(true.into()),
                "False" => Expression::Literal(false.into()),
                "None" => Expression::Literal(Value::Null),
                _ => Expression::Name(name.clone()),
            },
            Some(Token::Sign("(")) => match self.sequence(")") {
                (mut items, false) if items.len() == 1 => items.remove(0),
                (items, _) => Expression::List(items),
            },
            Some(Token::Sign("[")) => Expression::List(self.sequence("]").0),
            Some(Token::Sign("{")) => self.braces(),
            _ => Expression::Unknown,
        }
    }

    /// Strings that follow one another are one.
    fn strings(&mut self, first: Option<String>) -> Expression {
        let mut whole = first;
        while let [Token::Text(next), rest @ ..] = self.tokens {
            self.tokens = rest;
            whole = whole.zip(next.as_ref()).map(|(text, next)| text + next);
        }
        whole.map_or(Expression::Unknown, |text| {
            Expression::Literal(Value::String(text))
        })
    }

    /// The items up to a closing bracket, and whether there was a comma after the last.
    fn sequence(&mut self, close: &'static str) -> (Vec<Expression>, bool) {
        let mut items = Vec::new();
        let mut has_comma = false;
        while !self.take(close) && !self.tokens.is_empty() {
            items.push(self.binary(0));
            has_comma = self.separator(close);
        }
        (items, has_comma)
    }

    fn braces(&mut self) -> Expression {
        let (mut items, mut pairs) = (Vec::new(), Vec::new());
        while !self.take("}") && !self.tokens.is_empty() {
            let item = self.binary(0);
            if self.take(":") {
                pairs.push((item, self.binary(0)));
            } else {
                items.push(item);
            }
            self.separator("}");
        }
        if items.is_empty() {
            Expression::Dict(pairs)
        } else {
            Expression::List(items)
        }
    }

    fn call(&mut self, called: Expression) -> Expression {
        let (mut arguments, mut named) = (Vec::new(), Vec::new());
        while !self.take(")") && !self.tokens.is_empty() {
            match self.tokens {
                [Token::Name(name), Token::Sign("="), rest @ ..] => {
                    self.tokens = rest;
                    named.push((name.clone(), self.binary(0)));
                }
                _ => arguments.push(self.binary(0)),
            }
            self.separator(")");
        }
        Expression::Call(Box::new(called), arguments, named)
    }

    /// Skips to the comma after an item; the text before it was not understood.
    fn separator(&mut self, close: &'static str) -> bool {
        let mut depth = 0usize;
        while let Some(token) = self.tokens.first() {
            match token {
                Token::Sign(",") if depth == 0 => {
                    self.tokens = &self.tokens[1..];
                    return true;
                }
                Token::Sign(sign) if depth == 0 && *sign == close => return false,
                Token::Sign("(" | "[" | "{") => depth += 1,
                Token::Sign(")" | "]" | "}") => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.tokens = &self.tokens[1..];
        }
        false
    }

    fn next(&mut self) -> Option<&'t Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    fn take(&mut self, sign: &'static str) -> bool {
        let is_there = self.tokens.first() == Some(&Token::Sign(sign));
        if is_there {
            self.tokens = &self.tokens[1..];
        }
        is_there
    }

    fn take_name(&mut self, name: &str) -> bool {
        let is_there = matches!(self.tokens.first(), Some(Token::Name(n)) if n == name);
        if is_there {
            self.tokens = &self.tokens[1..];
        }
        is_there
    }
}
