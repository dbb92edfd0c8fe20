//! The drawing of a cluster: boxes and lines with their places. Clients on the left, directors with the VIPs and marks that
//! they hold in the middle, real servers on the right. Pure.

use serde::Serialize;

use super::{AuditReport, ServerState, ServicePart};

/// Beyond these, a drawing says less than the tables.
const MOST: usize = 60;
const WIDTH: u32 = 760;
const CLIENTS: (u32, u32) = (8, 112);
const DIRECTORS: (u32, u32) = (190, 230);
const SERVERS: (u32, u32) = (536, 216);
const ROW: u32 = 46;
const GAP: u32 = 12;
const HEAD: u32 = 30;
/// Letters that fit into a line, which is a heading or a smaller one.
const LETTERS: usize = 31;
const SMALL: usize = 36;

/// A box with up to two lines of text.
#[derive(Debug, Serialize)]
pub(super) struct Node {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
    /// How it is drawn: the name of a class.
    pub class: &'static str,
    pub title: String,
    pub first: String,
    pub second: String,
}

/// A line from the right side of a box to the left side of another.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    pub path: String,
    pub class: &'static str,
    /// Of a stroke, in tenths of a pixel.
    pub width: u32,
    pub label: String,
    pub x: u32,
    pub y: u32,
}

#[derive(Debug, Serialize)]
pub(super) struct Drawing {
    pub width: u32,
    pub height: u32,
    pub nodes: Vec<Node>,
    pub lines: Vec<Line>,
    /// Services that found no place.
    pub left_out: usize,
}

/// A service on the director that holds it.
struct Chip<'r> {
    service: &'r ServicePart,
    y: u32,
}

pub(super) fn draw(report: &AuditReport) -> Drawing {
    let mut drawing = Drawing {
        width: WIDTH,
        height: 0,
        nodes: Vec::new(),
        lines: Vec::new(),
        left_out: 0,
    };
    let mut rows = 0;
    let services: Vec<&ServicePart> = report
        .services
        .iter()
        .take_while(|service| {
            rows += service.real_servers.len().max(1);
            rows <= MOST
        })
        .collect();
    drawing.left_out = report.services.len() - services.len();
    let mut chips = Vec::new();
    let mut y = GAP;
    for director in report.hosts.iter().filter(|host| host.director) {
        let held = services.iter().filter(|service| {
            let mut vips = service.vips.iter();
            vips.any(|vip| vip.holders.contains(&director.name))
        });
        let held: Vec<&ServicePart> = held.copied().collect();
        let faults = faults(report, &director.name);
        let state = match (director.asked, director.reached, held.is_empty()) {
            (false, ..) => "not asked",
            (true, false, _) => "not reached",
            (true, true, true) => "holds no VIP",
            (true, true, false) => "holds VIPs",
        };
        let bad = (director.asked && !director.reached) || faults > 0;
        let class = if bad { "director bad" } else { "director" };
        let name = format!("{} · {state}{}", director.name, count_of(faults));
        y = container(&mut drawing, &mut chips, (y, class, &name), &held);
    }
    let homeless: Vec<&ServicePart> = services
        .iter()
        .filter(|service| service.vips.iter().all(|vip| vip.holders.is_empty()))
        .copied()
        .collect();
    if !homeless.is_empty() {
        y = container(
            &mut drawing,
            &mut chips,
            (y, "director nowhere", "on no director"),
            &homeless,
        );
    }
    let bottom = servers(&mut drawing, report, &services, &chips);
    drawing.height = y.max(bottom);
    clients(&mut drawing, report, &chips);
    drawing
}

/// Errors and warnings of a host.
fn faults(report: &AuditReport, host: &str) -> usize {
    let all = report.findings.all.iter();
    all.filter(|f| f.is_fault() && f.host == host).count()
}

fn count_of(faults: usize) -> String {
    match faults {
        0 => String::new(),
        n => format!(" · {}", crate::report::count(n, "finding")),
    }
}

fn short(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    let kept: String = text.chars().take(letters - 1).collect();
    format!("{kept}…")
}

/// A director with its services; the place below it.
fn container<'r>(
    drawing: &mut Drawing,
    chips: &mut Vec<Chip<'r>>,
    (y, class, name): (u32, &'static str, &str),
    services: &[&'r ServicePart],
) -> u32 {
    let rows = services.len() as u32;
    let height = HEAD + rows * ROW + if rows > 0 { GAP / 2 } else { 0 };
    drawing.nodes.push(Node {
        x: DIRECTORS.0,
        y,
        width: DIRECTORS.1,
        height,
        class,
        title: name.to_owned(),
        first: short(name, LETTERS),
        second: String::new(),
    });
    for (row, service) in services.iter().enumerate() {
        let top = y + HEAD + row as u32 * ROW;
        let vips: Vec<&str> = service
            .vips
            .iter()
            .map(|vip| vip.address.as_str())
            .collect();
        let mark = service.fwmark.map(|mark| format!(" · mark {mark}"));
        let first = format!("{}{}", service.name, mark.unwrap_or_default());
        let ports = format!(
            "{}, port {} {}",
            vips.join(", "),
            service.ports,
            service.protocol
        );
        drawing.nodes.push(Node {
            x: DIRECTORS.0 + 8,
            y: top,
            width: DIRECTORS.1 - 16,
            height: ROW - 6,
            class: "service",
            title: format!("{first}: {ports}, {} {}", service.mode, service.scheduler),
            first: short(&first, LETTERS - 2),
            second: short(&vips.join(", "), SMALL - 2),
        });
        chips.push(Chip {
            service,
            y: top + (ROW - 6) / 2,
        });
    }
    y + height + GAP
}

/// Real servers, service by service, and the lines to them; the place below.
fn servers(
    drawing: &mut Drawing,
    report: &AuditReport,
    services: &[&ServicePart],
    chips: &[Chip],
) -> u32 {
    let mut y = GAP;
    for service in services {
        for rs in &service.real_servers {
            let host = report.hosts.iter().find(|host| host.name == rs.host);
            let reached = host.is_none_or(|host| host.reached || !host.asked);
            let class = match rs.state {
                _ if !reached => "server missing",
                ServerState::Up => "server up",
                ServerState::Drained => "server drained",
                ServerState::Unhealthy => "server unhealthy",
                ServerState::Missing => "server missing",
                ServerState::Unknown => "server unknown",
            };
            let port = rs.port.map_or_else(String::new, |port| format!(":{port}"));
            let name = format!("{}{port}", rs.host);
            let state = if reached {
                rs.state.name()
            } else {
                "not reached"
            };
            let share = rs.share.map(|share| format!("{:.0} %", share * 100.0));
            let second = format!(
                "{state} · weight {}{}",
                rs.weight,
                count_of(faults(report, &rs.host))
            );
            drawing.nodes.push(Node {
                x: SERVERS.0,
                y,
                width: SERVERS.1,
                height: ROW - 6,
                class,
                title: format!("{name} ({}) of {}: {second}", rs.address, service.name),
                first: short(&name, LETTERS - 2),
                second: short(&second, SMALL),
            });
            let to = y + (ROW - 6) / 2;
            for chip in chips
                .iter()
                .filter(|chip| chip.service.name == service.name)
            {
                let from = DIRECTORS.0 + DIRECTORS.1 - 8;
                let width = 12 + (rs.share.unwrap_or(0.0).clamp(0.0, 1.0) * 60.0) as u32;
                let class = match rs.state {
                    ServerState::Up if reached => "flow",
                    _ => "flow off",
                };
                let label = share.clone().unwrap_or_default();
                drawing
                    .lines
                    .push(line((from, chip.y), (SERVERS.0, to), class, width, label));
            }
            y += ROW;
        }
        y += GAP;
    }
    y
}

fn clients(drawing: &mut Drawing, report: &AuditReport, chips: &[Chip]) {
    let names: Vec<&str> = report
        .hosts
        .iter()
        .filter(|host| host.roles.iter().any(|role| role == "client"))
        .map(|host| host.name.as_str())
        .collect();
    let y = (drawing.height.saturating_sub(ROW)) / 2;
    let second = if names.is_empty() {
        "this machine".to_owned()
    } else {
        names.join(", ")
    };
    drawing.nodes.push(Node {
        x: CLIENTS.0,
        y,
        width: CLIENTS.1,
        height: ROW - 6,
        class: "client",
        title: format!("clients: {second}"),
        first: "clients".to_owned(),
        second: short(&second, 15),
    });
    let middle = y + (ROW - 6) / 2;
    let from = (CLIENTS.0 + CLIENTS.1, middle);
    for chip in chips {
        let to = (DIRECTORS.0 + 8, chip.y);
        drawing
            .lines
            .push(line(from, to, "flow", 20, String::new()));
    }
}

fn line(
    (x1, y1): (u32, u32),
    (x2, y2): (u32, u32),
    class: &'static str,
    width: u32,
    label: String,
) -> Line {
    let middle = u32::midpoint(x1, x2);
    Line {
        path: format!("M{x1},{y1} C{middle},{y1} {middle},{y2} {x2},{y2}"),
        class,
        width,
        label,
        // Near its end, where lines of one service are apart.
        x: x2 - 8,
        y: y2.saturating_sub(6),
    }
}
