//! The fault catalogue as its files hold it: `tests/faults/cases/GROUP/NAME.yaml`. docs/faults.md is made from it.
//! How a fault is injected belongs in `tests/faults`.

#![allow(dead_code)] // Each test program uses a part of this.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fault {
    /// `GROUP::NAME`, of its folder and file.
    pub name: String,
    pub about: String,
    /// Inventories whose clusters it is injected into, one after the other.
    pub topologies: Vec<String>,
    pub inject: Vec<Act>,
    pub bites: Option<Act>,
    /// Check ids; none: any error or warning that is about a host of the fault.
    pub finds: Option<Vec<String>>,
    /// No check finds it yet.
    pub is_new: bool,
    pub repaired_by: Vec<Repair>,
    pub undo: Vec<Act>,
    pub traffic: bool,
    /// It changes what the next boot or a timer does, and nothing that runs.
    pub boot: bool,
}

/// Shell text, run as root on a host.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Act {
    /// The host's name, or `master` or `backup` for the directors.
    pub host: String,
    pub run: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub(crate) enum Repair {
    /// `lvsctl apply`.
    Apply,
    /// The commands of the findings' fixes.
    Fix,
    /// `undo` of the fault.
    Undo,
}

/// Three faults at once, on different hosts.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mixed {
    pub topology: String,
    /// Names of faults.
    pub faults: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    about: String,
    topology: Option<String>,
    topologies: Option<Vec<String>>,
    host: Option<String>,
    inject: Value,
    bites: Option<Value>,
    finds: Value,
    expects: Option<Expects>,
    repaired_by: Value,
    undo: Option<Value>,
    traffic: Option<bool>,
    #[serde(default)]
    boot: bool,
}

#[derive(PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Expects {
    New,
}

/// A fault from the text of its file.
pub(crate) fn parse(name: &str, text: &str) -> Result<Fault, String> {
    let file: File = serde_yaml::from_str(text).map_err(|error| format!("{name}: {error}"))?;
    let err = |what: String| format!("{name}: {what}");
    let topologies = match (file.topology, file.topologies) {
        (Some(one), None) => vec![one],
        (None, Some(many)) if !many.is_empty() => many,
        _ => return Err(err("expected `topology` or a list `topologies`".to_owned())),
    };
    let acts = |value: &Value| acts(value, file.host.as_deref()).map_err(err);
    let bites = file.bites.as_ref().map(acts).transpose()?;
    let finds = match file.finds {
        Value::String(word) if word == "any" => None,
        list => {
            let ids: Vec<String> =
                serde_json::from_value(list).map_err(|e| err(format!("`finds`: {e}")))?;
            if ids.is_empty() {
                return Err(err("`finds` names no check".to_owned()));
            }
            Some(ids)
        }
    };
    let repaired_by = match file.repaired_by {
        Value::Array(all) => Value::Array(all),
        one => Value::Array(vec![one]),
    };
    let repaired_by: Vec<Repair> =
        serde_json::from_value(repaired_by).map_err(|e| err(format!("`repaired_by`: {e}")))?;
    let undo = file
        .undo
        .as_ref()
        .map(acts)
        .transpose()?
        .unwrap_or_default();
    if repaired_by.is_empty() || repaired_by.contains(&Repair::Undo) && undo.is_empty() {
        return Err(err("`repaired_by` names nothing that is there".to_owned()));
    }
    Ok(Fault {
        name: name.to_owned(),
        about: file.about,
        topologies,
        inject: acts(&file.inject)?,
        bites: bites.and_then(|all| all.into_iter().next()),
        finds,
        is_new: file.expects == Some(Expects::New),
        repaired_by,
        undo,
        traffic: file.traffic.unwrap_or(!file.boot),
        boot: file.boot,
    })
}

/// Shell text for the fault's host, one act, or a list of acts.
fn acts(value: &Value, host: Option<&str>) -> Result<Vec<Act>, String> {
    match value {
        Value::String(run) => {
            let host = host.ok_or("shell text without a `host`")?.to_owned();
            Ok(vec![Act {
                host,
                run: run.clone(),
            }])
        }
        Value::Array(all) => {
            let all: Result<Vec<Vec<Act>>, String> =
                all.iter().map(|one| acts(one, host)).collect();
            Ok(all?.concat())
        }
        one => {
            let act = serde_json::from_value(one.clone()).map_err(|e| e.to_string())?;
            Ok(vec![act])
        }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults")
}

/// The files of a folder two levels deep: `GROUP::NAME` and the text.
fn files(folder: &Path) -> Vec<(String, String)> {
    let names = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut all: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        all.sort();
        all
    };
    let stem = |path: &Path| path.file_stem().map(|s| s.to_string_lossy().into_owned());
    let mut all = Vec::new();
    for group in names(folder) {
        for file in names(&group) {
            let text = std::fs::read_to_string(&file).expect("a file of the catalogue");
            let name = [stem(&group), stem(&file)].map(Option::unwrap_or_default);
            all.push((name.join("::"), text));
        }
    }
    all
}

/// All faults, by name.
pub(crate) fn catalogue() -> Result<Vec<Fault>, String> {
    let files = files(&folder().join("cases"));
    files.iter().map(|(name, text)| parse(name, text)).collect()
}

/// All combinations, by name.
pub(crate) fn combinations() -> Result<Vec<(String, Mixed)>, String> {
    let text = std::fs::read_to_string(folder().join("mixed.yaml")).map_err(|e| e.to_string())?;
    let all: std::collections::BTreeMap<String, Mixed> =
        serde_yaml::from_str(&text).map_err(|error| format!("mixed.yaml: {error}"))?;
    Ok(all.into_iter().collect())
}
