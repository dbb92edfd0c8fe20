//! What a keepalived.conf makes: its VIPs and virtual services, so that a plan names those that come and those that end. It
//! reads files that people wrote as well; keepalived itself says what is wrong in them. Pure.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::keepalived::{self, Block};
use crate::resource::change::TextChange;
use crate::resource::{Action, Change};

/// What one configuration has and the other has not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Outline {
    pub vips: BTreeSet<String>,
    /// `192.168.100.200:80`, or `mark 10`.
    pub services: BTreeSet<String>,
}

impl Outline {
    pub(super) fn is_empty(&self) -> bool {
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
pub(super) fn comes_and_ends(change: &Change) -> (Outline, Outline) {
    let is_conf = change.kind == "file" && change.key.ends_with("/keepalived.conf");
    let text = change.text.as_ref().filter(|_| is_conf);
    let Some(TextChange { from, to }) = text else {
        return Default::default();
    };
    let (from, to) = (outline(from), outline(to));
    (to.without(&from), from.without(&to))
}

/// What ends with a change of a file that is there.
pub(super) fn ends(change: &Change) -> Outline {
    match change.action {
        Action::Update => comes_and_ends(change).1,
        Action::Create | Action::Remove => Outline::default(),
    }
}

pub(super) fn outline(text: &str) -> Outline {
    let mut found = Outline::default();
    add(&keepalived::parse(text), &mut found);
    found
}

fn add(blocks: &[Block], found: &mut Outline) {
    for block in blocks {
        let Some((head, rest)) = block.words.split_first() else {
            continue;
        };
        let lines = block.inner.iter();
        match head.as_str() {
            "virtual_ipaddress" | "virtual_ipaddress_excluded" => {
                let vips = lines.filter_map(|line| keepalived::address(line.words.first()?));
                found.vips.extend(vips.map(|vip| vip.to_string()));
            }
            "virtual_server_group" => {
                let services = lines.filter_map(|line| service(&line.words));
                found.services.extend(services);
            }
            "virtual_server" => found.services.extend(service(rest)),
            _ => add(&block.inner, found),
        }
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
                "virtual_server 10.0.0.5 80\n{\n}\nvrrp_instance VI_1\n{\n virtual_ipaddress\n {\n  10.0.0.5\n }\n}\n",
                vec!["10.0.0.5"],
                vec!["10.0.0.5:80"],
            ),
            (
                "vrrp_instance VI_1 {\n auth_pass \"a}{#!\"\n virtual_ipaddress {\n  10.0.0.5\n }\n}\n\
                 virtual_server 10.0.0.5 80 {\n path \"/{\"\n}\nvirtual_server 10.0.0.6 80 {\n}\n",
                vec!["10.0.0.5"],
                vec!["10.0.0.5:80", "10.0.0.6:80"],
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
