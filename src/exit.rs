//! Exit statuses, as `lvsctl --help` lists them.

use std::process::ExitCode;

use crate::report::audit::nagios::Status;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Done,
    /// A host failed on the way.
    Failed,
    /// `plan` found changes.
    Changes,
    /// `verify` found something.
    Findings,
    /// The inventory, a role or a secret is not valid.
    Invalid,
    /// A host could not be worked on, and nothing was changed.
    Unreachable,
    Lab,
    /// `probe` lost requests or got wrong answers; `drill` exceeded a limit.
    Lost,
    /// `apply FILE`: a host or the inventory is not as it was when the plan was made.
    Outdated,
    /// Steps were withheld, since what they depend on was not seen to hold.
    Incomplete,
    Usage,
    Interrupted,
    /// The status of a monitoring plugin: 0 to 3, which are other words there.
    Plugin(Status),
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Changes => 2,
            Self::Findings => 3,
            Self::Invalid => 4,
            Self::Unreachable => 5,
            Self::Lab => 6,
            Self::Lost => 7,
            Self::Outdated => 8,
            Self::Incomplete => 9,
            Self::Usage => 64,
            Self::Interrupted => 130,
            Self::Plugin(status) => status.code(),
        }
    }

    /// A word for it, in JSON.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Changes => "changes",
            Self::Findings => "findings",
            Self::Invalid => "invalid",
            Self::Unreachable => "unreachable",
            Self::Lab => "lab",
            Self::Lost => "lost",
            Self::Outdated => "outdated",
            Self::Incomplete => "incomplete",
            Self::Usage => "usage",
            Self::Interrupted => "interrupted",
            Self::Plugin(_) => "plugin",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_in_the_help() {
        use clap::CommandFactory;
        let help = crate::cli::Cli::command().render_help().to_string();
        let all = [
            Exit::Done,
            Exit::Failed,
            Exit::Changes,
            Exit::Findings,
            Exit::Invalid,
            Exit::Unreachable,
            Exit::Lab,
            Exit::Lost,
            Exit::Outdated,
            Exit::Incomplete,
            Exit::Usage,
            Exit::Interrupted,
        ];
        for exit in all {
            assert_eq!(all.iter().filter(|e| e.code() == exit.code()).count(), 1);
            assert!(
                help.contains(&format!("\n  {:<5}", exit.code())),
                "{exit:?} in {help}"
            );
        }
    }
}
