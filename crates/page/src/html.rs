//! HTML whose texts are escaped, and the page around it.

use std::fmt::{self, Write as _};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

const STYLE: &str = "\
:root{color-scheme:light dark;--fg:#222;--dim:#666;--bg:#fff;--soft:#f4f4f4;--line:#ddd;--work:#8ab4d8;\
--key:#d9822b;--after:#9bc79b;--bad:#c0392b;--link:#1a5fb4}\
@media(prefers-color-scheme:dark){:root{--fg:#e4e4e4;--dim:#a0a0a0;--bg:#16181b;--soft:#22262b;\
--line:#3a3f45;--work:#4f86b5;--key:#d08a3e;--after:#5c9a5c;--bad:#ff7b6b;--link:#8ab8ff}}\
*{box-sizing:border-box}body{font:14px/1.5 sans-serif;margin:2em auto;padding:0 1.5em;max-width:110em;color:var(--fg);background:var(--bg)}\
h1{font-size:1.6em}h2{font-size:1.2em;margin-top:2em}a{color:var(--link)}\
table{border-collapse:collapse;width:100%}td,th{padding:2px 8px;text-align:left;vertical-align:top;\
overflow-wrap:anywhere}th{color:var(--dim);font-weight:normal;border-bottom:1px solid var(--line)}\
td:first-child{white-space:nowrap}td.n,th.n{text-align:right;white-space:nowrap}td.t,th.t{width:45%;min-width:12em}\
td.t svg{display:block;width:100%;height:16px}tbody tr:hover{background:var(--soft)}\
rect.b,i.b{fill:var(--work);background:var(--work)}rect.c,i.c{fill:var(--key);background:var(--key)}\
rect.p,i.p{fill:var(--after);background:var(--after)}rect.f,i.f{fill:var(--bad);background:var(--bad)}\
pre{background:var(--soft);padding:1em;overflow:auto;border-left:3px solid var(--bad)}\
i{display:inline-block;width:.9em;height:.9em;margin:0 .4em 0 1em;vertical-align:baseline}\
.dim{color:var(--dim)}.bad{color:var(--bad)}summary{cursor:pointer;color:var(--dim)}\
details ul{margin:.2em 0;padding-left:1.5em}\
@media(max-width:700px){body{margin:1em auto;padding:0 .8em}table,tbody{display:block}thead{display:none}\
tr{display:flex;flex-wrap:wrap;padding:.5em 0;border-bottom:1px solid var(--line)}td{padding:1px 4px}\
td:first-child{white-space:normal;flex:1 1 auto;font-weight:bold}td.t,td.w{flex:1 0 100%;width:auto}}";

/// A piece of HTML. Every text in it is escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Html(String);

impl Html {
    /// Returns a text.
    pub fn text(text: &str) -> Html {
        Html(escaped(text))
    }

    /// Returns an element with its content.
    pub fn element(name: &'static str, content: Html) -> Html {
        Html(format!("<{name}>{}</{name}>", content.0))
    }

    /// Returns an element of a class of the pages' style.
    pub fn classed(name: &'static str, class: &'static str, content: Html) -> Html {
        Html(format!("<{name} class={class}>{}</{name}>", content.0))
    }

    /// Returns a paragraph of text.
    pub fn paragraph(text: &str) -> Html {
        Html::element("p", Html::text(text))
    }

    /// Returns lines of output, as they are.
    pub fn output(text: &str) -> Html {
        Html::element("pre", Html::text(text))
    }

    /// Returns a link to a file of this machine.
    pub fn file_link(path: &Path) -> Html {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let shown = escaped(&path.display().to_string());
        Html(format!("<a href=\"{}\">{shown}</a>", address(&path)))
    }

    /// Returns a list that is closed until the reader opens it.
    pub fn details(summary: &str, items: impl IntoIterator<Item = Html>) -> Html {
        let mut list = String::new();
        for item in items {
            // Writing to a string cannot fail.
            let _ = write!(list, "<li>{}</li>", item.0);
        }
        let summary = escaped(summary);
        Html(format!(
            "<details><summary>{summary}</summary><ul>{list}</ul></details>"
        ))
    }

    /// Adds a piece at the end.
    pub fn push(&mut self, piece: Html) {
        self.0.push_str(&piece.0);
    }

    /// Returns this piece with another one behind it.
    pub fn and(mut self, piece: Html) -> Html {
        self.push(piece);
        self
    }

    /// Returns true if there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the HTML.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Wraps text that this crate made.
    pub(crate) fn made(text: String) -> Html {
        Html(text)
    }
}

/// A page. `Display` writes the whole file.
#[derive(Clone, Debug)]
pub struct Page {
    title: String,
    body: Html,
}

impl Page {
    /// Begins a page with its title as the first heading.
    pub fn new(title: &str) -> Page {
        Page {
            title: title.to_owned(),
            body: Html::default(),
        }
    }

    /// Adds a piece.
    pub fn push(&mut self, piece: Html) {
        self.body.push(piece);
        self.body.0.push('\n');
    }

    /// Adds a section with a heading.
    pub fn section(&mut self, heading: &str, content: Html) {
        self.push(Html::element("h2", Html::text(heading)));
        self.push(content);
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = escaped(&self.title);
        write!(
            f,
            "<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>\
             <meta name=viewport content=\"width=device-width,initial-scale=1\">\
             <title>{title}</title><style>{STYLE}</style></head>\n\
             <body><h1>{title}</h1>\n{}</body></html>\n",
            self.body.0
        )
    }
}

/// Returns a text as HTML and SVG show it.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// Returns the address of a file, with the bytes encoded that have a meaning in addresses.
fn address(path: &Path) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        let hostile = "\"</pre><script>";
        let pieces = [
            Html::text(hostile),
            Html::paragraph(hostile),
            Html::output(hostile),
            Html::file_link(Path::new(hostile)),
            Html::details(hostile, [Html::text(hostile)]),
        ];
        for piece in pieces {
            assert!(!piece.as_str().contains("<script"), "{piece:?}");
            assert!(!piece.as_str().contains("\"</"), "{piece:?}");
        }
        assert!(!Page::new(hostile).to_string().contains("<script"));
    }

    #[test]
    fn addresses_of_files_are_encoded() {
        let link = Html::file_link(Path::new("/logs of #1/\"<é>.log"));
        let expected = "<a href=\"file:///logs%20of%20%231/%22%3C%C3%A9%3E.log\">\
                        /logs of #1/&quot;&lt;é&gt;.log</a>";
        assert_eq!(link.as_str(), expected);
    }
}
