//! Flags of a rolling apply: how many hosts are changed at a time, and how many may fail.

use clap::Args;

use crate::plan::depool::Share;
use crate::plan::serial::Size;

#[derive(Debug, Clone, Default, Args)]
pub struct BatchArgs {
    /// Change at most this many hosts at a time, and run `verify` after each batch: numbers, or shares of the hosts that
    /// have changes, such as 1,25%,100%; the last repeats
    #[arg(long, value_name = "SIZES", value_delimiter = ',')]
    pub serial: Vec<Size>,
}

#[derive(Debug, Clone, Default, Args)]
pub struct SerialArgs {
    #[command(flatten)]
    pub batches: BatchArgs,
    /// With --serial: go on while no more hosts than these failed or have an error in `verify`, a number or a share of the
    /// hosts that have changes [default: 0]
    #[arg(long, value_name = "N", requires = "serial")]
    pub max_failures: Option<Share>,
}

impl SerialArgs {
    pub fn allowed(&self) -> Share {
        self.max_failures.unwrap_or(Share::Number(0))
    }
}
