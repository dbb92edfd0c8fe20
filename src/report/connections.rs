//! `lvsctl status --connections`: the connection table of IPVS by service, real server and state. What is shown is a value
//! that the caller fills.

use std::collections::BTreeMap;
use std::io::{self, Write};

use indicatif::HumanCount;
use serde::Serialize;

use super::sanitize;
use super::style::{Style, Tone};
use super::table::{Side, Table, paragraph};

/// The entries of one director's table.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Connections {
    pub director: String,
    /// All entries of its table, persistence templates too.
    pub total: u64,
    pub services: Vec<OfService>,
    /// Entries of what is no service of the inventory.
    pub other: u64,
    /// Entries of clients that are not listed separately: there are too many clients.
    pub other_clients: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct OfService {
    pub service: String,
    pub real_servers: Vec<OfRealServer>,
    /// Those with the most connections first; not all where there are many.
    pub clients: Vec<OfClient>,
    /// Those that last longest first; not all where there are many.
    pub templates: Vec<Template>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct OfRealServer {
    /// None: not in the inventory.
    pub host: Option<String>,
    pub address: String,
    /// Entries by the state that IPVS has.
    pub states: BTreeMap<String, u64>,
    /// Persistence templates.
    pub templates: u64,
    /// Seconds to the end of the first template, and of the last.
    pub template_seconds: Option<(u64, u64)>,
    /// Of SYN_RECV: those that stay in it.
    pub stuck: u64,
    /// Why they do.
    pub why: Vec<String>,
}

impl OfRealServer {
    pub fn connections(&self) -> u64 {
        self.states.values().sum()
    }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OfClient {
    pub client: String,
    pub connections: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Template {
    pub client: String,
    pub real_server: String,
    /// For so many seconds more.
    pub seconds: u64,
}

/// Writes a table for each service.
pub(super) fn text(writer: &mut dyn Write, all: &Connections, style: Style) -> io::Result<()> {
    let mut head = format!(
        "connection table of {}: {}",
        sanitize::line(&all.director),
        entries(all.total)
    );
    if all.other > 0 {
        head.push_str(&format!(
            ", {} of no service of the inventory",
            HumanCount(all.other)
        ));
    }
    writeln!(writer, "\n{}", paragraph(&head, "    ", style))?;
    for service in &all.services {
        of_service(writer, service, style)?;
    }
    if all.other_clients > 0 {
        let text = format!(
            "  {} of other clients, not listed separately",
            entries(all.other_clients)
        );
        writeln!(writer, "{}", paragraph(&text, "    ", style))?;
    }
    Ok(())
}

fn entries(number: u64) -> String {
    match number {
        1 => "1 entry".to_owned(),
        number => format!("{} entries", HumanCount(number)),
    }
}

fn of_service(writer: &mut dyn Write, service: &OfService, style: Style) -> io::Result<()> {
    const INDENT: &str = "  ";
    let name = style.paint(Tone::Heading, sanitize::line(&service.service));
    if service.real_servers.is_empty() {
        return writeln!(writer, "\n{INDENT}{name}: no connections");
    }
    writeln!(writer, "\n{INDENT}{name}")?;
    let mut table = Table::new(&["real server", "address", "entries"], "states");
    for rs in &service.real_servers {
        let mut states: Vec<String> = rs
            .states
            .iter()
            .map(|(state, n)| format!("{state} {}", HumanCount(*n)))
            .collect();
        if let Some((first, last)) = rs.template_seconds {
            let left = if first == last {
                format!("{last} s")
            } else {
                format!("{first} to {last} s")
            };
            states.push(format!(
                "persistence {} ({left} left)",
                HumanCount(rs.templates)
            ));
        }
        let host = rs.host.clone().unwrap_or_else(|| "?".to_owned());
        let sum = HumanCount(rs.connections() + rs.templates).to_string();
        table.row(&[host, rs.address.clone(), sum], None, &states.join(", "));
    }
    table.align(&[Side::Left, Side::Left, Side::Right]);
    write!(writer, "{}", table.render("    ", style))?;
    for rs in service.real_servers.iter().filter(|rs| rs.stuck > 0) {
        let name = rs.host.as_deref().unwrap_or(&rs.address);
        for why in &rs.why {
            let text = format!(
                "{name}: {} in SYN_RECV: {why}",
                super::count(rs.stuck as usize, "connection")
                    + if rs.stuck == 1 { " stays" } else { " stay" }
            );
            let text = paragraph(&sanitize::line(&text), "      ", style);
            writeln!(writer, "    {}", style.paint(Tone::Bad, text))?;
        }
    }
    clients(writer, service, style)
}

fn clients(writer: &mut dyn Write, service: &OfService, style: Style) -> io::Result<()> {
    if !service.clients.is_empty() {
        let mut table = Table::new(&["connections"], "client");
        for one in &service.clients {
            let connections = HumanCount(one.connections).to_string();
            table.row(&[connections], None, &one.client);
        }
        table.align(&[Side::Right]);
        write!(writer, "{}", table.render("    ", style))?;
    }
    if !service.templates.is_empty() {
        let mut table = Table::new(&["persistent client", "real server"], "seconds left");
        for one in &service.templates {
            let cells = [one.client.clone(), one.real_server.clone()];
            table.row(&cells, None, &one.seconds.to_string());
        }
        write!(writer, "{}", table.render("    ", style))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_fits_eighty_columns() {
        let rs = |host: &str, n: u64| OfRealServer {
            host: Some(host.to_owned()),
            address: "192.168.100.12:80".to_owned(),
            states: [
                ("ESTABLISHED".into(), n),
                ("FIN_WAIT".into(), 12),
                ("SYN_RECV".into(), 3),
            ]
            .into(),
            templates: 2,
            template_seconds: Some((3, 6)),
            ..OfRealServer::default()
        };
        let mut broken = rs("rs2", 0);
        broken.stuck = 3;
        broken.why = vec!["vip-not-held: 192.168.100.200: expected on lo, found on no interface; fix: `lvsctl apply`".to_owned()];
        let all = Connections {
            director: "lb1".to_owned(),
            total: 1_000_034,
            other: 4,
            other_clients: 800_000,
            services: vec![
                OfService {
                    service: "web".to_owned(),
                    real_servers: vec![rs("rs1", 1_000_000), broken],
                    clients: vec![OfClient {
                        client: "192.168.100.20".to_owned(),
                        connections: 5000,
                    }],
                    templates: vec![Template {
                        client: "192.168.100.20".to_owned(),
                        real_server: "rs1".to_owned(),
                        seconds: 6,
                    }],
                },
                OfService {
                    service: "ftp".to_owned(),
                    ..OfService::default()
                },
            ],
        };
        let mut out = Vec::new();
        let style = Style {
            width: Some(80),
            ..Style::plain()
        };
        text(&mut out, &all, style).unwrap();
        let shown = String::from_utf8(out).unwrap();
        assert!(
            shown.lines().all(|line| line.chars().count() <= 80),
            "{shown}"
        );
        insta::assert_snapshot!(shown.trim(), @r#"
        connection table of lb1: 1,000,034 entries, 4 of no service of the inventory

          web
            real server  address              entries  states
            rs1          192.168.100.12:80  1,000,017  ESTABLISHED 1,000,000, FIN_WAIT
                                                       12, SYN_RECV 3, persistence 2 (3
                                                       to 6 s left)
            rs2          192.168.100.12:80         17  ESTABLISHED 0, FIN_WAIT 12,
                                                       SYN_RECV 3, persistence 2 (3 to 6
                                                       s left)
            rs2: 3 connections stay in SYN_RECV: vip-not-held: 192.168.100.200:
              expected on lo, found on no interface; fix: `lvsctl apply`
            connections  client
                  5,000  192.168.100.20
            persistent client  real server  seconds left
            192.168.100.20     rs1          6

          ftp: no connections
          800,000 entries of other clients, not listed separately
        "#);
    }
}
