//! The map of the house. One way of the data:
//!
//! inventory (YAML) → [`inventory`] → a valid cluster → roles and templates → resources (wanted state);
//! one connection and one batched probe a host → observed state; a pure function of both → plan → steps.

pub mod cli;
pub mod command;
pub mod event;
pub mod exit;
pub mod inventory;
pub mod lab;
pub mod manifest;
pub mod persist;
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
pub mod verify;
pub mod view;
