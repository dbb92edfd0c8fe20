//! The arguments of `drain` and `undrain`.

use std::time::Duration;

use clap::Args;

use super::duration::long;
use super::{Format, GuardArgs};

#[derive(Debug, Args)]
pub struct DrainArgs {
    /// The host: a real server, a director, or both in one
    pub host: String,
    /// In this service alone; without it a real server is drained in all, and a director gives up its VIPs
    #[arg(long, value_name = "SERVICE")]
    pub service: Option<String>,
    /// `empty`: wait until no director has a connection to it. A time such as 2h: a reminder; `verify` has a warning when
    /// it is over, and the host stays drained until `undrain`
    #[arg(long, value_name = "empty|DURATION", value_parser = until)]
    pub until: Option<Until>,
    /// Why, for `status`, `plan` and `verify`
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub reason: Option<String>,
    #[command(flatten)]
    pub guard: GuardArgs,
    #[command(flatten)]
    pub common: MaintenanceArgs,
}

#[derive(Debug, Args)]
pub struct UndrainArgs {
    /// The host
    pub host: String,
    /// Its drain in this service alone
    #[arg(long, value_name = "SERVICE")]
    pub service: Option<String>,
    #[command(flatten)]
    pub common: MaintenanceArgs,
}

#[derive(Debug, Args)]
pub struct MaintenanceArgs {
    /// Continue without unreachable directors; the next `apply` makes the change there
    #[arg(long)]
    pub ignore_unreachable: bool,
    /// How the result is written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

/// What `--until` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// `drain` ends when no connection is left.
    Empty,
    /// When the work is to be done.
    After(Duration),
}

fn until(text: &str) -> Result<Until, String> {
    if text == "empty" {
        return Ok(Until::Empty);
    }
    let time = long(text).map(Until::After);
    time.map_err(|message| format!("{message}, or `empty`"))
}

/// The most characters of a reason.
const LONGEST: usize = 200;

/// One line that a terminal shows as it is.
fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    let count = text.chars().count();
    if text.is_empty() || count > LONGEST {
        return Err(format!("expected 1 to {LONGEST} characters, found {count}"));
    }
    if text.chars().any(char::is_control) {
        return Err("expected one line of text, found a control character".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn until_is_a_time_or_empty() {
        for (text, expected) in [
            ("empty", Some(Until::Empty)),
            ("2h", Some(Until::After(Duration::from_secs(7200)))),
            ("Empty", None),
            ("10s", None),
            ("tomorrow", None),
            ("", None),
        ] {
            assert_eq!(until(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_reason_is_one_line() {
        let long = "x".repeat(LONGEST + 1);
        for (text, expected) in [
            ("new disk", Some("new disk")),
            (" ä $(reboot) ", Some("ä $(reboot)")),
            ("a\nb", None),
            ("a\u{1b}[31m", None),
            (" ", None),
            (long.as_str(), None),
        ] {
            assert_eq!(reason(text).ok().as_deref(), expected, "{text:?}");
        }
    }
}
