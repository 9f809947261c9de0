//! The page of a deployment's record.

use slipway_page::{Bar, Chart, Html, Page, Row, Tone, legend};
use slipway_puppet::Change;
use slipway_suggest::count;

use super::record::{Item, Kind, Record, State};

/// The number of items in the list of the slowest.
const SLOWEST: usize = 10;

impl Record {
    /// Returns the record as a page of HTML that loads nothing.
    ///
    /// It begins with what failed and its output. Then it shows the slowest items, all work by step over
    /// time with the reasons and the changed files, and the items that were left alone.
    pub fn page(&self, title: &str) -> String {
        let mut page = Page::new(title);
        page.push(Html::paragraph(&self.summary()));
        self.add_failures(&mut page);
        if self.items.len() > 1 {
            page.section("Slowest first", self.slowest());
        }
        page.section("By step", self.by_step());
        self.add_lists(&mut page);
        page.to_string()
    }

    fn summary(&self) -> String {
        let is_container = |item: &&Item| item.kind == Kind::Container;
        let containers = self.items.iter().filter(is_container).count();
        let runs = self.items.len() - containers;
        let end = match &self.error {
            None if self.items.is_empty() && self.removed.is_empty() => "Nothing had to be done",
            None => "Done",
            Some(_) => "Failed",
        };
        format!(
            "{end} after {:.1} s: {}, {} started or replaced, {} removed, {} unchanged.",
            self.seconds,
            count(runs, "Puppet run"),
            count(containers, "container"),
            self.removed.len(),
            count(self.unchanged.len(), "item")
        )
    }

    fn add_failures(&self, page: &mut Page) {
        for item in &self.items {
            let State::Failed(error) = &item.state else {
                continue;
            };
            let mut content = Html::output(error);
            if !item.output.is_empty() {
                let lines: Vec<&str> = item.output.iter().map(String::as_str).collect();
                content.push(Html::paragraph("Its last lines of output:"));
                content.push(Html::output(&lines.join("\n")));
            }
            page.section(&format!("{} failed", item.name), content);
        }
        if let Some(error) = &self.error
            && !self.items.iter().any(Item::has_failed)
        {
            page.section("The deployment failed", Html::output(error));
        }
    }

    fn slowest(&self) -> Html {
        let mut items: Vec<&Item> = self.items.iter().collect();
        let now = self.seconds;
        items.sort_by(|a, b| b.seconds_in_all(now).total_cmp(&a.seconds_in_all(now)));
        let mut chart = chart();
        for item in items.into_iter().take(SLOWEST) {
            chart.push(self.row(item));
        }
        chart.html_to(now)
    }

    fn by_step(&self) -> Html {
        let meanings = [
            (Tone::Key, "Pre or a step"),
            (Tone::Work, "Puppet runs, or a container starts"),
            (Tone::After, "wait until the container is healthy"),
            (Tone::Failed, "failed"),
        ];
        let mut chart = chart();
        let starts = self.stages.iter().map(|stage| (stage.step, stage.started));
        let stages: Vec<_> = std::iter::once((None, 0.0)).chain(starts).collect();
        let ends = stages.iter().skip(1).map(|(_, start)| *start);
        for ((step, start), end) in stages.iter().zip(ends.chain([self.seconds])) {
            let name = match step {
                None => "Pre".to_owned(),
                Some(step) => format!("Step {}", step.number()),
            };
            chart.push(Row {
                name: Html::element("b", Html::text(&name)),
                measures: vec![seconds(end - start)],
                bars: vec![Bar {
                    tone: Tone::Key,
                    start: *start,
                    length: end - start,
                }],
                note: Html::default(),
            });
            let items = self.items.iter().filter(|item| item.step == *step);
            items.for_each(|item| chart.push(self.row(item)));
        }
        legend(&meanings).and(chart.html_to(self.seconds))
    }

    fn row(&self, item: &Item) -> Row {
        let (work, all) = (
            item.seconds(self.seconds),
            item.seconds_in_all(self.seconds),
        );
        let tone = match item.state {
            State::Failed(_) => Tone::Failed,
            State::Running | State::Done | State::Same => Tone::Work,
        };
        let bar = |tone, start, length| Bar {
            tone,
            start,
            length,
        };
        let mut bars = vec![bar(tone, item.started, work)];
        if all > work {
            bars.push(bar(Tone::After, item.started + work, all - work));
        }
        let kind = format!(" {}", kind_name(item.kind));
        Row {
            name: Html::text(&item.name).and(Html::classed("span", "dim", Html::text(&kind))),
            measures: vec![seconds(all)],
            bars,
            note: note(item),
        }
    }

    fn add_lists(&self, page: &mut Page) {
        let list = |items: Vec<String>| {
            let mut list = Html::default();
            for item in items {
                list.push(Html::element("li", Html::text(&item)));
            }
            Html::element("ul", list)
        };
        if !self.warnings.is_empty() {
            page.section("Warnings", list(self.warnings.clone()));
        }
        if !self.removed.is_empty() {
            let removed = self.removed.iter();
            let removed = removed.map(|(name, reason)| format!("{name}: {reason}"));
            page.section("Removed containers", list(removed.collect()));
        }
        if !self.unchanged.is_empty() {
            let unchanged = self.unchanged.iter();
            let unchanged: Vec<String> = unchanged
                .map(|(kind, name)| format!("{name} ({})", kind_name(*kind)))
                .collect();
            page.section("Unchanged", Html::paragraph(&unchanged.join(", ")));
        }
    }
}

fn chart() -> Chart {
    Chart::new("Item", &["Took"], "Why and what changed")
}

fn seconds(seconds: f64) -> String {
    format!("{seconds:.1} s")
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::ConfigVolume => "config volume",
        Kind::HostManifest => "host manifest",
        Kind::Task => "task",
        Kind::Container => "container",
    }
}

fn note(item: &Item) -> Html {
    let mut note = Html::text(&item.why);
    let state = match item.state {
        State::Done => "",
        State::Running => "; not finished",
        State::Same => "; its result is unchanged",
        State::Failed(_) => "; failed",
    };
    note.push(match item.has_failed() {
        true => Html::classed("span", "bad", Html::text(state)),
        false => Html::text(state),
    });
    if !item.changed_files.is_empty() {
        let summary = count(item.changed_files.len(), "changed file");
        let files = item.changed_files.iter().map(|file| {
            let change = match file.change {
                Change::Added => "added",
                Change::Removed => "removed",
                Change::Changed => "changed",
            };
            Html::text(&format!("{}: {change}", file.path))
        });
        note.push(Html::details(&summary, files));
    }
    note
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::failed;
    use super::*;

    #[test]
    fn a_failure_is_shown_first_with_its_output() {
        let page = failed().page("Deployment of R");
        let failure = page.find("<h2>second failed</h2>").unwrap();
        assert!(failure < page.find("<h2>Slowest first</h2>").unwrap());
        assert!(page.contains("no &lt;database&gt;"), "{page}");
        assert!(page.contains("etc/&lt;a&gt;.conf: changed"), "{page}");
        assert!(
            page.contains("b (config volume), kept (container)"),
            "{page}"
        );
        assert!(
            page.contains("Failed after 7.0 s: 2 Puppet runs, 2 containers"),
            "{page}"
        );
        assert!(
            !page.contains("src=") && !page.contains("http"),
            "it loads nothing"
        );
    }

    #[test]
    fn the_slowest_item_is_the_first() {
        let page = failed().page("t");
        let list = page.split("<h2>Slowest first</h2>").nth(1).unwrap();
        let list = list.split("<h2>").next().unwrap();
        let position = |name: &str| list.find(&format!("<td>{name}<span")).unwrap();
        // 2.7 s (never finished), 2.0 s, 1.7 s, 0.7 s
        let order = ["tasks", "a", "first", "second"].map(position);
        assert!(order.is_sorted(), "{order:?}");
    }

    #[test]
    fn a_deployment_that_changed_nothing_has_a_page() {
        let page = Record::default().page("t");
        assert!(
            page.contains("Nothing had to be done after 0.0 s"),
            "{page}"
        );
    }
}
