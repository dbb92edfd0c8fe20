//! Times in words.

use crate::model::Date;

/// `2026-11-28T19:05:07Z`, of seconds since 1970.
pub(super) fn utc(seconds: u64) -> String {
    let of_day = seconds % 86_400;
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!(
        "{}T{hour:02}:{minute:02}:{second:02}Z",
        Date::of_unix(seconds)
    )
}

#[cfg(test)]
mod tests {
    use super::utc;

    /// `date -u -d @SECONDS +%FT%TZ`
    #[test]
    fn times_are_in_utc() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_798_761_599, "2026-12-31T23:59:59Z"),
            (951_782_400 + 3_661, "2000-02-29T01:01:01Z"),
        ] {
            assert_eq!(utc(seconds), text);
        }
    }
}
