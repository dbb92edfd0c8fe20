//! All integration tests but the files of `tests/cases` (`tests/named_cases`) and the topologies (`tests/matrix`), in one
//! program that is linked once. `cargo test --test it MODULE::` runs one module. Tests that need root are ignored, with
//! the `make` target that runs them as the reason.

mod canary;
mod check;
mod combinations;
mod distributions;
mod facts;
mod faults_docs;
mod fleet;
mod fuzz;
mod guard;
mod health_checker;
mod history;
mod interrupt;
mod inventory;
mod inventory_docs;
mod inventory_files;
mod inventory_forms;
mod inventory_fuzz;
mod inventory_hints;
mod inventory_meant;
mod inventory_once;
mod inventory_secrets;
mod inventory_shell;
mod inventory_steps;
mod inventory_words;
mod keepalived_conf;
mod lab;
mod large_inventory;
mod layers;
mod maintenance;
mod package;
mod race;
mod reference;
mod refusals;
mod report_plan;
mod report_progress;
mod report_status;
mod resource_probes;
mod role_errors;
mod role_hints;
mod roles;
mod roles_docs;
mod saved_plan;
mod serial;
#[path = "../support/mod.rs"]
mod support;
mod transport;
mod transport_certificate;
mod transport_jump;
mod transport_login;
mod transport_session;
mod transport_sudo;
mod verbs;
mod verify;
mod verify_shell;
