//! Shell text for IPVS: the commands of ipvsadm(8).

use std::net::SocketAddr;

use super::{Definition, Destination, Ipvs, Table, Virtual};
use crate::model::Mode;
use crate::resource::undo::Turn;
use crate::resource::{NodeLines, Undo};
use crate::shell::{self, quote};

/// Seconds that keepalived may take to set a loaded configuration in the kernel.
const KEEPALIVED_SETTLES: u32 = 20;

/// Shell text that succeeds if a real server answers all requests of its health check.
pub(super) fn is_well(ipvs: &Ipvs, rs: &Destination) -> String {
    let asks: Vec<String> = rs
        .asks
        .iter()
        .map(|ask| format!("{{ {}; }}", ask.shell(ipvs.check_timeout)))
        .collect();
    format!("{{ {}; }}", asks.join(" && "))
}

/// Shell text that polls until keepalived has added these real servers.
pub(super) fn wait_for_return(ipvs: &Ipvs, all: &[&Destination]) -> String {
    let to = ipvs.service.r#virtual.printed();
    let tests: Vec<String> = all
        .iter()
        .map(|rs| {
            let line = format!("-a {to} -r {} ", rs.address);
            format!("case $table in *'{line}'*) ;; *) ok=;; esac")
        })
        .collect();
    format!(
        "left={}\nwhile [ \"$left\" -gt 0 ]; do\ntable=$(ipvsadm -Sn); ok=1\n{}\n\
         [ -z \"$ok\" ] || break\nsleep 1; left=$((left - 1))\ndone",
        ipvs.return_time,
        tests.join("\n")
    )
}

/// Shell text that adds a real server which is still missing although it is healthy: keepalived regards it as served, so
/// another program has removed it.
pub(super) fn add_if_well(ipvs: &Ipvs, rs: &Destination) -> String {
    let to = ipvs.service.r#virtual;
    let line = format!("-a {} -r {} ", to.printed(), rs.address);
    format!(
        "case $(ipvsadm -Sn) in *'{line}'*) ;; *) if {}; then {}; fi;; esac",
        is_well(ipvs, rs),
        real_server("-a", to, rs)
    )
}

pub fn method(mode: Mode) -> &'static str {
    match mode {
        Mode::Dr => "-g",
        Mode::Nat => "-m",
        Mode::Tun => "-i",
    }
}

/// The options of a service, as `ipvsadm -Sn` orders them.
pub(super) fn options(definition: &Definition) -> String {
    let scheduler = <&str>::from(definition.scheduler);
    let mut out = format!("-s {scheduler}");
    if let Some((timeout, granularity)) = definition.persistence {
        out.push_str(&format!(" -p {timeout}"));
        if let Some(netmask) = netmask(definition.r#virtual, granularity) {
            out.push_str(&format!(" -M {netmask}"));
        }
    }
    if let Some(engine) = &definition.engine {
        out.push_str(&format!(" --pe {}", quote(engine)));
    }
    if definition.one_packet {
        out.push_str(" -o");
    }
    if !definition.flags.is_empty() {
        let flags: Vec<&str> = definition.flags.iter().map(String::as_str).collect();
        out.push_str(&format!(" -b {}", quote(&flags.join(","))));
    }
    out
}

fn netmask(to: Virtual, granularity: u8) -> Option<String> {
    let v6 = match to {
        Virtual::Tcp(address) | Virtual::Udp(address) => address.is_ipv6(),
        Virtual::Fwmark { v6, .. } => v6,
    };
    if v6 {
        return (granularity != 128).then(|| granularity.to_string());
    }
    let all: std::net::Ipv4Addr = std::net::Ipv4Addr::UNSPECIFIED;
    let mask = ipnet::Ipv4Net::new(all, granularity).ok()?.netmask();
    (granularity != 32).then(|| mask.to_string())
}

pub(super) fn service(definition: &Definition, exists: bool) -> String {
    let verb = if exists { "-E" } else { "-A" };
    format!(
        "ipvsadm {verb} {} {}",
        definition.r#virtual,
        options(definition)
    )
}

pub(super) fn real_server(verb: &str, to: Virtual, rs: &Destination) -> String {
    let mut command = format!(
        "ipvsadm {verb} {to} -r {} {} -w {}",
        rs.address,
        method(rs.mode),
        rs.weight
    );
    if let Some(tunnel) = &rs.tunnel {
        command.push(' ');
        command.push_str(&shell::command(tunnel.split(' ')));
    }
    command
}

/// Removes a real server's connection thresholds, and keeps its mode and weight.
pub fn without_thresholds(to: Virtual, rs: &Destination) -> String {
    format!("{} -x 0 -y 0", real_server("-e", to, rs))
}

/// Shell text that sets a real server's weight to 0 and waits until its connections have ended, at most `seconds`. A real
/// server that is not in the table has no connections.
pub fn drain(to: Virtual, rs: &Destination, seconds: u32) -> String {
    let zero = Destination {
        weight: 0,
        ..rs.clone()
    };
    let address = rs.address;
    format!(
        "{}\nleft={seconds}\nwhile [ \"$left\" -gt 0 ]; do\n\
         active=$(ipvsadm -Ln {to} | awk -v rs='{address}' '$1 == \"->\" && $2 == rs {{ print $5 }}')\n\
         [ \"${{active:-0}}\" -gt 0 ] || break\nsleep 1; left=$((left - 1))\ndone",
        where_it_is(to, rs, &real_server("-e", to, &zero))
    )
}

/// Shell text that sets a real server's weight, if it is in the table.
pub fn weigh(to: Virtual, rs: &Destination) -> String {
    where_it_is(to, rs, &real_server("-e", to, rs))
}

/// Shell text that runs a command only if the service has the real server.
fn where_it_is(to: Virtual, rs: &Destination, command: &str) -> String {
    let line = format!("-a {} -r {} ", to.printed(), rs.address);
    format!("case $(ipvsadm -Sn) in *'{line}'*) {command};; esac")
}

/// The removal; tolerates that keepalived, or the node script's stop, has already removed the service.
pub(super) fn remove(to: Virtual) -> String {
    format!("! ipvsadm -Ln {to} >/dev/null 2>&1 || ipvsadm -D {to}")
}

pub(super) fn forget(to: Virtual, rs: SocketAddr) -> String {
    format!("ipvsadm -d {to} -r {rs}")
}

/// Shell text that makes keepalived remove a sorry server that it left beside real servers. keepalived regards it as in use:
/// if lvsctl deleted it, keepalived would not add it at the next outage. So keepalived loads its configuration without the
/// sorry server of this service, which removes it, and then the whole configuration again. A sorry server that keepalived
/// does not know, since it was killed, is deleted. Does nothing if no real server is left by then.
pub(super) fn take_out_sorry(ipvs: &Ipvs, sorry: SocketAddr, reload: &str) -> String {
    let to = ipvs.service.r#virtual.printed();
    let head = match ipvs.service.r#virtual {
        Virtual::Tcp(at) | Virtual::Udp(at) => format!("{} {}", at.ip(), at.port()),
        Virtual::Fwmark { mark, .. } => format!("fwmark {mark}"),
    };
    let others: Vec<String> = ipvs
        .real_servers
        .iter()
        .map(|rs| format!("*'-a {to} -r {} '*", rs.address))
        .collect();
    format!(
        r#"beside() {{ table=$(ipvsadm -Sn); case $table in *'-a {to} -r {sorry} '*) ;; *) return 1;; esac
case $table in {others}) ;; *) return 1;; esac; }}
gone() {{ left={tries}; while beside; do [ "$left" -gt 0 ] || return 1; sleep 0.25; left=$((left - 1)); done; }}
beside || exit 0
conf=/etc/keepalived/keepalived.conf
trap 'rm -f "$conf.lvsctl-part" "$conf.lvsctl-whole"' EXIT
cp -p "$conf" "$conf.lvsctl-part"
cp -p "$conf" "$conf.lvsctl-whole"
trap 'rm -f "$conf.lvsctl-part"; mv -f "$conf.lvsctl-whole" "$conf" 2>/dev/null || :' EXIT
awk -v head={head} '/^virtual_server /{{ mine = index($0, "virtual_server " head " ") == 1 }} /^}}/{{ mine = 0 }}
!(mine && $1 ~ /^sorry_server/)' "$conf.lvsctl-whole" >"$conf.lvsctl-part"
mv "$conf.lvsctl-part" "$conf"
{reload}
gone || :
mv -f "$conf.lvsctl-whole" "$conf"
{reload}
! beside || ipvsadm -d {to} -r {sorry}"#,
        others = others.join("|"),
        tries = KEEPALIVED_SETTLES * 4,
        head = quote(&head),
    )
}

/// Shell text that polls until keepalived has set the service and its real servers in the kernel. It does not fail if one
/// stays away, which may fail its health check; the next probe shows that.
pub(super) fn wait_for(ipvs: &Ipvs, table: &Table) -> String {
    let to = ipvs.service.r#virtual.printed();
    let mut tests = vec![format!(
        "case $table in *'-A {to} {}\n'*) ;; *) ok=;; esac",
        options(&ipvs.service)
    )];
    // A real server that failed in the probe is not waited for.
    let out =
        |rs: &&Destination| table.fails(ipvs.service.r#virtual, rs) || ipvs.is_unhealthy(table, rs);
    for rs in ipvs.real_servers.iter().filter(|rs| !out(rs)) {
        let want = format!(
            "-a {to} -r {} {} -w {}",
            rs.address,
            method(rs.mode),
            rs.weight
        );
        tests.push(format!(
            "case $table in *'{want}\n'*|*'{want} '*) ;; *) ok=;; esac"
        ));
    }
    format!(
        "left={}\nwhile [ \"$left\" -gt 0 ]; do\ntable=\"$(ipvsadm -Sn)\n\"; ok=1\n{}\n\
         [ -z \"$ok\" ] || break\nsleep 0.25; left=$((left - 1))\ndone",
        KEEPALIVED_SETTLES * 4,
        tests.join("\n")
    )
}

pub(super) fn node(ipvs: &Ipvs) -> NodeLines {
    let to = ipvs.service.r#virtual;
    let mut start = vec![format!(
        "{} 2>/dev/null || {}",
        service(&ipvs.service, false),
        service(&ipvs.service, true)
    )];
    for rs in &ipvs.real_servers {
        start.push(format!(
            "{} 2>/dev/null || {}",
            real_server("-a", to, rs),
            real_server("-e", to, rs)
        ));
    }
    NodeLines {
        start,
        stop: vec![format!("ipvsadm -D {to} 2>/dev/null || :")],
        status: vec![(
            format!("service {to}"),
            format!("ipvsadm -Ln {to} >/dev/null 2>&1"),
        )],
    }
}

/// Restores the service as it is in the table now. Not for services of keepalived, which its file restores.
pub(super) fn undo(to: Virtual, kept: &str) -> Undo {
    let (printed, given) = (quote(&to.printed()), quote(&to.to_string()));
    Undo::kept(
        Turn::Ipvs,
        format!("keep_service {printed} {kept}"),
        format!("put_service {printed} {kept} {given}"),
    )
}
