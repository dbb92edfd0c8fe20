//! The effect of a chain of rules on a packet. If a match cannot be decided from the packet alone, the rule may or may not
//! match, and the result says so. Pure.

use std::fmt;
use std::net::IpAddr;

use super::deletion::deletion;
use super::hit::Doubt;
use super::packet::Packet;
use crate::fact::firewall::sets::Sets;
use crate::fact::firewall::{Base, Chains, Rule, Rules, Table};

impl Rules {
    /// The fate of a packet in a built-in chain.
    pub fn fate(&self, table: &str, chain: &str, packet: &Packet) -> Fate {
        let place = Place::Iptables {
            tool: self.tool,
            table,
        };
        Walk::new(self.tables.get(table), &self.sets, place, packet).fate(chain)
    }

    /// The rewrite of a packet by a chain of the nat table, or by a TPROXY rule of the mangle table; None: unchanged.
    pub fn rewrite(&self, chain: &str, packet: &Packet) -> Option<Rewrite> {
        ["mangle", "nat"].into_iter().find_map(|table| {
            let place = Place::Iptables {
                tool: self.tool,
                table,
            };
            let mut walk = Walk::new(self.tables.get(table), &self.sets, place, packet);
            walk.chain(chain, 0);
            walk.rewritten
        })
    }

    /// The mark that mangle/PREROUTING leaves on a packet; none where that is not known.
    pub fn mark(&self, packet: &Packet) -> Option<u32> {
        let table = "mangle";
        let place = Place::Iptables {
            tool: self.tool,
            table,
        };
        let mut walk = Walk::new(self.tables.get(table), &self.sets, place, packet);
        let chains = self.tables.values().flat_map(|table| table.values());
        let mut rules = chains.flat_map(|chain| &chain.rules);
        walk.connections_have_marks =
            rules.any(|rule| rule.value("-j") == Some("CONNMARK") && !rule.has("--restore-mark"));
        walk.chain("PREROUTING", 0);
        walk.mark
    }
}

/// What a base chain of nft(8) does to a packet.
pub fn chain_fate(table: &Table, base: &Base, packet: &Packet) -> Fate {
    let place = Place::Nft(table);
    Walk::new(table.chains(), &table.rules.sets, place, packet).fate(&base.chain)
}

/// Where a base chain of nft(8) sends a packet.
pub fn chain_rewrite(table: &Table, base: &Base, packet: &Packet) -> Option<Rewrite> {
    let place = Place::Nft(table);
    let mut walk = Walk::new(table.chains(), &table.rules.sets, place, packet);
    walk.chain(&base.chain, 0);
    walk.rewritten
}

/// Whether the raw table leaves a packet out of conntrack; none where that is not known.
pub fn untracked(rules: &Rules, chain: &str, packet: &Packet) -> Option<bool> {
    let table = "raw";
    let place = Place::Iptables {
        tool: rules.tool,
        table,
    };
    let mut walk = Walk::new(rules.tables.get(table), &rules.sets, place, packet);
    walk.chain(chain, 0);
    walk.untracked
}

/// Where a rule of the nat table sends a packet instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rewrite {
    /// To this host; without a port, the packet's port is kept.
    Here { port: Option<u16>, by: By },
    To {
        address: IpAddr,
        port: Option<u16>,
        by: By,
    },
    /// It gets another source address; None: that of the interface.
    From { address: Option<IpAddr>, by: By },
    /// By this rule, where it hits, or to one of several places.
    Perhaps(By),
}

/// The rule or policy that decides the fate of a packet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct By {
    text: String,
    /// The command that takes the rule away; of a policy, the one that accepts.
    pub fix: String,
    /// The chain's policy, with the tool and the table: a rule before it may accept.
    pub policy: Option<Policy>,
    /// The chain, which may be one of a program that bans single clients.
    pub chain: String,
    /// The set that it asks, by the number of its members.
    pub members: usize,
}

/// Where a rule that accepts is to be put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Policy {
    Iptables { tool: String, table: String },
    Nft { table: String },
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The fate of a packet in a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    Passes,
    /// By this rule or policy.
    Dropped(By),
    /// This rule may drop it.
    May(By, Doubt),
}

enum End {
    Accept,
    Drop(By),
}

/// Whose chains are walked.
#[derive(Clone, Copy)]
enum Place<'a> {
    Iptables { tool: &'a str, table: &'a str },
    Nft(&'a Table),
}

struct Walk<'a> {
    chains: Option<&'a Chains>,
    sets: &'a Sets,
    place: Place<'a>,
    packet: &'a Packet<'a>,
    may_drop: Option<(By, Doubt)>,
    /// Some rule may have accepted before.
    may_accept: Option<Doubt>,
    mark: Option<u32>,
    /// Whether some rule gives connections a mark, which another one may give back to packets.
    connections_have_marks: bool,
    untracked: Option<bool>,
    rewritten: Option<Rewrite>,
}

/// Rules may jump only so deep; the kernel refuses circles.
const DEEPEST: usize = 32;

impl<'a> Walk<'a> {
    fn new(
        chains: Option<&'a Chains>,
        sets: &'a Sets,
        place: Place<'a>,
        packet: &'a Packet<'a>,
    ) -> Self {
        Self {
            chains,
            sets,
            place,
            packet,
            may_drop: None,
            may_accept: None,
            mark: Some(0),
            connections_have_marks: true,
            untracked: Some(false),
            rewritten: None,
        }
    }

    fn fate(mut self, chain: &str) -> Fate {
        let end = self.chain(chain, 0);
        let policy = self
            .chains
            .and_then(|chains| chains.get(chain)?.policy.as_deref());
        let end = match end {
            None if policy == Some("DROP") => Some(End::Drop(self.by_policy(chain))),
            end => end,
        };
        match (end, self.may_accept) {
            (Some(End::Drop(by)), Some(doubt)) => Fate::May(by, doubt),
            (Some(End::Drop(by)), None) => Fate::Dropped(by),
            _ => match self.may_drop {
                Some((by, doubt)) => Fate::May(by, doubt),
                None => Fate::Passes,
            },
        }
    }

    fn by_policy(&self, chain: &str) -> By {
        let chain = chain.to_owned();
        match self.place {
            Place::Iptables { tool, table } => By {
                text: format!("the policy of {table}/{chain}"),
                fix: format!("`{tool} -t {table} -P {chain} ACCEPT`"),
                policy: Some(Policy::Iptables {
                    tool: tool.to_owned(),
                    table: table.to_owned(),
                }),
                chain,
                members: 0,
            },
            Place::Nft(table) => {
                let name = format!("{} {}", table.family, table.name);
                By {
                    text: format!("the policy of the chain {chain} of the nftables table {name}"),
                    fix: format!("`nft chain {name} {chain} '{{ policy accept ; }}'`"),
                    policy: Some(Policy::Nft { table: name }),
                    chain,
                    members: 0,
                }
            }
        }
    }

    fn by(&self, chain: &str, rule: &Rule) -> By {
        let set = rule
            .value("--match-set")
            .and_then(|name| self.sets.get(name));
        let members = set.map_or(0, |set| set.ranges().len());
        let (text, fix) = match (self.place, &rule.printed) {
            (Place::Iptables { tool, table }, _) => (
                format!("the rule -A {chain} {} of {table}", rule.words.join(" ")),
                format!("`{}`", deletion(tool, table, chain, rule)),
            ),
            (Place::Nft(table), printed) => {
                let text = printed.as_ref().map_or("", |printed| printed.text.as_str());
                let handle = printed.as_ref().and_then(|printed| printed.handle);
                let name = format!("{} {} {chain}", table.family, table.name);
                let fix = handle.map_or_else(
                    || format!("delete it by its handle: `nft -a list chain {name}`"),
                    |handle| format!("`nft delete rule {name} handle {handle}`"),
                );
                let of = format!(
                    "the chain {chain} of the nftables table {} {}",
                    table.family, table.name
                );
                (format!("the rule {text} of {of}"), fix)
            }
        };
        By {
            text,
            fix,
            policy: None,
            chain: chain.to_owned(),
            members,
        }
    }

    fn chain(&mut self, name: &str, depth: usize) -> Option<End> {
        let chain = self.chains?.get(name)?;
        if depth > DEEPEST {
            return None;
        }
        // Below a RETURN that only may hit, no rule of this chain is certain to be reached.
        let mut reached: Option<Doubt> = None;
        for rule in &chain.rules {
            let hit = rule.hits(self.packet, self.sets);
            if hit.hits == Some(false) {
                continue;
            }
            let hits = hit.hits == Some(true);
            // Why it is not certain that the rule hits.
            let doubt = match (hits, reached) {
                (true, reached) => reached,
                (false, Some(reached)) => Some(reached.min(hit.doubt)),
                (false, None) => Some(hit.doubt),
            };
            match hit.target {
                Some("ACCEPT") if hits => return self.end(End::Accept, doubt),
                Some("ACCEPT") => self.accepts(doubt),
                // A program decides these packets; without it they are dropped.
                Some("QUEUE" | "NFQUEUE") => {
                    let by = self.by(name, rule);
                    let bypass = rule.has("--queue-bypass");
                    let why = if bypass {
                        Doubt::Unknown
                    } else {
                        Doubt::Content
                    };
                    self.end(End::Drop(by), Some(why));
                    self.accepts(Some(Doubt::Unknown));
                }
                // With a small TTL the packets do not reach distant hosts.
                Some("TTL" | "HL") if is_short(rule) => {
                    let by = self.by(name, rule);
                    self.end(End::Drop(by), Some(Doubt::Content));
                }
                Some("DROP" | "REJECT" | "TARPIT") => {
                    let by = self.by(name, rule);
                    let end = self.end(End::Drop(by), doubt);
                    if end.is_some() || hits {
                        return end;
                    }
                }
                Some("REDIRECT" | "DNAT" | "TPROXY" | "NETMAP" | "SNAT" | "MASQUERADE") => {
                    let by = self.by(name, rule);
                    let rewrite = rewrite(rule, by, doubt.is_none() && self.may_accept.is_none());
                    self.rewritten.get_or_insert(rewrite);
                    if doubt.is_none() {
                        return Some(End::Accept);
                    }
                    self.accepts(doubt);
                }
                Some("RETURN") if hits => return None,
                Some("RETURN") => reached = doubt,
                Some("MARK" | "CONNMARK") => self.marks(rule, hit.target, doubt),
                Some("NOTRACK") => self.leaves_out(doubt),
                Some("CT") if rule.has("--notrack") => self.leaves_out(doubt),
                Some(other) if self.chains.is_some_and(|c| c.contains_key(other)) => {
                    let before = (self.mark, self.untracked);
                    let end = self.chain(other, depth + 1);
                    if doubt.is_some() {
                        self.mark = self.mark.filter(|mark| Some(*mark) == before.0);
                        self.untracked = self.untracked.filter(|un| Some(*un) == before.1);
                    }
                    match end {
                        Some(end) if hits => return self.end(end, doubt),
                        Some(end) => {
                            self.end(end, doubt);
                        }
                        None if hits && rule.has("-g") => return None,
                        None if rule.has("-g") => reached = doubt,
                        None => {}
                    }
                }
                // Logging and the like let the packet go on.
                _ => {}
            }
        }
        None
    }

    fn marks(&mut self, rule: &Rule, target: Option<&str>, doubt: Option<Doubt>) {
        let certain = doubt.is_none() && self.may_accept.is_none();
        if target == Some("MARK") {
            self.mark = if certain { rule.marks(self.mark) } else { None };
        } else if rule.has("--restore-mark") {
            let whole = |option| rule.value(option).is_none_or(|mask| mask == "0xffffffff");
            let is_zero = certain
                && !self.connections_have_marks
                && ["--nfmask", "--ctmask", "--mask"].into_iter().all(whole);
            self.mark = is_zero.then_some(0);
        }
    }

    fn leaves_out(&mut self, doubt: Option<Doubt>) {
        let certain = doubt.is_none() && self.may_accept.is_none();
        self.untracked = certain.then_some(true);
    }

    fn accepts(&mut self, doubt: Option<Doubt>) {
        let doubt = doubt.unwrap_or(Doubt::Unknown);
        self.may_accept = Some(self.may_accept.map_or(doubt, |other| other.min(doubt)));
    }

    /// The end of the walk, if the rule certainly matches; otherwise the possible end is recorded and the walk continues.
    fn end(&mut self, end: End, doubt: Option<Doubt>) -> Option<End> {
        let Some(doubt) = doubt else {
            return Some(end);
        };
        match end {
            End::Accept => self.accepts(Some(doubt)),
            End::Drop(by) => {
                let graver = self
                    .may_drop
                    .as_ref()
                    .is_none_or(|(_, other)| doubt < *other);
                if graver {
                    self.may_drop = Some((by, doubt));
                }
            }
        }
        None
    }
}

/// Whether a rule leaves packets only a few routers to go.
fn is_short(rule: &Rule) -> bool {
    let set = rule.value("--ttl-set").or_else(|| rule.value("--hl-set"));
    let less = rule.value("--ttl-dec").or_else(|| rule.value("--hl-dec"));
    let number = |word: Option<&str>| word.and_then(|word| word.parse::<u8>().ok());
    number(set).is_some_and(|ttl| ttl < 32) || number(less).is_some_and(|less| less > 32)
}

/// What the words of a rule of the nat table, or a TPROXY rule, say. A range is several places.
fn rewrite(rule: &Rule, by: By, certain: bool) -> Rewrite {
    let target = rule.value("-j").or_else(|| rule.value("-g"));
    if !certain || matches!(target, Some("TPROXY" | "NETMAP")) {
        return Rewrite::Perhaps(by);
    }
    match target {
        Some("MASQUERADE") => return Rewrite::From { address: None, by },
        Some("SNAT") => {
            let to = rule.value("--to-source").unwrap_or_default();
            let address = to.parse().ok().or_else(|| at(to).map(|at| at.ip()));
            return match address {
                Some(address) => Rewrite::From {
                    address: Some(address),
                    by,
                },
                None => Rewrite::Perhaps(by),
            };
        }
        Some("REDIRECT") => {
            return match rule.value("--to-ports").map(str::parse) {
                None => Rewrite::Here { port: None, by },
                Some(Ok(port)) => Rewrite::Here {
                    port: Some(port),
                    by,
                },
                Some(Err(_)) => Rewrite::Perhaps(by),
            };
        }
        _ => {}
    }
    let to = rule.value("--to-destination").unwrap_or_default();
    let bare = to.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse() {
        return Rewrite::To {
            address,
            port: None,
            by,
        };
    }
    match at(to) {
        Some(at) => Rewrite::To {
            address: at.ip(),
            port: Some(at.port()),
            by,
        },
        None => Rewrite::Perhaps(by),
    }
}

fn at(word: &str) -> Option<std::net::SocketAddr> {
    word.parse().ok()
}

#[cfg(test)]
#[path = "walk_tests.rs"]
mod tests;
