//! What a keepalived.conf makes: its VIPs and virtual services, so that a plan names those that come and those that end. It
//! reads files that people wrote as well; keepalived itself says what is wrong in them. Pure.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::resource::change::TextChange;
use crate::resource::{Action, Change};

/// What one configuration has and the other has not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    pub vips: BTreeSet<String>,
    /// `192.168.100.200:80`, or `mark 10`.
    pub services: BTreeSet<String>,
}

impl Outline {
    pub fn is_empty(&self) -> bool {
        self.vips.is_empty() && self.services.is_empty()
    }

    fn without(&self, other: &Self) -> Self {
        Self {
            vips: self.vips.difference(&other.vips).cloned().collect(),
            services: self.services.difference(&other.services).cloned().collect(),
        }
    }
}

/// What comes and what ends with a change; nothing where it is of another file.
pub fn comes_and_ends(change: &Change) -> (Outline, Outline) {
    let is_conf = change.kind == "file" && change.key.ends_with("/keepalived.conf");
    let text = change.text.as_ref().filter(|_| is_conf);
    let Some(TextChange { from, to }) = text else {
        return Default::default();
    };
    let (from, to) = (outline(from), outline(to));
    (to.without(&from), from.without(&to))
}

/// What ends with a change of a file that is there.
pub fn ends(change: &Change) -> Outline {
    match change.action {
        Action::Update => comes_and_ends(change).1,
        Action::Create | Action::Remove => Outline::default(),
    }
}

/// Words that a block begins with, from the outermost on.
type Blocks = Vec<Vec<String>>;

pub fn outline(text: &str) -> Outline {
    let mut found = Outline::default();
    let mut blocks: Blocks = Vec::new();
    for line in text.lines() {
        let mut words: Vec<String> = Vec::new();
        for word in words_of(line) {
            match word.as_str() {
                "{" => {
                    enter(&words, &mut found);
                    blocks.push(std::mem::take(&mut words));
                }
                "}" => {
                    statement(&blocks, &words, &mut found);
                    words.clear();
                    blocks.pop();
                }
                _ => words.push(word),
            }
        }
        statement(&blocks, &words, &mut found);
    }
    found
}

/// The words of a line, and each brace; a comment begins with `#` or `!`.
fn words_of(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for letter in line.chars() {
        match letter {
            '#' | '!' => break,
            '{' | '}' => words.extend([letter.to_string(), String::new()]),
            letter if letter.is_whitespace() => words.push(String::new()),
            letter => {
                if let Some(word) = words.last_mut() {
                    word.push(letter);
                }
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn enter(words: &[String], found: &mut Outline) {
    if let [head, rest @ ..] = words
        && head == "virtual_server"
    {
        found.services.extend(service(rest));
    }
}

/// A VIP in its block, or a member of a group of virtual servers.
fn statement(blocks: &Blocks, words: &[String], found: &mut Outline) {
    let block = blocks.last().and_then(|block| block.first());
    let Some(block) = block.map(String::as_str) else {
        return;
    };
    match (block, words) {
        ("virtual_ipaddress" | "virtual_ipaddress_excluded", [first, ..]) => {
            let address = first.split('/').next().unwrap_or(first);
            found
                .vips
                .extend(address.parse::<IpAddr>().ok().map(|a| a.to_string()));
        }
        ("virtual_server_group", words) => found.services.extend(service(words)),
        _ => {}
    }
}

fn service(words: &[String]) -> Option<String> {
    match words {
        [fwmark, mark, ..] if fwmark == "fwmark" => Some(format!("mark {mark}")),
        [address, port, ..] => {
            let address: IpAddr = address.parse().ok()?;
            let port: u16 = port.parse().ok()?;
            Some(std::net::SocketAddr::new(address, port).to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_configuration_makes() {
        for (text, vips, services) in [
            ("", vec![], vec![]),
            ("garbage } { {", vec![], vec![]),
            (
                "vrrp_instance VI_1 {\n  virtual_ipaddress {\n    10.0.0.5/24 dev eth0 label eth0:1\n    10.0.0.6\n  }\n}\n",
                vec!["10.0.0.5", "10.0.0.6"],
                vec![],
            ),
            (
                "vrrp_instance VI_1 {\n  virtual_ipaddress { 10.0.0.5 }\n  virtual_ipaddress_excluded {\n fd00::5/64 dev eth0 \n}\n}\n",
                vec!["10.0.0.5", "fd00::5"],
                vec![],
            ),
            (
                "! virtual_server 10.0.0.9 80 {\nvirtual_server 10.0.0.5 80 { # web\n  real_server 10.0.0.11 80 {\n  weight 1 }\n}\n\
                 virtual_server fd00::5 443 {\n}\nvirtual_server fwmark 7 {\n}\n",
                vec![],
                vec!["10.0.0.5:80", "[fd00::5]:443", "mark 7"],
            ),
            (
                "virtual_server_group g {\n  10.0.0.5 80\n  fwmark 3\n}\nvirtual_server group g {\n}\n",
                vec![],
                vec!["10.0.0.5:80", "mark 3"],
            ),
            (
                "vrrp_instance a\n{\n  unicast_peer {\n 10.0.0.2\n }\n}\nglobal_defs {\n router_id 10.0.0.1\n}\n",
                vec![],
                vec![],
            ),
        ] {
            let found = outline(text);
            assert_eq!(found.vips.into_iter().collect::<Vec<_>>(), vips, "{text}");
            let services: BTreeSet<String> = services.into_iter().map(str::to_owned).collect();
            assert_eq!(found.services, services, "{text}");
        }
    }
}
