//! The order of boot: whether what a source runs may come after lvsctl's unit has set up the host, and so replaces what that
//! unit has set. Pure.

use super::commands::Command;
use super::ours::Ours;
use super::shell;
use super::unit::{self, LAST};
use super::units::unit_of;
use crate::fact::boot_source::Line;
use crate::fact::boot_source::places::Reader;
use crate::resource::ipvs::KEEPALIVED;

/// lvsctl's unit starts after the first of these too, and before keepalived.
const WITH_OURS: [&str; 2] = ["network-online.target", KEEPALIVED];

/// Scripts that run after all services: of OpenRC's `local`, of SUSE, and of cloud-init.
const RUN_LAST: [&str; 3] = ["/local.d/", "/after.local", "/scripts/per-boot/"];

/// Whether a command may run late.
pub(super) fn is_late(
    path: &str,
    reader: Reader,
    lines: &[Line],
    command: &Command,
    ours: &Ours,
) -> bool {
    match reader {
        _ if command.scheduled => true,
        Reader::Unit => {
            let unit = unit_of(path);
            let after_start = command.line.text.trim_start().starts_with("ExecStartPost");
            if is_ours(unit, ours) {
                after_start
            } else {
                unit_is_late(unit, ours)
            }
        }
        Reader::Crontab | Reader::UserCrontab => sleeps(&command.text),
        Reader::BootScript => {
            let until = |line: &&Line| line.number <= command.line.number;
            RUN_LAST.iter().any(|part| path.contains(part))
                || lines.iter().any(|line| follows_ours(&line.text))
                || lines.iter().filter(until).any(|line| sleeps(&line.text))
        }
        _ => false,
    }
}

/// Whether systemd starts a unit at the same time as lvsctl's or later.
pub(super) fn unit_is_late(unit: &str, ours: &Ours) -> bool {
    let sources = &ours.audit.facts().boot_source;
    let names = |key: &str| -> Vec<&str> {
        let files = unit::files(sources, unit).into_iter();
        let lines = files.flat_map(|path| sources.lines(path));
        let lines = lines.filter_map(|line| line.text.trim().split_once('='));
        let values = lines.filter(|(name, _)| name.trim() == key);
        values
            .flat_map(|(_, value)| value.split_whitespace())
            .collect()
    };
    let before = names("Before")
        .into_iter()
        .any(|other| is_ours(other, ours));
    let after =
        |other: &str| is_ours(other, ours) || WITH_OURS.contains(&other) || LAST.contains(&other);
    !before && names("After").into_iter().any(after)
}

fn is_ours(unit: &str, ours: &Ours) -> bool {
    unit.starts_with("lvsctl-") && ours.units.contains(unit)
}

/// Whether a line orders a script of OpenRC after a service of the cluster (openrc-run(8)).
fn follows_ours(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let orders = ["after", "need", "use", "want"];
    words.next().is_some_and(|first| orders.contains(&first))
        && words.any(|word| word == "keepalived" || word.starts_with("lvsctl-"))
}

fn sleeps(text: &str) -> bool {
    let commands = shell::commands(text);
    let mut programs = commands.iter().filter_map(|words| words.first());
    programs.any(|program| program == "sleep")
}
