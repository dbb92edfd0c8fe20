//! Flags of commands that take hosts out of service: how much must go on serving.

use clap::Args;

use crate::plan::depool::Share;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Args)]
pub struct GuardArgs {
    /// Refuse what would leave a service fewer real servers that get connections: a number, or a share such as 50%
    #[arg(long, value_name = "SHARE", default_value = "1")]
    pub keep_serving: Share,
    /// Also do what is refused because it would end a service, and what is withheld because of hosts that were not read
    #[arg(long)]
    pub force: bool,
}
