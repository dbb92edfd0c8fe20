//! The oldest release of keepalived that knows all keywords of the rendered configuration.

use crate::model::{Cluster, HttpAnswer, Scheduler, Service};
use crate::resource::package::{AtLeast, Except};

/// A word of keepalived.conf, and the first release that knows it.
struct Word {
    version: &'static str,
    because: &'static str,
    used: fn(&Service) -> bool,
}

/// The newest first. All other words that we write are as old as `keepalived -t`.
const WORDS: &[Word] = &[
    Word {
        version: "2.2.5",
        because: "it is the first that knows the scheduler `twos`",
        used: |service| service.scheduler == Scheduler::Twos,
    },
    Word {
        version: "2.0.20",
        because: "it is the first that takes `mh-port` and `mh-fallback`",
        used: |service| service.scheduler_flags.iter().any(|f| f.starts_with("mh-")),
    },
    Word {
        version: "2.0.20",
        because: "it is the first that takes `preferred_lft`, without which an IPv6 VIP of a prefix other than 128 becomes a source address",
        used: |service| {
            let mut vips = service.vips.iter();
            vips.any(|vip| vip.address.is_ipv6() && vip.prefix < 128)
        },
    },
    Word {
        version: "2.0.17",
        because: "it is the first that takes more than one `status`",
        used: |service| page(service).is_some_and(|page| !page.status.is_one()),
    },
    Word {
        version: "2.0.17",
        because: "it is the first that can ask by HTTP 1.1",
        used: |service| page(service).is_some_and(|page| !page.version.is_default()),
    },
    Word {
        version: "2.0.16",
        because: "older ones take a weight of 0 for 1",
        used: has_weight_of_0,
    },
    Word {
        version: "2.0.7",
        because: "it is the first that knows the scheduler `mh`",
        used: |service| service.scheduler == Scheduler::Mh,
    },
    Word {
        version: "2.0.7",
        because: "`text` of a health check is its `regex`",
        used: |service| page(service).is_some_and(|page| page.text.is_some()),
    },
];

/// keepalived refuses the weight and keeps its default, 1 (check_parser.c), and 2.1.0 to 2.1.5
/// take 0 for 1 when they set it (ipwrapper.c).
fn has_weight_of_0(service: &Service) -> bool {
    service.real_servers.iter().any(|real| real.weight == 0)
}

/// What a health check asks for by HTTP or HTTPS. For its `text` keepalived must also have been built with
/// `--enable-regex`, which no version number shows: `keepalived -t` does.
fn page(service: &Service) -> Option<&HttpAnswer> {
    service.health_check.as_ref()?.kind.page()
}

/// The oldest keepalived that has what our configuration says.
pub(super) fn at_least(cluster: &Cluster) -> AtLeast {
    let needed = WORDS
        .iter()
        .find(|word| cluster.services.iter().any(word.used));
    let (version, because) = needed.map_or(("2.0.5", "`keepalived -t` reports faults"), |word| {
        (word.version, word.because)
    });
    let drained = cluster.services.iter().any(has_weight_of_0);
    AtLeast {
        version: version.to_owned(),
        because: because.to_owned(),
        except: drained.then(|| Except {
            first: "2.1.0".to_owned(),
            last: "2.1.5".to_owned(),
            because: "these take a weight of 0 for 1".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use version_compare::{Cmp, compare_to};

    use super::*;
    use crate::inventory::{self, BUILT_IN_ROLES};

    fn cluster(services: &[&str]) -> Cluster {
        let mut text = "cluster: t\nnetworks: 10.2.0.0/24\nhosts:\n  \
             lb1: { role: director, address: 10.2.0.11 }\n  lb2: { role: backup, address: 10.2.0.12 }\n  \
             rs1: { role: realserver, address: 10.2.0.21 }\n  \
             rs2: { role: realserver, address: 10.2.0.22 }\nvrrp: { virtual_router_id: 10 }\nservices:\n"
            .to_owned();
        for (port, keys) in (8001..).zip(services) {
            text += &format!("  s{port}: {{ vip: 10.2.0.80, port: {port}, {keys} }}\n");
        }
        inventory::parse("t.yaml", &text, BUILT_IN_ROLES)
            .unwrap_or_else(|e| panic!("{}", e.render(100, false)))
            .cluster
    }

    #[test]
    fn the_newest_word_decides() {
        let page = "health_check: { http: { text: OK } }";
        for (services, version, reason) in [
            (vec!["scheduler: rr"], "2.0.5", "keepalived -t"),
            (vec!["scheduler: ovf"], "2.0.5", "keepalived -t"),
            (
                vec!["scheduler: sh, scheduler_flags: [sh-port, sh-fallback]"],
                "2.0.5",
                "keepalived -t",
            ),
            (vec!["health_check: http"], "2.0.5", "keepalived -t"),
            (vec![page], "2.0.7", "`text`"),
            (
                vec!["health_check: { https: { text: OK } }"],
                "2.0.7",
                "`text`",
            ),
            (
                vec!["health_check: { http: { status: 401, version: 1.0 } }"],
                "2.0.5",
                "keepalived -t",
            ),
            (
                vec!["health_check: { http: { status: 200-299 } }"],
                "2.0.17",
                "`status`",
            ),
            (
                vec!["health_check: { https: { status: [200, 302], text: OK } }"],
                "2.0.17",
                "`status`",
            ),
            (
                vec!["health_check: { http: { version: 1.1 } }"],
                "2.0.17",
                "HTTP 1.1",
            ),
            (vec!["scheduler: mh"], "2.0.7", "`mh`"),
            (
                vec!["real_servers: { rs1: { weight: 0 }, rs2: }"],
                "2.0.16",
                "weight of 0",
            ),
            (
                vec!["scheduler: mh, scheduler_flags: mh-port"],
                "2.0.20",
                "`mh-port`",
            ),
            (
                vec!["scheduler: mh, scheduler_flags: mh-fallback"],
                "2.0.20",
                "`mh-fallback`",
            ),
            (vec!["scheduler: twos"], "2.2.5", "`twos`"),
            (
                vec![
                    "real_servers: { rs1: { weight: 0 }, rs2: }",
                    "scheduler: mh, scheduler_flags: mh-port",
                ],
                "2.0.20",
                "`mh-port`",
            ),
            (
                vec![
                    page,
                    "scheduler: twos",
                    "scheduler: mh, scheduler_flags: mh-port",
                ],
                "2.2.5",
                "`twos`",
            ),
        ] {
            let least = at_least(&cluster(&services));
            // The fault of some releases counts where a weight is 0, whatever else is needed.
            let drained = services.iter().any(|s| s.contains("weight: 0"));
            assert_eq!(least.except.is_some(), drained, "{services:?}");
            assert_eq!(least.version, version, "{services:?}");
            assert!(
                least.because.contains(reason),
                "{services:?}: {}",
                least.because
            );
        }
    }

    #[test]
    fn an_ipv6_vip_of_a_shorter_prefix_needs_a_word() {
        for (prefix, version) in [("", "2.0.5"), ("/128", "2.0.5"), ("/64", "2.0.20")] {
            let text = format!(
                "cluster: t\nnetworks: {{ lan: 'fd00::/64' }}\nhosts:\n  lb1: {{ role: director, address: 'fd00::11' }}\n  \
                 lb2: {{ role: backup, address: 'fd00::12' }}\n  rs1: {{ role: realserver, address: 'fd00::21' }}\n\
                 vrrp: {{ virtual_router_id: 10 }}\nservices:\n  web: {{ vip: 'fd00::80{prefix}', port: 80 }}\n"
            );
            let cluster = inventory::parse("t.yaml", &text, BUILT_IN_ROLES)
                .unwrap_or_else(|e| panic!("{}", e.render(100, false)))
                .cluster;
            assert_eq!(at_least(&cluster).version, version, "{prefix}");
        }
    }

    #[test]
    fn the_newest_word_comes_first() {
        for pair in WORDS.windows(2) {
            let falls = compare_to(pair[0].version, pair[1].version, Cmp::Ge);
            assert_eq!(falls, Ok(true), "{}", pair[1].because);
        }
    }
}
