//! The running IPVS table as `ipvsadm -Sn` prints it, and which real servers a health checker has taken out.

mod history;
mod table;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::{Fact, ParseError, Section};
use crate::resource::ipvs::Virtual;
use crate::shell::quote;

pub use history::{JOURNAL_LINES, Out};
pub use table::{Served, Table};

/// What to ask beside the table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask {
    /// Real servers that are asked what their health check asks, where a checker seems to have taken them out.
    pub watched: Vec<Watched>,
    /// Whether keepalived makes a service, so that its log says more.
    pub keepalived: bool,
    /// The files in which our own health checker keeps what it took out, by [`named`].
    pub down: BTreeMap<String, String>,
}

/// A real server of a virtual service that is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    pub service: Virtual,
    pub address: SocketAddr,
    pub by: Checker,
    /// Shell text that succeeds when it answers all that its health check asks; none, where it is not asked.
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

/// keepalived may take a real server out or back between the look at the table and that at its log: then both are looked at
/// once more. The later answer counts.
const AGAIN: &str = r#"}
look
if [ -n "$gone" ]; then for n in 1 2 3; do
again=$(ipvsadm -Sn 2>/dev/null); [ "$again" != "$table" ] || break
table=$again; gone=; part table; printf '%s\n' "$table"; look; done; fi
"#;

impl Fact for Table {
    const NAME: &'static str = "ipvs";
    type Ask = Ask;

    /// `ipvsadm` loads ip_vs where it is not loaded, and a probe changes nothing: so it runs only where IPVS is.
    fn command(ask: &Ask) -> String {
        let mut text = "part table\ntable=; gone=\nif [ -e /proc/net/ip_vs ] && command -v ipvsadm >/dev/null 2>&1; then\n\
                        table=$(ipvsadm -Sn 2>/dev/null); printf '%s\\n' \"$table\"; fi\nlook() {\npart failing\n"
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
        text
    }

    fn parse(section: &Section) -> Result<Self, ParseError> {
        table::parse(section)
    }
}

impl Watched {
    /// Prints its name if it is out and does not answer.
    fn command(&self) -> String {
        if self.well.is_empty() {
            return String::new();
        }
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
