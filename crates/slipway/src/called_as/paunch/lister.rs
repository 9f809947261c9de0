//! paunch's list, in the formats that its command line library (cliff) has.

use std::io::IsTerminal;

use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};
use rustix::termios::tcgetwinsize;
use serde_json::{Map, Value};

use super::table::table;
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
    /// The values that get quotes in CSV
    #[arg(long, value_enum, default_value_t = Quote::Nonnumeric)]
    quote: Quote,
    /// Do not indent the JSON
    #[arg(long)]
    noindent: bool,
    /// Specify the column(s) to sort the data by, can be repeated; the first counts most, unknown
    /// ones do not
    #[arg(long, value_name = "SORT_COLUMN")]
    sort_column: Vec<String>,
    /// Sort the column(s) in ascending order
    #[arg(long, conflicts_with = "sort_descending")]
    sort_ascending: bool,
    /// Sort the column(s) in descending order
    #[arg(long)]
    sort_descending: bool,
    /// Maximum display width of a table, <1 to disable
    #[arg(
        long,
        value_name = "integer",
        env = "CLIFF_MAX_TERM_WIDTH",
        default_value_t = 0,
        allow_negative_numbers = true
    )]
    max_width: i64,
    /// Fit a table to the display width. Implied if --max-width is greater than 0
    #[arg(long, env = "CLIFF_FIT_WIDTH", value_parser = FalseyValueParser::new())]
    fit_width: bool,
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
    /// Returns the rows as text.
    pub fn text(&self, mut rows: Vec<Row>) -> anyhow::Result<String> {
        let columns = self.columns()?;
        for column in self.sort_column.iter().rev().filter_map(|name| index(name)) {
            rows.sort_by(|a, b| match self.sort_descending {
                true => b[column].cmp(&a[column]),
                false => a[column].cmp(&b[column]),
            });
        }
        let chosen =
            |row: &Row| -> Vec<String> { columns.iter().map(|&c| row[c].clone()).collect() };
        let heading = chosen(&COLUMNS.map(str::to_owned));
        let rows: Vec<Vec<String>> = rows.iter().map(chosen).collect();
        Ok(match self.format {
            Format::Table => table(&heading, &rows, self.print_empty, self.width()),
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

    /// Returns the selected columns, in their own order.
    fn columns(&self) -> anyhow::Result<Vec<usize>> {
        if self.column.is_empty() {
            return Ok((0..COLUMNS.len()).collect());
        }
        let mut args: Vec<usize> = self.column.iter().filter_map(|name| index(name)).collect();
        if args.is_empty() {
            let (names, there) = (self.column.join(", "), COLUMNS.join(", "));
            let message = format!("there is no column {names}; there are: {there}");
            return Err(bad_input(anyhow::anyhow!(message)));
        }
        args.sort_unstable();
        args.dedup();
        Ok(args)
    }

    /// Returns the maximum width of a table, if there is one.
    fn width(&self) -> Option<usize> {
        match usize::try_from(self.max_width) {
            Ok(width @ 1..) => return Some(width),
            _ if !self.fit_width && !std::io::stdout().is_terminal() => return None,
            _ => {}
        }
        let size = tcgetwinsize(std::io::stdout()).ok()?;
        Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
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

/// Finds a column by its name, in any spelling.
fn index(name: &str) -> Option<usize> {
    let name = name.trim().to_lowercase().replace(' ', "_");
    COLUMNS.iter().position(|column| *column == name)
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

/// Returns JSON on one line, with Python's spacing.
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
