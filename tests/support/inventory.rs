//! An inventory of the hosts of a [`super::Lab`]: all of them real servers of one service.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::Lab;

/// As many as an inventory may have.
const MOST: usize = 1000;

/// Writes the inventory into the lab's folder. Nothing is at the director's address: `--limit realserver`.
pub(crate) fn write(lab: &Lab) -> PathBuf {
    let mut text = String::from(
        "cluster: fleet\nnetworks:\n  lan: 10.77.0.0/16\n\
         defaults: { interface: eth0, persist: false, ssh: { user: root, connect_timeout: 30 } }\nhosts:\n\
         \x20 lb: { role: director, address: 10.77.255.250 }\n",
    );
    // With the director.
    for host in lab.hosts.iter().take(MOST - 1) {
        let _ = writeln!(
            text,
            "  {}: {{ role: realserver, address: {} }}",
            host.name, host.address
        );
    }
    text.push_str("services:\n  web: { vip: 10.77.255.200, port: 80, mode: dr, scheduler: rr }\n");
    let path = lab.dir_file("inventory.yaml");
    std::fs::write(&path, text).expect("writes the inventory");
    path
}
