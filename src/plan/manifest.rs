//! The manifest: a file on the host, one for each cluster, that lists lvsctl's resources and their previous state. Its format
//! and path; when it is written is decided in [`crate::plan`]. Without it nothing shows what may be removed.

use serde::{Deserialize, Serialize};

use crate::host_paths::{self, BACKUPS, GUARDS, STATE};
use crate::resource::{Before, Resource};
use crate::shell::{quote, text_in_place};

/// The format that this version writes. It also reads format 1, where the previous state is a text with a syntax of its kind.
const FORM: u32 = 2;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    form: u32,
    pub cluster: String,
    /// In the order in which they were made.
    pub entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub resource: Resource,
    #[serde(default)]
    pub before: Before,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    #[error(
        "the manifest {path} cannot be read ({message}); move it away, and `apply` adopts what is in the desired state"
    )]
    Unreadable { path: String, message: String },
    #[error(
        "the manifest {path} has form {found}, expected {FORM} or less; use the lvsctl version that wrote it"
    )]
    Form { path: String, found: u32 },
}

impl Manifest {
    pub fn new(cluster: &str) -> Self {
        Self {
            form: FORM,
            cluster: cluster.to_owned(),
            entries: Vec::new(),
        }
    }

    /// Reads a manifest's text; an empty one is that of a host that has none.
    pub fn parse(cluster: &str, text: &str) -> Result<Self, ManifestError> {
        if text.trim().is_empty() {
            return Ok(Self::new(cluster));
        }
        let path = host_paths::manifest(cluster);
        let mut manifest: Self =
            serde_json::from_str(text).map_err(|e| ManifestError::Unreadable {
                path: path.clone(),
                message: e.to_string(),
            })?;
        match manifest.form {
            FORM => {}
            1 => manifest.upgrade(),
            found => return Err(ManifestError::Form { path, found }),
        }
        Ok(manifest)
    }

    /// Converts entries of format 1.
    fn upgrade(&mut self) {
        self.form = FORM;
        for entry in &mut self.entries {
            if let Before::Value(text) = &mut entry.before {
                let text = std::mem::take(text);
                entry.before = entry.resource.before_of_text(text);
            }
        }
    }

    pub fn entry(&self, resource: &Resource) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| entry.resource.is_same_as(resource))
    }

    /// Replaces the entries of the same resources by `entries`, in the order of `desired`. Entries that are no longer desired
    /// stay at the end.
    pub fn with(&self, desired: &[Resource], entries: &[Entry]) -> Self {
        let mut next = Self::new(&self.cluster);
        let entry = |resource: &Resource| {
            let mut new = entries.iter();
            new.find(|entry| entry.resource.is_same_as(resource))
                .or_else(|| self.entry(resource))
        };
        next.entries
            .extend(desired.iter().filter_map(entry).cloned());
        let is_desired = |entry: &Entry| desired.iter().any(|r| r.is_same_as(&entry.resource));
        let gone = self.entries.iter().filter(|entry| !is_desired(entry));
        next.entries.extend(gone.cloned());
        next
    }

    /// The text, with one entry per line so that a person can read it.
    pub fn text(&self) -> String {
        let entries: Vec<String> = self
            .entries
            .iter()
            .filter_map(|entry| serde_json::to_string(entry).ok())
            .map(|line| format!("    {line}"))
            .collect();
        let cluster = serde_json::Value::from(self.cluster.as_str());
        format!(
            "{{\n  \"form\": {FORM},\n  \"cluster\": {cluster},\n  \"entries\": [\n{}\n  ]\n}}\n",
            entries.join(",\n")
        )
    }

    /// Shell text that writes this manifest, or deletes the file if there are no entries. Then it runs `forget`, which
    /// deletes backups that only the previous manifest named.
    pub fn store(&self, forget: &str) -> String {
        let path = quote(&host_paths::manifest(&self.cluster));
        if self.entries.is_empty() {
            let guard = quote(&host_paths::guard(&self.cluster));
            return format!(
                "rm -f {path}\n{forget}[ -e {guard}/armed ] || rm -rf {guard}\nrm -rf {guard}.previous\n\
                 rmdir {BACKUPS} {GUARDS} {STATE} 2>/dev/null || :\nrm -rf {} {}\n",
                quote(&host_paths::runtime(&self.cluster)),
                // The health checker's folder, which its unit keeps over restarts.
                quote(&format!("{}-health", host_paths::runtime(&self.cluster)))
            );
        }
        let path = host_paths::manifest(&self.cluster);
        let stage = format!("{path}.new");
        let write = text_in_place(&self.text(), &stage, &path);
        format!("umask 077\n[ -d {STATE} ] || mkdir -p {STATE}\n{write}{forget}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::sysctl::Sysctl;

    #[test]
    fn a_manifest_reads_back_what_it_wrote() {
        let mut manifest = Manifest::new("t1");
        let resource = Resource::Sysctl(Sysctl {
            name: "net.ipv4.ip_forward".into(),
            value: "1".into(),
            instead_of: None,
            if_exists: false,
        });
        manifest.entries.push(Entry {
            resource,
            before: Before::Value("0".into()),
        });
        assert_eq!(Manifest::parse("t1", &manifest.text()).unwrap(), manifest);
        assert_eq!(Manifest::parse("t1", "").unwrap(), Manifest::new("t1"));
        assert!(matches!(
            Manifest::parse("t1", "{"),
            Err(ManifestError::Unreadable { .. })
        ));
    }

    /// As lvsctl wrote it before undo state had a type of each kind's own.
    #[test]
    fn a_manifest_of_form_1_is_read() {
        let text = r#"{
  "form": 1,
  "cluster": "t1",
  "entries": [
    {"resource":{"sysctl":{"name":"net.ipv4.ip_forward","value":"1"}},"before":{"value":"0"}},
    {"resource":{"unit":{"name":"nginx.service","enabled":true,"active":true}},"before":{"value":"true false"}},
    {"resource":{"route":{"to":"0.0.0.0/0","via":"10.0.0.1"}},"before":{"value":"{\"to\":\"0.0.0.0/0\",\"interface\":\"eth0\",\"via\":\"10.0.0.254\"}"}},
    {"resource":{"file":{"path":"/etc/a","content":""}},"before":{"value":"/var/lib/lvsctl/backup/etc%2fa"}},
    {"resource":{"link":{"name":"tunl0"}},"before":{"value":"down"}},
    {"resource":{"neighbour":{"address":"10.0.0.9","lladdr":"52:54:00:00:00:02","interface":"eth0"}},"before":{"value":"52:54:00:00:00:01"}},
    {"resource":{"address":{"address":"10.0.0.5/32","interface":"lo"}},"before":"same"},
    {"resource":{"package":{"names":["nginx"]}},"before":"absent"},
    {"resource":{"module":{"name":"ip_vs"}}}
  ]
}"#;
        let manifest = Manifest::parse("t1", text).unwrap();
        let before: Vec<&Before> = manifest.entries.iter().map(|entry| &entry.before).collect();
        assert_eq!(
            before,
            [
                &Before::Value("0".into()),
                &Before::Unit {
                    enabled: true,
                    active: false
                },
                &Before::Route {
                    interface: Some("eth0".into()),
                    via: Some([10, 0, 0, 254].into())
                },
                &Before::Backup("/var/lib/lvsctl/backup/etc%2fa".into()),
                &Before::Down,
                &Before::Value("52:54:00:00:00:01".into()),
                &Before::Same,
                &Before::Absent,
                &Before::Absent,
            ]
        );
        assert!(manifest.text().contains("\"form\": 2"));
        assert_eq!(Manifest::parse("t1", &manifest.text()).unwrap(), manifest);
    }
}
