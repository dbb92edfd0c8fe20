//! An inventory as large as one may be, for bounds of time.

use std::fmt::Write as _;

/// Two directors under keepalived, all other hosts real servers, which serve every service with a page.
pub(crate) fn inventory(hosts: usize, services: usize) -> String {
    let mut text = String::from(
        "cluster: large\nnetworks: { lan: 10.0.0.0/8 }\n\
         defaults: { interface: eth0, ssh: { user: root } }\nhosts:\n  \
         lb1: { role: director, address: 10.0.0.1 }\n  \
         lb2: { role: backup, address: 10.0.0.2 }\n",
    );
    for n in 1..=hosts.saturating_sub(2) {
        let (high, low) = (n / 250, n % 250 + 1);
        let _ = writeln!(
            text,
            "  rs{n}: {{ role: [realserver, web], address: 10.1.{high}.{low} }}"
        );
    }
    text.push_str("vrrp: { virtual_router_id: 10 }\nservices:\n");
    for n in 1..=services {
        let (high, low) = (n / 250, n % 250 + 1);
        let _ = writeln!(
            text,
            "  s{n}: {{ vip: 10.2.{high}.{low}, port: 80, scheduler: wlc, health_check: http }}"
        );
    }
    text
}
