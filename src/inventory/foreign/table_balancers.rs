//! Keys of other balancers and of programs that run services: HAProxy, nginx, Pacemaker, Docker and Kubernetes, each with
//! the types of the maps in which it is written, and the key that says the same here.

use super::Means::{Fixed, ForService, Leave, Put, There};
use super::convert::{AFFINITY, SERVERS, TARGET_PORT, VIP, VIRTUAL, WEIGHTS};
use super::convert_health::{CHECK, CHECKER, EXPECTED, OF_PAGE, OPTION, RETRIES, TIMEOUT};
use super::maintenance::{BACKUP, MAINTENANCE};
use super::port_mapping::PORTS;
use super::table::{BY_GET, FROM_THE_START, UNBOUNDED};
use super::{Means, Row};

const NO_HTTP: Means = Leave("LVS forwards packets, and sees no HTTP");
const AT_ONCE: Means = Leave("lvsctl does not support it: a real server gets its share at once");
const ONE_INTERVAL: Means = Leave(
    "lvsctl does not support it: `delay_loop` of the service holds for all real servers, up or down",
);
const AS_IT_IS: Means =
    Leave("LVS forwards packets as they are: a real server sees the client's address");
const SAME_CHECK: Means = Leave(
    "lvsctl does not support it: `health_check` of the service holds for all its real servers",
);
const NO_TLS: Means = Leave("LVS forwards packets as they are: real servers speak TLS");
const NO_CONTAINERS: Means = Leave("lvsctl runs no containers");
const KUBERNETES: Means =
    Leave("it belongs to Kubernetes; an inventory has `hosts` and `services`");
const HAPROXY: Means = Leave("it belongs to HAProxy; the kernel balances here, without a process");

#[rustfmt::skip]
pub(super) const HAPROXY_AND_NGINX: &[Row] = &[
    ("frontend backend listen upstream stream http server", "Inventory", VIRTUAL),
    ("global", "Inventory", Leave("there is no such part here")),
    ("maxconn nbthread nbproc daemon stats peers resolvers", "Inventory", HAPROXY),
    ("backend use_backend default_backend backends pool endpoints upstream upstreams nodes members targets", 
        "Service", SERVERS),
    ("listen", "Service", PORTS),
    ("addr", "Service", VIP),
    ("addr", "RealServer", There("a real server has its address below `hosts`")),
    ("weights", "Service", WEIGHTS),
    ("algo", "Service", Put(&["scheduler"])),
    ("least_conn", "Service", Fixed("scheduler: lc")),
    ("least_time", "Service", Fixed("scheduler: wlc")),
    ("ip_hash", "Service", Fixed("scheduler: sh")),
    ("hash", "Service", Fixed("scheduler: mh")),
    ("random", "Service", Fixed("scheduler: rr")),
    ("hash-type hash-key hash-balance-factor", "Service",
        Leave("`scheduler: mh` hashes the client's address consistently, `sh` by a plain table")),
    ("stick-table stick stickiness sticky_session", "Service", Fixed("persistence: true")),
    ("backup", "Service", There("a `sorry_server` answers when no real server is left")),
    ("fallback_server", "Service", Put(&["sorry_server"])),
    ("default-server", "RealServer", Leave("the service says what holds for all its real servers")),
    ("default-server", "Service",
        There("the service says what holds for all its real servers: `weight: 1`, `health_check: tcp`")),
    ("maxconn cookie forwardfor acl http-request http-response server_name proxy_pass location rewrite redirect \
        compression errorfile monitor-uri redispatch log capture", "Service", NO_HTTP),
    ("cookie", "RealServer", NO_HTTP),
    ("minconn maxqueue fullconn rate-limit connlimit", "Service", UNBOUNDED),
    ("maxconn minconn maxqueue", "RealServer", UNBOUNDED),
    ("slowstart slow_start", "Service RealServer", AT_ONCE),
    ("send-proxy send-proxy-v2 accept-proxy source", "Service RealServer", AS_IT_IS),
    ("ssl tls certificate crt alpn", "Service RealServer", NO_TLS),
    // Health checks
    ("option httpchk tcp-check ssl-hello-chk smtpchk mysql-check redis-check pgsql-check ldap-check", "Service", OPTION),
    ("http-check", "Service", There("`health_check: http` or `health_check: tcp` says how real servers are asked")),
    ("check health", "RealServer", CHECK),
    ("inter", "Service", Put(&["delay_loop"])),
    ("inter", "RealServer LongHealthCheck HttpCheck TcpCheck ScriptCheck", ForService(&["delay_loop"])),
    ("rise", "Service RealServer", ForService(&["health_check", "rise"])),
    ("fall max_fails", "Service RealServer LongHealthCheck", RETRIES),
    ("fastinter downinter", "Service RealServer", ONE_INTERVAL),
    ("agent-check agent-port agent-inter observe error-limit on-marked-down on-marked-up track", "RealServer", SAME_CHECK),
    ("fail_timeout", "Service RealServer", ForService(&["health_check", "delay_before_retry"])),
    ("expect expected", "LongHealthCheck HttpCheck", EXPECTED),
    // States
    ("state status enabled disabled drain draining drained maintenance maint down active", "Host RealServer", MAINTENANCE),
    ("state status enabled disabled active", "Service", MAINTENANCE),
    ("backup", "Host RealServer", BACKUP),
    // Words of health checks in a check of another kind
    ("path url uri host virtualhost status status_code text version", "TcpCheck", OF_PAGE),
    ("host virtualhost status status_code text version", "ScriptCheck",
        Leave("it belongs to the page that `http` asks for, and a program is asked here")),
];

#[rustfmt::skip]
pub(super) const PACEMAKER_AND_CONTAINERS: &[Row] = &[
    // Pacemaker
    ("primitive resources", "Inventory", Put(&["services"])),
    ("nodes", "Inventory", Put(&["hosts"])),
    ("stonith colocation order location constraints", "Inventory", Leave("VRRP decides who holds the VIPs")),
    ("cidr_netmask", "Service", There("the VIP carries its prefix: `vip: ‹vip/24›`")),
    ("iface", "Service", Leave("the interface in the network of the VIP holds it")),
    // Docker and Kubernetes
    ("apiVersion kind metadata spec items namespace", "Inventory", KUBERNETES),
    ("version", "Inventory", Leave("an inventory has no version")),
    ("ports listen_port frontend_port virtual_port vport vip_port", "Service", PORTS),
    ("targetPort target_port backend_port server_port dest_port dst_port rport", "Service", TARGET_PORT),
    ("sessionAffinity", "Service", AFFINITY),
    ("sessionAffinityConfig", "Service", There("`persistence: 10800` keeps a client on its real server for so many seconds")),
    ("externalIPs externalIP clusterIP clusterIPs loadBalancerIP", "Service", VIP),
    ("type", "Service",
        There("`mode: dr` says how packets are forwarded, `protocol: udp` which ones, and `health_check: http` how real servers are asked")),
    ("image environment env volumes networks deploy replicas selector", "Service", NO_CONTAINERS),
    ("labels annotations namespace metadata spec nodePort externalTrafficPolicy internalTrafficPolicy \
        ipFamilies ipFamilyPolicy", "Service", KUBERNETES),
    ("livenessProbe readinessProbe startupProbe probe", "Service",
        There("`health_check: { http: { path: /health } }` asks real servers whether they are well")),
    ("tcpSocket exec", "Service RealServer LongHealthCheck", CHECKER),
    ("periodSeconds", "LongHealthCheck", ForService(&["delay_loop"])),
    ("timeoutSeconds", "LongHealthCheck", TIMEOUT),
    ("failureThreshold", "LongHealthCheck", RETRIES),
    ("successThreshold", "LongHealthCheck", Put(&["rise"])),
    ("initialDelaySeconds initial_delay grace_period", "LongHealthCheck", FROM_THE_START),
    ("httpHeaders scheme", "HttpCheck LongHealthCheck", BY_GET),
];
