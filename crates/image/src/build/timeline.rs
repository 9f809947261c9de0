//! A build over time, as one page that needs nothing else.

use std::collections::{BTreeMap, BTreeSet};

use slipway_page::{Bar, Chart, Html, Page, Row, Tone, legend};

use super::summary::{Built, Summary};

impl Summary {
    /// Returns the built images that all others had to wait for, first to last: from the
    /// one that ended last, each time the parent that ended last.
    pub fn critical_path(&self) -> Vec<&str> {
        let by_name: BTreeMap<&str, &Built> = self
            .built
            .iter()
            .map(|image| (image.name.as_str(), image))
            .collect();
        let end = |image: &&Built| image.started + image.seconds;
        let latest = |images: &mut dyn Iterator<Item = &'_ str>| {
            images
                .filter_map(|name| by_name.get(name).copied())
                .max_by(|a, b| end(a).total_cmp(&end(b)))
        };
        let mut path = Vec::new();
        let mut at = latest(&mut by_name.keys().copied());
        while let Some(image) = at {
            path.push(image.name.as_str());
            at = latest(&mut image.parents.iter().map(String::as_str));
        }
        path.reverse();
        path
    }

    /// Returns the build as a chart over time, with sizes and durations, the critical path marked, and
    /// the failures: a page of HTML that loads nothing.
    pub fn timeline(&self) -> String {
        let mut page = Page::new("Build");
        page.push(Html::paragraph(&format!(
            "{} built, {} unchanged, {} skipped, {} failed, {:.1} s.",
            self.built.len(),
            self.unchanged.len(),
            self.skipped.len(),
            self.failed.len(),
            self.seconds,
        )));
        page.push(legend(&[
            (Tone::Key, "critical path"),
            (Tone::Work, "other builds"),
            (Tone::After, "pushes"),
        ]));
        page.push(self.chart().html());
        self.add_failures(&mut page);
        if !self.unchanged.is_empty() {
            let names = self.unchanged.iter().map(|image| image.name.as_str());
            let names = names.collect::<Vec<_>>().join(", ");
            page.section("Unchanged", Html::paragraph(&names));
        }
        page.to_string()
    }

    fn chart(&self) -> Chart {
        let path: BTreeSet<&str> = self.critical_path().into_iter().collect();
        let mut built: Vec<&Built> = self.built.iter().collect();
        built.sort_by(|a, b| a.started.total_cmp(&b.started).then(a.name.cmp(&b.name)));
        let mut chart = Chart::new("Image", &["Took", "Size"], "Why");
        for image in built {
            let tone = match path.contains(image.name.as_str()) {
                true => Tone::Key,
                false => Tone::Work,
            };
            let bar = |tone, start, length| Bar {
                tone,
                start,
                length,
            };
            let push = self.pushed.iter().find(|push| push.name == image.name);
            let push = push.map(|push| bar(Tone::After, push.started, push.seconds));
            let why: Vec<String> = image.reasons.iter().map(ToString::to_string).collect();
            chart.push(Row {
                name: Html::text(&image.name),
                measures: vec![
                    format!("{:.1} s", image.seconds),
                    format!("{} MB", image.size.div_ceil(1_000_000)),
                ],
                bars: std::iter::once(bar(tone, image.started, image.seconds))
                    .chain(push)
                    .collect(),
                note: Html::text(&why.join(", ")),
            });
        }
        chart
    }

    /// Adds the failures, each with its explanation and a link to its log.
    fn add_failures(&self, page: &mut Page) {
        for failure in &self.failures {
            let mut content = Html::output(&failure.to_string());
            if let Some(log) = &failure.log_file {
                content.push(Html::element("p", Html::file_link(log)));
            }
            page.section(&format!("{} failed", failure.image), content);
        }
        for orphan in self.failed.iter().filter(|failed| failed.parent.is_some()) {
            let parent = orphan.parent.as_deref().unwrap_or_default();
            let text = format!("{} was not built, because {parent} was not.", orphan.name);
            page.push(Html::paragraph(&text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::failure::Failure;
    use super::*;

    fn built(name: &str, parents: &[&str], started: f64, seconds: f64) -> Built {
        Built {
            name: name.to_owned(),
            reference: format!("x/{name}:1"),
            id: String::new(),
            started,
            seconds,
            size: 1_500_000,
            parents: parents.iter().map(ToString::to_string).collect(),
            reasons: Vec::new(),
            digest: None,
        }
    }

    #[test]
    fn the_critical_path_ends_with_the_last_build() {
        let summary = Summary {
            built: vec![
                built("base", &[], 0.0, 2.0),
                built("a", &["base"], 2.0, 9.0),
                built("b", &["base"], 2.0, 1.0),
                built("c<d", &["a"], 11.0, 1.0),
            ],
            ..Summary::default()
        };
        assert_eq!(summary.critical_path(), ["base", "a", "c<d"]);
        let page = summary.timeline();
        assert_eq!(page.matches("<rect class=c x=").count(), 3);
        assert_eq!(page.matches("<rect class=b x=").count(), 1);
        assert!(page.contains("<td>c&lt;d</td>") && page.contains("2 MB"));
        assert!(
            !page.contains("src=") && !page.contains("http"),
            "it loads nothing"
        );
        assert_eq!(Summary::default().critical_path(), [""; 0]);
    }

    #[test]
    fn output_of_a_build_is_escaped_in_the_page() {
        let failure = Failure {
            image: "a<b".to_owned(),
            message: "\"</pre><script>".to_owned(),
            instruction: None,
            log_tail: vec!["<img src=x onerror=y> é".to_owned()],
            log_file: Some("/logs of #1/\"<é>.log".into()),
            rebuild_command: None,
        };
        let summary = Summary {
            failures: vec![failure],
            ..Summary::default()
        };
        let page = summary.timeline();
        assert!(page.contains("<a href=\"file:///logs%20of%20%231/%22%3C%C3%A9%3E.log\">"));
        assert!(page.contains("&lt;img src=x onerror=y&gt; é"), "{page}");
        assert!(!page.contains("<script") && page.matches("</pre>").count() == 1);
    }
}
