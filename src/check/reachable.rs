//! Whether hosts can be asked at all. The verb judges it as it connects.

use super::definition::{Check, Judge, nothing};
use super::findings::Mismatch;

pub static REACHABLE: Check = Check {
    id: "reachable",
    summary: "A host can be reached and worked on.",
    reason: "A host that does not answer may be in any state, and keeps the one that it has when `apply` runs.",
    source: "ssh(1)",
    fix: "see that the host runs, and that its SSH settings in the inventory are right",
    needs: nothing,
    judge: Judge::By("the connection"),
};

/// What is wrong with a host that was not reached.
pub fn unreachable(error: &str) -> Mismatch {
    Mismatch::new("reachable", error, REACHABLE.fix)
}
