//! A kernel parameter's running value. The value that the next boot sets is a file, made by [`crate::plan::boot`].

use serde::{Deserialize, Serialize};

use super::undo::{Turn, Undo};
use super::{Action, Before, Change, Context, Effect, Kind, NodeLines, scalar};
use crate::fact::{Facts, Needs};
use crate::shell::quote;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sysctl {
    /// As sysctl(8) writes it; a dot inside an interface's name is written `/`.
    pub name: String,
    #[serde(deserialize_with = "super::scalar::text")]
    pub value: String,
    /// Replace only this value; any other was set on purpose and stays.
    #[serde(
        default,
        deserialize_with = "some_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub instead_of: Option<String>,
    /// Whether a kernel without the parameter is in the desired state.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub if_exists: bool,
}

const IP_FORWARD: &str = "net.ipv4.ip_forward";
const IPV6_FORWARDING: &str = "net.ipv6.conf.all.forwarding";

fn some_text<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    scalar::text(deserializer).map(Some)
}

impl Sysctl {
    pub fn path(&self) -> String {
        let swapped: String = self
            .name
            .chars()
            .map(|c| match c {
                '.' => '/',
                '/' => '.',
                c => c,
            })
            .collect();
        format!("/proc/sys/{swapped}")
    }

    /// The effect of a value on packet forwarding.
    fn effect(&self, value: &str) -> Option<Effect> {
        let forwards = matches!(self.name.as_str(), IP_FORWARD | IPV6_FORWARDING);
        forwards.then(|| Effect::Forwarding(!same(value, "0")))
    }

    fn set(&self, value: &str) -> String {
        let path = quote(&self.path());
        self.where_it_exists(format!("printf '%s\\n' {} >{path}", quote(value)))
    }

    /// The command; with `if_exists`, only if the kernel has the parameter.
    fn where_it_exists(&self, command: String) -> String {
        if self.if_exists {
            format!("[ ! -e {} ] || {command}", quote(&self.path()))
        } else {
            command
        }
    }

    /// Whether the kernel lacks it, although the module that it belongs to is loaded.
    fn is_lacking(&self, facts: &Facts) -> bool {
        let path = self.path();
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        self.if_exists && facts.sysctl.get(&path).is_none() && facts.sysctl.has_in(folder)
    }

    /// Whether an observed value is in the desired state.
    pub fn holds(&self, found: &str) -> bool {
        let other = |old: &String| !same(found, old);
        same(found, &self.value) || self.instead_of.as_ref().is_some_and(other)
    }

    /// Whether sysctl.d(5) sets it at boot. Not if the present value matters, which sysctl.d(5) cannot test. Not IPv6
    /// forwarding either: with it a host requests no router advertisement, and its default route would come late.
    pub fn is_set_early(&self) -> bool {
        self.instead_of.is_none() && self.name != IPV6_FORWARDING
    }
}

/// Compares values word by word, since the kernel separates several values by tabs.
fn same(a: &str, b: &str) -> bool {
    a.split_whitespace().eq(b.split_whitespace())
}

fn words(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Kind for Sysctl {
    const NAME: &'static str = "sysctl";
    const SHAREABLE: bool = true;

    fn key(&self) -> String {
        self.name.clone()
    }

    fn fault(&self) -> Option<String> {
        scalar::no_name("the name of a kernel parameter", &self.name)
    }

    fn needs(&self, needs: &mut Needs) {
        needs
            .sysctl
            .get_or_insert_default()
            .paths
            .insert(self.path());
    }

    fn diff(&self, facts: &Facts, _: &Context) -> Option<Change> {
        let found = facts.sysctl.get(&self.path());
        if found.is_some_and(|value| self.holds(value)) || self.is_lacking(facts) {
            return None;
        }
        let change = Change::new(Self::NAME, self.key(), Action::Update)
            .field("value", found, Some(&self.value))
            .effect(self.effect(&self.value))
            .joined_step(
                format!("set {} to {}", self.name, self.value),
                self.set(&self.value),
            );
        Some(change)
    }

    fn undo(&self, before: &Before, _: &str) -> Option<Undo> {
        let value = match before {
            Before::Value(old) => old,
            Before::Same if self.instead_of.is_none() => &self.value,
            _ => return None,
        };
        Some(Undo::of_state(Turn::Sysctl, self.set(value)))
    }

    fn before(&self, facts: &Facts) -> Before {
        match facts.sysctl.get(&self.path()) {
            Some(value) if self.holds(value) => Before::Same,
            Some(value) => Before::Value(value.clone()),
            None => Before::Absent,
        }
    }

    fn remove(&self, facts: &Facts, before: &Before, _: &Context) -> Option<Change> {
        let Before::Value(old) = before else {
            return None;
        };
        let found = facts.sysctl.get(&self.path())?;
        if same(found, old) {
            return None;
        }
        let change = Change::new(Self::NAME, self.key(), Action::Remove)
            .field("value", Some(found), Some(old))
            .effect(self.effect(old))
            .joined_step(format!("set {} back to {old}", self.name), self.set(old));
        Some(change)
    }

    fn node(&self) -> Option<NodeLines> {
        if let Some(old) = &self.instead_of {
            let is_old = format!(
                "[ \"$(echo $(cat {}))\" = {} ]",
                quote(&self.path()),
                quote(&words(old))
            );
            return Some(NodeLines {
                start: vec![format!("! {is_old} || {}", self.set(&self.value))],
                stop: Vec::new(),
                status: vec![(format!("{} is not {old}", self.name), format!("! {is_old}"))],
            });
        }
        let path = quote(&self.path());
        Some(NodeLines {
            start: vec![self.set(&self.value)],
            stop: Vec::new(),
            status: vec![(
                format!("{} = {}", self.name, self.value),
                self.where_it_exists(format!(
                    "[ \"$(echo $(cat {path}))\" = {} ]",
                    quote(&words(&self.value))
                )),
            )],
        })
    }
}
