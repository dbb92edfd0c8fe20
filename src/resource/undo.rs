//! Shell text that undoes a run's change of a resource. When it runs is decided in [`crate::plan::guard`].

/// Both texts run in a shell with the functions of `plan/guard/undo.sh`. They must tolerate a second run, and a change that
/// was made only in part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undo {
    /// Keeps state of the host before the change. Empty: [`Before`](super::Before) is enough.
    pub save: String,
    pub back: String,
    pub turn: Turn,
}

/// The order of undo texts: first units that did not run stop, last units that ran start again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    Stop,
    File,
    Link,
    Address,
    Route,
    Neighbour,
    Sysctl,
    Filter,
    Ipvs,
    Start,
}

impl Undo {
    /// An undo text that needs no kept state.
    pub fn of_state(turn: Turn, back: impl Into<String>) -> Self {
        Self::kept(turn, "", back)
    }

    pub fn kept(turn: Turn, save: impl Into<String>, back: impl Into<String>) -> Self {
        Self {
            save: save.into(),
            back: back.into(),
            turn,
        }
    }
}
