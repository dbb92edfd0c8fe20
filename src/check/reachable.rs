//! Whether hosts can be asked at all. The verb judges it as it connects.

use super::definition::{Check, Judge, nothing};
use super::findings::Mismatch;

pub static REACHABLE: Check = Check {
    id: "reachable",
    summary: "A host is reachable and usable.",
    reason: "The state of an unreachable host is unknown, and `apply` cannot change it.",
    source: "ssh(1)",
    fix: "check that the host runs and that its SSH settings in the inventory are correct",
    needs: nothing,
    judge: Judge::By("the connection"),
};

/// What is wrong with a host that was not reached.
pub fn unreachable(error: &str) -> Mismatch {
    Mismatch::new("reachable", error, REACHABLE.fix)
}
