//! From an inventory file to a valid [`model::Cluster`], or to errors that show file, line and column.

pub mod model;
