//! `lvsctl drill`: what clients noticed. What is shown is a value that the caller fills.

use std::io::{self, Write};

use serde::Serialize;

use super::probe::{answered_by, kinds, time};
use super::sanitize;
use super::style::{Style, Tone};
use super::table::{Side, Table, paragraph};
use crate::measure::Summary;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DrillView {
    pub format: u32,
    pub cluster: String,
    /// `failover`.
    pub drill: String,
    /// What was done.
    pub what: String,
    pub notes: Vec<String>,
    pub service: String,
    pub target: String,
    pub clients: Vec<String>,
    /// From the beginning of the disturbance until its effect was seen: another director holds the VIPs, a real server gets
    /// no connections.
    pub take_over_seconds: Option<f64>,
    /// From its end until all is as before.
    pub restore_seconds: Option<f64>,
    /// Whether the effect came.
    pub took_effect: bool,
    /// Whether all that was done is undone.
    pub undone: bool,
    /// Findings of `verify` afterwards; none where it was not asked.
    pub findings: Option<usize>,
    pub phases: Vec<Phase>,
    /// Of all phases.
    #[serde(flatten)]
    pub total: Summary,
    /// Limits that were exceeded, in words.
    pub exceeded: Vec<String>,
    pub interrupted: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Phase {
    /// `before`, `disturbed` or `restored`.
    pub phase: String,
    #[serde(flatten)]
    pub summary: Summary,
}

/// The limits that were exceeded.
pub fn exceeded(total: &Summary, max_lost: Option<u64>, max_gap: Option<f64>) -> Vec<String> {
    let lost = max_lost.filter(|most| total.lost > *most);
    let gap = max_gap.filter(|most| total.longest_gap.seconds > *most);
    let lost = lost.map(|most| format!("{} requests were lost, {most} are allowed", total.lost));
    let gap = gap.map(|most| {
        let longest = time(total.longest_gap.seconds);
        format!("no answer came for {longest}, {} are allowed", time(most))
    });
    lost.into_iter().chain(gap).collect()
}

pub fn text(writer: &mut dyn Write, view: &DrillView, style: Style) -> io::Result<()> {
    let clients = view.clients.join(", ");
    let head = format!("{}: {}", view.drill, view.what);
    writeln!(writer, "{}", paragraph(&sanitize::line(&head), "  ", style))?;
    let asked = format!("{} {} from {clients}", view.service, view.target);
    writeln!(
        writer,
        "{}\n",
        paragraph(&sanitize::line(&asked), "  ", style)
    )?;
    let mut table = Table::new(
        &["phase", "seconds", "sent", "lost", "longest gap"],
        "answered by",
    );
    let all = view
        .phases
        .iter()
        .map(|phase| (phase.phase.as_str(), &phase.summary));
    for (name, summary) in all.chain([("all", &view.total)]) {
        let cells = [
            name.to_owned(),
            format!("{:.1}", summary.seconds),
            summary.sent.to_string(),
            summary.lost.to_string(),
            time(summary.longest_gap.seconds),
        ];
        table.row(&cells, None, &answered_by(summary));
    }
    let right = Side::Right;
    table.align(&[Side::Left, right, right, right, right]);
    write!(writer, "{}", table.render("  ", style))?;
    writeln!(writer)?;
    let mut say = |tone: Option<Tone>, text: &str| {
        let text = paragraph(&sanitize::line(text), "  ", style);
        match tone {
            Some(tone) => writeln!(writer, "{}", style.paint(tone, text)),
            None => writeln!(writer, "{text}"),
        }
    };
    if !view.total.errors.is_empty() {
        say(None, &format!("lost: {}", kinds(&view.total)))?;
    }
    match (view.take_over_seconds, view.took_effect) {
        (Some(seconds), _) => {
            let effect = match view.drill.as_str() {
                "rs-loss" | "all-rs-loss" => "taken out after",
                "split-brain" => "on two directors after",
                _ => "taken over after",
            };
            say(None, &format!("{effect} {}", time(seconds)))?;
        }
        (None, true) => {}
        (None, false) => say(
            Some(Tone::Bad),
            "the effect of the disturbance did not come",
        )?,
    }
    if let Some(seconds) = view.restore_seconds {
        say(
            None,
            &format!("as before {} after it was restored", time(seconds)),
        )?;
    }
    for note in &view.notes {
        say(None, &format!("note: {note}"))?;
    }
    if !view.undone {
        say(Some(Tone::Bad), "not all of it is undone: see above")?;
    }
    match view.findings {
        Some(0) => say(None, "verify afterwards: 0 findings")?,
        Some(n) => say(
            Some(Tone::Bad),
            &format!("verify afterwards: {}", super::count(n, "finding")),
        )?,
        None => {}
    }
    for limit in &view.exceeded {
        say(Some(Tone::Bad), &format!("limit exceeded: {limit}"))?;
    }
    writer.flush()
}

pub fn json(writer: &mut dyn Write, view: &DrillView) -> io::Result<()> {
    super::document(writer, view)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Gap;

    fn summary(sent: u64, lost: u64, gap: f64) -> Summary {
        Summary {
            sent,
            answered: sent - lost,
            lost,
            seconds: sent as f64 / 50.0,
            answered_by: [("rs1".to_owned(), sent - lost)].into(),
            errors: (lost > 0)
                .then(|| ("timeout".to_owned(), lost))
                .into_iter()
                .collect(),
            longest_gap: Gap {
                from: 2.0,
                to: 2.0 + gap,
                seconds: gap,
            },
            ..Summary::default()
        }
    }

    #[test]
    fn limits() {
        let total = summary(500, 12, 1.25);
        for (max_lost, max_gap, number) in [
            (None, None, 0),
            (Some(12), Some(1.25), 0),
            (Some(11), None, 1),
            (None, Some(1.2), 1),
            (Some(0), Some(0.5), 2),
        ] {
            assert_eq!(
                exceeded(&total, max_lost, max_gap).len(),
                number,
                "{max_lost:?} {max_gap:?}"
            );
        }
        assert_eq!(
            exceeded(&total, Some(0), Some(1.0)),
            [
                "12 requests were lost, 0 are allowed",
                "no answer came for 1.25 s, 1.00 s are allowed"
            ]
        );
    }

    #[test]
    fn all_is_said() {
        let phase = |name: &str, summary: Summary| Phase {
            phase: name.to_owned(),
            summary,
        };
        let view = DrillView {
            format: 1,
            cluster: "web".to_owned(),
            drill: "failover".to_owned(),
            what: "stop keepalived on lb1, which holds 192.168.100.200".to_owned(),
            notes: vec!["a service is persistent".to_owned()],
            service: "web".to_owned(),
            target: "http://192.168.100.200/".to_owned(),
            clients: vec!["client".to_owned()],
            take_over_seconds: Some(0.71),
            restore_seconds: Some(4.2),
            took_effect: true,
            undone: true,
            findings: Some(0),
            phases: vec![
                phase("before", summary(100, 0, 0.02)),
                phase("disturbed", summary(290, 12, 0.74)),
                phase("restored", summary(310, 0, 0.04)),
            ],
            total: summary(700, 12, 0.74),
            exceeded: vec!["12 requests were lost, 0 are allowed".to_owned()],
            interrupted: false,
        };
        let mut out = Vec::new();
        text(
            &mut out,
            &view,
            Style {
                width: Some(80),
                ..Style::plain()
            },
        )
        .unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"
        failover: stop keepalived on lb1, which holds 192.168.100.200
        web http://192.168.100.200/ from client

          phase      seconds  sent  lost  longest gap  answered by
          before         2.0   100     0        20 ms  rs1 100
          disturbed      5.8   290    12       740 ms  rs1 278
          restored       6.2   310     0        40 ms  rs1 310
          all           14.0   700    12       740 ms  rs1 688

        lost: timeout 12
        taken over after 710 ms
        as before 4.20 s after it was restored
        note: a service is persistent
        verify afterwards: 0 findings
        limit exceeded: 12 requests were lost, 0 are allowed
        "#);
        let mut out = Vec::new();
        json(&mut out, &view).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(
            (&value["lost"], &value["phases"][1]["lost"]),
            (&12.into(), &12.into())
        );
        assert_eq!(value["phases"][1]["phase"], "disturbed");
        assert_eq!(value["take_over_seconds"], 0.71);
    }
}
