//! Measured requests of clients: the loop that sends them from a host, the parser of its output, and the summary. Clients and
//! times are decided in [`crate::command`]; the expected answers, in [`crate::check::end_to_end`].

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
