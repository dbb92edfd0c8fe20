//! What a chain of rules does to a packet: a rule whose matches cannot be decided from the packet alone may or may not hit, and
//! that is said. Pure.

use std::net::IpAddr;

use super::{Chains, Rules};

impl Rules {
    /// What a built-in chain does to a packet.
    pub fn fate(&self, table: &str, chain: &str, packet: &Packet) -> Fate {
        let mut walk = Walk {
            chains: self.tables.get(table),
            table,
            packet,
            may_drop: None,
            may_accept: false,
            mark: Some(0),
        };
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

    /// The mark that mangle/PREROUTING leaves on a packet; none where that cannot be told.
    pub fn mark(&self, packet: &Packet) -> Option<u32> {
        let mut walk = Walk {
            chains: self.tables.get("mangle"),
            table: "mangle",
            packet,
            may_drop: None,
            may_accept: false,
            mark: Some(0),
        };
        walk.chain("PREROUTING", 0);
        walk.mark
    }
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
}

/// Rules may jump only so deep; the kernel refuses circles.
const DEEPEST: usize = 32;

impl Walk<'_> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn packet() -> Packet<'static> {
        Packet {
            from: "10.0.0.9".parse().ok(),
            to: "10.0.0.1".parse().ok(),
            protocol: 6,
            source_port: None,
            port: Some(80),
            comes_in: Some("eth0"),
            goes_out: None,
            state: Some(State::New),
        }
    }

    fn word(fate: &Fate) -> &'static str {
        match fate {
            Fate::Passes => "passes",
            Fate::Dropped(_) => "dropped",
            Fate::May(_) => "may",
        }
    }

    #[test]
    fn what_a_rule_does_to_a_packet() {
        for (policy, rule, want) in [
            ("ACCEPT", "-A INPUT -j DROP", "dropped"),
            (
                "ACCEPT",
                "-A INPUT -d 10.0.0.0/24 -j REJECT --reject-with icmp-port-unreachable",
                "dropped",
            ),
            ("ACCEPT", "-A INPUT ! -d 10.0.0.1/32 -j DROP", "passes"),
            ("ACCEPT", "-A INPUT -d 10.0.0.2/32 -j DROP", "passes"),
            ("ACCEPT", "-A INPUT -p udp -j DROP", "passes"),
            ("ACCEPT", "-A INPUT ! -p udp -j DROP", "dropped"),
            ("ACCEPT", "-A INPUT -i eth1 -j DROP", "passes"),
            ("ACCEPT", "-A INPUT -i eth+ -j DROP", "dropped"),
            (
                "ACCEPT",
                "-A INPUT -p tcp -m tcp --dport 70:90 -j DROP",
                "dropped",
            ),
            (
                "ACCEPT",
                "-A INPUT -p tcp -m tcp --dport 81: -j DROP",
                "passes",
            ),
            (
                "ACCEPT",
                "-A INPUT -p tcp -m multiport ! --dports 80,443 -j DROP",
                "passes",
            ),
            ("ACCEPT", "-A INPUT -p tcp -m tcp --sport 80 -j DROP", "may"),
            (
                "ACCEPT",
                "-A INPUT -m conntrack --ctstate INVALID -j DROP",
                "passes",
            ),
            (
                "ACCEPT",
                "-A INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP",
                "dropped",
            ),
            (
                "ACCEPT",
                "-A INPUT -m set --match-set bad src -j DROP",
                "may",
            ),
            (
                "ACCEPT",
                "-A INPUT -m comment --comment \"-j DROP all\" -j LOG",
                "passes",
            ),
            (
                "ACCEPT",
                "-A INPUT -j own\n-A own -p tcp -j RETURN\n-A own -j DROP",
                "passes",
            ),
            // Below a RETURN that may hit nothing is certain.
            (
                "ACCEPT",
                "-A INPUT -j own\n-A own -m limit --limit 25/sec -j RETURN\n-A own -j DROP",
                "may",
            ),
            (
                "ACCEPT",
                "-A INPUT -m set --match-set good src -j RETURN\n-A INPUT -j DROP",
                "may",
            ),
            (
                "DROP",
                "-A INPUT -j own\n-A own -m set --match-set bad src -j RETURN\n-A own -j ACCEPT",
                "may",
            ),
            (
                "ACCEPT",
                "-A INPUT -j own\n-A INPUT -j DROP\n-A own -m limit --limit 25/sec -j RETURN\n-A own -j DROP",
                "dropped",
            ),
            (
                "ACCEPT",
                "-A INPUT -j own\n-A own -m limit --limit 25/sec -j RETURN\n-A own -p udp -j DROP",
                "passes",
            ),
            (
                "DROP",
                "-A INPUT -m set --match-set bad src -g own\n-A INPUT -j ACCEPT",
                "may",
            ),
            (
                "ACCEPT",
                "-A INPUT -g own\n-A INPUT -j DROP\n-A own -p udp -j DROP",
                "passes",
            ),
            ("ACCEPT", "-A INPUT -j own\n-A own -j own", "passes"),
            (
                "DROP",
                "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT",
                "dropped",
            ),
            (
                "DROP",
                "-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT",
                "passes",
            ),
            (
                "DROP",
                "-A INPUT -m set --match-set good src -j ACCEPT",
                "may",
            ),
            (
                "DROP",
                "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
                "dropped",
            ),
            (
                "DROP",
                "-A INPUT -m conntrack --ctstate NEW -m addrtype --dst-type LOCAL -j ACCEPT",
                "passes",
            ),
        ] {
            let text = format!("*filter\n:INPUT {policy} [0:0]\n:own - [0:0]\n{rule}\nCOMMIT\n");
            let fate = Rules::parse(&text).fate("filter", "INPUT", &packet());
            assert_eq!(word(&fate), want, "{policy} {rule}");
        }
    }

    #[test]
    fn a_network_hits_only_who_is_known_to_be_in_it() {
        let text = "*filter\n:INPUT ACCEPT [0:0]\n:own - [0:0]\n-A INPUT -j own\n-A own -s 10.0.0.0/8 -j RETURN\n-A own -j DROP\nCOMMIT\n";
        let rules = Rules::parse(text);
        for (from, want) in [
            (None, "may"),
            (Some("10.0.0.9"), "passes"),
            (Some("192.0.2.1"), "dropped"),
        ] {
            let packet = Packet {
                from: from.and_then(|ip| ip.parse().ok()),
                ..packet()
            };
            assert_eq!(
                word(&rules.fate("filter", "INPUT", &packet)),
                want,
                "{from:?}"
            );
        }
    }

    #[test]
    fn a_mark_below_what_may_let_packets_past_is_not_known() {
        for (rules, want) in [
            ("-A PREROUTING -j MARK --set-xmark 0x7/0xffffffff", Some(7)),
            (
                "-A PREROUTING -s 10.0.0.0/24 -j ACCEPT\n-A PREROUTING -j MARK --set-xmark 0x7/0xffffffff",
                Some(0),
            ),
            (
                "-A PREROUTING -m limit --limit 25/sec -j RETURN\n-A PREROUTING -j MARK --set-xmark 0x7/0xffffffff",
                None,
            ),
            (
                "-A PREROUTING -m limit --limit 25/sec -j ACCEPT\n-A PREROUTING -j MARK --set-xmark 0x7/0xffffffff",
                None,
            ),
            (
                "-A PREROUTING -j own\n-A PREROUTING -j MARK --set-xmark 0x7/0xffffffff\n-A own -m limit --limit 25/sec -j RETURN",
                Some(7),
            ),
            (
                "-A PREROUTING -j own\n-A own -m limit --limit 25/sec -j RETURN\n-A own -j MARK --set-xmark 0x7/0xffffffff",
                None,
            ),
        ] {
            let text =
                format!("*mangle\n:PREROUTING ACCEPT [0:0]\n:own - [0:0]\n{rules}\nCOMMIT\n");
            assert_eq!(Rules::parse(&text).mark(&packet()), want, "{rules}");
        }
    }
}
