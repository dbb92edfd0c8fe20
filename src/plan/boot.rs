//! What the next boot does: from a host's resources, the files that bring the same state back. One node script
//! with `start`, `stop` and `status`, its unit, a sysctl drop-in and a list of modules.

use serde_json::json;

use crate::model::Cluster;
use crate::resource::distribution::Distribution;
use crate::resource::file::File;
use crate::resource::service_manager::ServiceManager;
use crate::resource::unit::Unit;
use crate::resource::{NodeLines, Resource};
use crate::template::{Scope, TemplateError, Templates};

/// The unit that runs the node script.
pub fn unit(cluster: &str) -> String {
    format!("lvsctl-{cluster}.service")
}

/// Adds the files and the unit that make `resources` last.
pub fn add(
    resources: &mut Vec<Resource>,
    templates: &Templates,
    scope: &Scope,
    cluster: &Cluster,
    os: &Distribution,
) -> Result<(), TemplateError> {
    let name = &cluster.name;
    let lines: Vec<(&'static str, String, NodeLines)> = resources
        .iter()
        .filter_map(|r| Some((r.kind(), r.key(), r.node()?)))
        .collect();
    if lines.is_empty() {
        return Ok(());
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
        resources.push(file(
            format!("/etc/modules-load.d/lvsctl-{name}.conf"),
            "modules.conf.tera",
            "0644",
        )?);
    }
    if !sysctls.is_empty() {
        resources.push(file(
            format!("/etc/sysctl.d/90-lvsctl-{name}.conf"),
            "sysctl.conf.tera",
            "0644",
        )?);
    }
    resources.push(file(script.clone(), "node.sh.tera", "0755")?);
    resources.push(file(
        os.definition(&unit),
        match os.service_manager {
            ServiceManager::Systemd => "node.systemd.tera",
            ServiceManager::Openrc => "node.openrc.tera",
        },
        os.definition_mode,
    )?);
    resources.push(Resource::Unit(Unit {
        name: unit,
        enabled: true,
        active: true,
        reads: Vec::new(),
        reloads: false,
    }));
    Ok(())
}
