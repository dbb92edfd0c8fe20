//! Times as people type them: `90`, `500ms`, `30s`, `5m`, `2h`.

use std::time::Duration;

/// Reads a time of more than nothing, of at most a week.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.'));
    let (number, unit) = text.split_at(digits.unwrap_or(text.len()));
    let factor = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => f64::NAN,
    };
    let seconds = number.parse::<f64>().map_or(f64::NAN, |n| n * factor);
    if (0.001..=604_800.0).contains(&seconds) {
        return Ok(Duration::from_secs_f64(seconds));
    }
    Err("expected a time such as 500ms, 30s, 5m, 2h or 1d, of at most 7d".to_owned())
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
