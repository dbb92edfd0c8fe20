//! Web pages to which no service sends requests: which hosts have them, at which VIPs and ports. What a page is to say
//! belongs in `check`.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{Serves, listens};
use crate::model::{Cluster, Host};

/// The role of the web server.
const WEB: &str = "web";

pub(crate) const HTTP: u16 = 80;
const HTTPS: u16 = 443;

/// The web pages of a host.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Pages {
    /// VIPs that VRRP moves and no service has.
    pub vips: BTreeSet<IpAddr>,
    /// Of 80 and 443 those on which the web server listens.
    pub ports: Vec<u16>,
}

/// The pages of a host with the role `web`; none where services alone send requests to it.
pub(crate) fn pages(cluster: &Cluster, host: &Host, serves: &Serves) -> Option<Pages> {
    if !host.has_role(WEB) {
        return None;
    }
    let services = cluster.service_vips();
    let is_gateway = |vip: &IpAddr| cluster.hosts.iter().any(|h| h.gateway == Some(*vip));
    let instances = cluster.vrrp.iter();
    let vips: BTreeSet<IpAddr> = instances
        .filter(|instance| instance.member(host).is_some())
        .flat_map(|instance| &instance.vips)
        .map(|vip| vip.address)
        .filter(|vip| !services.contains(vip) && !is_gateway(vip))
        .collect();
    if vips.is_empty() && !serves.parts().is_empty() {
        return None;
    }
    let listens = listens(cluster, host, serves);
    // nginx without a port of a service listens on 80.
    let by_itself = listens.http.is_empty() && listens.https.is_empty();
    let http = (by_itself || listens.http.contains(&HTTP)).then_some(HTTP);
    let https = listens.https.contains(&HTTPS).then_some(HTTPS);
    let ports = http.into_iter().chain(https).collect();
    Some(Pages { vips, ports })
}
