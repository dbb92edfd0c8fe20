//! The record of drains: its format, its path on directors, and the effect of a drain on the running IPVS table. The effect
//! on the desired cluster belongs in [`crate::model::Maintenance`]. Pure.

use serde::{Deserialize, Serialize};

use crate::fact::file::Found;
use crate::host_paths;
use crate::model::{Cluster, Destination, Drain, Maintenance};
use crate::resource::change::{Phase, Step};
use crate::resource::file::File;
use crate::resource::ipvs;
use crate::unix_time::to_the_minute;
use crate::view;

/// The form that this version writes and reads.
const FORM: u32 = 1;

/// The most bytes of a record that are read. Any program may have written it, at any length.
const LONGEST: usize = 64 * 1024;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    form: u32,
    cluster: String,
    revision: u64,
    drains: Vec<Drain>,
}

/// Only the format's number, since a later format may have other fields.
#[derive(Debug, Deserialize)]
struct Form {
    form: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    #[error(
        "the record of drains {path} cannot be read ({message}); move it away, then `lvsctl apply` puts back what other directors have recorded"
    )]
    Unreadable { path: String, message: String },
    #[error(
        "the record of drains {path} has form {found}, expected {FORM}; use the lvsctl version that wrote it"
    )]
    Form { path: String, found: u32 },
}

/// Reads the record of a director; there is none until the first drain.
pub fn read(cluster: &str, found: Option<&Found>) -> Result<Maintenance, RecordError> {
    let Some(found) = found else {
        return Ok(Maintenance::default());
    };
    let unreadable = |message: String| RecordError::Unreadable {
        path: host_paths::maintenance(cluster),
        message,
    };
    if !found.regular {
        return Err(unreadable("it is no regular file".to_owned()));
    }
    if found.size > LONGEST {
        let message = format!("expected at most {LONGEST} bytes, found {}", found.size);
        return Err(unreadable(message));
    }
    let form: Form = serde_json::from_str(&found.content).map_err(|e| unreadable(e.to_string()))?;
    if form.form != FORM {
        let found = form.form;
        let path = host_paths::maintenance(cluster);
        return Err(RecordError::Form { path, found });
    }
    let record: Record =
        serde_json::from_str(&found.content).map_err(|e| unreadable(e.to_string()))?;
    if record.cluster != cluster {
        let message = format!("it is of the cluster {}", record.cluster);
        return Err(unreadable(message));
    }
    Ok(Maintenance {
        revision: record.revision,
        drains: record.drains,
    })
}

/// The record as a file of a director.
pub fn file(cluster: &str, maintenance: &Maintenance) -> File {
    let record = Record {
        form: FORM,
        cluster: cluster.to_owned(),
        revision: maintenance.revision,
        drains: maintenance.drains.clone(),
    };
    // Serialisation cannot fail: the record has only numbers and text.
    let text = serde_json::to_string_pretty(&record).unwrap_or_default();
    File {
        path: host_paths::maintenance(cluster),
        content: format!("{text}\n"),
        mode: "0644".to_owned(),
        check: None,
    }
}

/// Whether a record with one drain more can still be read.
pub fn fits(cluster: &str, maintenance: &Maintenance) -> bool {
    file(cluster, maintenance).content.len() <= LONGEST
}

/// What is drained, since when, by whom, until when and why.
pub fn words(drain: &Drain) -> String {
    let place = match &drain.service {
        Some(service) => format!(" in {service}"),
        None => String::new(),
    };
    let since = to_the_minute(drain.since);
    let mut text = format!(
        "{} is drained{place} since {since} by {}",
        drain.host, drain.by
    );
    if let Some(until) = drain.until {
        text.push_str(&format!(", until {}", to_the_minute(until)));
    }
    if let Some(reason) = &drain.reason {
        text.push_str(&format!(", \"{reason}\""));
    }
    text
}

/// The text of a drain with the command that ends it.
pub fn note(drain: &Drain) -> String {
    format!("{}: `{}` ends that", words(drain), drain.end())
}

/// Steps that set weight 0 in a director's running table for real servers drained in `after` and not in `before`. They come
/// before keepalived's reload, which may take seconds.
pub fn at_once(before: &Cluster, after: &Cluster) -> Vec<Step> {
    let mut steps = Vec::new();
    for (old, service) in before.services.iter().zip(&after.services) {
        for desired in view::ipvs_of(after, service) {
            let servers = old.real_servers.iter().zip(&service.real_servers);
            for ((old, rs), made) in servers.zip(&desired.real_servers) {
                if old.weight == 0 || rs.weight != 0 {
                    continue;
                }
                let name = view::real_server(service, rs, made.address);
                steps.push(weight(&desired, made, &name));
            }
        }
    }
    steps
}

fn weight(desired: &ipvs::Ipvs, made: &Destination, name: &str) -> Step {
    Step::new(
        format!("weight 0 for {name}"),
        ipvs::weigh_script(desired.service.r#virtual, made),
        Phase::Main,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{self, BUILT_IN_ROLES};

    fn found(content: &str) -> Found {
        Found {
            regular: true,
            size: content.len(),
            mode: "644".to_owned(),
            owner: "root:root".to_owned(),
            modified: 0.0,
            changed: None,
            content: content.to_owned(),
        }
    }

    fn maintenance() -> Maintenance {
        let drain = Drain {
            host: "rs1".to_owned(),
            service: Some("web".to_owned()),
            by: "ann@desk".to_owned(),
            since: 1_790_000_000,
            until: Some(1_790_003_600),
            reason: Some("a \"new\" disk; $(reboot)".to_owned()),
        };
        Maintenance::default().with(drain)
    }

    #[test]
    fn a_record_reads_back_what_it_wrote() {
        let text = file("t", &maintenance()).content;
        assert_eq!(read("t", Some(&found(&text))), Ok(maintenance()));
        assert_eq!(read("t", None), Ok(Maintenance::default()));
    }

    #[test]
    fn a_drain_says_who_when_why_and_until() {
        let whole = &maintenance().drains[0];
        let bare = Drain {
            service: None,
            until: None,
            reason: None,
            ..whole.clone()
        };
        for (drain, text) in [
            (
                whole,
                "rs1 is drained in web since 2026-09-21 14:13 UTC by ann@desk, until 2026-09-21 15:13 UTC, \
                 \"a \"new\" disk; $(reboot)\": `lvsctl undrain rs1 --service web` ends that",
            ),
            (
                &bare,
                "rs1 is drained since 2026-09-21 14:13 UTC by ann@desk: `lvsctl undrain rs1` ends that",
            ),
        ] {
            assert_eq!(note(drain), text);
        }
    }

    #[test]
    fn what_is_no_record_is_refused() {
        let long = format!(
            "{}{}",
            file("t", &maintenance()).content,
            " ".repeat(LONGEST)
        );
        let link = Found {
            regular: false,
            ..found("")
        };
        for (about, found, message) in [
            ("empty", found(""), "cannot be read (EOF"),
            ("cut short", found("{\"form\": 1,"), "cannot be read (EOF"),
            ("no JSON", found("rs1\n"), "cannot be read (expected"),
            (
                "another cluster's",
                found("{\"form\":1,\"cluster\":\"u\",\"revision\":1,\"drains\":[]}"),
                "it is of the cluster u",
            ),
            (
                "a field more",
                found("{\"form\":1,\"cluster\":\"t\",\"revision\":1,\"drains\":[],\"x\":1}"),
                "unknown field `x`",
            ),
            (
                "a negative revision",
                found("{\"form\":1,\"cluster\":\"t\",\"revision\":-1,\"drains\":[]}"),
                "invalid value",
            ),
            (
                "a later form",
                found("{\"form\":2,\"anything\":[]}"),
                "has form 2, expected 1",
            ),
            ("too long", found(&long), "expected at most 65536 bytes"),
            ("a link", link, "no regular file"),
        ] {
            let error = read("t", Some(&found)).expect_err(about).to_string();
            assert!(error.contains(message), "{about}: {error}");
            assert!(error.contains("/var/lib/lvsctl/t.maintenance"), "{error}");
        }
    }

    #[test]
    fn only_what_is_newly_drained_gets_weight_0_at_once() {
        let text = "cluster: t\nnetworks: 10.0.0.0/24\nhosts:\n  lb1: { role: director, address: 10.0.0.1 }\n  \
                    lb2: { role: backup, address: 10.0.0.2 }\n  rs1: { role: realserver, address: 10.0.0.3 }\n  \
                    rs2: { role: realserver, address: 10.0.0.4, weight: 0 }\nvrrp: { virtual_router_id: 1 }\n\
                    services: { web: { vip: 10.0.0.9, port: [80, 443] }, mail: { vip: 10.0.0.9, port: 25 } }\n";
        let loaded = inventory::parse("t.yaml", text, BUILT_IN_ROLES).expect("a valid inventory");
        let inventory = &loaded.cluster;
        let after = maintenance().over(inventory);
        let steps = at_once(inventory, &after);
        let scripts: Vec<&str> = steps.iter().map(|step| step.script.as_str()).collect();
        assert_eq!(
            scripts,
            [
                "case $(ipvsadm -Sn) in *'-a -t 10.0.0.9:80 -r 10.0.0.3:80 '*) ipvsadm -e -t 10.0.0.9:80 -r 10.0.0.3:80 -g -w 0;; esac",
                "case $(ipvsadm -Sn) in *'-a -t 10.0.0.9:443 -r 10.0.0.3:443 '*) ipvsadm -e -t 10.0.0.9:443 -r 10.0.0.3:443 -g -w 0;; esac",
            ]
        );
        assert!(at_once(&after, &after).is_empty());
        assert!(at_once(&after, inventory).is_empty());
    }
}
