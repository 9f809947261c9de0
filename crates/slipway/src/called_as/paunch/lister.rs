//! paunch's list, in the formats that its command line library (cliff) has.

use clap::{Args, ValueEnum};
use serde_json::{Map, Value};

use crate::commands::debug::yaml;
use crate::exit::bad_input;

/// A container's cells.
pub type Row = [String; 5];

const COLUMNS: [&str; 5] = ["config", "container", "image", "command", "status"];

#[derive(Args, Debug)]
pub struct Lister {
    /// The output format
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Specify the column(s) to include, can be repeated
    #[arg(short, long, value_name = "COLUMN")]
    column: Vec<String>,
    /// When to include quotes in CSV
    #[arg(long, value_enum, default_value_t = Quote::Nonnumeric)]
    quote: Quote,
    /// Whether to disable indenting the JSON
    #[arg(long)]
    noindent: bool,
    /// Specify the column(s) to sort the data by, can be repeated
    #[arg(long, value_name = "SORT_COLUMN")]
    sort_column: Vec<String>,
    /// Sort the column(s) in ascending order
    #[arg(long, conflicts_with = "sort_descending")]
    sort_ascending: bool,
    /// Sort the column(s) in descending order
    #[arg(long)]
    sort_descending: bool,
    /// Print an empty table if there is no data to show
    #[arg(long)]
    print_empty: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Csv,
    Json,
    Table,
    Value,
    Yaml,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Quote {
    All,
    Minimal,
    None,
    Nonnumeric,
}

impl Lister {
    /// The rows as text.
    pub fn text(&self, mut rows: Vec<Row>) -> anyhow::Result<String> {
        let columns = match self.column.is_empty() {
            true => (0..COLUMNS.len()).collect(),
            false => self
                .column
                .iter()
                .map(|name| index(name))
                .collect::<Result<Vec<_>, _>>()?,
        };
        for name in self.sort_column.iter().rev() {
            let column = index(name)?;
            rows.sort_by(|a, b| a[column].cmp(&b[column]));
            if self.sort_descending {
                rows.reverse();
            }
        }
        let chosen =
            |row: &Row| -> Vec<String> { columns.iter().map(|&c| row[c].clone()).collect() };
        let heading = chosen(&COLUMNS.map(str::to_owned));
        let rows: Vec<Vec<String>> = rows.iter().map(chosen).collect();
        Ok(match self.format {
            Format::Table => table(&heading, &rows, self.print_empty),
            Format::Value => joined(&rows, |row| row.join(" ")),
            Format::Csv => {
                let lines = [vec![heading], rows].concat();
                joined(&lines, |row| {
                    let cells = row.iter().map(|cell| self.quoted(cell));
                    cells.collect::<Vec<_>>().join(",")
                })
            }
            Format::Json if self.noindent => python_json(&objects(&heading, &rows)),
            Format::Json => serde_json::to_string_pretty(&objects(&heading, &rows))?,
            Format::Yaml => yaml_list(&objects(&heading, &rows))?,
        })
    }

    fn quoted(&self, cell: &str) -> String {
        let special = cell.contains([',', '"', '\n', '\r']);
        match self.quote {
            Quote::None => cell.to_owned(),
            Quote::Minimal if !special => cell.to_owned(),
            _ => format!("\"{}\"", cell.replace('"', "\"\"")),
        }
    }
}

fn index(name: &str) -> anyhow::Result<usize> {
    let known = COLUMNS.iter().position(|column| *column == name);
    known.ok_or_else(|| {
        let there = COLUMNS.join(", ");
        bad_input(anyhow::anyhow!(
            "there is no column {name}; there are: {there}"
        ))
    })
}

fn joined(rows: &[Vec<String>], line: impl Fn(&Vec<String>) -> String) -> String {
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn objects(heading: &[String], rows: &[Vec<String>]) -> Value {
    let object = |row: &Vec<String>| -> Map<String, Value> {
        let cells = heading.iter().cloned().zip(row.iter().cloned());
        cells
            .map(|(name, cell)| (name, Value::from(cell)))
            .collect()
    };
    rows.iter().map(object).map(Value::Object).collect()
}

/// On one line, spaced as Python does it.
fn python_json(rows: &Value) -> String {
    let objects = rows.as_array().into_iter().flatten().map(|row| {
        let fields = row.as_object().into_iter().flatten();
        let fields: Vec<String> = fields
            .map(|(name, cell)| format!("{}: {cell}", Value::from(name.as_str())))
            .collect();
        format!("{{{}}}", fields.join(", "))
    });
    format!("[{}]", objects.collect::<Vec<_>>().join(", "))
}

fn yaml_list(rows: &Value) -> anyhow::Result<String> {
    Ok(match rows.as_array().is_some_and(|rows| rows.is_empty()) {
        true => "[]".to_owned(),
        false => yaml(rows)?.trim_end().to_owned(),
    })
}

fn table(heading: &[String], rows: &[Vec<String>], print_empty: bool) -> String {
    if rows.is_empty() && !print_empty {
        return String::new();
    }
    let length = |text: &String| text.chars().count();
    let widths: Vec<usize> = heading
        .iter()
        .enumerate()
        .map(|(column, name)| {
            let cells = rows.iter().map(|row| length(&row[column]));
            cells.max().unwrap_or(0).max(length(name))
        })
        .collect();
    let dashes: Vec<String> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
    let rule = format!("+{}+", dashes.join("+"));
    let line = |row: &[String]| {
        let cells = row.iter().zip(&widths);
        let cells: Vec<String> = cells
            .map(|(cell, width)| format!(" {cell:<width$} "))
            .collect();
        format!("|{}|", cells.join("|"))
    };
    let mut lines = vec![rule.clone(), line(heading), rule.clone()];
    lines.extend(rows.iter().map(|row| line(row)));
    lines.push(rule);
    lines.join("\n")
}
