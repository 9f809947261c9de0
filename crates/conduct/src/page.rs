//! The page of a run.

use indexmap::IndexMap;
use slipway_page::{Bar, Chart, Html, Page, Row, Tone, legend};

use crate::summary::{NodeResult, Summary};

/// The number of tasks in the list of the slowest.
const SLOWEST: usize = 10;

impl Summary {
    /// Returns the run as a page of HTML that loads nothing: what failed, the nodes over time, the slowest
    /// tasks.
    pub fn page(&self, title: &str) -> String {
        let mut page = Page::new(title);
        page.push(Html::paragraph(&self.line()));
        for result in &self.results {
            if let Some(message) = &result.outcome.message {
                let heading = format!("{} {}", result.node, result.outcome.result);
                let content = Html::paragraph(&result.part).and(Html::output(message));
                page.section(&heading, content);
            }
        }
        page.section("Nodes over time", self.by_node());
        page.section("Slowest tasks", self.slowest());
        page.to_string()
    }

    /// Returns the result in one line.
    pub fn line(&self) -> String {
        let end = match (self.is_success(), self.stopped) {
            (true, _) => "done",
            (false, true) => "stopped",
            (false, false) => "done, except for nodes that failed",
        };
        let failed = match self.failed.is_empty() {
            true => String::new(),
            false => format!("; failed: {}", self.failed.join(", ")),
        };
        format!(
            "{} {end} after {:.1} s: {} nodes changed, {} parts done, {} done before{failed}",
            self.action.name(),
            self.seconds,
            self.changed_nodes(),
            self.results.len(),
            self.skipped,
        )
    }

    fn by_node(&self) -> Html {
        let meanings = [
            (Tone::Key, "a part that changed something"),
            (Tone::Work, "a part that changed nothing"),
            (Tone::Failed, "failed"),
        ];
        let mut chart = Chart::new("Node", &["Parts", "Took"], "Parts");
        let mut results: IndexMap<&str, Vec<&NodeResult>> = IndexMap::new();
        for result in &self.results {
            results.entry(&result.node).or_default().push(result);
        }
        for (node, of_node) in results {
            let seconds: f64 = of_node.iter().map(|result| result.seconds).sum();
            let parts = of_node.iter().map(|result| {
                let changes = match result.changes.is_empty() {
                    true => String::new(),
                    false => format!(" ({})", result.changes.join(", ")),
                };
                Html::text(&format!(
                    "{}: {}{changes}",
                    result.part, result.outcome.result
                ))
            });
            chart.push(Row {
                name: Html::text(node),
                measures: vec![of_node.len().to_string(), format!("{seconds:.1} s")],
                bars: of_node.iter().map(|result| bar(result)).collect(),
                note: Html::details("parts", parts),
            });
        }
        legend(&meanings).and(chart.html_to(self.seconds.max(0.001)))
    }

    fn slowest(&self) -> Html {
        let mut tasks: Vec<(&NodeResult, &str, f64)> = self
            .results
            .iter()
            .filter_map(|result| {
                let (task, seconds) = result.slowest.as_ref()?;
                Some((result, task.as_str(), *seconds))
            })
            .collect();
        tasks.sort_by(|a, b| b.2.total_cmp(&a.2));
        let mut chart = Chart::new("Task", &["Took"], "Node and part");
        for (result, task, seconds) in tasks.into_iter().take(SLOWEST) {
            chart.push(Row {
                name: Html::text(task),
                measures: vec![format!("{seconds:.1} s")],
                bars: vec![bar(result)],
                note: Html::text(&format!("{}, {}", result.node, result.part)),
            });
        }
        chart.html_to(self.seconds.max(0.001))
    }
}

fn bar(result: &NodeResult) -> Bar {
    let tone = match (&result.outcome.message, result.outcome.result) {
        (Some(_), _) => Tone::Failed,
        (None, "changed") => Tone::Key,
        (None, _) => Tone::Work,
    };
    Bar {
        tone,
        start: result.started,
        length: result.seconds,
    }
}
