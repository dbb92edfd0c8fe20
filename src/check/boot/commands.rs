//! The commands that a boot source runs, by its format. Pure.

use super::shell;
use super::units::{Units, unit_of};
use crate::fact::boot_source::Line;
use crate::fact::boot_source::places::{Place, Reader};

/// A command that a source runs.
#[derive(Debug, Clone)]
pub(super) struct Command {
    pub(super) line: Line,
    /// The text of the command alone.
    pub(super) text: String,
    pub(super) scheduled: bool,
    /// Whether it may run after lvsctl's unit has set up the host.
    pub(super) late: bool,
}

/// Units that other checks judge, or whose purpose is what they set; see also [`OF_FILTERS`].
const JUDGED_ELSEWHERE: [&str; 7] = [
    "ipvsadm.service",
    "keepalived.service",
    "ldirectord.service",
    "firewalld.service",
    "ufw.service",
    "systemd-sysctl.service",
    "systemd-modules-load.service",
];

/// Units of packages that load saved rules; the files that these read are sources themselves. An administrator may have one
/// of the same name.
const OF_FILTERS: [&str; 5] = [
    "iptables.service",
    "ip6tables.service",
    "nftables.service",
    "netfilter-persistent.service",
    "arptables.service",
];

pub(super) fn of(path: &str, place: &Place, lines: &[Line], units: &Units) -> Vec<Command> {
    let (reader, scheduled) = (place.reader, place.scheduled);
    let command = |line: &Line, text: &str, scheduled| Command {
        line: line.clone(),
        text: text.to_owned(),
        scheduled,
        late: false,
    };
    match reader {
        Reader::Unit => {
            let unit = unit_of(path);
            let timed = units.scheduled.contains(unit);
            let own = path.starts_with("/etc/");
            let is_drop_in = !path.ends_with(unit);
            let judged = (JUDGED_ELSEWHERE.contains(&unit) && !is_drop_in)
                || (OF_FILTERS.contains(&unit) && !own);
            let runs = lines.iter().filter(|line| {
                !judged
                    && !line.text.trim().starts_with("ExecStop")
                    && !line.text.trim().starts_with("ExecReload")
            });
            runs.filter_map(|line| Some(command(line, shell::of_unit(&line.text)?, timed)))
                .collect()
        }
        Reader::Crontab | Reader::UserCrontab => {
            let jobs = lines.iter().filter_map(|line| {
                let (when, text) = shell::of_crontab(&line.text, reader == Reader::Crontab)?;
                Some(command(line, text, when != "@reboot"))
            });
            jobs.collect()
        }
        Reader::Ifupdown => {
            let up = lines.iter().filter_map(|line| {
                let (verb, rest) = line.text.trim().split_once(char::is_whitespace)?;
                if verb == "source" {
                    return Some(command(line, line.text.trim(), false));
                }
                matches!(verb, "up" | "post-up" | "pre-up").then(|| command(line, rest, false))
            });
            up.collect()
        }
        // `bootcmd` and `runcmd`, as far as each is one text.
        Reader::CloudInit => {
            let items = lines.iter().filter_map(|line| {
                let item = line.text.trim().strip_prefix("- ")?;
                Some(command(line, item.trim_matches(['"', '\'']), false))
            });
            items.collect()
        }
        Reader::Inittab => {
            let processes = lines.iter().filter_map(|line| {
                let mut fields = line.text.splitn(4, ':').skip(2);
                let starts = ["sysinit", "boot", "bootwait", "wait", "once", "respawn"];
                let action = fields.next().filter(|action| starts.contains(action));
                action.and_then(|_| Some(command(line, fields.next()?, false)))
            });
            processes.collect()
        }
        Reader::Udev => lines
            .iter()
            .flat_map(|line| {
                shell::of_udev(&line.text)
                    .into_iter()
                    .map(move |text| command(line, text, false))
            })
            .collect(),
        Reader::Periodic
        | Reader::At
        | Reader::Logrotate
        | Reader::BootScript
        | Reader::InterfaceScript => lines
            .iter()
            .map(|line| command(line, &line.text, scheduled))
            .collect(),
        _ => Vec::new(),
    }
}
