//! Times as people type them: `90`, `500ms`, `30s`, `5m`, `2h`.

use std::time::Duration;

/// Reads a time of more than nothing, of at most a week.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let well = seconds(text).filter(|seconds| (0.001..=604_800.0).contains(seconds));
    well.map(Duration::from_secs_f64)
        .ok_or_else(|| "expected a time such as 500ms, 30s, 5m, 2h or 1d, of at most 7d".to_owned())
}

/// Reads how long a drain is meant to last: minutes to a year.
pub(super) fn long(text: &str) -> Result<Duration, String> {
    let well = seconds(text).filter(|seconds| (60.0..=31_536_000.0).contains(seconds));
    well.map(Duration::from_secs_f64)
        .ok_or_else(|| "expected a time such as 30m, 2h or 3d, from 1m to 365d".to_owned())
}

fn seconds(text: &str) -> Option<f64> {
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.'));
    let (number, unit) = text.split_at(digits.unwrap_or(text.len()));
    let factor = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return None,
    };
    number.parse::<f64>().ok().map(|number| number * factor)
}

/// A time of day: `02:30`.
pub(super) fn time_of_day(text: &str) -> Result<String, String> {
    let part = |text: &str, most: u8| {
        let well = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        let number = text.parse::<u8>().ok().filter(|n| *n <= most);
        number.filter(|_| well)
    };
    let both = text.split_once(':');
    let both = both.and_then(|(hour, minute)| Some((part(hour, 23)?, part(minute, 59)?)));
    match both {
        Some((hour, minute)) => Ok(format!("{hour:02}:{minute:02}")),
        None => Err("expected a time of day such as 02:30".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        for (text, ms) in [
            ("90", Some(90_000)),
            ("500ms", Some(500)),
            ("30s", Some(30_000)),
            ("1.5m", Some(90_000)),
            ("2h", Some(7_200_000)),
            ("7d", Some(604_800_000)),
            ("8d", None),
            ("0", None),
            ("-1s", None),
            ("1w", None),
            ("m", None),
            ("", None),
            ("1.2.3s", None),
        ] {
            let found = duration(text).ok().map(|d| d.as_millis());
            assert_eq!(found, ms, "{text}");
        }
    }

    #[test]
    fn drains_last_for_minutes_to_a_year() {
        for (text, seconds) in [
            ("1m", Some(60)),
            ("90", Some(90)),
            ("2h", Some(7200)),
            ("365d", Some(31_536_000)),
            ("366d", None),
            ("59s", None),
            ("empty", None),
            ("", None),
        ] {
            let found = long(text).ok().map(|d| d.as_secs());
            assert_eq!(found, seconds, "{text}");
        }
    }

    #[test]
    fn times_of_day() {
        for (text, expected) in [
            ("02:30", Some("02:30")),
            ("2:5", Some("02:05")),
            ("23:59", Some("23:59")),
            ("24:00", None),
            ("12:60", None),
            ("12", None),
            ("+1:00", None),
            ("012:00", None),
            ("", None),
        ] {
            assert_eq!(time_of_day(text).ok().as_deref(), expected, "{text}");
        }
    }
}
