//! `lvsctl status`.

use crate::cli::{FormatArgs, Global};
use crate::exit::Exit;

use super::{Failure, Result};

pub fn run(_global: &Global, _args: &FormatArgs) -> Result<Exit> {
    Err(Failure::new(Exit::Failed, "error: not there yet\n"))
}
