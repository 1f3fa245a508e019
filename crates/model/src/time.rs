//! Time as numbers: microseconds since 1970 in UTC.
//!
//! A [`Timestamp`] is whatever clock the caller read; nothing here reads one. A point carries
//! the client's clock, and it never orders anything in the store. [`ReceivedAt`] is the server's.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Microseconds since 1970-01-01T00:00:00Z. In JSON a plain integer.
///
/// ```
/// use runstone_model::Timestamp;
/// assert_eq!(Timestamp::from_micros(1_500_000).to_rfc3339(), "1970-01-01T00:00:01.500000Z");
/// ```
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From microseconds.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Later by so many microseconds, or as late as can be said.
    #[must_use]
    pub const fn saturating_add_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// Microseconds from `earlier` to here; negative if `earlier` is later.
    pub const fn micros_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Date and time in UTC with six decimals. Years outside 0 to 9999 carry a sign.
    pub fn to_rfc3339(self) -> String {
        const DAY: i64 = 86_400_000_000;
        let (year, month, day) = civil_from_days(self.0.div_euclid(DAY));
        let micros = self.0.rem_euclid(DAY);
        let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let year = match year {
            0..=9999 => format!("{year:04}"),
            _ => format!("{year:+05}"),
        };
        format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:06}Z")
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.to_rfc3339())
    }
}

/// When the server received a frame, by its own clock. Serves leases and warnings about skewed
/// clocks, never charts.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct ReceivedAt(pub Timestamp);

impl fmt::Display for ReceivedAt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

/// Year, month and day of a number of days since 1970-01-01, in the proleptic Gregorian calendar.
///
/// Counts years from 1 March, so that the leap day is a year's last, and 400-year eras, which all
/// have 146,097 days.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    const ERA_DAYS: i64 = 146_097;
    let days = days + 719_468; // since 0000-03-01
    let era = days.div_euclid(ERA_DAYS);
    let day_of_era = days.rem_euclid(ERA_DAYS);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_moments_are_written_right() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (1_709_251_199_123_456, "2024-02-29T23:59:59.123456Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
            (-62_167_219_200_000_000, "0000-01-01T00:00:00.000000Z"),
            (-62_167_219_200_000_001, "-0001-12-31T23:59:59.999999Z"),
            (253_402_300_800_000_000, "+10000-01-01T00:00:00.000000Z"),
        ] {
            assert_eq!(Timestamp::from_micros(micros).to_rfc3339(), text);
        }
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        assert!(
            Timestamp::from_micros(i64::MAX)
                .to_rfc3339()
                .starts_with("+294247-")
        );
        assert!(
            Timestamp::from_micros(i64::MIN)
                .to_rfc3339()
                .starts_with("-290308-")
        );
        let (first, last) = (
            Timestamp::from_micros(i64::MIN),
            Timestamp::from_micros(i64::MAX),
        );
        assert_eq!(last.micros_since(first), i64::MAX);
        assert_eq!(last.saturating_add_micros(1), last);
    }

    proptest! {
        #[test]
        fn text_sorts_as_time_within_common_years(
            one in 0_i64..253_402_300_800_000_000,
            two in 0_i64..253_402_300_800_000_000,
        ) {
            let (one, two) = (Timestamp::from_micros(one), Timestamp::from_micros(two));
            prop_assert_eq!(one.to_rfc3339().cmp(&two.to_rfc3339()), one.cmp(&two));
        }

        #[test]
        fn a_day_later_is_the_next_date(days in -1_000_000_i64..1_000_000) {
            let (year, month, day) = civil_from_days(days);
            let (next_year, next_month, next_day) = civil_from_days(days + 1);
            if next_day == 1 {
                prop_assert!(day >= 28);
                prop_assert_eq!(next_year * 12 + next_month, year * 12 + month + 1);
            } else {
                prop_assert_eq!((next_year, next_month, next_day), (year, month, day + 1));
            }
        }
    }
}
