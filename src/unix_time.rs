//! Times since 1970, and how they are written. Dates without a time are [`crate::model::Date`].

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::model::Date;

/// Since 1970; zero for what was before.
pub(crate) fn of(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

pub(crate) fn now() -> Duration {
    of(SystemTime::now())
}

/// `2026-11-28T19:05:07Z` (RFC 3339).
pub(crate) fn utc(seconds: u64) -> String {
    let (hour, minute, second) = of_day(seconds);
    let date = Date::of_unix(seconds);
    format!("{date}T{hour:02}:{minute:02}:{second:02}Z")
}

/// `2026-11-28 19:05 UTC`.
pub(crate) fn to_the_minute(seconds: u64) -> String {
    let (hour, minute, _) = of_day(seconds);
    format!("{} {hour:02}:{minute:02} UTC", Date::of_unix(seconds))
}

/// `2026-11-28 19:05:07 UTC`.
pub(crate) fn to_the_second(seconds: u64) -> String {
    format!("{} {}", Date::of_unix(seconds), time_of_day(seconds))
}

/// `19:05:07 UTC`.
pub(crate) fn time_of_day(seconds: u64) -> String {
    let (hour, minute, second) = of_day(seconds);
    format!("{hour:02}:{minute:02}:{second:02} UTC")
}

fn of_day(seconds: u64) -> (u64, u64, u64) {
    (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `date -u -d @SECONDS +%FT%TZ`
    #[test]
    fn times_are_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_782_400 + 3_661, "2000-02-29T01:01:01Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (1_795_892_012, "2026-11-28T18:53:32Z"),
            (1_798_761_599, "2026-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(utc(seconds), expected);
        }
    }

    #[test]
    fn parts_of_a_time() {
        assert_eq!(to_the_minute(1_795_892_012), "2026-11-28 18:53 UTC");
        assert_eq!(to_the_second(1_795_892_012), "2026-11-28 18:53:32 UTC");
        assert_eq!(time_of_day(1_795_892_012), "18:53:32 UTC");
    }
}
