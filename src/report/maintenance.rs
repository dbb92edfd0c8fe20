//! The result of `lvsctl drain` and `lvsctl undrain`. What is shown is a value that the caller fills.

use std::io::{self, Write};

use serde::Serialize;

use super::sanitize;
use super::style::Style;
use super::table::paragraph;
use crate::model::Drain;
use crate::plan::maintenance::note;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MaintenanceView {
    pub cluster: String,
    pub host: String,
    pub service: Option<String>,
    /// Directors that have the record.
    pub directors: Vec<String>,
    /// Directors that were not reached.
    pub unreached: Vec<String>,
    /// Connections that are left, where the run waited for them.
    pub connections: Option<u64>,
    pub notes: Vec<String>,
    /// All drains of the cluster after the run.
    pub maintenance: Vec<Drain>,
}

/// Writes what became of the host, and what is still to be done.
pub fn text(writer: &mut dyn Write, view: &MaintenanceView, style: Style) -> io::Result<()> {
    let own: Vec<&Drain> = view
        .maintenance
        .iter()
        .filter(|drain| drain.host == view.host)
        .collect();
    let mut lines = Vec::new();
    let is_drained = own
        .iter()
        .any(|drain| drain.is_of(&view.host, view.service.as_deref()));
    if !is_drained {
        let place = view.service.iter().map(|name| format!(" in {name}"));
        lines.push(format!(
            "{} is in service again{}",
            view.host,
            place.collect::<String>()
        ));
    }
    lines.extend(own.into_iter().map(note));
    if view.connections == Some(0) {
        lines.push(format!("no connection to {} is left", view.host));
    }
    lines.extend(view.notes.iter().map(|note| format!("note: {note}")));
    lines.extend(
        view.unreached.iter().map(|host| {
            format!("note: {host} was not reached: `lvsctl apply` makes it do the same")
        }),
    );
    for line in lines {
        writeln!(writer, "{}", paragraph(&sanitize::line(&line), "  ", style))?;
    }
    writer.flush()
}

pub fn json(writer: &mut dyn Write, view: &MaintenanceView) -> io::Result<()> {
    super::document(writer, view)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(host: &str, service: Option<&str>) -> Drain {
        Drain {
            host: host.to_owned(),
            service: service.map(str::to_owned),
            by: "ann@desk".to_owned(),
            since: 1_790_000_000,
            until: None,
            reason: Some("a new disk".to_owned()),
        }
    }

    #[test]
    fn what_became_of_a_host() {
        let view = |service: Option<&str>, drains: Vec<Drain>| MaintenanceView {
            cluster: "t".to_owned(),
            host: "rs1".to_owned(),
            service: service.map(str::to_owned),
            directors: vec!["lb1".to_owned()],
            unreached: Vec::new(),
            connections: None,
            notes: Vec::new(),
            maintenance: drains,
        };
        let left = MaintenanceView {
            unreached: vec!["lb2".to_owned()],
            connections: Some(0),
            notes: vec!["see \u{1b}[31m".to_owned()],
            ..view(None, vec![drain("rs1", None), drain("rs2", None)])
        };
        const DRAINED: &str = "rs1 is drained since 2026-09-21 14:13 UTC by ann@desk, \"a new disk\": `lvsctl undrain rs1` ends that\n";
        for (about, view, expected) in [
            (
                "drained",
                view(None, vec![drain("rs1", None)]),
                DRAINED.to_owned(),
            ),
            (
                "all that may be said",
                left,
                format!(
                    "{DRAINED}no connection to rs1 is left\nnote: see \\u{{1b}}[31m\nnote: lb2 was not reached: `lvsctl apply` makes it do the same\n"
                ),
            ),
            (
                "undrained",
                view(None, vec![drain("rs2", None)]),
                "rs1 is in service again\n".to_owned(),
            ),
            (
                "undrained in a service, and drained as a whole",
                view(Some("web"), vec![drain("rs1", None)]),
                format!("rs1 is in service again in web\n{DRAINED}"),
            ),
        ] {
            let mut out = Vec::new();
            text(&mut out, &view, Style::default()).expect("text");
            assert_eq!(String::from_utf8_lossy(&out), expected, "{about}");
        }
    }
}
