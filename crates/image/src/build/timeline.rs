//! A build over time, as one page that needs nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::summary::{Built, Summary};

const STYLE: &str = "body{font:14px/1.5 sans-serif;margin:2em;color:#222;background:#fff}\
table{border-collapse:collapse;width:100%}td,th{padding:1px 8px;text-align:left;white-space:nowrap}\
td.n,th.n{text-align:right}td.t{width:60%}svg{display:block;width:100%;height:16px}\
.b{fill:#8ab4d8}.c{fill:#d9822b}.p{fill:#9bc79b}tr:hover{background:#f2f2f2}\
pre{background:#f6f6f6;padding:1em;overflow:auto}.k{display:inline-block;width:1em;height:1em;\
margin:0 .3em 0 1em;vertical-align:middle}";

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

    /// The build as a chart over time, with sizes and durations, the critical path marked, and
    /// what failed: a page of HTML that loads nothing.
    pub fn timeline(&self) -> String {
        let path: BTreeSet<&str> = self.critical_path().into_iter().collect();
        let ends = self.built.iter().map(|image| image.started + image.seconds);
        let pushes = self.pushed.iter().map(|push| push.started + push.seconds);
        let total = ends.chain(pushes).fold(0.001, f64::max);
        let mut rows = String::new();
        let mut built: Vec<&Built> = self.built.iter().collect();
        built.sort_by(|a, b| a.started.total_cmp(&b.started).then(a.name.cmp(&b.name)));
        for image in built {
            let class = if path.contains(image.name.as_str()) {
                "c"
            } else {
                "b"
            };
            let push = self.pushed.iter().find(|push| push.name == image.name);
            let mut bars = bar(class, image.started, image.seconds, total);
            if let Some(push) = push {
                bars += &bar("p", push.started, push.seconds, total);
            }
            let why: Vec<String> = image.reasons.iter().map(ToString::to_string).collect();
            // Writing to a string cannot fail.
            let _ = writeln!(
                rows,
                "<tr><td>{name}</td><td class=n>{seconds:.1} s</td><td class=n>{size} MB</td>\
                 <td class=t><svg viewBox=\"0 0 1000 16\" preserveAspectRatio=none>{bars}</svg></td>\
                 <td>{why}</td></tr>",
                name = escaped(&image.name),
                seconds = image.seconds,
                size = image.size.div_ceil(1_000_000),
                why = escaped(&why.join(", ")),
            );
        }
        format!(
            "<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8><title>Build</title>\
             <style>{STYLE}</style></head>\n<body><h1>Build</h1>\n\
             <p>{built} built, {unchanged} unchanged, {skipped} skipped, {failed} failed, \
             {seconds:.1} s. <svg class=k viewBox=\"0 0 9 9\"><rect class=c width=9 height=9 /></svg>\
             critical path <svg class=k viewBox=\"0 0 9 9\"><rect class=b width=9 height=9 /></svg>\
             other builds <svg class=k viewBox=\"0 0 9 9\"><rect class=p width=9 height=9 /></svg>\
             pushes</p>\n\
             <table><tr><th>Image<th class=n>Took<th class=n>Size<th>0 to {total:.1} s<th>Why</tr>\n\
             {rows}</table>\n{failures}{left}</body></html>\n",
            built = self.built.len(),
            unchanged = self.unchanged.len(),
            skipped = self.skipped.len(),
            failed = self.failed.len(),
            seconds = self.seconds,
            failures = self.failures_shown(),
            left = self.left_shown(),
        )
    }

    /// The failures, each with its explanation and a link to its log.
    fn failures_shown(&self) -> String {
        let mut text = String::new();
        for failure in &self.failures {
            let _ = writeln!(text, "<h2>{} failed</h2>", escaped(&failure.image));
            let _ = writeln!(text, "<pre>{}</pre>", escaped(&failure.to_string()));
            if let Some(log) = &failure.log_file {
                let path = std::path::absolute(log).unwrap_or_else(|_| log.clone());
                let (link, path) = (linked(&path), escaped(&path.display().to_string()));
                let _ = writeln!(text, "<p><a href=\"{link}\">{path}</a></p>");
            }
        }
        for orphan in self.failed.iter().filter(|failed| failed.parent.is_some()) {
            let parent = orphan.parent.as_deref().unwrap_or_default();
            let _ = writeln!(
                text,
                "<p>{} was not built, because {} was not.</p>",
                escaped(&orphan.name),
                escaped(parent)
            );
        }
        text
    }

    fn left_shown(&self) -> String {
        let names: Vec<String> = self
            .unchanged
            .iter()
            .map(|left| escaped(&left.name))
            .collect();
        match names.is_empty() {
            true => String::new(),
            false => format!("<h2>Unchanged</h2>\n<p>{}</p>\n", names.join(", ")),
        }
    }
}

/// One bar of the chart, which is 1000 units wide.
fn bar(class: &str, started: f64, seconds: f64, total: f64) -> String {
    let (x, width) = (
        started / total * 1000.0,
        (seconds / total * 1000.0).max(1.0),
    );
    format!("<rect class={class} x=\"{x:.1}\" width=\"{width:.1}\" y=\"2\" height=\"12\"/>")
}

/// The address of a file: what may mean something else in one is written as its number.
fn linked(path: &Path) -> String {
    let mut address = "file://".to_owned();
    for &byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => address.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => address.push(char::from(byte)),
            _ => {
                let _ = write!(address, "%{byte:02X}");
            }
        }
    }
    address
}

/// Text as HTML shows it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
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
