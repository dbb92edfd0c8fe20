//! `lvsctl probe`: who answered, how fast, and what was lost. What is shown is a value that the caller fills.

use std::io::{self, Write};
use std::net::IpAddr;

use serde::Serialize;

use super::sanitize;
use super::style::{Style, Tone};
use super::table::{Side, Table, paragraph};
use crate::measure::{Latency, Summary};

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProbeView {
    pub format: u32,
    /// Whether requests are still being sent.
    pub running: bool,
    pub service: String,
    /// As a URL, or as `tcp 192.168.100.200:22`.
    pub target: String,
    pub vip: IpAddr,
    pub port: u16,
    #[serde(flatten)]
    pub total: Summary,
    pub clients: Vec<OfClient>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OfClient {
    pub client: String,
    #[serde(flatten)]
    pub summary: Summary,
}

impl ProbeView {
    /// Whether each request was answered as it should be.
    pub fn is_well(&self) -> bool {
        self.total.lost == 0 && self.total.wrong == 0 && self.total.sent > 0
    }
}

/// Seconds, with a unit that suits them.
pub(super) fn time(seconds: f64) -> String {
    match seconds {
        s if s < 0.001 => format!("{:.0} us", s * 1e6),
        s if s < 0.01 => format!("{:.1} ms", s * 1e3),
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s if s < 100.0 => format!("{s:.2} s"),
        s => format!("{s:.0} s"),
    }
}

pub(super) fn latency(latency: &Latency) -> String {
    let [p50, p90, p99, max] =
        [latency.p50, latency.p90, latency.p99, latency.max].map(|ms| time(ms / 1000.0));
    format!("p50 {p50}, p90 {p90}, p99 {p99}, max {max}")
}

/// `timeout 3, refused 1`.
pub(super) fn kinds(summary: &Summary) -> String {
    let all = summary.errors.iter();
    let all: Vec<String> = all.map(|(kind, n)| format!("{kind} {n}")).collect();
    all.join(", ")
}

/// `rs1 50, rs2 50`.
pub(super) fn answered_by(summary: &Summary) -> String {
    let all = summary.answered_by.iter();
    let all: Vec<String> = all.map(|(who, n)| format!("{} {n}", named(who))).collect();
    all.join(", ")
}

fn named(who: &str) -> &str {
    if who.is_empty() { "(not named)" } else { who }
}

/// Writes all of it.
pub fn text(writer: &mut dyn Write, view: &ProbeView, style: Style) -> io::Result<()> {
    let total = &view.total;
    let clients: Vec<&str> = view.clients.iter().map(|one| one.client.as_str()).collect();
    let head = format!(
        "{} {} from {}: {} in {} ({:.1}/s)",
        view.service,
        view.target,
        clients.join(", "),
        super::count(total.sent as usize, "request"),
        time(total.seconds),
        total.rate()
    );
    let mut say = |tone: Option<Tone>, text: &str| {
        let text = paragraph(&sanitize::line(text), "    ", style);
        match tone {
            Some(tone) => writeln!(writer, "{}", style.paint(tone, text)),
            None => writeln!(writer, "{text}"),
        }
    };
    say(None, &head)?;
    let lost = if total.lost == 0 {
        "  lost: 0".to_owned()
    } else {
        let span = match (total.first_lost, total.last_lost) {
            (Some(first), Some(last)) => {
                format!("; sent {} to {} after the first", time(first), time(last))
            }
            _ => String::new(),
        };
        format!("  lost: {} ({}){span}", total.lost, kinds(total))
    };
    say((total.lost > 0).then_some(Tone::Bad), &lost)?;
    for (status, n) in total.statuses.iter().filter(|(status, _)| **status != 1) {
        say(None, &format!("  status {status}: {n}"))?;
    }
    if total.wrong > 0 {
        let text = format!("  not an accepted status: {}", total.wrong);
        say(Some(Tone::Bad), &text)?;
    }
    if let Some(all) = &total.latency_ms {
        say(None, &format!("  latency: {}", latency(all)))?;
    }
    say(
        None,
        &format!(
            "  longest gap between answers: {}",
            time(total.longest_gap.seconds)
        ),
    )?;
    if total.connections < total.sent {
        say(None, &format!("  connections: {}", total.connections))?;
    }
    write!(writer, "{}", tables(view, style))?;
    writer.flush()
}

fn tables(view: &ProbeView, style: Style) -> String {
    let total = &view.total;
    let mut text = String::new();
    if total.answered > 0 {
        let mut table = Table::new(&["answered by", "answers"], "share");
        for (who, n) in &total.answered_by {
            let share = format!("{:.0} %", 100.0 * *n as f64 / total.answered as f64);
            table.row(&[named(who).to_owned(), n.to_string()], None, &share);
        }
        table.align(&[Side::Left, Side::Right]);
        text.push_str(&format!("\n{}", table.render("  ", style)));
    }
    if view.clients.len() > 1 {
        let mut table = Table::new(&["client", "sent", "lost", "longest gap"], "latency");
        for one in &view.clients {
            let summary = &one.summary;
            let cells = [
                one.client.clone(),
                summary.sent.to_string(),
                summary.lost.to_string(),
                time(summary.longest_gap.seconds),
            ];
            let all = summary
                .latency_ms
                .as_ref()
                .map_or_else(|| "-".to_owned(), latency);
            table.row(&cells, None, &all);
        }
        table.align(&[Side::Left, Side::Right, Side::Right, Side::Right]);
        text.push_str(&format!("\n{}", table.render("  ", style)));
    }
    text
}

/// One line of what came so far.
pub fn line(writer: &mut dyn Write, view: &ProbeView) -> io::Result<()> {
    let total = &view.total;
    let p50 = total
        .latency_ms
        .as_ref()
        .map_or_else(|| "-".to_owned(), |l| time(l.p50 / 1000.0));
    let text = format!(
        "{}: {} sent, {} answered ({}), {} lost, p50 {p50}, longest gap {}",
        time(total.seconds),
        total.sent,
        total.answered,
        answered_by(total),
        total.lost,
        time(total.longest_gap.seconds)
    );
    writeln!(writer, "{}", sanitize::line(&text))?;
    writer.flush()
}

/// Writes the view as one JSON document; of many, each has a line.
pub fn json(writer: &mut dyn Write, view: &ProbeView, one_of_many: bool) -> io::Result<()> {
    if !one_of_many {
        return super::document(writer, view);
    }
    let text = serde_json::to_string(view)?;
    writeln!(writer, "{}", sanitize::json(&text))?;
    writer.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Gap;

    fn view() -> ProbeView {
        let total = Summary {
            sent: 100,
            answered: 97,
            lost: 3,
            wrong: 1,
            seconds: 2.0,
            connections: 100,
            answered_by: [(String::new(), 1), ("rs1".into(), 48), ("rs2".into(), 48)].into(),
            statuses: [(200, 96), (503, 1)].into(),
            errors: [("refused".into(), 1), ("timeout".into(), 2)].into(),
            latency_ms: Some(Latency {
                p50: 0.8,
                p90: 1.26,
                p99: 40.0,
                max: 1003.0,
            }),
            longest_gap: Gap {
                from: 0.5,
                to: 1.6,
                seconds: 1.1,
            },
            first_lost: Some(0.51),
            last_lost: Some(0.6),
        };
        let of = |client: &str| OfClient {
            client: client.to_owned(),
            summary: total.clone(),
        };
        ProbeView {
            format: 1,
            running: false,
            service: "web".to_owned(),
            target: "http://192.168.100.200/".to_owned(),
            vip: [192, 168, 100, 200].into(),
            port: 80,
            clients: vec![of("c1"), of("c2")],
            total,
        }
    }

    #[test]
    fn all_is_said() {
        let mut out = Vec::new();
        text(
            &mut out,
            &view(),
            Style {
                width: Some(80),
                ..Style::plain()
            },
        )
        .unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"
        web http://192.168.100.200/ from c1, c2: 100 requests in 2.00 s (50.0/s)
          lost: 3 (refused 1, timeout 2); sent 510 ms to 600 ms after the first
          status 200: 96
          status 503: 1
          not an accepted status: 1
          latency: p50 800 us, p90 1.3 ms, p99 40 ms, max 1.00 s
          longest gap between answers: 1.10 s

          answered by  answers  share
          (not named)        1  1 %
          rs1               48  49 %
          rs2               48  49 %

          client  sent  lost  longest gap  latency
          c1       100     3       1.10 s  p50 800 us, p90 1.3 ms, p99 40 ms, max 1.00 s
          c2       100     3       1.10 s  p50 800 us, p90 1.3 ms, p99 40 ms, max 1.00 s
        "#);
        let mut out = Vec::new();
        line(&mut out, &view()).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "2.00 s: 100 sent, 97 answered ((not named) 1, rs1 48, rs2 48), 3 lost, p50 800 us, longest gap 1.10 s\n"
        );
    }

    #[test]
    fn json_has_totals_and_clients() {
        let mut out = Vec::new();
        json(&mut out, &view(), false).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(value["format"], 1);
        assert_eq!(value["lost"], 3);
        assert_eq!(value["answered_by"]["rs1"], 48);
        assert_eq!(value["statuses"]["503"], 1);
        assert_eq!(value["latency_ms"]["p99"], 40.0);
        assert_eq!(value["longest_gap"]["seconds"], 1.1);
        assert_eq!(value["clients"][1]["client"], "c2");
        assert!(!view().is_well());
    }

    #[test]
    fn times_have_a_unit_that_suits_them() {
        for (seconds, expected) in [
            (0.0, "0 us"),
            (0.000_8, "800 us"),
            (0.001_25, "1.2 ms"),
            (0.045, "45 ms"),
            (1.5, "1.50 s"),
            (120.4, "120 s"),
        ] {
            assert_eq!(time(seconds), expected);
        }
    }
}
