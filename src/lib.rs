//! Crate overview. Data flow:
//!
//! - [`inventory`] reads YAML into a valid cluster; [`role`]s and [`template`]s expand it to [`resource`]s, the desired
//!   state;
//! - one connection ([`transport`]) and one batched [`probe`] per host give [`fact`]s, the observed state;
//! - [`plan`], a pure function of both, gives steps, which [`run`] executes in order, host by host;
//! - [`check`] judges the same facts and the answers to clients' requests, and gives findings.
//!
//! [`report`] shows events and results, [`command`] has the verbs, [`lab`] creates hosts for tests.

pub mod cancel;
pub mod check;
pub mod cli;
pub mod command;
pub(crate) mod diagnostic;
pub(crate) mod drill;
pub mod error_chain;
pub mod event;
pub mod exit;
pub mod fact;
mod fields;
pub mod history;
mod host_paths;
pub mod inventory;
pub(crate) mod keepalived;
pub mod lab;
pub mod measure;
pub mod model;
pub mod plan;
pub mod probe;
pub mod report;
pub mod resource;
pub mod role;
pub mod run;
pub mod secret;
pub mod shell;
pub mod template;
pub mod transport;
mod unix_time;
pub mod view;
pub mod vrrp_state;
pub(crate) mod yaml;
