//! Parses keepalived.conf(5): its blocks, and the fields of VRRP instances on which directors must agree. Pure. Secrets are
//! compared and never shown.

use std::collections::BTreeSet;
use std::net::IpAddr;

/// The path of keepalived's configuration file.
pub(crate) const CONFIGURATION: &str = "/etc/keepalived/keepalived.conf";

/// A statement, with the statements in its braces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Block {
    pub words: Vec<String>,
    pub inner: Vec<Block>,
}

/// A VRRP instance: fields that must be equal on all directors, and fields that must differ.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Instance {
    pub name: String,
    pub interface: String,
    pub virtual_router_id: String,
    pub priority: String,
    pub advert_int: String,
    pub auth: Vec<String>,
    /// All VIPs of the instance, advertised or not.
    pub vips: BTreeSet<String>,
    /// The VIPs in its adverts.
    pub advertised: BTreeSet<String>,
    pub unicast: bool,
    /// The address from which unicast adverts are sent.
    pub source: Option<String>,
    /// Whether a master stays master although a member with higher priority is available.
    pub nopreempt: bool,
    /// Seconds that a member with higher priority waits before it takes over.
    pub preempt_delay: f64,
}

/// The processes that keepalived runs for a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parts {
    pub vrrp: bool,
    pub checkers: bool,
    pub bfd: bool,
}

impl Parts {
    pub(crate) fn of(text: &str) -> Self {
        let blocks = parse(text);
        let has = |name: &str| {
            blocks
                .iter()
                .any(|block| block.words.first().is_some_and(|word| word == name))
        };
        Self {
            vrrp: has("vrrp_instance"),
            checkers: has("virtual_server"),
            bfd: has("bfd_instance"),
        }
    }
}

/// All weights by which trackers change priorities: those outside of virtual servers.
pub(crate) fn weights(text: &str) -> Vec<i32> {
    fn of(block: &Block, all: &mut Vec<i32>) {
        let pairs = block.words.windows(2).filter(|pair| pair[0] == "weight");
        all.extend(
            pairs
                .filter_map(|pair| pair[1].parse::<i32>().ok())
                .filter(|weight| *weight != 0),
        );
        block.inner.iter().for_each(|inner| of(inner, all));
    }
    let mut all = Vec::new();
    for block in parse(text) {
        if block
            .words
            .first()
            .is_some_and(|word| word.contains("vrrp") || word.contains("track"))
        {
            of(&block, &mut all);
        }
    }
    all
}

/// The words after a statement of `global_defs`.
pub(crate) fn global(text: &str, name: &str) -> Option<Vec<String>> {
    let blocks = parse(text);
    let mut globals = blocks.iter().filter(|block| block.words == ["global_defs"]);
    globals.find_map(|block| Some(block.named(name).next()?.words.get(1..)?.to_vec()))
}

/// Blocks may nest only so deep.
const DEEPEST: usize = 16;

enum Token {
    Word(String),
    Open,
    Close,
    Line,
}

fn tokens(text: &str) -> Vec<Token> {
    let mut all = Vec::new();
    for line in text.lines() {
        words(line, &mut all);
        all.push(Token::Line);
    }
    all
}

/// In double quotes braces, comments and blanks are text.
fn words(line: &str, all: &mut Vec<Token>) {
    let mut rest = line;
    loop {
        rest = rest.trim_start();
        if let Some(quoted) = rest.strip_prefix('"') {
            let (word, after) = quoted.split_once('"').unwrap_or((quoted, ""));
            all.push(Token::Word(word.to_owned()));
            rest = after;
            continue;
        }
        let ends = |c: char| c.is_whitespace() || matches!(c, '{' | '}' | '#' | '!' | '"');
        let (word, after) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
        if !word.is_empty() {
            all.push(Token::Word(word.to_owned()));
        }
        match after.chars().next() {
            Some('{') => all.push(Token::Open),
            Some('}') => all.push(Token::Close),
            Some('"') => {
                rest = after;
                continue;
            }
            Some(c) if c.is_whitespace() => {}
            _ => return,
        }
        rest = after.get(1..).unwrap_or_default();
    }
}

pub(crate) fn parse(text: &str) -> Vec<Block> {
    blocks(&mut tokens(text).into_iter(), 0)
}

fn blocks(tokens: &mut dyn Iterator<Item = Token>, depth: usize) -> Vec<Block> {
    let mut all: Vec<Block> = Vec::new();
    let mut words = Vec::new();
    while let Some(token) = tokens.next() {
        let ends = matches!(token, Token::Close);
        match token {
            Token::Word(word) => {
                words.push(word);
                continue;
            }
            Token::Open if depth < DEEPEST => {
                let inner = blocks(tokens, depth + 1);
                // A brace on a separate line opens the statement before it.
                match all.last_mut() {
                    Some(last) if words.is_empty() => last.inner = inner,
                    _ => all.push(Block {
                        words: std::mem::take(&mut words),
                        inner,
                    }),
                }
                continue;
            }
            Token::Open | Token::Close | Token::Line => {}
        }
        if !words.is_empty() {
            let words = std::mem::take(&mut words);
            all.push(Block {
                words,
                inner: Vec::new(),
            });
        }
        if ends {
            break;
        }
    }
    if !words.is_empty() {
        all.push(Block {
            words,
            inner: Vec::new(),
        });
    }
    all
}

/// The address that a line of VIPs begins with, without its prefix length.
pub(crate) fn address(word: &str) -> Option<IpAddr> {
    word.split('/').next()?.parse().ok()
}

impl Block {
    fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Block> {
        let is = move |b: &&Block| b.words.first().is_some_and(|w| w == name);
        self.inner.iter().filter(is)
    }

    fn value(&self, name: &str) -> Option<String> {
        Some(self.named(name).next()?.words.get(1..)?.join(" "))
    }
}

pub(crate) fn instances(text: &str) -> Vec<Instance> {
    let blocks = parse(text);
    let mut all = Vec::new();
    for block in &blocks {
        let [kind, name] = block.words.as_slice() else {
            continue;
        };
        if kind != "vrrp_instance" {
            continue;
        }
        let auth = block.named("authentication").flat_map(|a| &a.inner);
        let held = |name| {
            let lines = block.named(name).flat_map(|v| &v.inner);
            lines.filter_map(|line| line.words.first().cloned())
        };
        let advertised: BTreeSet<String> = held("virtual_ipaddress").collect();
        let excluded = held("virtual_ipaddress_excluded");
        all.push(Instance {
            name: name.clone(),
            interface: block.value("interface").unwrap_or_default(),
            virtual_router_id: block.value("virtual_router_id").unwrap_or_default(),
            priority: block.value("priority").unwrap_or_else(|| "100".into()),
            advert_int: block.value("advert_int").unwrap_or_else(|| "1".into()),
            auth: auth.map(|a| a.words.join(" ")).collect(),
            vips: advertised.iter().cloned().chain(excluded).collect(),
            advertised,
            unicast: block.named("unicast_peer").next().is_some(),
            source: block.value("unicast_src_ip"),
            nopreempt: block.named("nopreempt").next().is_some(),
            preempt_delay: block
                .value("preempt_delay")
                .and_then(|seconds| seconds.parse().ok())
                .unwrap_or(0.0),
        });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_of_every_style() {
        let rendered = "global_defs {\n    router_id lb1\n}\n\nvrrp_instance main {\n    state BACKUP\n    priority 100 # high\n    virtual_router_id 10\n    advert_int 1\n\
                        \x20   authentication {\n        auth_type PASS\n        auth_pass abc\n    }\n    virtual_ipaddress {\n        10.0.0.1/24 dev eth0\n    }\n}\n";
        let byhand = "! old\nvrrp_instance main\n{\nvirtual_ipaddress { 10.0.0.1/24\n }\nvirtual_router_id 10\npriority 100\nauthentication { auth_type PASS\nauth_pass abc }\n}\n";
        let quoted = rendered.replace("auth_pass abc", "auth_pass \"abc\"");
        for text in [rendered, byhand, &quoted] {
            let found = instances(text);
            assert_eq!(found.len(), 1, "{text}");
            let one = &found[0];
            assert_eq!(
                (
                    one.virtual_router_id.as_str(),
                    one.priority.as_str(),
                    one.advert_int.as_str()
                ),
                ("10", "100", "1"),
                "{text}"
            );
            assert_eq!(one.auth, ["auth_type PASS", "auth_pass abc"], "{text}");
            assert_eq!(
                one.vips.iter().collect::<Vec<_>>(),
                ["10.0.0.1/24"],
                "{text}"
            );
        }
        let waits = rendered.replace(
            "    state BACKUP\n",
            "    state BACKUP\n    nopreempt\n    preempt_delay 5\n",
        );
        let [one] = instances(&waits).try_into().expect("one instance");
        assert!(one.nopreempt && (one.preempt_delay - 5.0).abs() < 1e-9);
        let parts = Parts::of(&format!("{rendered}virtual_server 10.0.0.1 80 {{\n}}\n"));
        assert!(parts.vrrp && parts.checkers && !parts.bfd);
        assert_eq!(global(rendered, "router_id"), Some(vec!["lb1".to_owned()]));
        assert_eq!(global(rendered, "lvs_timeouts"), None);
        let weighed = "vrrp_script a {\n weight -20\n}\nvrrp_instance x {\n track_interface {\n eth1 weight 5\n }\n}\n\
                       virtual_server 10.0.0.1 80 {\n real_server 10.0.0.2 80 {\n weight 3\n }\n}\n";
        assert_eq!(weights(weighed), [-20, 5]);
        assert_eq!(weights(rendered), [0; 0]);
        let odd = rendered.replace("auth_pass abc", "auth_pass \"a}{#!'~\"");
        let [one] = instances(&odd).try_into().expect("one instance");
        assert_eq!(one.auth, ["auth_type PASS", "auth_pass a}{#!'~"]);
        assert_eq!(one.vips.len(), 1);
        assert!(instances("vrrp_instance {{{{ } \n vrrp_instance x {").len() <= 1);
    }
}
