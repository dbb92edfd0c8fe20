//! An address on an interface, in the running kernel.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::undo::{Turn, Undo};
use super::{Action, Before, Change, Context, Kind, NodeLines, scalar};
use crate::fact::address::{Addresses, Held};
use crate::fact::{Facts, Needs};
use crate::shell::command;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Address {
    pub address: IpNet,
    pub interface: String,
    /// IPv4 only, `lo:0`: what ifconfig(8) shows as a separate interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Whether the host may choose it as source address. If not, an IPv6 address is marked as deprecated (RFC 6724, rule 3);
    /// IPv4 has no such mark.
    #[serde(default = "yes")]
    pub source: bool,
    /// Another program adds and removes it: only its properties are compared.
    #[serde(default)]
    pub if_held: bool,
}

fn yes() -> bool {
    true
}

impl Address {
    /// The label of an IPv4 address. Without one the kernel sets the interface's name.
    fn label(&self) -> Option<&str> {
        self.label
            .as_deref()
            .filter(|_| self.address.addr().is_ipv4())
    }

    /// Whether it must be marked as deprecated: as the source of a director's packets it would make real servers, which hold
    /// it too, answer themselves.
    fn is_deprecated(&self) -> bool {
        !self.source && self.address.addr().is_ipv6()
    }

    fn add(&self, verb: &str) -> String {
        let net = self.address.to_string();
        let mut words = vec!["ip", "addr", verb, &net, "dev", &self.interface];
        if let Some(label) = self.label() {
            words.extend(["label", label]);
        }
        if self.address.addr().is_ipv6() {
            // A VIP must be usable at once, and on a real server it is a duplicate by design.
            words.push("nodad");
        }
        if self.is_deprecated() {
            words.extend(["preferred_lft", "0"]);
        }
        command(words)
    }

    fn delete(&self, prefix: u8) -> String {
        command([
            "ip",
            "addr",
            "del",
            &format!("{}/{prefix}", self.address.addr()),
            "dev",
            &self.interface,
        ])
    }

    /// The removal; tolerates that the node script's stop has already deleted the address.
    fn delete_if_held(&self) -> String {
        format!(
            "[ -z \"$({})\" ] || {}",
            self.show(),
            self.delete(self.address.prefix_len())
        )
    }

    /// The command that prints the address if the interface has it. It has no prefix length, which would select the whole
    /// subnet.
    fn show(&self) -> String {
        let address = self.address.addr().to_string();
        command(["ip", "addr", "show", "dev", &self.interface, "to", &address])
    }

    fn here<'a>(&'a self, observed: &'a Addresses) -> impl Iterator<Item = &'a Held> {
        observed
            .of(self.address.addr())
            .filter(|held| held.interface == self.interface)
    }

    fn matches(&self, held: &Held) -> bool {
        held.prefix == self.address.prefix_len()
            && self
                .label()
                .is_none_or(|label| held.label.as_deref() == Some(label))
    }

    /// Whether the only difference is the missing mark as deprecated.
    fn only_preferred(&self, held: &[&Held]) -> bool {
        self.is_deprecated() && matches!(held, [one] if self.matches(one) && one.preferred)
    }
}

impl Kind for Address {
    const NAME: &'static str = "address";

    fn key(&self) -> String {
        format!("{} dev {}", self.address, self.interface)
    }

    fn fault(&self) -> Option<String> {
        scalar::no_interface(&self.interface)
    }

    fn needs(&self, needs: &mut Needs) {
        needs.address.get_or_insert_default();
    }

    fn diff(&self, facts: &Facts, _: &Context) -> Option<Change> {
        let held: Vec<&Held> = self.here(&facts.address).collect();
        if self.only_preferred(&held) {
            let change = Change::new(Self::NAME, self.key(), Action::Update)
                .field("as a source address", Some("chosen"), Some("not chosen"))
                .joined_step(
                    format!("have {} not chosen as a source address", self.address),
                    self.add("change"),
                );
            return Some(change);
        }
        if self.if_held {
            return None;
        }
        if held.iter().any(|h| self.matches(h)) && held.len() == 1 {
            return None;
        }
        let shown = |h: &Held| {
            format!(
                "{}/{} {}",
                h.address,
                h.prefix,
                h.label.as_deref().unwrap_or("")
            )
        };
        let from = (!held.is_empty()).then(|| {
            held.iter()
                .map(|h| shown(h).trim_end().to_owned())
                .collect::<Vec<_>>()
                .join(", ")
        });
        let to = format!("{} {}", self.address, self.label().unwrap_or(""));
        let action = if held.is_empty() {
            Action::Create
        } else {
            Action::Update
        };
        let mut change =
            Change::new(Self::NAME, self.key(), action).field("address", from, Some(to.trim_end()));
        // The kernel cannot change a label in place, so the address with the wrong label is deleted first. The address with
        // another prefix length is deleted last.
        let (twins, others): (Vec<&Held>, Vec<&Held>) = held
            .into_iter()
            .filter(|h| !self.matches(h))
            .partition(|h| h.prefix == self.address.prefix_len());
        let twin = !twins.is_empty();
        if !self.here(&facts.address).any(|h| self.matches(h)) {
            let mut script = String::new();
            if twin {
                script.push_str(&self.delete(self.address.prefix_len()));
                script.push('\n');
            }
            script.push_str(&self.add("add"));
            change = change.joined_step(
                format!("add {} to {}", self.address, self.interface),
                script,
            );
        }
        for other in others {
            let title = format!(
                "remove {}/{} from {}",
                other.address, other.prefix, self.interface
            );
            change = change.joined_step(title, self.delete(other.prefix));
        }
        Some(change)
    }

    fn words(&self) -> String {
        if self.if_held {
            "where it is held, it is no source address".to_owned()
        } else {
            String::new()
        }
    }

    fn undo(&self, before: &Before, _: &str) -> Option<Undo> {
        if self.if_held {
            return None;
        }
        let back = match before {
            Before::Same => self.add("replace"),
            _ => self.delete_if_held(),
        };
        Some(Undo::of_state(Turn::Address, back))
    }

    fn before(&self, facts: &Facts) -> Before {
        if self.here(&facts.address).any(|h| self.matches(h)) {
            Before::Same
        } else {
            Before::Absent
        }
    }

    fn remove(&self, facts: &Facts, before: &Before, _: &Context) -> Option<Change> {
        if *before == Before::Same
            || self.if_held
            || !self
                .here(&facts.address)
                .any(|h| h.prefix == self.address.prefix_len())
        {
            return None;
        }
        let change = Change::new(Self::NAME, self.key(), Action::Remove)
            .field("address", Some(self.address), None::<String>)
            .joined_step(
                format!("remove {} from {}", self.address, self.interface),
                self.delete_if_held(),
            );
        Some(change)
    }

    fn node(&self) -> Option<NodeLines> {
        if self.if_held {
            return None;
        }
        let net = self.address.to_string();
        Some(NodeLines {
            start: vec![self.add("replace")],
            stop: vec![format!(
                "{} 2>/dev/null || :",
                self.delete(self.address.prefix_len())
            )],
            status: vec![(
                format!("{net} on {}", self.interface),
                format!("[ -n \"$({})\" ]", self.show()),
            )],
        })
    }
}
