//! Text made safe to show: without secrets, without what controls a terminal.
//!
//! [`Secrets`] collects the secrets of a deployment from hiera data, environments and hidden
//! parameters, and its [`Redactor`] masks them in text, in every form in which they may appear.
//! [`mask_urls`] masks the credentials of URLs, known or not. [`printable`] removes escape sequences
//! and other control characters from text that comes from outside: container output, the engine's
//! errors, names. [`DigestKey`] makes digests of secrets that tell a change and nothing else.
//!
//! Remove control characters first and mask secrets second: an escape sequence in the middle of a
//! secret would hide it from the redactor.
//!
//! ```
//! use slipway_redact::{Redactor, mask_urls, printable};
//!
//! let hiera = serde_json::json!({"keystone::admin_password": "t0p/secret"});
//! let redactor = Redactor::from_hiera(hiera.as_object().unwrap());
//! let line = "\u{1b}[31mcannot log in with t0p/se\u{1b}[0mcret";
//! assert_eq!(redactor.redact(&printable(line)), "cannot log in with ***");
//!
//! assert_eq!(
//!     mask_urls("rabbit://u:p1@h1,u:p2@h2/vhost?password=x"),
//!     "rabbit://u:***@h1,u:***@h2/vhost?password=***",
//! );
//! ```
//!
//! # Limits
//! A secret shorter than four characters is masked only inside of a URL: anywhere else it would
//! take half of the text with it.

mod digest;
mod forms;
mod keys;
mod secrets;
mod terminal;
mod url;

pub use digest::DigestKey;
pub use secrets::{Redactor, Secrets};
pub use terminal::{one_line, printable};

/// Stands where a secret stood.
const MASK: &str = "***";

/// The length of the shortest secret that is masked wherever it appears.
const SHORTEST: usize = 4;

/// Returns the text with `***` in place of the credentials of each URL in it.
///
/// Credentials are: the password of `user:password@host`, for each host of a list; all of `user`
/// in `https://user@host`, which is how access tokens are given; and query parameters whose names
/// say that they are secret. A list `user:password@host,user:password@host` needs no scheme.
pub fn mask_urls(text: &str) -> String {
    url::mask(text.to_owned())
}
