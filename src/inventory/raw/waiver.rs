//! Waivers as they are written.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::diagnostic::Expected;
use crate::inventory::field::{Opt, Text, Word, Wrong};
use crate::model::Date;

/// A finding of `verify` that is accepted: it is shown as waived, and does not change the exit status.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Waiver", extend("required" = ["check", "reason"]))]
pub(in crate::inventory) struct Waiver {
    /// The id of the check; `lvsctl explain` lists them.
    pub check: Opt<String>,
    /// The host of the finding. Default: every host, and findings of the cluster as a whole.
    pub host: Opt<String>,
    /// The subject of the finding: exactly the text after the check's name in the first line of the finding. Default:
    /// everything.
    pub what: Opt<String>,
    /// The last day on which it holds, `YYYY-MM-DD` (UTC). After that day it waives nothing and is a finding itself.
    /// Default: no end.
    pub until: Opt<Text<Day>>,
    /// Why it is accepted; the output of `verify` shows it.
    pub reason: Opt<String>,
}

/// A day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inventory) struct Day(pub Date);

impl Word for Day {
    const EXPECTED: Expected = Expected::like("a day such as 2027-01-31", "2027-01-31");

    fn read(text: &str) -> Result<Self, Wrong> {
        let read = text.parse().map(Self);
        read.map_err(|()| Wrong::help("write year, month and day of the calendar: `YYYY-MM-DD`"))
    }
}
