//! Edits of the inventory, each with the way back.

pub(crate) struct Edit {
    pub name: &'static str,
    pub from: &'static str,
    pub to: &'static str,
}

impl Edit {
    pub(crate) fn back(&self) -> Self {
        Self {
            name: self.name,
            from: self.to,
            to: self.from,
        }
    }
}

const fn edit(name: &'static str, from: &'static str, to: &'static str) -> Edit {
    Edit { name, from, to }
}

/// What clients must not notice. The way back of the first two removes a real server and a director.
pub(crate) const HITLESS: &[Edit] = &[
    REAL_SERVER,
    DIRECTOR,
    WEIGHT,
    edit(
        "weight-0",
        "rs2: { role: [realserver, web], address: 192.168.100.13 }",
        "rs2: { role: [realserver, web], address: 192.168.100.13, weight: 0 }",
    ),
    edit(
        "weight-in-service",
        "    scheduler: rr\n",
        "    scheduler: rr\n    real_servers: { rs1: { weight: 2 }, rs2: { weight: 1 } }\n",
    ),
    SCHEDULER,
    edit("persistence", "persistence: 6", "persistence: 60"),
    edit("delay-loop", "delay_loop: 6", "delay_loop: 3"),
    edit("health-check", "tcp: {}", "http: {}"),
    edit(
        "connect-timeout",
        "connect_timeout: 3",
        "connect_timeout: 2",
    ),
    VIP,
    edit(
        "service",
        "services:\n",
        "services:\n  other: { vip: 192.168.100.200, port: 22, mode: dr, health_check: { tcp: {} } }\n",
    ),
    edit("service-name", "  web:\n", "  www:\n"),
    edit("advert-int", "advert_int: 1\n", "advert_int: 2\n"),
    edit(
        "password",
        "auth_pass: { env: LVSCTL_AUTH_PASS }",
        "auth_pass: { file: password }",
    ),
    edit(
        "sync-daemon",
        "  advert_int: 1\n",
        "  advert_int: 1\n  sync_daemon: true\n",
    ),
    edit(
        "kernel-parameter",
        "vrrp:\n",
        "ipvs: { sloppy_tcp: true }\nvrrp:\n",
    ),
    edit(
        "master",
        "lb1: { role: director, address: 192.168.100.14 }",
        "lb1: { role: director, address: 192.168.100.14, priority: 80 }",
    ),
    edit(
        "sorry-server",
        "    scheduler: rr\n",
        "    scheduler: rr\n    sorry_server: 192.168.100.16\n",
    ),
];

/// What `plan` says that clients notice for less than a second.
pub(crate) const SHORT: &[Edit] = &[
    VRID,
    edit(
        "unicast",
        "  advert_int: 1\n",
        "  advert_int: 1\n  unicast: true\n",
    ),
];

pub(crate) const REAL_SERVER: Edit = edit(
    "real-server",
    "rs3: { role: client, address: 192.168.100.16 }",
    "rs3: { role: [realserver, web], address: 192.168.100.16 }",
);

pub(crate) const DIRECTOR: Edit = edit(
    "director",
    "lb3: { role: client, address: 192.168.100.17 }",
    "lb3: { role: backup, address: 192.168.100.17 }",
);

pub(crate) const WEIGHT: Edit = edit(
    "weight",
    "rs1: { role: [realserver, web], address: 192.168.100.12 }",
    "rs1: { role: [realserver, web], address: 192.168.100.12, weight: 3 }",
);

pub(crate) const SCHEDULER: Edit = edit("scheduler", "scheduler: rr", "scheduler: lc");

pub(crate) const VIP: Edit = edit(
    "vip",
    "services:\n",
    "services:\n  more: { vip: 192.168.100.201, port: 80, mode: dr, scheduler: rr, health_check: { tcp: {} } }\n",
);

pub(crate) const VRID: Edit = edit(
    "virtual-router-id",
    "virtual_router_id: 10",
    "virtual_router_id: 11",
);
