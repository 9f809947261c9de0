//! The time of day as labels say it.

use std::time::{SystemTime, UNIX_EPOCH};

/// A moment, in UTC.
pub(super) struct Moment {
    year: i64,
    month: i64,
    day: i64,
    second_of_day: i64,
}

pub(super) fn now() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = since.map_or(0, |since| since.as_secs());
    at(i64::try_from(seconds).unwrap_or_default())
}

/// The moment so many seconds after 1970 began. Years are counted from March here, so that leap
/// days come last, in eras of 400 years, which all have the same number of days.
fn at(seconds: i64) -> Moment {
    let days = seconds.div_euclid(86_400) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let is_next_year = month >= 10;
    Moment {
        year: year_of_era + era * 400 + i64::from(is_next_year),
        month: if is_next_year { month - 9 } else { month + 3 },
        day: day_of_year - (153 * month + 2) / 5 + 1,
        second_of_day: seconds.rem_euclid(86_400),
    }
}

impl Moment {
    /// `2026-01-31T23:59:59Z`
    pub(super) fn timestamp(&self) -> String {
        let Moment {
            year,
            month,
            day,
            second_of_day: at,
        } = self;
        let (hour, minute, second) = (at / 3_600, at / 60 % 60, at % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }

    /// `20260131`
    pub(super) fn day(&self) -> String {
        format!("{:04}{:02}{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leap_days_and_ends_of_years() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_827_696, "2000-02-29T12:34:56Z"),
            (1_767_225_599, "2025-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(at(seconds).timestamp(), expected);
        }
        assert_eq!(at(951_827_696).day(), "20000229");
    }
}
