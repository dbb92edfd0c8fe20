//! An error with its causes, fit for a terminal.

use std::error::Error;

use super::sanitize;
use crate::error_chain;

pub fn chain(error: &dyn Error) -> String {
    sanitize::lines(&error_chain::chain(error)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_host_said_cannot_steer_the_terminal() {
        let error = std::io::Error::other("a\u{1b}[2J: b\r\nc");
        assert_eq!(chain(&error), "a\\u{1b}[2J: b\\r\nc");
    }
}
