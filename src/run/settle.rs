//! After a change under keepalived: waiting until a director has taken each VIP, so that a run which ends well
//! leaves a cluster that serves.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::fleet::Fleet;
use super::host::HostRun;
use crate::inventory::model::{Cluster, VrrpInstance};

/// How often the directors are asked.
const PAUSE: Duration = Duration::from_millis(250);

/// A director takes over after three adverts and a skew did not come (RFC 5798, 6.1); loaded hosts take longer.
fn patience(cluster: &Cluster) -> Duration {
    let longest = cluster
        .vrrp
        .iter()
        .map(|instance| instance.advert_int)
        .fold(1.0, f64::max);
    Duration::from_secs_f64(10.0 + 4.0 * longest)
}

/// VIPs that no director held in time.
pub fn wait(fleet: &Fleet, hosts: &mut [&mut HostRun]) -> Vec<IpAddr> {
    let cluster = fleet.run.cluster;
    let vips = |instance: &VrrpInstance| {
        instance
            .vips
            .iter()
            .map(|vip| vip.address)
            .collect::<Vec<_>>()
    };
    let mut waiting: Vec<IpAddr> = cluster.vrrp.iter().flat_map(vips).collect();
    let deadline = Instant::now() + patience(cluster);
    while !waiting.is_empty() {
        for host in hosts.iter_mut() {
            let Ok(output) = host.ask("waiting for a master", "ip -o addr show") else {
                continue;
            };
            let holds = |vip: &IpAddr| {
                output
                    .stdout
                    .split_whitespace()
                    .any(|word| word.split('/').next() == Some(&vip.to_string()))
            };
            waiting.retain(|vip| !holds(vip));
        }
        if waiting.is_empty() || Instant::now() > deadline || fleet.run.interrupt.is_set() {
            break;
        }
        std::thread::sleep(PAUSE);
    }
    waiting
}
