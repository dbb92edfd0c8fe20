//! `lvsctl check`: everything that can be known without a host.

use crate::cli::Global;
use crate::exit::Exit;

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
    setup::warn(global, &secrets::look(global, &setup)?);
    print(&format!(
        "{}: cluster {} is valid: {}, {}, {}\n",
        global.inventory.display(),
        cluster.name,
        counted(cluster.hosts.len(), "host"),
        counted(cluster.services.len(), "service"),
        counted(resources, "resource"),
    ))?;
    Ok(Exit::Done)
}

fn counted(number: usize, what: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {what}{s}")
}
