//! The same expressions on the same data, evaluated by Python's yaql and by us.
//!
//! `scripts/parity templates --yaql` runs this: it needs a Python with yaql. The seed is printed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

mod generate;

use std::fmt;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use slipway_yaql::{Expression, Limits};

/// The number of items that a collection may have, here and in the peer.
const ITEMS: usize = 300;
const BATCH: usize = 5000;

struct Case {
    expression: String,
    data: Value,
}

enum Answer {
    Value(Value),
    Error(String),
    Skip,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Answer::Value(value) => write!(f, "{value}"),
            Answer::Error(error) => write!(f, "error: {error}"),
            Answer::Skip => write!(f, "beyond a limit"),
        }
    }
}

fn variable(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set; use scripts/parity templates --yaql"))
}

/// Returns Python's results for the cases, and whether each has sets.
fn theirs(cases: &[Case]) -> Vec<(Answer, bool)> {
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/parity/templates/yaql_oracle.py"
    );
    let mut python = Command::new(variable("PARITY_PYTHON"));
    python
        .arg(script)
        .arg(ITEMS.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = python.spawn().expect("Python cannot be run");
    let lines: String = cases
        .iter()
        .map(|case| format!("{}\n", json!([case.expression, case.data])))
        .collect();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().expect("Python stopped reading");
    let text = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<_> = text.lines().map(read).collect();
    assert_eq!(answers.len(), cases.len(), "Python did not answer all");
    answers
}

fn read(line: &str) -> (Answer, bool) {
    let mut answer: Value = serde_json::from_str(line).unwrap();
    let sets = answer["sets"] == json!(true);
    let answer = match (
        answer.get_mut("value").map(Value::take),
        answer.get("error"),
    ) {
        (Some(value), _) => Answer::Value(value),
        // Dropped in yaql 3, and kept here: templates use it.
        (None, Some(error)) if error.as_str().unwrap().contains(r#"No method "format""#) => {
            Answer::Skip
        }
        (None, Some(error)) => Answer::Error(error.as_str().unwrap().to_string()),
        (None, None) => Answer::Skip,
    };
    (answer, sets)
}

fn ours(case: &Case) -> Answer {
    let limits = Limits {
        items: ITEMS,
        ..Limits::default()
    };
    let result = Expression::parse(&case.expression)
        .and_then(|read| read.evaluate_within(&case.data, limits));
    match result {
        Ok(value) => Answer::Value(value),
        Err(error) => {
            let text = error.to_string();
            // In Python an iterator has a text: where it is in memory.
            let limit = [
                "too large",
                "takes more than",
                "nest",
                "cannot be matched",
                "an iterator has no text",
            ];
            if limit.iter().any(|limit| text.contains(limit)) {
                Answer::Skip
            } else {
                Answer::Error(text)
            }
        }
    }
}

/// Lists in an order of ours, for what came out of sets.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<_> = items.iter().map(sorted).collect();
            items.sort_by_key(Value::to_string);
            Value::Array(items)
        }
        Value::Object(entries) => entries
            .iter()
            .map(|(key, item)| (key.clone(), sorted(item)))
            .collect(),
        _ => value.clone(),
    }
}

/// The text of a value, which tells 1 from 1.0 and shows the order of keys.
fn written(value: &Value) -> String {
    value.to_string()
}

fn same(theirs: &Answer, sets: bool, ours: &Answer) -> bool {
    match (theirs, ours) {
        (Answer::Value(theirs), Answer::Value(ours)) if sets => sorted(theirs) == sorted(ours),
        (Answer::Value(theirs), Answer::Value(ours)) => written(theirs) == written(ours),
        (Answer::Error(_), Answer::Error(_)) | (Answer::Skip, _) | (_, Answer::Skip) => true,
        _ => false,
    }
}

#[derive(Default)]
struct Tally {
    values: usize,
    errors: usize,
    skipped: usize,
    different: usize,
}

impl Tally {
    fn compare(&mut self, cases: &[Case]) {
        for (case, (theirs, sets)) in cases.iter().zip(theirs(cases)) {
            let ours = ours(case);
            match (&theirs, &ours) {
                _ if !same(&theirs, sets, &ours) => {
                    self.different += 1;
                    if self.different <= 40 {
                        println!(
                            "{}\n  data    {}\n  theirs  {theirs}\n  ours    {ours}",
                            case.expression, case.data
                        );
                    }
                }
                (Answer::Skip, _) | (_, Answer::Skip) => self.skipped += 1,
                (Answer::Value(_), _) => self.values += 1,
                (Answer::Error(_), _) => self.errors += 1,
            }
        }
    }

    fn finish(&self) {
        println!(
            "{} equal values, {} errors on both sides, {} beyond a limit",
            self.values, self.errors, self.skipped
        );
        assert_eq!(self.different, 0, "expressions that come to something else");
    }
}

#[test]
#[ignore = "needs Python's yaql: scripts/parity templates --yaql"]
fn generated_expressions() {
    let cases: usize = variable("PARITY_CASES").parse().unwrap();
    let seed: u64 = variable("PARITY_SEED").parse().unwrap();
    println!("{cases} expressions, seed {seed}");
    let mut generator = generate::Generator::new(seed);
    let mut tally = Tally::default();
    let mut remaining = cases;
    while remaining > 0 {
        let count = remaining.min(BATCH);
        let batch: Vec<_> = (0..count).map(|_| generator.case()).collect();
        tally.compare(&batch);
        remaining -= count;
    }
    tally.finish();
    assert!(
        tally.values * 3 > cases,
        "too few of the expressions have a value"
    );
}

/// Expressions from files of tripleo-heat-templates, one JSON string a line, on data that would suit.
#[test]
#[ignore = "needs Python's yaql and expressions: scripts/parity templates --yaql"]
fn expressions_of_templates() {
    let file = variable("PARITY_EXPRESSIONS");
    let seed: u64 = variable("PARITY_SEED").parse().unwrap();
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let expressions: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(
        expressions.len() > 20,
        "{file} has only {} expressions",
        expressions.len()
    );
    let mut generator = generate::Generator::new(seed);
    let mut cases = Vec::new();
    for expression in &expressions {
        for _ in 0..40 {
            cases.push(Case {
                expression: expression.clone(),
                data: generator.data_for(expression),
            });
        }
    }
    let mut tally = Tally::default();
    tally.compare(&cases);
    println!("{} expressions of templates", expressions.len());
    tally.finish();
    assert!(
        tally.values * 3 > cases.len(),
        "too little of the data suits the expressions"
    );
}
