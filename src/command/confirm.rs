//! A question on the terminal before something is changed.

use std::io::{BufRead, IsTerminal};

use crate::cancel::CancelToken;
use crate::exit::Exit;

use super::{Failure, Result};

/// Whether the user confirms. Prints the lines of `before` first.
pub(super) fn yes(before: &[String], question: &str, cancel: &CancelToken) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(
            Exit::Usage,
            "error: cannot ask for confirmation: standard input is not a terminal; pass --yes\n",
        ));
    }
    for line in before {
        eprintln!("{line}");
    }
    eprint!("{question} [y/N] ");
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|e| Failure::of(Exit::Failed, &e))?;
    Ok(!cancel.is_cancelled() && matches!(answer.trim(), "y" | "Y" | "yes"))
}
