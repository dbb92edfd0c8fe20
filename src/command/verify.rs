//! `lvsctl verify`.

use crate::cli::{Global, VerifyArgs};
use crate::exit::Exit;

use super::{Failure, Result};

pub fn run(_global: &Global, _args: &VerifyArgs) -> Result<Exit> {
    Err(Failure::new(Exit::Failed, "error: not there yet\n"))
}
