//! An error with its causes, fit to be shown.

use std::error::Error;

use super::clean;
use crate::cause;

pub fn chain(error: &dyn Error) -> String {
    clean::lines(&cause::chain(error)).into_owned()
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
