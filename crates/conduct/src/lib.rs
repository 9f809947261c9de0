//! Deploys, updates and upgrades the nodes of a project that `slipway export` wrote.
//!
//! A [`Site`] is the project's directory, locked. [`units`] puts the parts of a playbook in order: each
//! [`Unit`] is one part on some nodes, and one run of `ansible-playbook`. [`conduct`] runs them, keeps a
//! journal, and stops when more nodes failed than are allowed. [`plan`] asks the nodes what would change,
//! [`status`] for their state.
//!
//! - A node that failed takes part in nothing more.
//! - The journal `.slipway/journal` is written before and after each unit. A run that resumes skips what the
//!   journal says is done, as long as the node's inputs are equal.
//! - The playbooks' callback writes results into a file; nothing is read from Ansible's text.
//! - Two runs on one site exclude each other. `ansible-playbook` shares the lock, so that a run which
//!   outlives a killed conductor excludes the next one, too.
//!
//! ```
//! use slipway_conduct::{Action, units};
//! use slipway_export::ansible::Manifest;
//!
//! let mut manifest = Manifest::default();
//! manifest.nodes.insert("node-1".to_owned(), "Controller".to_owned());
//! manifest.nodes.insert("node-2".to_owned(), "Controller".to_owned());
//! let units = units(&manifest, Action::Update, &["node-1".to_owned(), "node-2".to_owned()]);
//! let names: Vec<String> = units.iter().map(ToString::to_string).collect();
//! assert_eq!(names[0], "prepare on node-1");
//! assert_eq!(names[6], "health on node-1");
//! assert_eq!(names[7], "prepare on node-2");
//! ```

mod ansible;
mod error;
mod event;
mod inputs;
mod journal;
mod page;
mod run;
mod site;
mod summary;
mod unit;

pub use ansible::Ansible;
pub use error::{ConductError, Result};
pub use event::Event;
pub use run::{Answer, NodeStatus, Options, SitePlan, conduct, plan, status};
pub use site::Site;
pub use slipway_events::Events;
pub use summary::{NodeResult, Outcome, OutcomeFields, Summary};
pub use unit::{Action, Unit, units};
