//! The host of the step reboots as after a crash: nothing is stopped before. Clients notice that, whatever the run does.

use std::time::Duration;

use lvsctl::lab;

use super::Kind;

/// How long the host may take to come back.
const REBOOT: Duration = Duration::from_secs(240);

pub(crate) const KIND: Kind = Kind {
    name: "reboot",
    unnoticed: false,
    strike: |pair, _, host| {
        let name = pair.cluster.name.clone();
        let before = lab::boot_ids(&name, &[host]).expect("a boot id");
        // The command has ended before the connection is gone.
        pair.cluster.on(
            host,
            "setsid sh -c 'sleep 0.2; reboot -ff' </dev/null >/dev/null 2>&1 &",
        );
        let is_client = host == "client";
        Box::new(move || {
            lab::wait_rebooted(&name, &before, REBOOT).expect("the host came back");
            if is_client {
                pair.add_addresses();
            }
        })
    },
};
