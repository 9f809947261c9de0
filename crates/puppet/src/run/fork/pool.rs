//! Which runs share a Puppet that is loaded already.
//!
//! Loading takes longer than a container of a run's own that loads only what its run needs, and
//! more memory. It pays when another run goes on with it, and that is when there are more runs of
//! an image than can go on at once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use futures_util::future;
use slipway_engine::EngineError;
use tokio::sync::watch;

use crate::run::fork::loaded::Loaded;

/// Containers that have Puppet loaded: all of one invocation.
pub struct Pool {
    images: Mutex<HashMap<String, Shelf>>,
}

/// Those of one image.
#[derive(Default)]
struct Shelf {
    idle: Vec<Loaded>,
    /// Those that are there, idle or not.
    started: usize,
    /// Whether there are more runs than can go on at once.
    crowded: bool,
    /// Runs that have not begun.
    to_come: usize,
    /// Why it does not work with this image.
    refused: Option<String>,
    /// Dropped when the facts are known, or will not be.
    finding: Option<watch::Receiver<()>>,
}

/// What a run of an image is to do.
pub enum Next {
    /// To use this one.
    Use(Box<Loaded>),
    /// To start one.
    Start,
    /// To have a container of its own.
    Apart,
}

impl Shelf {
    /// Whether another run would go on with one that is started now, while so many more runs can
    /// begin at once.
    fn has_use_for_one(&self, free: usize) -> bool {
        let later = self.to_come.saturating_sub(free);
        // Each of those that are there takes one of them.
        self.crowded && self.refused.is_none() && later > self.started
    }
}

impl Pool {
    /// For the runs of these images, of which so many can go on at once.
    pub fn expecting<'a>(images: impl Iterator<Item = &'a str>, at_once: usize) -> Pool {
        let mut shelves: HashMap<String, Shelf> = HashMap::new();
        for image in images {
            let shelf = shelves.entry(image.to_owned()).or_default();
            shelf.to_come += 1;
            shelf.crowded = shelf.to_come > at_once;
        }
        Pool {
            images: Mutex::new(shelves),
        }
    }

    fn with<T>(&self, image: &str, work: impl FnOnce(&mut Shelf) -> T) -> T {
        let mut images = self.images.lock().unwrap_or_else(PoisonError::into_inner);
        work(images.entry(image.to_owned()).or_default())
    }

    /// Whether any run of an image may find one here, or is to start one.
    pub fn forks(&self, image: &str) -> bool {
        self.with(image, |shelf| shelf.crowded && shelf.refused.is_none())
    }

    /// A run of an image will not take place.
    pub fn spared(&self, image: &str) {
        self.with(image, |shelf| {
            shelf.to_come = shelf.to_come.saturating_sub(1)
        });
    }

    /// What a run of an image is to do that begins now, when so many more can.
    pub fn next(&self, image: &str, free: usize) -> Next {
        self.with(image, |shelf| {
            shelf.to_come = shelf.to_come.saturating_sub(1);
            if shelf.refused.is_some() {
                return Next::Apart;
            }
            if let Some(loaded) = shelf.idle.pop() {
                return Next::Use(Box::new(loaded));
            }
            if !shelf.has_use_for_one(free) {
                return Next::Apart;
            }
            shelf.started += 1;
            Next::Start
        })
    }

    /// Says why it does not work with an image. Whether that is news.
    pub fn refuse(&self, image: &str, why: &str) -> bool {
        let refused = Some(why.to_owned());
        self.with(image, |shelf| {
            std::mem::replace(&mut shelf.refused, refused).is_none()
        })
    }

    /// Whoever asks first is to find the facts out, and to drop what it gets when they are known;
    /// the others are to wait for that.
    pub fn facts(&self, image: &str) -> Result<watch::Sender<()>, watch::Receiver<()>> {
        self.with(image, |shelf| match &shelf.finding {
            Some(finding) => Err(finding.clone()),
            None => {
                let (sender, receiver) = watch::channel(());
                shelf.finding = Some(receiver);
                Ok(sender)
            }
        })
    }

    /// Takes one back, for the next run of its image; without any, it is given back.
    pub fn put_back(&self, image: &str, loaded: Loaded) -> Option<Loaded> {
        self.with(image, |shelf| {
            if shelf.to_come == 0 {
                return Some(loaded);
            }
            shelf.idle.push(loaded);
            None
        })
    }

    /// One of an image is not there any more.
    pub fn gone(&self, image: &str) {
        self.with(image, |shelf| {
            shelf.started = shelf.started.saturating_sub(1)
        });
    }

    /// One that has nothing to do, of another image than this.
    pub fn idle_besides(&self, image: &str) -> Option<Loaded> {
        let mut images = self.images.lock().unwrap_or_else(PoisonError::into_inner);
        let others = images.iter_mut().filter(|(name, _)| *name != image);
        others.map(|(_, shelf)| shelf).find_map(|shelf| {
            let idle = shelf.idle.pop()?;
            shelf.started = shelf.started.saturating_sub(1);
            Some(idle)
        })
    }

    /// Ends all.
    pub async fn close(&self) -> Result<(), EngineError> {
        let idle: Vec<Loaded> = {
            let mut images = self.images.lock().unwrap_or_else(PoisonError::into_inner);
            images
                .values_mut()
                .flat_map(|shelf| shelf.idle.drain(..))
                .collect()
        };
        let removed = future::join_all(idle.into_iter().map(Loaded::remove)).await;
        removed.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of so many runs of an image start one, when so many go on at once and none ends.
    fn starting(runs: usize, at_once: usize) -> Vec<bool> {
        let pool = Pool::expecting(std::iter::repeat_n("image", runs), at_once);
        let starts = |free| matches!(pool.next("image", free), Next::Start);
        (0..at_once).rev().map(starts).collect()
    }

    #[test]
    fn one_is_started_where_another_run_goes_on_with_it() {
        assert_eq!(starting(1, 2), [false; 2]);
        assert_eq!(starting(2, 2), [false; 2]);
        assert_eq!(starting(3, 2), [true, false]);
        assert_eq!(starting(4, 2), [true, true]);
        assert_eq!(starting(40, 2), [true, true]);
        assert_eq!(starting(2, 1), [true]);
        assert_eq!(starting(6, 4), [true, true, false, false]);
    }

    #[test]
    fn runs_that_can_all_go_on_at_once_do_not_look_here() {
        let pool = Pool::expecting(["a", "b", "a", "b", "a"].into_iter(), 2);
        assert!(pool.forks("a") && !pool.forks("b") && !pool.forks("c"));
        assert!(matches!(pool.next("b", 0), Next::Apart));
    }

    #[test]
    fn runs_that_do_not_take_place_are_waited_for_no_longer() {
        let pool = Pool::expecting(["image"; 3].into_iter(), 1);
        pool.spared("image");
        pool.spared("image");
        assert!(matches!(pool.next("image", 0), Next::Apart));
    }

    #[test]
    fn one_that_is_gone_has_another_started_in_its_place() {
        let pool = Pool::expecting(["image"; 4].into_iter(), 2);
        assert!(matches!(pool.next("image", 1), Next::Start));
        pool.gone("image");
        assert!(matches!(pool.next("image", 0), Next::Start));
        assert!(pool.refuse("image", "why") && !pool.refuse("image", "why"));
        assert!(!pool.forks("image"));
        assert!(matches!(pool.next("image", 0), Next::Apart));
    }
}
