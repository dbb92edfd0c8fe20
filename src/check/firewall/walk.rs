//! What a chain of rules does to a packet: a rule whose matches cannot be decided from the packet alone may or may not hit, and
//! that is said. Pure.

use std::net::IpAddr;

use crate::fact::firewall::{Chains, Rule, Rules};

impl Rules {
    /// What a built-in chain does to a packet.
    pub fn fate(&self, table: &str, chain: &str, packet: &Packet) -> Fate {
        let mut walk = Walk::new(self, table, packet);
        let end = walk.chain(chain, 0);
        let policy = self.chain(table, chain).and_then(|c| c.policy.as_deref());
        let end = match end {
            None if policy == Some("DROP") => {
                Some(End::Drop(format!("the policy of {table}/{chain}")))
            }
            end => end,
        };
        match end {
            Some(End::Drop(by)) if walk.may_accept => Fate::May(by),
            Some(End::Drop(by)) => Fate::Dropped(by),
            _ => match walk.may_drop {
                Some(by) => Fate::May(by),
                None => Fate::Passes,
            },
        }
    }

    /// Where a chain of the nat table sends a packet, or a TPROXY rule of the mangle table; none where it stays as it is.
    pub fn rewrite(&self, chain: &str, packet: &Packet) -> Option<Rewrite> {
        ["mangle", "nat"].into_iter().find_map(|table| {
            let mut walk = Walk::new(self, table, packet);
            walk.chain(chain, 0);
            walk.rewritten
        })
    }

    /// The mark that mangle/PREROUTING leaves on a packet; none where that is not known.
    pub fn mark(&self, packet: &Packet) -> Option<u32> {
        let mut walk = Walk::new(self, "mangle", packet);
        walk.chain("PREROUTING", 0);
        walk.mark
    }
}

/// Where a rule of the nat table sends a packet instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rewrite {
    /// To this host; the port stays where none is named.
    Here { port: Option<u16>, by: String },
    To {
        address: IpAddr,
        port: Option<u16>,
        by: String,
    },
    /// By this rule, where it hits, or to one of several places.
    Perhaps(String),
}

/// What becomes of a packet in a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    Passes,
    /// By this rule or policy.
    Dropped(String),
    /// This rule may drop it.
    May(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    New,
    Established,
    /// Of no connection that the kernel knows.
    Invalid,
    Untracked,
}

/// A packet as far as it is known; what is None may be anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet<'a> {
    pub from: Option<IpAddr>,
    pub to: Option<IpAddr>,
    /// Its number in the IP header.
    pub protocol: u8,
    pub source_port: Option<u16>,
    pub port: Option<u16>,
    pub comes_in: Option<&'a str>,
    pub goes_out: Option<&'a str>,
    pub state: Option<State>,
}

enum End {
    Accept,
    Drop(String),
}

struct Walk<'a> {
    chains: Option<&'a Chains>,
    table: &'a str,
    packet: &'a Packet<'a>,
    may_drop: Option<String>,
    may_accept: bool,
    mark: Option<u32>,
    rewritten: Option<Rewrite>,
}

/// Rules may jump only so deep; the kernel refuses circles.
const DEEPEST: usize = 32;

impl<'a> Walk<'a> {
    fn new(rules: &'a Rules, table: &'a str, packet: &'a Packet<'a>) -> Self {
        Self {
            chains: rules.tables.get(table),
            table,
            packet,
            may_drop: None,
            may_accept: false,
            mark: Some(0),
            rewritten: None,
        }
    }

    fn chain(&mut self, name: &str, depth: usize) -> Option<End> {
        let chain = self.chains?.get(name)?;
        if depth > DEEPEST {
            return None;
        }
        // Below a RETURN that only may hit, no rule of this chain is certain to be reached.
        let mut reached = true;
        for rule in &chain.rules {
            let (hit, target) = rule.hits(self.packet);
            if hit == Some(false) {
                continue;
            }
            let hit = hit == Some(true);
            let certain = hit && reached;
            let by = || {
                format!(
                    "the rule -A {name} {} of {}",
                    rule.words.join(" "),
                    self.table
                )
            };
            match target {
                Some("ACCEPT") if hit => return self.end(End::Accept, certain),
                Some("ACCEPT" | "QUEUE" | "NFQUEUE") => self.may_accept = true,
                Some("DROP" | "REJECT" | "TARPIT") if hit => {
                    return self.end(End::Drop(by()), certain);
                }
                Some("DROP" | "REJECT" | "TARPIT") => {
                    self.end(End::Drop(by()), false);
                }
                Some("REDIRECT" | "DNAT" | "TPROXY") => {
                    let rewrite = rewrite(rule, by(), certain && !self.may_accept);
                    self.rewritten.get_or_insert(rewrite);
                    if certain {
                        return Some(End::Accept);
                    }
                    self.may_accept = true;
                }
                Some("RETURN") if hit => return None,
                Some("RETURN") => reached = false,
                Some("MARK" | "CONNMARK") => {
                    if target == Some("MARK") {
                        let certain = certain && !self.may_accept;
                        self.mark = if certain { rule.marks(self.mark) } else { None };
                    } else if rule.has("--restore-mark") {
                        self.mark = None;
                    }
                }
                Some(other) if self.chains.is_some_and(|c| c.contains_key(other)) => {
                    let before = self.mark;
                    let end = self.chain(other, depth + 1);
                    if !certain && self.mark != before {
                        self.mark = None;
                    }
                    match end {
                        Some(end) if hit => return self.end(end, certain),
                        Some(end) => {
                            self.end(end, false);
                        }
                        None if hit && rule.has("-g") => return None,
                        None if rule.has("-g") => reached = false,
                        None => {}
                    }
                }
                // Logging and the like let the packet go on.
                _ => {}
            }
        }
        None
    }

    /// What ends the way of a packet that certainly comes here; otherwise it is kept in mind, and the packet goes on.
    fn end(&mut self, end: End, certain: bool) -> Option<End> {
        if certain {
            return Some(end);
        }
        match end {
            End::Accept => self.may_accept = true,
            End::Drop(by) => {
                self.may_drop.get_or_insert(by);
            }
        }
        None
    }
}

/// What the words of a REDIRECT, DNAT or TPROXY rule say. A range is several places.
fn rewrite(rule: &Rule, by: String, certain: bool) -> Rewrite {
    let target = rule.value("-j").or_else(|| rule.value("-g"));
    if !certain || target == Some("TPROXY") {
        return Rewrite::Perhaps(by);
    }
    if target == Some("REDIRECT") {
        return match rule.value("--to-ports").map(str::parse) {
            None => Rewrite::Here { port: None, by },
            Some(Ok(port)) => Rewrite::Here {
                port: Some(port),
                by,
            },
            Some(Err(_)) => Rewrite::Perhaps(by),
        };
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
    match to.parse::<std::net::SocketAddr>() {
        Ok(at) => Rewrite::To {
            address: at.ip(),
            port: Some(at.port()),
            by,
        },
        Err(_) => Rewrite::Perhaps(by),
    }
}

#[cfg(test)]
#[path = "walk_tests.rs"]
mod tests;
