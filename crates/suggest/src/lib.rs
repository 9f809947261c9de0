//! Parts of messages: the nearest valid name for a mistyped one, and counts of nouns.
//!
//! Every "did you mean" of Slipway comes from [`nearest`], so that all of them agree on how alike
//! two names must be. Every "3 images" comes from [`count`].
//!
//! ```
//! use slipway_suggest::{count, hint, nearest};
//!
//! let known = ["docker_config", "docker_config_scripts", "puppet_config"];
//! assert_eq!(nearest("docker_confg", known), Some("docker_config"));
//! assert_eq!(nearest("step_config", ["volumes"]), None);
//! assert_eq!(hint(Some("docker_config")), "; did you mean docker_config?");
//! assert_eq!(hint(None::<&str>), "");
//!
//! assert_eq!(count(1, "image"), "1 image");
//! assert_eq!(count(3, "config volume"), "3 config volumes");
//! ```

use std::fmt::Display;

/// Returns the known name that needs the fewest corrections to become `name`.
///
/// A correction inserts, removes or replaces a character, or exchanges two neighbours. Upper and
/// lower case count as the same. Up to a third of the characters (rounded up) may need a
/// correction; beyond that there is no suggestion. Of equally near names, the one with the longest
/// common start wins, then the first.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let length = name.chars().count();
    let limit = length.div_ceil(3);
    let mut best: Option<(Rank, &str)> = None;
    for candidate in known {
        // Most names differ too much in length for the slower comparison.
        if candidate.chars().count().abs_diff(length) > limit {
            continue;
        }
        let rank = Rank::new(&name, candidate);
        if rank.corrections <= limit
            && rank.corrections < length
            && best.as_ref().is_none_or(|(best, _)| rank.beats(best))
        {
            best = Some((rank, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Returns the end of an error message about an unknown name: `; did you mean NAME?`, or nothing.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    hint(nearest(name, known))
}

/// Returns the end of an error message: `; did you mean NAME?`, or nothing without a name.
pub fn hint(name: Option<impl Display>) -> String {
    name.map_or_else(String::new, |name| format!("; did you mean {name}?"))
}

/// Returns a number with its noun, which has an `s` at its end unless the number is 1.
pub fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

/// The distance of a candidate from the name.
struct Rank {
    corrections: usize,
    common_start: usize,
}

impl Rank {
    fn new(name: &str, candidate: &str) -> Rank {
        let candidate = candidate.to_lowercase();
        Rank {
            corrections: strsim::damerau_levenshtein(name, &candidate),
            common_start: name
                .chars()
                .zip(candidate.chars())
                .take_while(|(a, b)| a == b)
                .count(),
        }
    }

    fn beats(&self, other: &Rank) -> bool {
        let key = |rank: &Rank| (rank.corrections, std::cmp::Reverse(rank.common_start));
        key(self) < key(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exchanged_neighbours_are_one_correction() {
        assert_eq!(nearest("bsae", ["base", "cron"]), Some("base"));
    }

    #[test]
    fn only_one_has_no_plural() {
        assert_eq!(count(0, "error"), "0 errors");
        assert_eq!(count(1, "error"), "1 error");
        assert_eq!(count(11, "error"), "11 errors");
    }

    #[test]
    fn case_is_no_difference() {
        assert_eq!(nearest("default", ["DEFAULT", "profiles"]), Some("DEFAULT"));
    }

    #[test]
    fn short_names_need_more_than_a_common_letter() {
        assert_eq!(nearest("net", ["tty", "pid"]), None);
        assert_eq!(nearest("nte", ["net", "pid"]), Some("net"));
        assert_eq!(nearest("", ["b"]), None);
    }

    #[test]
    fn of_equally_near_names_the_longest_common_start_wins() {
        assert_eq!(nearest("volume", ["volumf", "golume"]), Some("volumf"));
        assert_eq!(nearest("volume", ["golume", "volumf"]), Some("volumf"));
        assert_eq!(nearest("volume", ["volumx", "volumf"]), Some("volumx"));
    }
}
