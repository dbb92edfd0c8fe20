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
mod tests {
    use super::*;

    #[test]
    fn where_rules_of_the_nat_table_send_a_packet() {
        let here = |port| Some((None, port));
        let to = |address: &str, port| Some((address.parse::<IpAddr>().ok(), port));
        let perhaps = Some((None, Some(0)));
        for (rules, want) in [
            (
                "-A PREROUTING -p tcp -m tcp --dport 80 -m addrtype --dst-type LOCAL -j REDIRECT --to-ports 8081",
                here(Some(8081)),
            ),
            (
                "-A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT",
                here(None),
            ),
            (
                "-A PREROUTING -p tcp -m tcp --dport 81 -j REDIRECT --to-ports 8081",
                None,
            ),
            ("-A PREROUTING -p udp -j REDIRECT --to-ports 8081", None),
            (
                "-A PREROUTING -p tcp -j REDIRECT --to-ports 8081-8083",
                perhaps,
            ),
            (
                "-A PREROUTING -s 10.0.0.0/24 -p tcp -j REDIRECT --to-ports 8081",
                here(Some(8081)),
            ),
            (
                "-A PREROUTING -m set --match-set good src -j REDIRECT --to-ports 8081",
                perhaps,
            ),
            (
                "-A PREROUTING -d 10.0.0.1/32 -p tcp -j DNAT --to-destination 172.17.0.2:8080",
                to("172.17.0.2", Some(8080)),
            ),
            (
                "-A PREROUTING -p tcp -j DNAT --to-destination 172.17.0.2",
                to("172.17.0.2", None),
            ),
            (
                "-A PREROUTING -p tcp -j DNAT --to-destination 172.17.0.2-172.17.0.9",
                perhaps,
            ),
            (
                "-A PREROUTING -j DOCKER\n-A DOCKER -p tcp -m tcp --dport 80 -j DNAT --to-destination 172.17.0.2:80",
                to("172.17.0.2", Some(80)),
            ),
            (
                "-A PREROUTING -p tcp -j ACCEPT\n-A PREROUTING -p tcp -j REDIRECT --to-ports 8081",
                None,
            ),
            (
                "-A PREROUTING -i eth1 -p tcp -j REDIRECT --to-ports 8081",
                None,
            ),
        ] {
            let text =
                format!("*nat\n:PREROUTING ACCEPT [0:0]\n:DOCKER - [0:0]\n{rules}\nCOMMIT\n");
            let found = Rules::parse(&text).rewrite("PREROUTING", &packet());
            let found = found.map(|rewrite| match rewrite {
                Rewrite::Here { port, .. } => (None, port),
                Rewrite::To { address, port, .. } => (Some(address), port),
                Rewrite::Perhaps(_) => (None, Some(0)),
            });
            assert_eq!(found, want, "{rules}");
        }
        let text = "*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp --dport 80 -j TPROXY --on-port 8081 --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1\nCOMMIT\n";
        let found = Rules::parse(text).rewrite("PREROUTING", &packet());
        assert!(matches!(found, Some(Rewrite::Perhaps(_))), "{found:?}");
    }

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
