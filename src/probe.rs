//! The probe: one script that reads all needed facts and the manifests of a host, and the parser of its output. Sending it
//! belongs in [`crate::run`].

use std::path::Path;

use serde::Serialize;

use crate::fact::address::Addresses;
use crate::fact::route::Routes;
use crate::fact::sysctl::Sysctls;
use crate::fact::way_in::WaysIn;
use crate::fact::{Fact, Facts, Needs, ParseError, section};
use crate::host_paths::{self, STATE};
use crate::model::Maintenance;
use crate::plan::maintenance::{self, RecordError};
use crate::plan::manifest::{Manifest, ManifestError};
use crate::resource::Resource;
use crate::shell::quote;
use crate::unix_time::to_the_second;

const MANIFEST: &str = "manifest";

/// A failing command must not end the script, and output must be in the C locale for the parsers.
const SHELL: &str = "set +eu\nLC_ALL=C; export LC_ALL\n";

/// What a host answered.
#[derive(Debug)]
pub struct Answer {
    pub facts: Facts,
    /// Whether the host's `ip` prints addresses as JSON. That of busybox does not.
    pub ip_prints: bool,
    pub manifest: Manifest,
    /// The guard of an earlier run.
    pub guard: Option<Earlier>,
    /// Whether the host keeps a previous state, of a run in progress or of a killed one.
    pub keeps_previous: bool,
    /// Manifests of other clusters on the same host.
    pub others: Vec<Manifest>,
    /// The drains that a director has recorded.
    pub maintenance: Maintenance,
    /// Further sections, which checks have added.
    pub sections: std::collections::BTreeMap<String, section::Section>,
}

/// A guard that an earlier run left on the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum Earlier {
    /// It will restore the old state at this time, in seconds since 1970 by the host's clock.
    Armed {
        until: u64,
        #[serde(rename = "by")]
        who: String,
    },
    /// It is restoring the old state now.
    Firing,
    /// It has restored the old state at this time, completely or in part.
    Fired {
        at: u64,
        #[serde(rename = "whole")]
        well: bool,
    },
}

impl Earlier {
    /// A description, with times by the host's clock.
    pub fn words(&self) -> String {
        match self {
            Self::Armed { until, who } => format!("armed by {who} until {}", to_the_second(*until)),
            Self::Firing => "fired: the host restores its old state now".to_owned(),
            Self::Fired { at, well } => format!(
                "fired at {}: the host restored its old state{}",
                to_the_second(*at),
                if *well { "" } else { " in part" }
            ),
        }
    }

    /// From name and content of a file in the guard's folder.
    fn of(name: &str, text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let number = |word: Option<&str>| word.and_then(|w| w.parse().ok()).unwrap_or(0);
        Some(match name {
            "armed" => Self::Armed {
                until: number(words.nth(2)),
                who: words.collect::<Vec<_>>().join(" "),
            },
            "firing" => Self::Firing,
            "fired" => Self::Fired {
                at: number(words.next()),
                well: words.next() == Some("well"),
            },
            _ => return None,
        })
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error("the host's answer cannot be understood: {0}")]
    Parse(#[from] ParseError),
    #[error("the host did not answer the whole probe: {0}")]
    Cut(String),
}

/// The facts that resources need, and those that every probe reads: the system, and the addresses, which show VIPs of
/// keepalived too.
pub fn needs(resources: &[Resource]) -> Needs {
    let mut needs = Needs {
        system: Some(()),
        address: Some(Default::default()),
        ..Needs::default()
    };
    for resource in resources {
        resource.needs(&mut needs);
    }
    needs
}

/// The script that reads only facts.
pub fn of_facts(needs: &Needs, nonce: &str) -> String {
    format!(
        "{SHELL}{}{}section=end\npart end\n",
        section::prologue(nonce),
        needs.command()
    )
}

/// The whole script. `more` are sections of the caller's own.
pub fn script(cluster: &str, needs: &Needs, more: &str, nonce: &str) -> String {
    let path = host_paths::manifest(cluster);
    let own = quote(&path);
    let mut needs = needs.clone();
    // One process reads both.
    let read = match &mut needs.sysctl {
        Some(ask) if !ask.paths.is_empty() => {
            ask.paths.insert(path);
            format!("[ ! -e {own} ] || part there\n")
        }
        _ => format!("part own\nif [ -e {own} ]; then ask cat {own}; fi\n"),
    };
    if let Some(address) = &mut needs.address {
        if let Some(route) = &mut needs.route {
            address.with_routes = true;
            route.with_addresses = true;
        }
        address.with_way_in = needs.way_in.is_some();
    }
    let facts = needs.command();
    let guard = quote(&host_paths::guard(cluster));
    format!(
        "{SHELL}{}section={MANIFEST}\n{read}\
         for f in {STATE}/*.json; do if [ -e \"$f\" ] && [ \"$f\" != {own} ]; then part \"other $f\"; cat \"$f\"; fi; done\n\
         for f in armed firing fired; do if [ -e {guard}/$f ]; then part \"guard $f\"; cat {guard}/$f; fi; done\n\
         if [ -e {guard}.previous ]; then part previous; fi\n\
         {facts}{more}section=end\npart end\nunset -f part have failed ask\n",
        section::prologue(nonce),
    )
}

/// Reads the output of [`script`].
pub fn read(cluster: &str, needs: &Needs, output: &str, nonce: &str) -> Result<Answer, ProbeError> {
    let mut sections = section::split(output, nonce);
    let addresses = sections.get_mut(Addresses::NAME);
    let mut rest = addresses.and_then(|all| all.take_after_first_json("json"));
    if needs.route.is_some()
        && let Some(values) = rest.take()
    {
        let routes = sections.entry(Routes::NAME.to_owned()).or_default();
        routes.put("v4", values);
        rest = routes.take_after_first_json("v4");
    }
    if let Some(value) = rest.filter(|_| needs.way_in.is_some()) {
        let way_in = sections.entry(WaysIn::NAME.to_owned()).or_default();
        way_in.put("route", value);
    }
    let with_values = sections.get_mut(Sysctls::NAME);
    let with_values = with_values.map(|values| values.take_of_file(&host_paths::manifest(cluster)));
    let empty = section::Section::default();
    let get = |name: &str| sections.get(name).unwrap_or(&empty);
    if !get("end").has("end") {
        return Err(ProbeError::Cut(format!(
            "{} of its bytes came",
            output.len()
        )));
    }
    let manifests = get(MANIFEST).whole(MANIFEST)?;
    let own = match with_values {
        Some(text) if !text.is_empty() => text,
        _ if manifests.has("there") => {
            return Err(ParseError::new(MANIFEST, "it is there and cannot be read").into());
        }
        _ => manifests.part("own").to_owned(),
    };
    let manifest = Manifest::parse(cluster, &own)?;
    let mut others = Vec::new();
    for (path, text) in manifests.parts_of("other") {
        let name = Path::new(path)
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default();
        others.push(Manifest::parse(name, text)?);
    }
    let guard = manifests
        .parts_of("guard")
        .find_map(|(name, text)| Earlier::of(name, text));
    let keeps_previous = manifests.has("previous");
    // Without JSON output of `ip` the addresses are not known; the caller reports that.
    let ip_prints = !get(Addresses::NAME).part("json").trim().is_empty();
    let system = Needs {
        system: Some(()),
        ..Needs::default()
    };
    let facts = Facts::parse(if ip_prints { needs } else { &system }, &sections)?;
    let record = facts.file.get(&host_paths::maintenance(cluster));
    let maintenance = maintenance::read(cluster, record)?;
    Ok(Answer {
        facts,
        ip_prints,
        manifest,
        guard,
        keeps_previous,
        others,
        maintenance,
        sections,
    })
}

/// Reasons why lvsctl cannot work on a host.
pub fn obstacles(answer: &Answer, desired: &[Resource]) -> Vec<String> {
    let mut found = Vec::new();
    if !answer.facts.system.has("ip") {
        found.push(
            "expected the command `ip`, found none; install iproute2 (iproute on RHEL and derivatives)"
                .to_owned(),
        );
    } else if !answer.ip_prints {
        found.push(
            "expected `ip` of iproute2 4.14 or later, found one that knows no JSON; install iproute2 (iproute on RHEL and derivatives)"
                .to_owned(),
        );
    }
    if answer.facts.system.uid != Some(0) {
        let uid = answer.facts.system.uid.map_or_else(
            || "an unknown user".to_owned(),
            |uid| format!("user id {uid}"),
        );
        found.push(format!(
            "expected to run as root, found {uid}; set `ssh.sudo: true` or another `ssh.user`"
        ));
    }
    for other in &answer.others {
        for entry in &other.entries {
            if let Some(clash) = desired.iter().find(|r| r.is_same_as(&entry.resource))
                && !clash.is_shareable()
            {
                found.push(format!(
                    "{} {} belongs to the cluster {} on this host; destroy that one first, or take the host out of one of them",
                    clash.kind(),
                    clash.key(),
                    other.cluster
                ));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::manifest::Entry;
    use crate::resource::Before;
    use crate::resource::route::Route;
    use crate::resource::sysctl::Sysctl;

    fn desired() -> Vec<Resource> {
        let sysctl = Resource::Sysctl(Sysctl {
            name: "net.ipv4.ip_forward".into(),
            value: "1".into(),
            instead_of: None,
            if_exists: false,
        });
        let route = Route {
            to: "10.0.0.0/24".parse().expect("a network"),
            via: None,
            interface: Some("lo".into()),
        };
        vec![sysctl, Resource::Route(route)]
    }

    #[test]
    fn one_process_reads_what_two_did() {
        for (resources, greps, cats, ips) in [(desired(), 1, 0, 1), (Vec::new(), 0, 1, 1)] {
            let script = script("t", &needs(&resources), "", "n");
            let runs = |line: &str, word: &str| {
                line.starts_with(word) || line.contains(&format!("ask {word}"))
            };
            let count = |word: &str| script.lines().filter(|line| runs(line, word)).count();
            let all = (count("grep "), count("cat "), count("ip "));
            assert_eq!(all, (greps, cats, ips), "{script}");
        }
    }

    #[test]
    fn the_route_of_the_way_in_comes_with_the_addresses() {
        let back = "[{\"dst\":\"10.0.0.0/24\",\"dev\":\"eth0\"}]\n";
        for (resources, routes) in [(desired(), "[]\n"), (Vec::new(), "")] {
            let mut needs = needs(&resources);
            needs.way_in = Some(());
            let output = format!(
                "\n@n system os\n\n@n sysctl values\n\n@n way-in connection\n10.0.0.1 5 10.0.0.2 22\n\n@n address json\n\
                 [{{\"ifname\":\"lo\",\"addr_info\":[]}}]\n{routes}{back}\n@n end end\n"
            );
            let answer = read("t", &needs, &output, "n").expect("an answer");
            let way_in = answer.facts.way_in.0.expect("a way in");
            assert_eq!(way_in.interface.as_deref(), Some("eth0"));
            assert_eq!(answer.facts.route.iter().count(), 0);
        }
    }

    #[test]
    fn manifest_and_routes_come_with_others_answers() {
        let mut manifest = Manifest::new("t");
        manifest.entries.push(Entry {
            resource: desired().remove(0),
            before: Before::Value("0".into()),
        });
        let path = host_paths::manifest("t");
        let lines: String = manifest
            .text()
            .lines()
            .map(|line| format!("{path}:{line}\n"))
            .collect();
        let output = format!(
            "\n@n system os\n\n@n sysctl values\n{lines}/proc/sys/net/ipv4/ip_forward:1\n\n@n address json\n\
             [{{\"ifname\":\"lo\",\"addr_info\":[]}}]\n[{{\"dst\":\"10.0.0.0/24\",\"dev\":\"lo\"}}]\n\n@n end end\n"
        );
        let answer = read("t", &needs(&desired()), &output, "n").expect("an answer");
        assert_eq!(answer.manifest, manifest);
        assert_eq!(answer.facts.route.iter().count(), 1);
        let values = &answer.facts.sysctl;
        assert_eq!(values.get(&path), None);
        assert_eq!(
            values
                .get("/proc/sys/net/ipv4/ip_forward")
                .map(String::as_str),
            Some("1")
        );
    }
}
