//! HTML pages in one file that loads nothing: no script, no font, no image from elsewhere.
//!
//! A [`Page`] has a title and sections of [`Html`]. [`Html`] escapes every text that it is made of. A
//! [`Chart`] shows work over time: a row for each item, with bars on a common axis. Pages follow the
//! reader's choice of light or dark, and fit the width of a phone.
//!
//! ```
//! use slipway_page::{Bar, Chart, Html, Page, Row, Tone};
//!
//! let mut chart = Chart::new("Image", &["Took"], "Why");
//! chart.push(Row {
//!     name: Html::text("base"),
//!     measures: vec!["2.0 s".to_owned()],
//!     bars: vec![Bar { tone: Tone::Work, start: 0.0, length: 2.0 }],
//!     note: Html::text("a < b"),
//! });
//! let mut page = Page::new("Build");
//! page.push(chart.html());
//! let text = page.to_string();
//! assert!(text.contains("<title>Build</title>") && text.contains("a &lt; b"));
//! assert!(!text.contains("src="));
//! ```

mod chart;
mod html;

pub use chart::{Bar, Chart, Row, Tone, legend};
pub use html::{Html, Page, escaped};
