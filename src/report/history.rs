//! The history of runs, for people and as JSON.

use std::io::{self, Write};

use serde::Serialize;

use super::style::{Style, Tone};
use super::{count, names, sanitize};
use crate::history::{HostRecord, Outcome, Record, Recorded};

#[derive(Serialize)]
struct Document<'a> {
    format: u32,
    runs: &'a [Record],
}

/// Writes `{"format": 1, "runs": [...]}`, the oldest first.
pub fn json(writer: &mut dyn Write, records: &[Record]) -> io::Result<()> {
    let document = Document {
        format: 1,
        runs: records,
    };
    super::document(writer, &document)
}

/// A line a run, the oldest first. `changes`: with the changes of each host.
pub fn text(
    writer: &mut dyn Write,
    records: &[Record],
    changes: bool,
    style: Style,
) -> io::Result<()> {
    for record in records {
        let tone = if record.result == "done" {
            Tone::Good
        } else {
            Tone::Bad
        };
        let hosts = &record.hosts;
        let number: usize = hosts.iter().map(|h| h.changes.len() + h.more).sum();
        let all: Vec<&str> = hosts.iter().map(|host| host.host.as_str()).collect();
        let revision = record.revision.as_ref();
        let revision = revision.map_or(String::new(), |revision| format!(", revision {revision}"));
        let line = format!(
            "{} of {}: {} on {}, by {}{revision}",
            record.command,
            record.cluster,
            count(number, "change"),
            names(&all, style),
            record.by,
        );
        writeln!(
            writer,
            "{}  {}  {}",
            crate::unix_time::utc(record.time),
            style.paint(tone, sanitize::line(&record.result)),
            sanitize::line(&line)
        )?;
        if changes || style.verbose() {
            for host in hosts {
                writeln!(writer, "  {}", sanitize::line(&of_host(host)))?;
            }
        }
    }
    if records.is_empty() && !style.quiet() {
        writeln!(writer, "no runs")?;
    }
    Ok(())
}

fn of_host(host: &HostRecord) -> String {
    let outcome = match host.outcome {
        Outcome::Changed => "changed",
        Outcome::Failed => "failed",
        Outcome::Interrupted => "interrupted",
        Outcome::Skipped => "not begun",
    };
    let kind = host.kind.as_ref();
    let kind = kind.map_or(String::new(), |kind| format!(" ({kind})"));
    let mut all: Vec<String> = host.changes.iter().map(Recorded::text).collect();
    if host.more > 0 {
        all.push(format!("{} more", host.more));
    }
    format!("{}: {outcome}{kind}: {}", host.host, all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Revision;
    use crate::resource::Action;

    #[test]
    fn a_line_a_run_and_its_changes() {
        let record = Record {
            format: 1,
            time: 1_798_761_600,
            seconds: 2.0,
            command: "apply".into(),
            cluster: "web\u{1b}".into(),
            inventory: "web.yaml".into(),
            revision: Some(Revision {
                commit: "1a2b".into(),
                dirty: false,
            }),
            by: "ann@desk process 7".into(),
            lvsctl: "0.1.0".into(),
            limit: Vec::new(),
            plan: None,
            result: "failed".into(),
            hosts: vec![HostRecord {
                host: "lb1".into(),
                outcome: Outcome::Failed,
                steps: 3,
                done: Some(1),
                kind: Some("step-failed".into()),
                changes: vec![Recorded {
                    action: Action::Create,
                    kind: "module".into(),
                    key: "ip_vs".into(),
                }],
                more: 4,
            }],
        };
        let first = "2027-01-01T00:00:00Z  failed  apply of web\\u{1b}: 5 changes on lb1, by ann@desk process 7, revision 1a2b\n";
        let second = "  lb1: failed (step-failed): create module ip_vs, 4 more\n";
        let shown = |changes| {
            let mut out = Vec::new();
            text(
                &mut out,
                std::slice::from_ref(&record),
                changes,
                Style::plain(),
            )
            .unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(shown(false), first);
        assert_eq!(shown(true), format!("{first}{second}"));
        let mut out = Vec::new();
        json(&mut out, std::slice::from_ref(&record)).unwrap();
        let read: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(read["runs"][0]["hosts"][0]["outcome"], "failed");
        let mut out = Vec::new();
        text(&mut out, &[], false, Style::plain()).unwrap();
        assert_eq!(out, b"no runs\n");
    }
}
