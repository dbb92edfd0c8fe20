//! What the packet filters do to a packet. What one rule says of a packet is in [`hit`], what all of them do to it in
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
