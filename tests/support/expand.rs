//! Roles and templates of the user's over two hosts.

use std::collections::BTreeMap;
use std::fs;

use lvsctl::inventory::{self, Problem};
use lvsctl::resource::{Distribution, Resource};
use lvsctl::role::{RoleError, RoleFaults, Roles};

const INVENTORY: &str = "
cluster: web
networks: 192.168.100.0/24
vars: { sites: [{ name: a, port: 1 }, { name: b }] }
hosts:
  lb1: { role: [mine, director, realserver], address: 192.168.100.14 }
  web1: { role: [mine, realserver], address: 192.168.100.15, vars: { colour: blue } }
services: { web: { vip: 192.168.100.200, port: 80 } }
";

/// Each host's resources; or what is wrong with the user's files, with the excerpts.
pub(crate) type Expanded = Result<BTreeMap<String, Vec<Resource>>, (Vec<Problem>, String)>;

/// With a role `mine` and a template `odd.tera`.
pub(crate) fn expand(role: &str, template: &str) -> Expanded {
    expand_files(&[("roles/mine.yaml", role), ("templates/odd.tera", template)])
}

/// With these files.
pub(crate) fn expand_files(files: &[(&str, &str)]) -> Expanded {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("roles")).expect("a folder");
    fs::create_dir(at("templates")).expect("a folder");
    for (name, text) in files {
        fs::write(at(name), text).expect("a file");
    }
    let said = |error: RoleError| {
        let shown = error.render(100, false).unwrap_or_default();
        let shown = shown.replace(&format!("{}/", folder.path().display()), "");
        (error.problems(), shown)
    };
    let roles = Roles::load(Some(folder.path())).map_err(said)?;
    let names: Vec<&str> = roles.names().collect();
    let loaded = inventory::parse("web.yaml", INVENTORY, &names).expect("the inventory");
    let expansion = roles.over(&loaded.cluster);
    let mut all = BTreeMap::new();
    let mut faults = RoleFaults::default();
    for host in &loaded.cluster.hosts {
        match expansion.of(host, &Distribution::assumed()) {
            Ok(made) => drop(all.insert(host.name.clone(), made)),
            Err(RoleError::Faulty(more)) => faults.join(more),
            Err(error) => return Err(said(error)),
        }
    }
    if faults.problems().is_empty() {
        Ok(all)
    } else {
        Err(said(faults.into()))
    }
}

/// `FILE:LINE:COLUMN: MESSAGE` of each problem.
pub(crate) fn lines(problems: &[Problem]) -> Vec<String> {
    let line = |problem: &Problem| {
        let file = problem.file();
        let start = file.find("roles/").or_else(|| file.find("templates/"));
        let file = start.map_or(file, |at| &file[at..]);
        let (line, column) = problem.position().unwrap_or_default();
        format!("{file}:{line}:{column}: {}", problem.message())
    };
    problems.iter().map(line).collect()
}
