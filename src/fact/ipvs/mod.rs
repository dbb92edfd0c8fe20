//! IPVS as ipvsadm(8) prints it: the running table with the real servers that a health checker has taken out, counters,
//! timeouts and sync daemons.

mod connections;
pub mod entries;
mod history;
mod statistics;
mod table;
mod thresholds;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::{Fact, ParseError, Section};
use crate::model::Virtual;
use crate::shell::quote;

pub use connections::{Counters, Place, Rates};
pub use entries::Entries;
pub use history::{JOURNAL_LINES, Out};
pub use statistics::{Connections, Statistics};
pub use table::{Served, Table};
pub use thresholds::{Threshold, Thresholds};

#[derive(Debug, Default)]
pub struct Ipvs {
    pub table: Table,
    /// Connections and packets since the counters began.
    pub statistics: Statistics,
    /// Active connections and rates.
    pub counters: Counters,
    /// The connection table, in sums.
    pub entries: Entries,
    pub thresholds: Thresholds,
    /// Seconds for tcp, tcpfin and udp.
    pub timeouts: Option<[u32; 3]>,
    /// A line of ipvsadm(8) each.
    pub sync_daemons: Vec<String>,
    /// Whether ipvsadm.service restores a table at boot; None: not known, since only Debian's defaults file says it.
    pub restored_at_boot: Option<bool>,
}

/// What to read besides the table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask {
    /// Real servers to which the probe sends their health check's requests if a health checker seems to have removed them.
    pub watched: Vec<Watched>,
    /// Whether keepalived manages a service, so that its log is read.
    pub keepalived: bool,
    /// The state files of lvsctl's health checker, by [`named`].
    pub down: BTreeMap<String, String>,
    /// What checks need: statistics, thresholds, timeouts and the sync daemon.
    pub audit: bool,
    /// What `status` shows: active connections and rates.
    pub traffic: bool,
    /// And totals since the counters began.
    pub totals: bool,
    /// The connection table in sums, with so many clients and persistence templates.
    pub entries: Option<u32>,
}

/// A real server of a virtual service that is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    pub service: Virtual,
    pub address: SocketAddr,
    pub by: Checker,
    /// Shell text that succeeds when it answers all that its health check asks.
    pub well: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checker {
    /// It removes a real server from the table.
    Keepalived,
    /// It gives a real server weight 0.
    Ours,
}

/// How a real server of a virtual service is named in the answer.
pub fn named(to: Virtual, rs: SocketAddr) -> String {
    format!("{to} {rs}")
}

/// keepalived may remove or add a real server between the reads of the table and of its log. Then both are read again, and
/// the later answer counts.
const AGAIN: &str = r#"}
look
if [ -n "$gone" ]; then for n in 1 2 3; do
again=$(ipvsadm -Sn 2>/dev/null) || failed $? 'ipvsadm -Sn'; [ "$again" != "$table" ] || break
table=$again; gone=; part table; printf '%s\n' "$table"; look; done; fi
"#;

/// What checks need, where IPVS is loaded.
const AUDIT: &str = include_str!("../scripts/ipvs-audit.sh");

/// What `status` shows, where IPVS is loaded. Without estimation there are no rates.
const TRAFFIC: &str = include_str!("../scripts/ipvs-traffic.sh");

/// Connections, packets and bytes since the counters began.
const TOTALS: &str = "if [ -e /proc/net/ip_vs ] && have ipvsadm; then\npart totals\nask ipvsadm -Ln --stats --exact\nfi\n";

impl Fact for Ipvs {
    const NAME: &'static str = "ipvs";
    type Ask = Ask;

    /// `ipvsadm` loads ip_vs where it is not loaded, and a probe changes nothing: so it runs only where IPVS is. Without it,
    /// /proc shows whether there is a table, but not all of it.
    fn command(ask: &Ask) -> String {
        let mut text = "table=; gone=\nif [ -e /proc/net/ip_vs ]; then if have ipvsadm; then\n\
                        table=$(ipvsadm -Sn 2>/dev/null) || failed $? 'ipvsadm -Sn'\n\
                        elif grep -qE '^(TCP|UDP|SCTP|FWM) ' /proc/net/ip_vs; then part hidden; echo yes; fi; fi\n\
                        part table\nprintf '%s\\n' \"$table\"\nlook() {\npart failing\n"
            .to_owned();
        if ask.watched.iter().any(|rs| rs.by == Checker::Ours) {
            text.push_str("out=$(printf '%s\\n' \"$table\" | sed -n '/ -w 0$/p; / -w 0 /p')\n");
        }
        text.extend(ask.watched.iter().map(Watched::command));
        if ask.keepalived {
            text.push_str(&history::script());
            text.push_str(AGAIN);
        } else {
            text.push_str("}\nlook\n");
        }
        if !ask.down.is_empty() {
            text.push_str("part down\n");
            for (name, file) in &ask.down {
                let (name, file) = (quote(name), quote(file));
                text.push_str(&format!(
                    "[ ! -e {file} ] || [ -s {file} ] || printf '%s\\t%s\\n' {name} \"$(stat -c %Y {file})\"\n"
                ));
            }
        }
        if ask.audit {
            text.push_str(AUDIT);
        }
        if ask.traffic {
            text.push_str(TRAFFIC);
        }
        if ask.totals {
            text.push_str(TOTALS);
        }
        if let Some(most) = ask.entries {
            text.push_str(&entries::command(most));
        }
        text
    }

    fn parse(section: &Section) -> Result<Self, ParseError> {
        let sync = section.part("sync").lines().map(str::trim);
        let sync = sync.filter(|line| line.contains("sync daemon"));
        Ok(Self {
            table: table::parse(section)?,
            statistics: Statistics::parse(section.part("statistics")),
            counters: connections::parse(
                section.part("connections"),
                section.part("rates"),
                section.part("totals"),
            ),
            entries: entries::parse(section.part("entries"))?,
            thresholds: thresholds::parse(section.part("thresholds"))?,
            timeouts: timeouts(section.part("timeouts")),
            sync_daemons: sync.map(str::to_owned).collect(),
            restored_at_boot: restored(section.part("defaults")),
        })
    }
}

impl Watched {
    /// Prints its name if it is out and does not answer.
    fn command(&self) -> String {
        let ask = format!(
            "{} || echo '{}'",
            self.well,
            named(self.service, self.address)
        );
        let to = self.service.printed();
        let line = format!("*'-a {to} -r {} '*", self.address);
        match self.by {
            Checker::Keepalived => {
                let gone = history::pattern(self.address);
                format!(
                    "case $table in *'-A {to} '*) case $table in {line}) ;; *) gone=\"$gone {gone}\"\n{ask};; esac;; esac\n"
                )
            }
            Checker::Ours => format!("case $out in {line})\n{ask};; esac\n"),
        }
    }
}

/// Whether Debian's ipvsadm.service restores an IPVS table at boot, as AUTO of its defaults says. The last assignment counts,
/// as in the shell that reads it.
fn restored(defaults: &str) -> Option<bool> {
    let mut lines = defaults.lines();
    lines.next().filter(|first| *first == "read")?;
    let value = lines
        .next_back()
        .and_then(|line| line.strip_prefix("AUTO="));
    Some(value.is_some_and(|value| value.trim().trim_matches(['"', '\'']) == "true"))
}

/// `Timeout (tcp tcpfin udp): 900 120 300`.
fn timeouts(text: &str) -> Option<[u32; 3]> {
    let words = text.trim().split_once("):")?.1.split_whitespace();
    let numbers: Vec<u32> = words.map_while(|word| word.parse().ok()).collect();
    numbers.try_into().ok()
}

/// Shell text that reads the statistics after the clients' requests. The kernel updates the counters every 2 seconds, later
/// on a loaded host. So they are read until they show at least `connections` (other clients may add some), or for 8 seconds.
/// A director without the VIPs expects none, and is read once after an update.
pub fn settled_statistics(connections: u64, holds: bool) -> String {
    if holds {
        format!(
            "expected={connections}\n{}",
            include_str!("../scripts/settled-statistics.sh")
        )
    } else {
        "if [ -e /proc/net/ip_vs ] && have ipvsadm; then sleep 2.5; part statistics\n\
         ask ipvsadm -Ln --stats --exact; fi\n"
            .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the script prints, and how often it asks, on a host whose director counts one connection more each time.
    fn settled(connections: u64, shell: &[&str]) -> (u64, usize) {
        let folder =
            std::env::temp_dir().join(format!("lvsctl-settled-{}-{connections}", shell.join("")));
        let asked = folder.display();
        let script =
            settled_statistics(connections, true).replace("/proc/net/ip_vs", "/proc/version");
        let fakes = format!(
            "part() {{ :; }}\nhave() {{ :; }}\nsleep() {{ :; }}\n: >{asked}\n\
             ipvsadm() {{ echo x >>{asked}; n=$(wc -l <{asked})\n\
             printf 'Prot LocalAddress:Port Conns InPkts\\n  -> RemoteAddress:Port\\nTCP 10.0.0.9:80 %s 9\\n  -> 10.0.0.1:80 %s 4\\n  -> 10.0.0.2:80 1 5\\n' \"$n\" \"$n\"; }}\n"
        );
        let output = std::process::Command::new(shell[0])
            .args(&shell[1..])
            .args(["-c", &format!("{fakes}{script}")])
            .output()
            .expect("a shell");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.is_empty(), "{shell:?}: {error}");
        let text = String::from_utf8(output.stdout).expect("text");
        let asks = std::fs::read_to_string(&folder)
            .expect("a file")
            .lines()
            .count();
        std::fs::remove_file(&folder).ok();
        (Statistics::parse(&text).total(), asks)
    }

    #[test]
    fn statistics_that_cannot_be_read_are_asked_for_once() {
        let script = settled_statistics(5, true).replace("/proc/net/ip_vs", "/proc/version");
        let fakes =
            "part() { :; }\nhave() { :; }\nfailed() { echo \"$@\"; }\nipvsadm() { return 3; }\n";
        for shell in [&["dash"][..], &["bash", "--posix"], &["busybox", "sh"]] {
            let output = std::process::Command::new(shell[0])
                .args(&shell[1..])
                .args(["-c", &format!("{fakes}{script}")])
                .output()
                .expect("a shell");
            let text = String::from_utf8(output.stdout).expect("text");
            assert_eq!(text.trim(), "3 ipvsadm -Ln --stats", "{shell:?}");
        }
    }

    #[test]
    fn statistics_are_read_until_they_show_what_was_sent() {
        for shell in [&["dash"][..], &["bash", "--posix"], &["busybox", "sh"]] {
            assert_eq!(settled(2, shell), (2, 1), "{shell:?}: at once");
            assert_eq!(settled(5, shell), (5, 4), "{shell:?}: later");
            // Others ask too: what is more than expected counts after 2.5 s.
            assert_eq!(settled(1, shell), (7, 6), "{shell:?}: more");
            assert_eq!(settled(1000, shell), (18, 17), "{shell:?}: never");
        }
    }
}
