//! `lvsctl check`: all checks that need no host.

use crate::cli::Global;
use crate::exit::Exit;
use crate::report::count;

use super::{Result, context, own_address, print, secrets};

pub(super) fn run(global: &Global) -> Result<Exit> {
    let context = context::load(global)?;
    own_address::check(global, &context)?;
    let cluster = context.cluster();
    let resources: usize = context
        .hosts(global)?
        .iter()
        .map(|host| context.count_desired(host))
        .sum();
    for replaced in context.roles.replaced() {
        eprintln!("warning: {replaced}; rename it if that is not meant");
    }
    context::warn(global, &context.loaded.advice());
    context::warn(global, &secrets::look(global, &context)?);
    print(&format!(
        "{}: cluster {} is valid: {}, {}, {}\n",
        global.inventory.display(),
        cluster.name,
        count(cluster.hosts.len(), "host"),
        count(cluster.services.len(), "service"),
        count(resources, "resource"),
    ))?;
    Ok(Exit::Done)
}
