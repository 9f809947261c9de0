//! The five steps of a deployment.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One of the five steps in which a node comes up.
///
/// Written `step_1` … `step_5` in service definitions, and as a number everywhere else.
///
/// ```
/// use slipway_service::Step;
/// let step: Step = "step_3".parse()?;
/// assert_eq!(step.number(), 3);
/// assert_eq!(step, Step::new(3)?);
/// assert!("step_6".parse::<Step>().is_err());
/// # Ok::<(), slipway_service::NotAStep>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step(u8);

/// An invalid name of a step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a step: steps are step_1 to step_5")]
pub struct NotAStep(String);

impl Step {
    /// The first step.
    pub const FIRST: Step = Step(1);
    /// The last step.
    pub const LAST: Step = Step(5);

    /// The step of this number, 1 to 5.
    pub fn new(number: u8) -> Result<Step, NotAStep> {
        if (Self::FIRST.0..=Self::LAST.0).contains(&number) {
            Ok(Step(number))
        } else {
            Err(NotAStep(number.to_string()))
        }
    }

    /// Its number, 1 to 5.
    pub fn number(self) -> u8 {
        self.0
    }

    /// All steps, in order.
    pub fn all() -> impl DoubleEndedIterator<Item = Step> {
        (Self::FIRST.0..=Self::LAST.0).map(Step)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step_{}", self.0)
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Step {
    type Err = NotAStep;

    /// Takes `step_3` and `3`.
    fn from_str(text: &str) -> Result<Step, NotAStep> {
        text.strip_prefix("step_")
            .unwrap_or(text)
            .parse()
            .ok()
            .and_then(|number| Step::new(number).ok())
            .ok_or_else(|| NotAStep(text.to_owned()))
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Step, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}
