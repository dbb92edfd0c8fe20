//! Files that restore a host's resources at boot: a node script with `start`, `stop` and `status`, its unit, a sysctl drop-in
//! and a list of modules. What others set at boot is judged in `check::boot`.

use serde_json::json;

use crate::model::Cluster;
use crate::resource::distribution::Distribution;
use crate::resource::file::File;
use crate::resource::service_manager::ServiceManager;
use crate::resource::unit::Unit;
use crate::resource::{NodeLines, Resource};
use crate::template::{Reads, Scope, TemplateError, Templates};

/// The unit that runs the node script.
pub fn unit(cluster: &str) -> String {
    format!("lvsctl-{cluster}.service")
}

/// Whether two lists of resources need the same boot files.
pub fn are_alike(one: &[Resource], other: &[Resource]) -> bool {
    let is_left_out = |r: &Resource| {
        !matches!(r, Resource::Sysctl(_) | Resource::Module(_)) && r.node().is_none()
    };
    one.len() == other.len()
        && one
            .iter()
            .zip(other)
            .all(|(one, other)| one == other || (is_left_out(one) && is_left_out(other)))
}

/// The variables that the templates of these files read; None: not known from their text.
pub fn reads(templates: &Templates) -> Option<Reads> {
    let mut all = Reads::from([vec!["os".to_owned()]]);
    for name in TEMPLATES {
        all.append(&mut templates.reads_of_template(name)?);
    }
    Some(all)
}

const MODULES: &str = "modules.conf.tera";
const SYSCTLS: &str = "sysctl.conf.tera";
const SCRIPT: &str = "node.sh.tera";
const SYSTEMD: &str = "node.systemd.tera";
const OPENRC: &str = "node.openrc.tera";
const TEMPLATES: [&str; 5] = [MODULES, SYSCTLS, SCRIPT, SYSTEMD, OPENRC];

/// The files and the unit that restore `resources` at boot.
pub fn files(
    resources: &[Resource],
    templates: &Templates,
    scope: &Scope,
    cluster: &Cluster,
    os: &Distribution,
) -> Result<Vec<Resource>, TemplateError> {
    let mut made = Vec::new();
    let name = &cluster.name;
    let lines: Vec<(&'static str, String, NodeLines)> = resources
        .iter()
        .filter_map(|r| Some((r.kind(), r.key(), r.node()?)))
        .collect();
    if lines.is_empty() {
        return Ok(made);
    }
    let script = format!("/usr/local/sbin/lvsctl-{name}");
    let unit = unit(name);
    let sysctls: Vec<_> = resources
        .iter()
        .filter_map(|r| match r {
            Resource::Sysctl(s) if s.is_set_early() => {
                Some(json!({ "name": s.name, "value": s.value }))
            }
            _ => None,
        })
        .collect();
    let modules: Vec<_> = resources
        .iter()
        .filter_map(|r| match r {
            Resource::Module(m) => Some(m.name.clone()),
            _ => None,
        })
        .collect();
    let parts: Vec<_> = lines
        .iter()
        .map(|(kind, key, lines)| json!({ "kind": kind, "key": key, "start": lines.start, "stop": lines.stop, "status": lines.status }))
        .collect();
    let reversed: Vec<_> = parts.iter().rev().cloned().collect();
    let scope = scope
        .with("parts", &json!(parts))
        .with("parts_reversed", &json!(reversed))
        .with("sysctls", &json!(sysctls))
        .with("modules_to_load", &json!(modules))
        .with("script", &json!(script))
        .with("unit", &json!(unit));
    let file = |path: String, template: &str, mode: &str| {
        let content = templates.render(template, &scope)?;
        Ok::<_, TemplateError>(Resource::File(File {
            path,
            content,
            mode: mode.to_owned(),
            check: None,
        }))
    };
    if !modules.is_empty() {
        made.push(file(
            format!("/etc/modules-load.d/lvsctl-{name}.conf"),
            MODULES,
            "0644",
        )?);
    }
    if !sysctls.is_empty() {
        made.push(file(
            format!("/etc/sysctl.d/90-lvsctl-{name}.conf"),
            SYSCTLS,
            "0644",
        )?);
    }
    made.push(file(script.clone(), SCRIPT, "0755")?);
    made.push(file(
        os.definition(&unit),
        match os.service_manager {
            ServiceManager::Systemd => SYSTEMD,
            ServiceManager::Openrc => OPENRC,
        },
        os.definition_mode,
    )?);
    made.push(Resource::Unit(Unit {
        name: unit,
        enabled: true,
        active: true,
        reads: Vec::new(),
        reloads: false,
    }));
    Ok(made)
}
