//! Shell text that puts back what a run changes of a resource. When it is run, and on what conditions, is decided in
//! [`crate::plan::guard`].

/// Both texts run in a shell with the functions of `plan/guard/undo.sh`. They may run twice, and after a part of the change
/// alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undo {
    /// Keeps what only the host knows, before the change. Empty where the undo state says all.
    pub save: String,
    pub back: String,
    pub turn: Turn,
}

/// The order in which things are put back: what was not there stops first, units that run again come last.
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
    /// From the undo state alone.
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
