//! Work over time: a row for each item, with bars on a common axis.

use std::fmt::Write as _;

use crate::html::{Html, escaped};

/// The width of the axis, in units of the drawing.
const AXIS: f64 = 1000.0;

/// The meaning of a bar, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Work.
    Work,
    /// Work that decides how long everything took.
    Key,
    /// Something that follows the work, such as a push or the wait for health.
    After,
    /// Work that failed.
    Failed,
}

impl Tone {
    fn class(self) -> char {
        match self {
            Tone::Work => 'b',
            Tone::Key => 'c',
            Tone::After => 'p',
            Tone::Failed => 'f',
        }
    }
}

/// A bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// Its meaning.
    pub tone: Tone,
    /// Its start, in seconds.
    pub start: f64,
    /// Its length, in seconds.
    pub length: f64,
}

/// A row of a chart.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// The name of the item.
    pub name: Html,
    /// The numbers of the item with their units, one for each heading.
    pub measures: Vec<String>,
    /// The bars.
    pub bars: Vec<Bar>,
    /// The remark at the end, such as the reason for the work.
    pub note: Html,
}

/// A chart.
#[derive(Clone, Debug)]
pub struct Chart {
    name: &'static str,
    measures: &'static [&'static str],
    note: &'static str,
    rows: Vec<Row>,
}

impl Chart {
    /// Begins a chart with the headings of its columns.
    pub fn new(name: &'static str, measures: &'static [&'static str], note: &'static str) -> Chart {
        Chart {
            name,
            measures,
            note,
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Returns true if there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns the end of the last bar, in seconds.
    pub fn end(&self) -> f64 {
        let bars = self.rows.iter().flat_map(|row| &row.bars);
        bars.map(|bar| bar.start + bar.length).fold(0.001, f64::max)
    }

    /// Returns the chart with an axis from 0 to the end of the last bar.
    pub fn html(&self) -> Html {
        self.html_to(self.end())
    }

    /// Returns the chart with an axis from 0 to `end`.
    pub fn html_to(&self, end: f64) -> Html {
        let mut text = format!("<table><thead><tr><th>{}", escaped(self.name));
        // Writing to a string cannot fail.
        for measure in self.measures {
            let _ = write!(text, "<th class=n>{}", escaped(measure));
        }
        let note = escaped(self.note);
        let _ = writeln!(
            text,
            "<th class=t>0 to {end:.1} s<th>{note}</tr></thead><tbody>"
        );
        for row in &self.rows {
            let _ = write!(text, "<tr><td>{}</td>", row.name.as_str());
            for measure in &row.measures {
                let _ = write!(text, "<td class=n>{}</td>", escaped(measure));
            }
            text.push_str("<td class=t><svg viewBox=\"0 0 1000 16\" preserveAspectRatio=none>");
            for bar in &row.bars {
                text.push_str(&drawn(bar, end));
            }
            let _ = writeln!(
                text,
                "</svg></td><td class=w>{}</td></tr>",
                row.note.as_str()
            );
        }
        text.push_str("</tbody></table>");
        Html::made(text)
    }
}

fn drawn(bar: &Bar, end: f64) -> String {
    let x = bar.start / end * AXIS;
    let width = (bar.length / end * AXIS).max(1.0);
    let class = bar.tone.class();
    format!("<rect class={class} x=\"{x:.1}\" width=\"{width:.1}\" y=\"2\" height=\"12\"/>")
}

/// Returns the meanings of colours.
pub fn legend(meanings: &[(Tone, &str)]) -> Html {
    let mut text = String::new();
    for (tone, meaning) in meanings {
        let _ = write!(text, "<i class={}></i>{}", tone.class(), escaped(meaning));
    }
    Html::element("p", Html::made(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_to_scale() {
        let mut chart = Chart::new("Name", &["Took"], "Why");
        let bar = |tone, start, length| Bar {
            tone,
            start,
            length,
        };
        chart.push(Row {
            name: Html::text("a"),
            measures: vec!["1.0 s".to_owned()],
            bars: vec![bar(Tone::Work, 0.0, 1.0), bar(Tone::After, 1.0, 3.0)],
            note: Html::default(),
        });
        let html = chart.html();
        let html = html.as_str();
        assert!(
            html.contains("<rect class=b x=\"0.0\" width=\"250.0\""),
            "{html}"
        );
        assert!(
            html.contains("<rect class=p x=\"250.0\" width=\"750.0\""),
            "{html}"
        );
        assert!(html.contains("0 to 4.0 s"), "{html}");
    }

    #[test]
    fn a_bar_without_length_is_visible_and_an_empty_chart_has_an_axis() {
        let mut chart = Chart::new("Name", &[], "Why");
        assert!(chart.html().as_str().contains("0 to 0.0 s"));
        let bar = Bar {
            tone: Tone::Key,
            start: 0.0,
            length: 0.0,
        };
        chart.push(Row {
            bars: vec![bar],
            ..Row::default()
        });
        assert!(chart.html().as_str().contains("width=\"1.0\""));
    }
}
