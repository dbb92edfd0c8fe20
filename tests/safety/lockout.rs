//! Changes that cut a director off from the machine of lvsctl: the guard of the way in restores its old state, the cluster
//! serves meanwhile, and without the mistake the next run ends well.

use std::fs;

use crate::Test;
use crate::announce::Watch;
use crate::edits::Edit;
use crate::pair::Pair;

pub(crate) struct LockOut {
    name: &'static str,
    /// How its role joins the roles of its host.
    pub edit: Edit,
    host: &'static str,
    flags: &'static [&'static str],
    /// Resources of its role. CONTROLLER stands for the address of lvsctl's machine.
    resources: &'static str,
}

impl LockOut {
    pub(crate) fn role(&self, controller: &str) -> String {
        let resources = self.resources.replace("CONTROLLER", controller);
        format!("resources:\n{resources}")
    }
}

const MASTER: Edit = Edit {
    name: "lock-out",
    from: "lb1: { role: director,",
    to: "lb1: { role: [director, lock-out],",
};

const BACKUP: Edit = Edit {
    name: "lock-out",
    from: "lb2: { role: backup,",
    to: "lb2: { role: [backup, lock-out],",
};

/// All changes are guarded, for so long.
const CONFIRM: &[&str] = &["--confirm", "60s"];

pub(crate) const ALL: &[LockOut] = &[
    LockOut {
        name: "gateway",
        edit: BACKUP,
        host: "lb2",
        flags: &[],
        resources: "  - route: { to: CONTROLLER/32, via: 192.168.100.99, interface: eth0 }\n",
    },
    LockOut {
        name: "packet-filter",
        edit: MASTER,
        host: "lb1",
        flags: &[],
        resources: "  - file: { path: /etc/iptables/rules.v4, content: \"*filter\\n:INPUT ACCEPT [0:0]\\n-A INPUT -p tcp --dport 22 -j DROP\\nCOMMIT\\n\", check: \"iptables-restore {}\" }\n",
    },
    LockOut {
        name: "address",
        edit: BACKUP,
        host: "lb2",
        flags: CONFIRM,
        resources: "  - file: { path: /etc/systemd/network/10-eth0.network.d/lock-out.conf, content: \"[Network]\\n\", check: \"ip addr del 192.168.100.15/24 dev eth0; test -e {}\" }\n",
    },
    // The least that IPv4 permits: larger frames are dropped where they arrive.
    LockOut {
        name: "mtu",
        edit: BACKUP,
        host: "lb2",
        flags: &[],
        resources: "  - file: { path: /etc/systemd/network/10-eth0.network.d/lock-out.conf, content: \"[Link]\\nMTUBytes=68\\n\", check: \"ip link set eth0 mtu 68; test -e {}\" }\n",
    },
    LockOut {
        name: "sshd-configuration",
        edit: MASTER,
        host: "lb1",
        flags: CONFIRM,
        resources: "  - file: { path: /etc/ssh/sshd_config.d/00-lock-out.conf, content: \"AllowUsers nobody-at-all\\n\" }\n  \
               - unit: { name: ssh.service, reads: [/etc/ssh/sshd_config.d/00-lock-out.conf] }\n",
    },
    LockOut {
        name: "sshd-stopped",
        edit: BACKUP,
        host: "lb2",
        flags: &[],
        resources: "  - unit: { name: ssh.service, active: false }\n",
    },
];

/// How often a host that is cut off is tried: each time may take as long as the client waits for a connection.
const LOOKS: usize = 150;

pub(crate) fn tests() -> Vec<(String, Test)> {
    let all = ALL.iter().map(|lock_out| {
        let test = move |pair: &Pair| locked_out(pair, lock_out);
        (
            format!("lockout::{}", lock_out.name),
            Box::new(test) as Test,
        )
    });
    all.collect()
}

fn locked_out(pair: &Pair, lock_out: &LockOut) -> Result<String, String> {
    let watch = Watch::begin(pair);
    let host = lock_out.host;
    let controller = pair.cluster.on(host, "echo ${SSH_CONNECTION%% *}");
    let roles = pair.cluster.inventory().with_file_name("roles");
    fs::create_dir_all(&roles).expect("a folder");
    let file = roles.join("lock-out.yaml");
    fs::write(&file, lock_out.role(controller.trim())).expect("a role");
    pair.edit(&lock_out.edit);
    let (load, back) = pair.under_load(|| comes_back(pair, lock_out));
    back?;
    if load.lost > 0 {
        return Err(load.whole);
    }
    let plan = pair.cluster.lvsctl(&["plan"]).expect(2);
    if !plan.stdout.contains("has fired") {
        return Err(format!("plan is silent about the guard:\n{}", plan.stdout));
    }
    pair.edit(&lock_out.edit.back());
    fs::remove_file(&file).expect("the role goes");
    let waits = pair.converge()?;
    pair.is_clean()?;
    watch.end(&["lb1", "lb2"])?;
    let strays = pair.strays();
    if !strays.is_empty() {
        return Err(format!("left on hosts:\n{strays}"));
    }
    Ok(format!(
        "{host} came back, {waits} waits for a lock, {load}"
    ))
}

/// The run fails and says that the host comes back; then it does, and its guard has put back all.
fn comes_back(pair: &Pair, lock_out: &LockOut) -> Result<(), String> {
    let host = lock_out.host;
    let words = [&["apply", "--yes"], lock_out.flags].concat();
    let ran = pair.cluster.lvsctl(&words);
    let says = |line: &str| {
        line.starts_with(&format!("{host}:"))
            && (line.contains("restores its old state by itself in at most")
                || line.contains("has restored the old state of this host"))
    };
    if ran.status != 1 || !ran.stderr.lines().any(says) {
        return Err(format!(
            "expected exit 1 and a word about the guard of {host}, found exit {}:\n{}",
            ran.status, ran.stderr
        ));
    }
    let folder = format!("/var/lib/lvsctl/guard/{}", pair.cluster.name);
    let fired = format!("[ -e {folder}/fired ]");
    let is_back = || pair.cluster.succeeds(host, &fired);
    if !pair.cluster.comes_to(LOOKS, is_back) {
        return Err(format!("{host} did not come back"));
    }
    let said = pair
        .cluster
        .on(host, &format!("cat {folder}/fired {folder}/log"));
    if said
        .lines()
        .next()
        .is_some_and(|line| line.ends_with(" well"))
    {
        Ok(())
    } else {
        Err(format!("the guard of {host} did not put all back:\n{said}"))
    }
}
