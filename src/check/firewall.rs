//! The effect of packet filters on a packet: whether one rule matches is decided in [`hit`], the effect of whole chains in
//! [`walk`]. Pure.

mod deletion;
mod hit;
mod packet;
mod sources;
mod walk;

pub use deletion::deletion;
pub use hit::Doubt;
pub use packet::{Client, Packet, State, flag};
pub use sources::{Around, Boundaries, Kind, Source, is_private, no_client, sources};
pub use walk::{By, Fate, Policy, Rewrite, chain_fate, chain_rewrite, untracked};
