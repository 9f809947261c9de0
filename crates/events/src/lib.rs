//! Typed events: recorded with `tracing`, and sent to a receiver that shows them.
//!
//! A crate that works for a while declares one enum of the things that happen, implements [`Event`]
//! for it, and sends each event to [`Events`]. [`Events::send`] records the event with `tracing`,
//! with its fields, and hands it to a receiver. The command line's receiver renders the event on the
//! terminal; a test's receiver collects it; [`Events::ignore`] drops it.
//!
//! ```
//! use std::sync::{Arc, Mutex};
//!
//! use slipway_events::{Event, Events};
//!
//! enum Download {
//!     Started { url: String },
//!     Finished { bytes: u64 },
//! }
//!
//! impl Event for Download {
//!     fn record(&self) {
//!         match self {
//!             Download::Started { url } => tracing::info!(url, "download started"),
//!             Download::Finished { bytes } => tracing::info!(bytes, "download finished"),
//!         }
//!     }
//! }
//!
//! let seen = Arc::new(Mutex::new(Vec::new()));
//! let events = Events::new({
//!     let seen = Arc::clone(&seen);
//!     move |event| {
//!         if let (Download::Finished { bytes }, Ok(mut seen)) = (event, seen.lock()) {
//!             seen.push(bytes);
//!         }
//!     }
//! });
//! events.send(Download::Started { url: "https://example.org/a".to_owned() });
//! events.send(Download::Finished { bytes: 3 });
//! assert_eq!(seen.lock().map(|seen| seen.clone()).unwrap_or_default(), [3]);
//! ```
//!
//! Events carry no secrets: the sender masks text from containers, builds and Puppet first.
//!
//! The levels of the recorded events:
//!
//! | level | events |
//! |---|---|
//! | `warn` | the run continues, but somebody should look |
//! | `info` | work starts, ends or waits |
//! | `debug` | the reason why something was left alone |
//! | `trace` | the output of builds, pulls and Puppet runs |

use std::fmt;
use std::sync::Arc;

/// Something that happened, as one crate declares it.
pub trait Event {
    /// Records the event with `tracing`, each datum as a field.
    fn record(&self);
}

/// The way from the sender of events of one type to their receiver. Clones share the receiver.
pub struct Events<E> {
    receive: Arc<dyn Fn(E) + Send + Sync>,
}

impl<E> Events<E> {
    /// Sends every event to `receive`, which several threads call at once and which must not block.
    pub fn new(receive: impl Fn(E) + Send + Sync + 'static) -> Events<E> {
        Events {
            receive: Arc::new(receive),
        }
    }

    /// Drops every event after it is recorded.
    pub fn ignore() -> Events<E> {
        Events::new(|_| {})
    }
}

impl<E: Event> Events<E> {
    /// Records the event and hands it to the receiver.
    pub fn send(&self, event: E) {
        event.record();
        (self.receive)(event);
    }
}

impl<E: 'static> Events<E> {
    /// Returns events of another type that arrive here inside an event of this type. The sender
    /// records them; they are not recorded twice.
    pub fn nest<I>(&self, wrap: impl Fn(I) -> E + Send + Sync + 'static) -> Events<I> {
        let receive = Arc::clone(&self.receive);
        Events::new(move |inner| receive(wrap(inner)))
    }
}

impl<E> Clone for Events<E> {
    fn clone(&self) -> Events<E> {
        Events {
            receive: Arc::clone(&self.receive),
        }
    }
}

impl<E> Default for Events<E> {
    fn default() -> Events<E> {
        Events::ignore()
    }
}

impl<E> fmt::Debug for Events<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    static RECORDED: AtomicUsize = AtomicUsize::new(0);

    #[derive(Debug, PartialEq)]
    struct Inner(u8);

    #[derive(Debug, PartialEq)]
    enum Outer {
        Nested(Inner),
    }

    impl Event for Inner {
        fn record(&self) {
            RECORDED.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_nested_event_arrives_wrapped_and_is_recorded_once() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let outer = Events::new({
            let seen = Arc::clone(&seen);
            move |event| seen.lock().unwrap().push(event)
        });
        outer.nest(Outer::Nested).send(Inner(1));
        assert_eq!(*seen.lock().unwrap(), [Outer::Nested(Inner(1))]);
        assert_eq!(RECORDED.load(Ordering::Relaxed), 1);
    }
}
