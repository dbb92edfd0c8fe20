//! The goal of a run: `apply` reaches the inventory's desired state, `destroy` the state before lvsctl.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    Inventory,
    /// The state before lvsctl.
    Nothing,
}
