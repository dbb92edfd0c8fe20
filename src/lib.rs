//! Crate overview. Data flow:
//!
//! - [`inventory`] reads YAML into a valid cluster; [`role`]s and [`template`]s turn it into [`resource`]s, the desired state;
//! - one connection ([`transport`]) and one batched [`probe`] per host give [`fact`]s, the observed state;
//! - [`plan`], a pure function of both, gives steps, which [`run`] makes in order, host by host;
//! - [`check`] judges the same facts, and requests of clients, and gives findings.
//!
//! [`report`] shows events and results, [`command`] has the verbs, [`lab`] makes hosts to try them on.

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
