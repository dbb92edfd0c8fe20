//! Whole clusters on real hosts, in labs of their own, driven by the program as a user drives it.
//! Needs root and what `make deps` installs.

mod damage;
mod harness;
mod life;
