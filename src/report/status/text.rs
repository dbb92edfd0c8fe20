//! `lvsctl status` as text: tables of directors and of each service's real servers. The values are in [`super`].

use std::io::{self, Write};
use std::time::Duration;

use indicatif::{DecimalBytes, HumanCount, HumanDuration};

use super::super::connections;
use super::super::sanitize;
use super::super::style::{Style, Tone};
use super::super::table::{Side, Table, paragraph};
use super::{
    Director, DirectorState, Drained, Guarded, Out, RealServer, Service, State, StatusView,
};
use crate::fact::ipvs::Rates;
use crate::plan::maintenance::words;
use crate::probe::Earlier;

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
                ": the host then restores its old state, unless a run confirms the change"
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
            let line = paragraph(&format!("{name}: {}", reason(out)), "    ", style);
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
        let (tone, word) = name(server.state);
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
    let weight = match (server.weight, server.desired_weight) {
        (Some(now), Some(desired)) if now != desired => format!("{now} (not {desired})"),
        (Some(now), _) => now.to_string(),
        (None, Some(desired)) => format!("- (not {desired})"),
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

/// Why a real server is out, in words.
fn reason(out: &Out) -> String {
    let mut text = "taken out".to_owned();
    if let Some(seconds) = out.seconds {
        let since = HumanDuration(Duration::from_secs(seconds));
        text.push_str(&format!(" {since} ago"));
    } else if let Some(when) = &out.when {
        text.push_str(&format!(" at {when}"));
    }
    if let Some(check) = &out.check {
        text.push_str(&format!(" by its {check}"));
    }
    if let Some(error) = &out.error {
        text.push_str(&format!(": {error}"));
    }
    text.push_str(match out.answers {
        Some(true) => "; it answers now, and the checker takes it back with its next checks",
        Some(false) => "; it does not answer now",
        None => "",
    });
    text
}

fn name(state: State) -> (Tone, &'static str) {
    match state {
        State::Up => (Tone::Good, "up"),
        State::Drained => (Tone::Notable, "drained"),
        State::Unhealthy => (Tone::Bad, "unhealthy"),
        State::Missing => (Tone::Bad, "missing"),
        State::Sorry => (Tone::Notable, "sorry server"),
        State::Stray => (Tone::Notable, "not in the inventory"),
    }
}
