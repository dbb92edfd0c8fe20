//! `lvsctl check`: everything that can be known without a host.

use crate::cli::Global;
use crate::exit::Exit;
use crate::report::count;

use super::{Result, print, secrets, setup};

pub fn run(global: &Global) -> Result<Exit> {
    let setup = setup::load(global)?;
    let cluster = setup.cluster();
    let resources: usize = setup
        .hosts(global)?
        .iter()
        .map(|host| setup.wanted(host).len())
        .sum();
    for replaced in setup.roles.replaced() {
        eprintln!("warning: {replaced}; rename it if that is not meant");
    }
    setup::warn(global, &setup.loaded.advice());
    setup::warn(global, &secrets::look(global, &setup)?);
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
