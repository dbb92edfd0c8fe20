//! `lvsctl status`: who is master, and what goes through each service to which real server. What is shown is a value
//! that the caller fills; nothing is asked here.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use indicatif::{DecimalBytes, HumanCount, HumanDuration};
use serde::Serialize;

use super::connections::{self, Connections};
use super::sanitize;
use super::style::{Style, Tone};
use super::table::{Side, Table, paragraph};
use crate::fact::ipvs::Rates;
use crate::fact::keepalived;
use crate::model::Drain;
use crate::plan::maintenance::words;
use crate::probe::Earlier;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StatusView {
    pub cluster: String,
    pub directors: Vec<Director>,
    pub services: Vec<Service>,
    /// What is drained until an operator ends it.
    pub maintenance: Vec<Drained>,
    /// Guards of runs on directors: armed, or fired.
    pub guards: Vec<Guarded>,
    /// The connection table, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections: Option<Connections>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drained {
    #[serde(flatten)]
    pub drain: Drain,
    /// Whether its time is over.
    pub overdue: bool,
}

/// A guard that a run left on a host. Times are by the host's clock, in seconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Guarded {
    pub host: String,
    #[serde(flatten)]
    pub guard: Earlier,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Director {
    pub host: String,
    pub state: DirectorState,
    /// VIPs that it holds.
    pub vips: Vec<String>,
    /// What each of its VRRP instances is, as keepalived's log has it.
    pub instances: BTreeMap<String, keepalived::State>,
    /// A note, such as why it could not be asked.
    pub note: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DirectorState {
    /// It serves: it holds VIPs.
    Master,
    /// It waits: keepalived runs and it holds no VIP.
    Backup,
    /// keepalived runs, and what it tracks is down: it neither serves nor takes over.
    Fault,
    /// It neither serves nor waits.
    Down,
    /// It did not answer.
    Unreached,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Service {
    pub name: String,
    /// As it is reached: `tcp 192.168.100.200:80`, `mark 10 of 192.168.100.200 ports 80, 443`.
    pub at: String,
    pub scheduler: String,
    pub scheduler_flags: Vec<String>,
    /// Each packet of UDP is scheduled by itself.
    pub one_packet: bool,
    /// Seconds.
    pub persistence: Option<u32>,
    /// Whose table this is.
    pub director: String,
    /// Whether the director has the service; without it, its real servers are as the inventory has them.
    pub present: bool,
    pub rates: Option<Rates>,
    /// Since the counters began, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub totals: Option<Rates>,
    pub real_servers: Vec<RealServer>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RealServer {
    /// None: not in the inventory.
    pub host: Option<String>,
    pub address: String,
    /// dr, nat or tun.
    pub mode: String,
    pub state: State,
    /// In the running table.
    pub weight: Option<u32>,
    /// In the inventory; 0 while it is drained.
    pub wanted_weight: Option<u32>,
    pub active: u64,
    pub inactive: u64,
    pub rates: Option<Rates>,
    /// Since the counters began, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub totals: Option<Rates>,
    /// Why a health check keeps it out; none where it is not out, or drained.
    pub out: Option<Out>,
}

/// Why a real server is out.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Out {
    /// The check, in words.
    pub check: Option<String>,
    /// Seconds since the epoch, by the director's clock.
    pub since: Option<f64>,
    /// How long, in seconds.
    pub seconds: Option<u64>,
    /// The time as a system log has it, where that is all that is known.
    pub when: Option<String>,
    /// What the checker logged last.
    pub error: Option<String>,
    /// Whether it answers now, asked by lvsctl from the director; none where it was not asked.
    pub answers: Option<bool>,
}

impl Out {
    fn text(&self) -> String {
        let mut text = "taken out".to_owned();
        if let Some(seconds) = self.seconds {
            let since = HumanDuration(Duration::from_secs(seconds));
            text.push_str(&format!(" {since} ago"));
        } else if let Some(when) = &self.when {
            text.push_str(&format!(" at {when}"));
        }
        if let Some(check) = &self.check {
            text.push_str(&format!(" by its {check}"));
        }
        if let Some(error) = &self.error {
            text.push_str(&format!(": {error}"));
        }
        text.push_str(match self.answers {
            Some(true) => "; it answers now, and the checker takes it back with its next checks",
            Some(false) => "; it does not answer now",
            None => "",
        });
        text
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Up,
    /// Weight 0: connections end, and no new ones come.
    Drained,
    /// Wanted, and taken out by a health check.
    Unhealthy,
    /// Wanted, and not in the table.
    Missing,
    /// The sorry server, in the table while no real server is left.
    Sorry,
    /// In the table, and not wanted.
    Stray,
}

impl State {
    /// From the wanted weight, the weight in the running table, and what a health check says, where there is one.
    pub fn of(wanted: Option<u32>, running: Option<u32>, healthy: Option<bool>) -> Self {
        match (wanted, running) {
            (None, _) => Self::Stray,
            (Some(_), _) if healthy == Some(false) => Self::Unhealthy,
            (Some(_), None) => Self::Missing,
            (Some(_), Some(0)) => Self::Drained,
            (Some(_), Some(_)) => Self::Up,
        }
    }

    fn shown(self) -> (Tone, &'static str) {
        match self {
            Self::Up => (Tone::Good, "up"),
            Self::Drained => (Tone::Notable, "drained"),
            Self::Unhealthy => (Tone::Bad, "unhealthy"),
            Self::Missing => (Tone::Bad, "missing"),
            Self::Sorry => (Tone::Notable, "sorry server"),
            Self::Stray => (Tone::Notable, "not in the inventory"),
        }
    }
}

/// Writes tables of directors and of each service's real servers.
pub fn text(writer: &mut dyn Write, view: &StatusView, style: Style) -> io::Result<()> {
    writeln!(
        writer,
        "cluster {}",
        style.paint(Tone::Heading, sanitize::line(&view.cluster))
    )?;
    if !view.directors.is_empty() {
        writeln!(writer)?;
        directors(writer, &view.directors, style)?;
    }
    for service in &view.services {
        writeln!(writer)?;
        heading(writer, service, style)?;
        real_servers(writer, &service.real_servers, style)?;
        totals(writer, service, style)?;
    }
    if view.services.is_empty() {
        writeln!(writer, "\nno services")?;
    }
    maintenance(writer, &view.maintenance, style)?;
    guards(writer, &view.guards, style)?;
    if let Some(all) = &view.connections {
        connections::text(writer, all, style)?;
    }
    writer.flush()
}

/// Writes the view as one JSON document; of many, each has a line.
pub fn json(writer: &mut dyn Write, view: &StatusView, one_of_many: bool) -> io::Result<()> {
    if !one_of_many {
        return super::document(writer, view);
    }
    let text = serde_json::to_string(view)?;
    writeln!(writer, "{}", sanitize::json(&text))?;
    writer.flush()
}

fn directors(writer: &mut dyn Write, directors: &[Director], style: Style) -> io::Result<()> {
    let mut table = Table::new(&["director", "holds"], "state");
    for director in directors {
        let (tone, word) = match director.state {
            DirectorState::Master => (Tone::Good, "master"),
            DirectorState::Backup => (Tone::Place, "backup"),
            DirectorState::Fault => (Tone::Bad, "fault"),
            DirectorState::Down => (Tone::Bad, "down"),
            DirectorState::Unreached => (Tone::Bad, "not reached"),
        };
        let vips = if director.vips.is_empty() {
            "-".to_owned()
        } else {
            director.vips.join(", ")
        };
        let state = match &director.note {
            Some(note) => format!("{word}: {note}"),
            None => word.to_owned(),
        };
        table.row(&[director.host.clone(), vips], Some(tone), &state);
    }
    table.align(&[Side::Left, Side::Left]);
    write!(writer, "{}", table.render("", style))
}

fn maintenance(writer: &mut dyn Write, all: &[Drained], style: Style) -> io::Result<()> {
    let lines = all.iter().map(|drained| {
        let mut line = words(&drained.drain);
        if drained.overdue {
            line.push_str("; its time is over");
        }
        line
    });
    part(writer, "maintenance", lines, style)
}

fn guards(writer: &mut dyn Write, all: &[Guarded], style: Style) -> io::Result<()> {
    let lines = all.iter().map(|guarded| {
        let more = match guarded.guard {
            Earlier::Armed { .. } => {
                ": the host then puts its old state back, unless a run confirms the change"
            }
            Earlier::Firing | Earlier::Fired { .. } => "; `lvsctl verify` says what to do",
        };
        format!("{} {}{more}", guarded.host, guarded.guard.words())
    });
    part(writer, "guards", lines, style)
}

/// Lines under a heading; nothing where there are none.
fn part(
    writer: &mut dyn Write,
    heading: &str,
    lines: impl ExactSizeIterator<Item = String>,
    style: Style,
) -> io::Result<()> {
    if lines.len() == 0 {
        return Ok(());
    }
    writeln!(writer, "\n{}", style.paint(Tone::Heading, heading))?;
    const INDENT: &str = "  ";
    let narrower = Style {
        width: style.width.map(|width| width.saturating_sub(INDENT.len())),
        ..style
    };
    for line in lines {
        let line = paragraph(&sanitize::line(&line), "    ", narrower);
        writeln!(writer, "{INDENT}{line}")?;
    }
    Ok(())
}

fn heading(writer: &mut dyn Write, service: &Service, style: Style) -> io::Result<()> {
    let name = sanitize::line(&service.name);
    let mut line = format!(
        "{name} {}, {}",
        sanitize::line(&service.at),
        sanitize::line(&service.scheduler)
    );
    if !service.scheduler_flags.is_empty() {
        line.push_str(&format!(
            " ({})",
            sanitize::line(&service.scheduler_flags.join(", "))
        ));
    }
    if service.one_packet {
        line.push_str(", one packet");
    }
    if let Some(seconds) = service.persistence {
        line.push_str(&format!(", persistent for {seconds} s"));
    }
    line.push_str(&format!(", on {}", sanitize::line(&service.director)));
    if let Some(rates) = &service.rates {
        line.push_str(&format!(
            ": {} conn/s, {} in, {} out",
            HumanCount(rates.connections),
            bytes(rates.bytes_in),
            bytes(rates.bytes_out)
        ));
    }
    const MISSING: &str = "the director does not have it";
    if !service.present {
        line.push_str(&format!(": {MISSING}"));
    }
    // Folded before it is painted: what paints has no width.
    let mut line = paragraph(&line, "    ", style);
    if let Some(rest) = line.strip_prefix(&*name) {
        line = format!("{}{rest}", style.paint(Tone::Heading, name));
    }
    if let Some(before) = line.strip_suffix(MISSING).filter(|_| !service.present) {
        line = format!("{before}{}", style.paint(Tone::Bad, MISSING));
    }
    writeln!(writer, "{line}")
}

/// What a real server's row holds beside its state. Where the terminal is too narrow for all, those go first that have the
/// highest number; 0 stays.
const COLUMNS: [(&str, u8); 9] = [
    ("real server", 0),
    ("address", 0),
    ("mode", 1),
    ("weight", 0),
    ("active", 0),
    ("inactive", 2),
    ("conn/s", 3),
    ("in", 4),
    ("out", 4),
];

fn real_servers(writer: &mut dyn Write, servers: &[RealServer], style: Style) -> io::Result<()> {
    const INDENT: &str = "  ";
    if servers.is_empty() {
        return writeln!(writer, "{INDENT}no real servers");
    }
    let fits = |table: &Table| {
        style
            .width
            .is_none_or(|width| INDENT.len() + table.width() <= width)
    };
    let tables = (0..=4).rev().map(|most| (most, table(servers, most)));
    let narrow = || (0, table(servers, 0));
    let (most, table) = tables
        .into_iter()
        .find(|(_, table)| fits(table))
        .unwrap_or_else(narrow);
    write!(writer, "{}", table.render(INDENT, style))?;
    for server in servers {
        if let Some(out) = &server.out {
            let name = server.host.as_deref().unwrap_or(&server.address);
            let line = paragraph(&format!("{name}: {}", out.text()), "    ", style);
            writeln!(writer, "    {line}")?;
        }
    }
    let left_out: Vec<&str> = COLUMNS
        .iter()
        .filter(|(_, number)| *number > most)
        .map(|(name, _)| *name)
        .collect();
    if left_out.is_empty() {
        return Ok(());
    }
    let hint = format!(
        "without {}: for all make the terminal wider, or write to a file",
        left_out.join(", ")
    );
    let hint = paragraph(&hint, INDENT, style);
    writeln!(writer, "{INDENT}{}", style.paint(Tone::Faint, hint))
}

/// What went through since the counters began.
fn totals(writer: &mut dyn Write, service: &Service, style: Style) -> io::Result<()> {
    let Some(all) = &service.totals else {
        return Ok(());
    };
    let mut table = Table::new(&["in all", "connections", "packets in", "out", "in"], "out");
    let rows = service.real_servers.iter().map(|rs| {
        let name = rs.host.as_deref().unwrap_or(&rs.address);
        (name, rs.totals.as_ref())
    });
    for (name, totals) in rows.chain([("the service", Some(all))]) {
        let Some(totals) = totals else { continue };
        let cells = [
            name.to_owned(),
            HumanCount(totals.connections).to_string(),
            HumanCount(totals.packets_in).to_string(),
            HumanCount(totals.packets_out).to_string(),
            DecimalBytes(totals.bytes_in).to_string(),
        ];
        table.row(&cells, None, &DecimalBytes(totals.bytes_out).to_string());
    }
    let number = Side::Right;
    table.align(&[Side::Left, number, number, number, number]);
    write!(writer, "{}", table.render("  ", style))
}

/// The columns whose number is at most so high.
fn table(servers: &[RealServer], most: u8) -> Table {
    let shown = |cells: &[String]| -> Vec<String> {
        let all = COLUMNS.iter().zip(cells);
        all.filter(|((_, number), _)| *number <= most)
            .map(|(_, cell)| cell.clone())
            .collect()
    };
    let headings = COLUMNS.map(|(name, _)| name.to_owned());
    let headings = shown(&headings);
    let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
    let mut table = Table::new(&headings, "state");
    for server in servers {
        let (tone, word) = server.state.shown();
        table.row(&shown(&cells(server)), Some(tone), word);
    }
    let sides: Vec<Side> = headings
        .iter()
        .map(|heading| match *heading {
            "real server" | "address" | "mode" => Side::Left,
            _ => Side::Right,
        })
        .collect();
    table.align(&sides);
    table
}

fn cells(server: &RealServer) -> [String; 9] {
    let weight = match (server.weight, server.wanted_weight) {
        (Some(now), Some(wanted)) if now != wanted => format!("{now} (wanted {wanted})"),
        (Some(now), _) => now.to_string(),
        (None, Some(wanted)) => format!("- (wanted {wanted})"),
        (None, None) => "-".to_owned(),
    };
    let rate =
        |value: fn(&Rates) -> String| server.rates.as_ref().map_or_else(|| "-".to_owned(), value);
    let connections = |number: u64| match server.weight {
        Some(_) => HumanCount(number).to_string(),
        None => "-".to_owned(),
    };
    [
        server.host.clone().unwrap_or_else(|| "?".to_owned()),
        server.address.clone(),
        server.mode.clone(),
        weight,
        connections(server.active),
        connections(server.inactive),
        rate(|r| HumanCount(r.connections).to_string()),
        rate(|r| bytes(r.bytes_in)),
        rate(|r| bytes(r.bytes_out)),
    ]
}

/// `1.20 kB/s`.
fn bytes(number: u64) -> String {
    format!("{}/s", DecimalBytes(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_servers_state_follows_from_both_weights_and_its_health() {
        for (wanted, running, healthy, state) in [
            (Some(1), Some(1), Some(true), State::Up),
            (Some(1), Some(3), None, State::Up),
            (Some(1), Some(0), None, State::Drained),
            (Some(0), Some(0), Some(true), State::Drained),
            (Some(1), Some(0), Some(false), State::Unhealthy),
            (Some(1), None, Some(false), State::Unhealthy),
            (Some(1), Some(1), Some(false), State::Unhealthy),
            (Some(1), None, None, State::Missing),
            (Some(1), None, Some(true), State::Missing),
            (None, Some(1), None, State::Stray),
        ] {
            assert_eq!(
                State::of(wanted, running, healthy),
                state,
                "{wanted:?} {running:?} {healthy:?}"
            );
        }
    }
}
