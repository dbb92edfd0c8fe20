//! The host's clock, and when it booted.

use super::{Fact, ParseError, Section};

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Clock {
    /// Seconds since the epoch; whole ones, where date(1) knows no fractions.
    seconds: f64,
    is_whole: bool,
    uptime: f64,
}

impl Clock {
    /// In seconds since the epoch; none where the host was not asked.
    pub fn now(&self) -> Option<f64> {
        // The middle of the second, since the fraction is not known.
        let fraction = if self.is_whole { 0.5 } else { 0.0 };
        (self.seconds > 0.0).then_some(self.seconds + fraction)
    }

    /// In seconds since the epoch.
    pub fn boot(&self) -> f64 {
        self.seconds - self.uptime
    }
}

/// The uptime is read before the clock, since a loaded host may pause in between. So times of units can only appear too late:
/// too early, a file that a unit has read would appear to be newer.
const COMMAND: &str =
    "part time\nread -r uptime </proc/uptime\ndate +%s.%N\nprintf '%s\\n' \"$uptime\"\n";

impl Fact for Clock {
    const NAME: &'static str = "clock";
    type Ask = ();

    fn command((): &()) -> String {
        COMMAND.to_owned()
    }

    fn parse(section: &Section) -> Result<Self, ParseError> {
        let text = section.part("time");
        let clock = || {
            let mut words = text.split_whitespace();
            let time = words.next()?;
            // busybox prints %N as it is.
            let (seconds, is_whole) = match time.strip_suffix(".%N") {
                Some(whole) => (whole, true),
                None => (time, false),
            };
            Some(Self {
                seconds: seconds.parse().ok()?,
                is_whole,
                uptime: words.next()?.parse().ok()?,
            })
        };
        clock().ok_or_else(|| ParseError::new(Self::NAME, format!("odd clock {text:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The time of the boot, read on a host whose programs are slow.
    fn boot() -> f64 {
        let slow = "part() { :; }\n\
                    date() { sleep 0.3; command date \"$@\"; }\n\
                    cat() { sleep 0.3; command cat \"$@\"; }\n";
        let output = std::process::Command::new("sh")
            .args(["-c", &format!("{slow}{COMMAND}")])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let mut words = text.split_whitespace().map(|w| w.parse::<f64>().unwrap());
        words.next().unwrap() - words.next().unwrap()
    }

    #[test]
    fn a_slow_host_does_not_make_its_units_older() {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
        let uptime: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
        // /proc/uptime has hundredths of a second.
        let earliest = now.as_secs_f64() - uptime - 0.02;
        let booted = boot();
        assert!(booted > earliest, "{booted} < {earliest}");
    }

    #[test]
    fn clocks_of_either_date() {
        for (text, now) in [
            ("1700000000.25\n100.0 90.0\n", Some(1_700_000_000.25)),
            ("1700000000.%N\n100.0 90.0\n", Some(1_700_000_000.5)),
            ("1700000000\n100.0 90.0\n", Some(1_700_000_000.0)),
            ("", None),
            ("1700000000\n", None),
            (".%N\n100.0 90.0\n", None),
        ] {
            let clock = Clock::parse(&Section::from_parts([("time", text)]));
            assert_eq!(clock.ok().and_then(|clock| clock.now()), now, "{text:?}");
        }
    }

    #[test]
    fn a_clock_that_was_not_read_shows_no_time() {
        assert_eq!(Clock::default().now(), None);
    }
}
