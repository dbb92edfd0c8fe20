//! What the packet filters do to a packet. What one rule says of a packet is in [`hit`], what all of them do to it in
//! [`walk`]. Pure.

mod hit;
mod walk;

pub use walk::{Fate, Packet, Rewrite, State};
