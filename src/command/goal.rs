//! What a run makes of the hosts: `apply` what the inventory describes, `destroy` what they were before.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    Inventory,
    /// As if lvsctl had never been there.
    Nothing,
}
