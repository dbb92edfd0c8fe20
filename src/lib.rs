//! The map of the house. One way of the data:
//!
//! inventory (YAML) → [`inventory`] → a valid cluster → [`role`]s and [`template`]s → [`resource`]s (wanted state);
//! one connection ([`transport`]) and one batched [`probe`] a host → [`fact`]s; a pure function of both → [`plan`] →
//! steps, which [`run`] takes in order, host by host; [`check`] → findings. [`report`] shows all that happens, [`command`]
//! has the verbs, and [`lab`] makes hosts to try it on.

pub mod cancel;
pub mod check;
pub mod cli;
pub mod command;
pub mod error_chain;
pub mod event;
pub mod exit;
pub mod fact;
pub mod inventory;
pub(crate) mod keepalived;
pub mod lab;
pub mod manifest;
pub mod persist;
pub mod plan;
pub mod ports;
pub mod probe;
pub mod report;
pub mod resource;
pub mod role;
pub mod run;
pub mod secret;
pub mod shell;
pub mod template;
pub mod transport;
pub mod view;
pub mod vrrp_state;
