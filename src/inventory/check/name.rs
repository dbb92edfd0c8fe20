//! Names: they become parts of file names, rule comments and shell words on hosts.

use super::View;
use crate::diagnostic::{Fault, listed, shown};
use crate::inventory::free_address;
use crate::model::Interface;

const CLUSTER: usize = 32;
const OTHERS: usize = 63;
/// IFNAMSIZ without its end.
const INTERFACE: usize = 15;

pub(super) fn names(view: View<'_>, faults: &mut Vec<Fault>) {
    let cluster = view.cluster;
    let bad = |kind: &str, name: &str, longest| {
        let fault = why(name, longest)?;
        let help = match suggestion(name, longest) {
            Some(good) => format!("{ALLOWED}, at most {longest} characters: `{good}`"),
            None => format!("{ALLOWED}, at most {longest} characters"),
        };
        Some(Fault::new(format!("the {kind} {} {fault}", shown(name))).help(help))
    };
    if view.places.is_given(&["cluster"])
        && let Some(fault) = bad("cluster's name", &cluster.name, CLUSTER)
    {
        faults.push(view.at(&["cluster"], fault));
    }
    for (kind, key, names) in [
        (
            "network's name",
            "networks",
            cluster.networks.iter().map(|n| &n.name).collect::<Vec<_>>(),
        ),
        (
            "host's name",
            "hosts",
            cluster.hosts.iter().map(|n| &n.name).collect(),
        ),
        (
            "service's name",
            "services",
            cluster.services.iter().map(|n| &n.name).collect(),
        ),
        (
            "instance's name",
            "vrrp",
            cluster.vrrp.iter().map(|n| &n.name).collect(),
        ),
    ] {
        for name in names {
            let bad = bad(kind, name, OTHERS);
            faults.extend(bad.map(|fault| view.at_key(&[key, name], fault)));
        }
    }
    for host in &cluster.hosts {
        for interface in host.interfaces.iter().filter(|i| !is_interface(&i.name)) {
            let fault = Fault::new(format!(
                "{} is no name of an interface",
                shown(&interface.name)
            ))
            .help(format!(
                "letters, digits, `.`, `_` and `-`, at most {INTERFACE} characters"
            ));
            let list = [
                "hosts",
                host.name.as_str(),
                "interfaces",
                interface.name.as_str(),
            ];
            faults.push(if view.places.is_given(&list) {
                view.at_key(&list, fault)
            } else if view.places.is_given(&["hosts", &host.name, "interface"]) {
                view.at(&["hosts", &host.name, "interface"], fault)
            } else {
                view.at(&["defaults", "interface"], fault)
            });
        }
    }
}

/// An interface by the name of its network is rarely called so on the host. Who names its `network` beside it means it.
pub(super) fn interfaces_are_no_networks(view: View<'_>, faults: &mut Vec<Fault>) {
    for host in &view.cluster.hosts {
        let path = |name: &'_ str| ["hosts", &host.name, "interfaces", name].map(str::to_owned);
        let is_given = |path: &[String]| {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            view.places.is_given(&path)
        };
        let meant = |nic: &&Interface| {
            let path = path(&nic.name);
            let network = [&path[..], &["network".to_owned()]].concat();
            nic.name == nic.network && is_given(&path) && !is_given(&network)
        };
        let names: Vec<&str> = host
            .interfaces
            .iter()
            .filter(meant)
            .map(|nic| nic.name.as_str())
            .collect();
        let Some(first) = names.first() else { continue };
        let (is, are) = match names.len() {
            1 => ("interface", "has the name of its network"),
            _ => ("interfaces", "have the names of their networks"),
        };
        let mut others: Vec<String> = host.interfaces.iter().map(|nic| nic.name.clone()).collect();
        let written = host.interfaces.iter().filter(meant).map(|nic| {
            let all: Vec<String> = nic
                .addresses
                .iter()
                .map(|net| free_address::in_yaml(net.addr()))
                .collect();
            let address = match all.as_slice() {
                [one] => one.clone(),
                _ => format!("[{}]", all.join(", ")),
            };
            let name = (0..)
                .map(|number| format!("eth{number}"))
                .find(|name| !others.contains(name))
                .unwrap_or_default();
            others.push(name.clone());
            (
                format!("{name}: {address}"),
                format!(
                    "{}: {{ network: {}, address: {address} }}",
                    nic.name, nic.network
                ),
            )
        });
        let (named, kept): (Vec<String>, Vec<String>) = written.unzip();
        let fault = Fault::new(format!(
            "{is} {} of {} {are}",
            listed(&names),
            shown(&host.name)
        ))
        .help(format!(
            "write the names that `ip link` shows on the host, such as `{}`; where these are the names, write `{}`",
            named.join(", "),
            kept.join(", ")
        ))
        .warning();
        faults.push(view.at_key(&["hosts", &host.name, "interfaces", first], fault));
    }
}

const ALLOWED: &str = "lower-case letters, digits and `-`, neither first nor last";

fn why(name: &str, longest: usize) -> Option<&'static str> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() {
        Some("is empty")
    } else if !name.chars().all(good) {
        Some("has characters that are not allowed")
    } else if name.starts_with('-') || name.ends_with('-') {
        Some("starts or ends with `-`")
    } else if name.len() > longest {
        Some("is too long")
    } else {
        None
    }
}

/// The nearest name that is allowed.
fn suggestion(name: &str, longest: usize) -> Option<String> {
    let lower = name.to_lowercase();
    let mapped = lower
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
    let short: String = mapped.take(longest).collect();
    let good = short.trim_matches('-').to_owned();
    (!good.is_empty()).then_some(good)
}

fn is_interface(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=INTERFACE).contains(&name.len()) && name.chars().all(good) && !name.starts_with(['-', '.'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_allowed_and_not() {
        for (name, good, suggested) in [
            ("web", true, "web"),
            ("web-2", true, "web-2"),
            ("12", true, "12"),
            ("", false, ""),
            ("Web", false, "web"),
            ("my_web", false, "my-web"),
            ("-web", false, "web"),
            ("web-", false, "web"),
            ("../etc", false, "etc"),
            ("$(reboot)", false, "reboot"),
            ("wäb", false, "w-b"),
            ("averyveryverylongname", false, "averyveryver"),
        ] {
            assert_eq!(why(name, 12).is_none(), good, "{name}");
            assert_eq!(
                suggestion(name, 12).unwrap_or_default(),
                suggested,
                "{name}"
            );
        }
    }

    #[test]
    fn interfaces() {
        for (name, good) in [
            ("eth0", true),
            ("eth0.100", true),
            ("br-lan_1", true),
            ("", false),
            ("..", false),
            ("eth0:0", false),
            ("eth 0", false),
            ("a/b", false),
            ("sixteencharacter", false),
        ] {
            assert_eq!(is_interface(name), good, "{name}");
        }
    }
}
