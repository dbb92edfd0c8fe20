//! The kernel's route to an address, as `ip route get` prints it, and, from the same process, whatever overrides routes:
//! rules, routes that discard packets, and permanent neighbour entries. Sends no packet.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use serde::Deserialize;

use super::{Fact, ParseError, Section};
use crate::shell::{heredoc, quote};

/// The routes that were asked for, those that the kernel has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoutesTo {
    chosen: BTreeMap<Question, Chosen>,
    /// Questions without an answer, and what the kernel said.
    failed: BTreeMap<Question, String>,
    /// IPv4 routes of all tables that discard packets.
    pub ends: Vec<Ending>,
    /// IPv4 rules that discard packets.
    pub rules: Vec<EndingRule>,
    /// Permanent entries of the neighbour tables.
    pub neighbours: Vec<Neighbour>,
    /// Policies of IPsec that block packets, as `ip xfrm policy delete` takes them.
    pub blocks: Vec<String>,
}

/// A routing question: the route of a packet that the host sends, or of one that arrives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Question {
    pub to: IpAddr,
    pub from: Option<IpAddr>,
    /// By this interface it comes in.
    pub comes_in: Option<String>,
    pub mark: Option<u32>,
}

/// The words of ip-route(8).
impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "route get {}", self.to)?;
        if let Some(from) = self.from {
            write!(f, " from {from}")?;
        }
        if let Some(interface) = &self.comes_in {
            write!(f, " iif {interface}")?;
        }
        match self.mark {
            Some(mark) => write!(f, " mark {mark:#x}"),
            None => Ok(()),
        }
    }
}

/// A route that discards packets.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Ending {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(rename = "dst")]
    pub to: String,
    #[serde(default)]
    pub table: Option<serde_json::Value>,
}

impl Ending {
    /// As `ip route del` takes it.
    pub fn words(&self) -> String {
        let table = match &self.table {
            Some(serde_json::Value::String(name)) if name != "main" => format!(" table {name}"),
            Some(serde_json::Value::Number(number)) => format!(" table {number}"),
            _ => String::new(),
        };
        format!("{} {}{table}", self.kind, self.to)
    }
}

/// A rule that discards packets.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct EndingRule {
    pub priority: u32,
    pub action: String,
}

/// A permanent entry of a neighbour table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Neighbour {
    #[serde(rename = "dst")]
    pub address: IpAddr,
    #[serde(rename = "dev")]
    pub interface: String,
    #[serde(rename = "lladdr")]
    pub mac: String,
    state: Vec<String>,
}

/// What to ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask {
    /// Destinations, and the source where packets have one already.
    sent: BTreeSet<(IpAddr, Option<IpAddr>)>,
    /// What comes in.
    pub incoming: BTreeSet<Question>,
    /// What overrides routes.
    pub overrides: bool,
}

impl Extend<(IpAddr, Option<IpAddr>)> for Ask {
    fn extend<T: IntoIterator<Item = (IpAddr, Option<IpAddr>)>>(&mut self, iter: T) {
        self.sent.extend(iter);
    }
}

/// The route that the kernel takes to an address.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Chosen {
    #[serde(rename = "dst")]
    pub to: IpAddr,
    #[serde(default)]
    pub from: Option<IpAddr>,
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    #[serde(default)]
    pub gateway: Option<IpAddr>,
    #[serde(default, rename = "dev")]
    pub interface: Option<String>,
    #[serde(default, rename = "iif")]
    pub comes_in: Option<String>,
    #[serde(default)]
    mark: Option<serde_json::Value>,
    /// The address that packets leave from, where their sender does not say.
    #[serde(default, rename = "prefsrc")]
    pub source: Option<IpAddr>,
    /// One map of what `ip route` may set besides.
    #[serde(default)]
    pub metrics: Vec<serde_json::Value>,
    /// Seconds for which what the kernel learned of the path stays valid.
    #[serde(default)]
    pub expires: Option<serde_json::Value>,
}

impl Chosen {
    /// Whether the route forwards packets: the kernel also shows routes that discard them.
    pub fn leads(&self) -> bool {
        let ends = ["unreachable", "blackhole", "prohibit"];
        !self
            .kind
            .as_deref()
            .is_some_and(|kind| ends.contains(&kind))
    }

    pub fn metric(&self, name: &str) -> Option<u32> {
        let mut all = self.metrics.iter();
        let value = all.find_map(|metrics| metrics.get(name)?.as_u64())?;
        value.try_into().ok()
    }
}

impl RoutesTo {
    pub fn get(&self, to: IpAddr, from: Option<IpAddr>) -> Option<&Chosen> {
        self.chosen.get(&Question::sent(to, from))
    }

    /// The routes by which answers of an address leave, as far as the kernel was asked.
    pub fn from(&self, address: IpAddr) -> impl Iterator<Item = &Chosen> {
        let routes = self.chosen.values();
        routes.filter(move |route| {
            route.from == Some(address) && route.comes_in.is_none() && route.leads()
        })
    }

    /// The route of what comes in.
    pub fn of(&self, question: &Question) -> Option<&Chosen> {
        self.chosen.get(question)
    }

    /// What the kernel said to a question that it did not answer.
    pub fn refused(&self, question: &Question) -> Option<&str> {
        self.failed.get(question).map(String::as_str)
    }

    /// The same of what the host itself sends.
    pub fn refused_to(&self, to: IpAddr, from: Option<IpAddr>) -> Option<&str> {
        self.refused(&Question::sent(to, from))
    }
}

impl Question {
    /// Of what the host itself sends.
    pub fn sent(to: IpAddr, from: Option<IpAddr>) -> Self {
        Self {
            to,
            from,
            comes_in: None,
            mark: None,
        }
    }
}

impl Chosen {
    fn marked(&self) -> Option<u32> {
        match self.mark.as_ref()? {
            serde_json::Value::String(word) => {
                u32::from_str_radix(word.trim_start_matches("0x"), 16).ok()
            }
            value => value.as_u64()?.try_into().ok(),
        }
    }
}

/// What overrides routes: `show` of IPv4 where the family makes a difference.
const OVERRIDES: &str = "rule show\nroute show table all type blackhole\nroute show table all type unreachable\n\
     route show table all type prohibit\nroute show table all type throw\nneigh show nud permanent\nxfrm policy show\n";

impl Fact for RoutesTo {
    const NAME: &'static str = "route-to";
    type Ask = Ask;

    fn command(ask: &Ask) -> String {
        let sent = ask.sent.iter().map(|(to, from)| Question::sent(*to, *from));
        let questions = sent.chain(ask.incoming.iter().cloned());
        let lines: Vec<String> = questions.map(|question| question.to_string()).collect();
        let overrides = if ask.overrides { OVERRIDES } else { "" };
        let all: String = lines.iter().map(|line| format!("{line}\n")).collect();
        // Without -force the first address that has no route ends the batch. Its errors name lines.
        let batch = heredoc(
            "ip -j -force -batch - 2>&1 1>&3",
            &format!("{all}{overrides}"),
        );
        let asked: Vec<String> = lines.iter().map(|line| quote(line)).collect();
        format!(
            "part routes\n{{ errors=$({batch})\n}} 3>&1\npart asked\nprintf '%s\\n' {}\npart errors\nprintf '%s\\n' \"$errors\"\n",
            asked.join(" ")
        )
    }

    fn parse(section: &Section) -> Result<Self, ParseError> {
        let mut all = shown(section.part("routes"));
        let asked: Vec<&str> = section.part("asked").lines().collect();
        all.failed = failed(section.part("errors"), &asked);
        Ok(all)
    }
}

/// The answers of a batch are JSON lists, one after the other.
fn shown(text: &str) -> RoutesTo {
    let mut lists = serde_json::Deserializer::from_str(text).into_iter::<Vec<serde_json::Value>>();
    let mut values = Vec::new();
    let mut end = 0;
    while let Some(Ok(list)) = lists.next() {
        values.extend(list);
        end = lists.byte_offset();
    }
    let mut all = RoutesTo {
        blocks: blocks(text.get(end..).unwrap_or_default()),
        ..RoutesTo::default()
    };
    for value in values {
        let has = |key: &str| value.get(key).is_some();
        if has("priority") && has("src") {
            // A rule of the usual kind names a table.
            if let Ok(rule) = serde_json::from_value::<EndingRule>(value) {
                let ends = ["blackhole", "prohibit", "unreachable"];
                all.rules
                    .extend(Some(rule).filter(|rule| ends.contains(&rule.action.as_str())));
            }
            continue;
        }
        if has("state") {
            let entry = serde_json::from_value::<Neighbour>(value).ok();
            let permanent = entry.filter(|entry| entry.state.iter().any(|s| s == "PERMANENT"));
            all.neighbours.extend(permanent);
            continue;
        }
        let ending = serde_json::from_value::<Ending>(value.clone()).ok();
        let kinds = ["blackhole", "unreachable", "prohibit", "throw"];
        let ends = |ending: &Ending| kinds.contains(&ending.kind.as_str());
        // For IPv6 the kernel answers a question with such a route; for IPv4, with an error.
        if let Some(ending) = ending.filter(|e| ends(e) && !has("uid") && !has("cache")) {
            all.ends.push(ending);
            continue;
        }
        if let Ok(chosen) = serde_json::from_value::<Chosen>(value) {
            // IPv6 shows a question without a source as one from `::`.
            let from = chosen.from.filter(|from| !from.is_unspecified());
            let question = Question {
                to: chosen.to,
                from,
                comes_in: chosen.comes_in.clone(),
                mark: chosen.marked(),
            };
            all.chosen
                .entry(question)
                .or_insert(Chosen { from, ..chosen });
        }
    }
    all
}

/// Policies are printed as text: `src A dst B`, and in the next line `dir in action block`.
fn blocks(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut selector = String::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with("src ") {
            let words: Vec<&str> = line.split_whitespace().take(4).collect();
            selector = words.join(" ");
        } else if line.starts_with("dir ") && line.contains(" action block") {
            let direction: Vec<&str> = line.split_whitespace().take(2).collect();
            all.push(format!("{selector} {}", direction.join(" ")));
        }
    }
    all
}

/// The kernel's error for a line, followed by the line's number: `RTNETLINK answers: No route to host`, `Command failed -:3`.
fn failed(text: &str, asked: &[&str]) -> BTreeMap<Question, String> {
    let mut all = BTreeMap::new();
    let mut said = "";
    for line in text.lines() {
        let Some(number) = line.strip_prefix("Command failed -:") else {
            said = line
                .rsplit_once("answers: ")
                .map_or(line, |(_, words)| words);
            continue;
        };
        let number = number.trim().parse::<usize>().ok();
        let line = number.and_then(|number| asked.get(number.checked_sub(1)?));
        if let Some(question) = line.and_then(|line| question(line)) {
            all.insert(question, said.to_owned());
        }
        said = "";
    }
    all
}

fn question(line: &str) -> Option<Question> {
    let words: Vec<&str> = line.split(' ').collect();
    let after = |word: &str| {
        let at = words.iter().position(|other| *other == word)?;
        words.get(at + 1).copied()
    };
    let from = after("from").map(str::parse).transpose().ok()?;
    let mark = after("mark").map(|mark| u32::from_str_radix(mark.trim_start_matches("0x"), 16));
    Some(Question {
        to: after("get")?.parse().ok()?,
        from,
        comes_in: after("iif").map(str::to_owned),
        mark: mark.transpose().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_of_a_batch() {
        let text = r#"[{"type":"local","dst":"192.168.100.200","dev":"lo","prefsrc":"192.168.100.200","flags":[],"uid":0,"cache":["local"]}]
[{"dst":"192.0.2.1","from":"192.168.100.200","gateway":"192.168.100.1","dev":"eth0","flags":[],"uid":0,"cache":[]}]"#;
        let routes = shown(text).chosen;
        assert_eq!(routes.len(), 2);
        let kinds: Vec<_> = routes.values().map(|route| route.kind.as_deref()).collect();
        assert_eq!(kinds, [None, Some("local")]);
        let gateway = routes.values().find_map(|route| route.gateway);
        assert_eq!(gateway, "192.168.100.1".parse().ok());
    }

    /// As iproute2 6.1 prints a batch in which two lines have no route.
    #[test]
    fn lines_without_a_route_and_what_overrides_routes() {
        let routes = r#"[{"dst":"10.0.0.12","dev":"eth0","prefsrc":"10.0.0.14","flags":[],"uid":0,"cache":[]}]
[{"type":"local","dst":"10.0.0.9","from":"192.0.2.1","dev":"lo","table":"local","flags":[],"cache":["local"],"iif":"eth0"}]
[{"priority":0,"src":"all","table":"local"},{"priority":90,"src":"10.0.0.13","action":"blackhole"},{"priority":32766,"src":"all","table":"main"}]
[{"type":"blackhole","dst":"10.0.0.13","flags":[]}]
[{"type":"unreachable","dst":"10.9.0.0/16","table":"70","protocol":"boot","flags":[]}]
[ ][ ]
[{"dst":"10.0.0.12","dev":"eth0","lladdr":"02:00:00:00:00:66","state":["PERMANENT"]}]
src 203.0.113.0/24 dst 10.0.0.9/32 
	dir in action block priority 0 ptype main 
src 10.5.0.0/16 dst 10.6.0.0/16 
	dir out priority 0 ptype main 
	tmpl src 10.0.0.1 dst 10.0.0.2
"#;
        let asked = "route get 10.0.0.12\nroute get 10.0.0.13\nroute get 10.0.0.9 from 192.0.2.1 iif eth0\nroute get 10.0.0.9 from 10.7.7.7 iif eth0 mark 0xa";
        let errors = "RTNETLINK answers: Invalid argument\nCommand failed -:2\nRTNETLINK answers: Invalid cross-device link\nCommand failed -:4\n";
        let section =
            Section::from_parts([("routes", routes), ("asked", asked), ("errors", errors)]);
        let all = RoutesTo::parse(&section).unwrap();
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(
            all.get(ip("10.0.0.12"), None).unwrap().interface.as_deref(),
            Some("eth0")
        );
        assert_eq!(
            all.refused_to(ip("10.0.0.13"), None),
            Some("Invalid argument")
        );
        assert_eq!(all.refused_to(ip("10.0.0.12"), None), None);
        let mut question = Question {
            to: ip("10.0.0.9"),
            from: Some(ip("192.0.2.1")),
            comes_in: Some("eth0".to_owned()),
            mark: None,
        };
        assert_eq!(all.of(&question).unwrap().kind.as_deref(), Some("local"));
        question.from = Some(ip("10.7.7.7"));
        question.mark = Some(10);
        assert_eq!(all.refused(&question), Some("Invalid cross-device link"));
        let ends: Vec<String> = all.ends.iter().map(Ending::words).collect();
        assert_eq!(
            ends,
            ["blackhole 10.0.0.13", "unreachable 10.9.0.0/16 table 70"]
        );
        assert_eq!(all.rules.len(), 1);
        assert_eq!(all.rules[0].priority, 90);
        assert_eq!(all.neighbours[0].mac, "02:00:00:00:00:66");
        assert_eq!(all.blocks, ["src 203.0.113.0/24 dst 10.0.0.9/32 dir in"]);
    }
}
