//! Measured requests of clients: the loop that sends them from a host, what it printed, and what is made of that. Who asks
//! and when is decided by [`crate::command`]; whether an answer is right, by [`crate::check::end_to_end`].

mod read;
mod request_loop;
mod script;
mod summary;
mod target;

pub use read::Sample;
pub(crate) use request_loop::RequestLoop;
pub(crate) use script::Pace;
pub use summary::{Gap, Latency, Summary, Window};
pub(crate) use target::{Target, Wish, service};
