//! The packet filters: iptables of either backend, arptables and nft(8). What rules do to a packet is decided in
//! [`crate::check::firewall`].

mod arptables;
mod native;
mod nft_words;
mod rules;
pub mod sets;
mod translate;

use sets::Sets;

use super::{Fact, ParseError, Section};

pub use arptables::{ArpRule, Arptables};
pub use native::{Base, Table};
pub use rules::{Chain, Chains, Printed, Rule, Rules};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Firewall {
    /// What `iptables -V` says: `legacy` or `nf_tables`; empty where there is no iptables.
    pub backend: String,
    /// The same of `ip6tables`; empty where it was not asked.
    pub backend_v6: String,
    pub legacy: Rules,
    pub legacy_v6: Rules,
    pub nft: Rules,
    pub nft_v6: Rules,
    /// Rules that `arptables` shows.
    pub arp: Arptables,
    /// Rules of arptables in all backends.
    pub arp_all: Arptables,
    /// Tables of nft(8) itself, which iptables does not know.
    pub native: Vec<Table>,
    /// Whether some rule of nft(8) itself sets a mark.
    pub native_marks: bool,
    /// Packet filters that the kernel has, and that no tool on the host could list.
    pub unread: Vec<String>,
}

impl Firewall {
    /// The rules alone, such as those of mangle that are read again for their counters.
    pub fn counted(section: &Section) -> Self {
        Self {
            legacy: Rules::parse(section.part("legacy")),
            legacy_v6: Rules::parse(section.part("legacy-v6")),
            nft: Rules::parse(section.part("nft")),
            nft_v6: Rules::parse(section.part("nft-v6")),
            ..Self::default()
        }
    }

    fn read(section: &Section) -> Result<Self, ParseError> {
        let backend = |part: &str| match section.part(part).trim() {
            version if version.contains("nf_tables") => "nf_tables".to_owned(),
            "" => String::new(),
            _ => "legacy".to_owned(),
        };
        let arp = |parts: &[&str]| {
            let lines = parts.iter().flat_map(|part| section.part(part).lines());
            Arptables::parse(lines).map_err(|line| {
                ParseError::new("firewall", format!("odd line {line:?} of `arptables-save`"))
            })
        };
        let mut all = Self {
            backend: backend("backend"),
            backend_v6: backend("backend-v6"),
            arp: arp(&["arptables-tool"])?,
            arp_all: arp(&["arptables", "arptables-nft"])?,
            unread: section
                .part("unread")
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            ..Self::counted(section)
        };
        all.native = native::tables(section.part("native"), &[&all.nft, &all.nft_v6]);
        all.native_marks = all.native.iter().any(|table| {
            let mut rules = table.chains().into_iter().flat_map(Chains::values);
            rules.any(|chain| {
                chain
                    .rules
                    .iter()
                    .any(|rule| rule.value("-j") == Some("MARK"))
            })
        });
        // Without nft(8) no tool lists tables that iptables-nft says it cannot show.
        let hidden = [section.part("nft"), section.part("nft-v6")]
            .iter()
            .any(|text| text.contains("is incompatible, use 'nft' tool"));
        if hidden
            && section.part("native").trim().is_empty()
            && !all.unread.iter().any(|t| t == "nft")
        {
            all.unread.push("nft".to_owned());
        }
        let sets = Sets::of_ipset(section.part("ipset"));
        let tools = all.tools();
        let each = [
            &mut all.legacy,
            &mut all.nft,
            &mut all.legacy_v6,
            &mut all.nft_v6,
        ];
        for (rules, tool) in each.into_iter().zip(tools) {
            rules.sets = sets.clone();
            rules.tool = tool;
        }
        Ok(all)
    }

    /// The tool of each backend: legacy, nft, and both for IPv6. The plain name is the tool of one of them.
    fn tools(&self) -> [&'static str; 4] {
        let nft = |backend: &str| backend == "nf_tables";
        let v4 = if nft(&self.backend) {
            ["iptables-legacy", "iptables"]
        } else {
            ["iptables", "iptables-nft"]
        };
        let backend = if self.backend_v6.is_empty() {
            &self.backend
        } else {
            &self.backend_v6
        };
        let v6 = if nft(backend) {
            ["ip6tables-legacy", "ip6tables"]
        } else {
            ["ip6tables", "ip6tables-nft"]
        };
        [v4[0], v4[1], v6[0], v6[1]]
    }

    /// Whether some rule of nft(8) itself leaves packets out of conntrack.
    pub fn native_untracks(&self) -> bool {
        let chains = self.native.iter().filter_map(Table::chains);
        let mut rules = chains
            .flat_map(Chains::values)
            .flat_map(|chain| &chain.rules);
        rules.any(|rule| rule.value("-j") == Some("NOTRACK"))
    }

    /// Base chains of nft(8) itself at a hook, of the families that see such packets.
    pub fn native_at<'f>(
        &'f self,
        hook: &'f str,
        families: &'f [&'f str],
    ) -> impl Iterator<Item = (&'f Table, &'f Base)> {
        let tables = self.native.iter();
        tables
            .filter(|table| families.contains(&table.family.as_str()))
            .flat_map(move |table| {
                let bases = table.bases.iter().filter(move |base| base.hook == hook);
                bases.map(move |base| (table, base))
            })
    }

    /// Rules of the backend that `iptables`, or `ip6tables`, uses.
    pub fn of_tool(&self, v6: bool) -> &Rules {
        let [legacy, nft] = self.rules(v6);
        let backend = match self.backend_v6.as_str() {
            "" => &self.backend,
            _ if !v6 => &self.backend,
            own => own,
        };
        if backend == "nf_tables" { nft } else { legacy }
    }

    /// Both backends act on every packet.
    pub fn rules(&self, v6: bool) -> [&Rules; 2] {
        if v6 {
            [&self.legacy_v6, &self.nft_v6]
        } else {
            [&self.legacy, &self.nft]
        }
    }
}

/// How much to ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask {
    /// mangle of IPv4, by the tool that lvsctl uses.
    pub mangle: bool,
    pub mangle_v6: bool,
    pub arp: bool,
    /// All tables of all backends, with counters.
    pub all: bool,
}

/// A tool that lists rules makes the kernel load the module of its tables, so each runs only if the module is loaded. Files
/// of /proc have no size, so they are read to know whether they are empty. A kernel without module support loads none. RHEL
/// has only one backend's tools, with plain names.
const ALL: &str = include_str!("../scripts/firewall.sh");

impl Fact for Firewall {
    const NAME: &'static str = "firewall";
    type Ask = Ask;

    fn command(ask: &Ask) -> String {
        let arp_of_tool = if ask.arp {
            "part arptables-tool\nif have arptables-save; then arptables-save 2>/dev/null; fi\n"
        } else {
            ""
        };
        if ask.all {
            let v6 = if ask.mangle_v6 {
                "part backend-v6\nip6tables -V 2>/dev/null\n"
            } else {
                ""
            };
            return format!("{ALL}{v6}{arp_of_tool}");
        }
        let mut text = String::new();
        // The list names tables of the legacy backend only, and iptables may use the other one.
        let mangle = |needed: bool, part: &str, family: &str| {
            if !needed {
                return String::new();
            }
            format!(
                "if have {family}tables-save; then\n\
                 if grep -qs '^mangle$' /proc/net/{family}_tables_names; then part {part}; ask {family}tables-save -t mangle\n\
                 else case $({family}tables --version 2>/dev/null) in *nf_tables*) part {part}; ask {family}tables-save -t mangle;; esac; fi; fi\n"
            )
        };
        text.push_str("part tool\n");
        text.push_str(&mangle(ask.mangle, "legacy", "ip"));
        text.push_str(&mangle(ask.mangle_v6, "legacy-v6", "ip6"));
        text.push_str(arp_of_tool);
        text
    }

    fn parse(section: &Section) -> Result<Self, ParseError> {
        Self::read(section)
    }
}

/// Shell text that reads the counters of mangle again. Loads no module, since it lists only backends with rules.
pub fn mangle_counters() -> &'static str {
    include_str!("../scripts/mangle-counters.sh")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<const N: usize>(parts: [(&str, &str); N]) -> Firewall {
        Firewall::read(&Section::from_parts(parts)).unwrap()
    }

    const MARK: &str = "*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j MARK --set-xmark 0x1/0xffffffff\nCOMMIT\n";

    /// What `iptables -V` and `ip6tables -V` print, the part that has a rule, and whether the tools show it (IPv4, IPv6).
    #[test]
    fn each_family_has_its_tool() {
        let (nft, legacy) = ("iptables v1.8.9 (nf_tables)", "iptables v1.8.9 (legacy)");
        for (v4, v6, part, shown) in [
            (nft, "", "nft", [true, false]),
            (nft, "", "nft-v6", [false, true]),
            (nft, "", "legacy-v6", [false, false]),
            (nft, legacy, "legacy-v6", [false, true]),
            (nft, legacy, "nft-v6", [false, false]),
            (nft, legacy, "nft", [true, false]),
            (legacy, nft, "nft-v6", [false, true]),
            (legacy, nft, "legacy", [true, false]),
            ("\n", "", "legacy", [true, false]),
        ] {
            let firewall = read([("backend", v4), ("backend-v6", v6), (part, MARK)]);
            let of = |v6| !firewall.of_tool(v6).is_empty();
            assert_eq!([of(false), of(true)], shown, "{v4:?} {v6:?} {part}");
        }
    }

    #[test]
    fn a_host_without_iptables_has_no_backend() {
        assert_eq!(read([("backend", "\n")]).backend, "");
    }

    #[test]
    fn rules_of_the_other_arptables_are_not_those_of_the_tool() {
        let rule = "*filter\n:INPUT ACCEPT\n-A INPUT -j DROP -d 10.0.0.1\n";
        let firewall = read([("arptables-tool", ""), ("arptables", rule)]);
        assert!(firewall.arp.lines.is_empty());
        assert_eq!(firewall.arp_all.lines.len(), 1);
    }
}
