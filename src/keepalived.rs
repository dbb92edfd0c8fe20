//! Reads keepalived.conf(5): its blocks, and of its VRRP instances what directors must agree on. Pure; secrets in it are
//! compared and never shown.

use std::collections::BTreeSet;
use std::net::IpAddr;

/// Where keepalived reads it.
pub(crate) const CONFIGURATION: &str = "/etc/keepalived/keepalived.conf";

/// A statement, with what stands in its braces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Block {
    pub words: Vec<String>,
    pub inner: Vec<Block>,
}

/// What directors agree on, or must differ in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Instance {
    pub name: String,
    pub interface: String,
    pub virtual_router_id: String,
    pub priority: String,
    pub advert_int: String,
    pub auth: Vec<String>,
    /// All that the instance holds, advertised or not.
    pub vips: BTreeSet<String>,
    /// What its adverts name.
    pub advertised: BTreeSet<String>,
    pub unicast: bool,
    /// The address from which unicast adverts are sent.
    pub source: Option<String>,
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
                // A brace on a line of its own opens the statement before it.
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
        let odd = rendered.replace("auth_pass abc", "auth_pass \"a}{#!'~\"");
        let [one] = instances(&odd).try_into().expect("one instance");
        assert_eq!(one.auth, ["auth_type PASS", "auth_pass a}{#!'~"]);
        assert_eq!(one.vips.len(), 1);
        assert!(instances("vrrp_instance {{{{ } \n vrrp_instance x {").len() <= 1);
    }
}
