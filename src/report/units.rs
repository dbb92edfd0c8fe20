//! The systemd service and timer that `lvsctl timer` prints. Pure.

use serde::Serialize;

/// What the units say.
#[derive(Debug, Clone, Default)]
pub struct Timer {
    pub cluster: String,
    /// The program's own path.
    pub program: String,
    pub inventory: String,
    pub user: String,
    pub home: Option<String>,
    /// `02:30`.
    pub at: String,
    pub reports: Vec<String>,
    /// Folders of the reports.
    pub written: Vec<String>,
    pub on_change: Option<String>,
    /// Names of secrets that the inventory takes from the environment.
    pub credentials: Vec<String>,
    /// Whether this machine asks in the place of a client, as root.
    pub asks: bool,
    /// Whether this machine is a host of the cluster.
    pub is_host: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unit {
    pub path: String,
    pub content: String,
}

/// A word of an `ExecStart=` line: specifiers and variables are not expanded in it (systemd.service(5)).
fn word(text: &str) -> String {
    let escaped = text.replace('%', "%%").replace('$', "$$");
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./_-$".contains(c);
    if !escaped.is_empty() && escaped.chars().all(plain) {
        return escaped;
    }
    let escaped = escaped
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{escaped}\"")
}

/// A path in a setting other than `ExecStart=`.
fn path(text: &str) -> String {
    text.replace('%', "%%").replace(' ', "\\x20")
}

const HARDENING: &str = "\
# It reads, and opens connections: nothing else.
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINKPACKET
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
CapabilityBoundingSet=CAPABILITIES
";

/// The service and its timer.
pub fn units(timer: &Timer) -> [Unit; 2] {
    let name = format!("lvsctl-verify-{}", timer.cluster);
    [
        Unit {
            path: format!("/etc/systemd/system/{name}.service"),
            content: service(timer),
        },
        Unit {
            path: format!("/etc/systemd/system/{name}.timer"),
            content: format!(
                "[Unit]\nDescription=Nightly lvsctl verify of the cluster {}\n\n[Timer]\nOnCalendar=*-*-* {}:00\n\
                 # A night that the machine was off is made up for.\nPersistent=true\n\n[Install]\nWantedBy=timers.target\n",
                timer.cluster, timer.at
            ),
        },
    ]
}

fn service(timer: &Timer) -> String {
    let cluster = &timer.cluster;
    let mut text = format!(
        "[Unit]\nDescription=lvsctl verify of the cluster {cluster}\nDocumentation=man:lvsctl-verify(1)\n\
         Wants=network-online.target\nAfter=network-online.target\n\n[Service]\nType=oneshot\nUser={}\n",
        timer.user
    );
    if let Some(home) = &timer.home {
        text.push_str(&format!(
            "Environment=\"HOME={}\"\n",
            home.replace('%', "%%")
        ));
    }
    for name in &timer.credentials {
        text.push_str(&format!(
            "# `install -m 600` a file with the secret on its first line there.\nLoadCredential={name}:/etc/lvsctl/credentials/{name}\n"
        ));
    }
    let (program, inventory) = (word(&timer.program), word(&timer.inventory));
    if let Some(command) = &timer.on_change {
        text.push_str(&format!(
            "# What it finds is no failure: the second run says so.\nStateDirectory=lvsctl\n\
             ExecStart=-{program} watch --inventory {inventory} --count 1 --state %S/lvsctl/{cluster}.json --on-change {}\n",
            word(command)
        ));
    }
    text.push_str(
        "# Exit status 3: there are findings, and `systemctl --failed` lists this service.\n",
    );
    let reports: String = timer
        .reports
        .iter()
        .map(|file| format!(" --report {}", word(file)))
        .collect();
    text.push_str(&format!(
        "ExecStart={program} verify --inventory {inventory}{reports}\n"
    ));
    let folders: String = timer
        .written
        .iter()
        .map(|folder| format!(" {}", path(folder)))
        .collect();
    if !folders.is_empty() {
        text.push_str(&format!("ReadWritePaths={}\n", folders.trim_start()));
    }
    text.push_str("UMask=0077\nTimeoutStartSec=1h\nNice=10\n");
    if timer.is_host {
        text.push_str(
            "# This machine is a host of the cluster, whose kernel is read too: no hardening.\n",
        );
        return text;
    }
    let (packet, capabilities) = if timer.asks {
        (" AF_PACKET", "CAP_NET_RAW")
    } else {
        ("", "")
    };
    if timer.asks {
        text.push_str("# No host of the inventory is a client: this machine asks, as root.\n");
    }
    text.push_str(
        &HARDENING
            .replace("PACKET", packet)
            .replace("CAPABILITIES", capabilities),
    );
    text
}

/// Both, as a person copies them.
pub fn text(units: &[Unit; 2], cluster: &str) -> String {
    let [service, timer] = units;
    format!(
        "# {}\n{}\n# {}\n{}\n# Then: systemctl daemon-reload && systemctl enable --now lvsctl-verify-{cluster}.timer\n",
        service.path, service.content, timer.path, timer.content
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timer() -> Timer {
        Timer {
            cluster: "web".to_owned(),
            program: "/usr/bin/lvsctl".to_owned(),
            inventory: "/etc/lvsctl/web cluster.yaml".to_owned(),
            user: "ops".to_owned(),
            home: Some("/home/ops".to_owned()),
            at: "02:30".to_owned(),
            reports: vec!["/srv/reports/web.html".to_owned()],
            written: vec!["/srv/reports".to_owned()],
            on_change: Some("mail -s \"100% $HOME\" ops".to_owned()),
            credentials: vec!["LVSCTL_AUTH_PASS".to_owned()],
            asks: false,
            is_host: false,
        }
    }

    #[test]
    fn the_units() {
        insta::assert_snapshot!(text(&units(&timer()), "web"), @r#"
        # /etc/systemd/system/lvsctl-verify-web.service
        [Unit]
        Description=lvsctl verify of the cluster web
        Documentation=man:lvsctl-verify(1)
        Wants=network-online.target
        After=network-online.target

        [Service]
        Type=oneshot
        User=ops
        Environment="HOME=/home/ops"
        # `install -m 600` a file with the secret on its first line there.
        LoadCredential=LVSCTL_AUTH_PASS:/etc/lvsctl/credentials/LVSCTL_AUTH_PASS
        # What it finds is no failure: the second run says so.
        StateDirectory=lvsctl
        ExecStart=-/usr/bin/lvsctl watch --inventory "/etc/lvsctl/web cluster.yaml" --count 1 --state %S/lvsctl/web.json --on-change "mail -s \"100%% $$HOME\" ops"
        # Exit status 3: there are findings, and `systemctl --failed` lists this service.
        ExecStart=/usr/bin/lvsctl verify --inventory "/etc/lvsctl/web cluster.yaml" --report /srv/reports/web.html
        ReadWritePaths=/srv/reports
        UMask=0077
        TimeoutStartSec=1h
        Nice=10
        # It reads, and opens connections: nothing else.
        NoNewPrivileges=yes
        ProtectSystem=strict
        ProtectHome=read-only
        PrivateTmp=yes
        PrivateDevices=yes
        ProtectKernelTunables=yes
        ProtectKernelModules=yes
        ProtectKernelLogs=yes
        ProtectControlGroups=yes
        ProtectClock=yes
        ProtectHostname=yes
        RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
        RestrictNamespaces=yes
        RestrictRealtime=yes
        RestrictSUIDSGID=yes
        LockPersonality=yes
        MemoryDenyWriteExecute=yes
        SystemCallArchitectures=native
        SystemCallFilter=@system-service
        CapabilityBoundingSet=

        # /etc/systemd/system/lvsctl-verify-web.timer
        [Unit]
        Description=Nightly lvsctl verify of the cluster web

        [Timer]
        OnCalendar=*-*-* 02:30:00
        # A night that the machine was off is made up for.
        Persistent=true

        [Install]
        WantedBy=timers.target

        # Then: systemctl daemon-reload && systemctl enable --now lvsctl-verify-web.timer
        "#);
    }

    #[test]
    fn words_mean_themselves_to_systemd() {
        for (text, expected) in [
            ("/usr/bin/lvsctl", "/usr/bin/lvsctl"),
            ("a b", "\"a b\""),
            ("100%", "100%%"),
            ("$HOME", "$$HOME"),
            ("say \"x\\\"", "\"say \\\"x\\\\\\\"\""),
            ("", "\"\""),
            ("a;b", "\"a;b\""),
        ] {
            assert_eq!(word(text), expected);
        }
    }

    #[test]
    fn rights_are_what_is_needed() {
        for (asks, is_host, has, lacks) in [
            (false, false, "CapabilityBoundingSet=\n", "AF_PACKET"),
            (
                true,
                false,
                "CapabilityBoundingSet=CAP_NET_RAW\n",
                "no hardening",
            ),
            (true, false, "AF_NETLINK AF_PACKET\n", "no hardening"),
            (false, true, "no hardening", "ProtectSystem"),
        ] {
            let text = service(&Timer {
                asks,
                is_host,
                ..timer()
            });
            assert!(
                text.contains(has) && !text.contains(lacks),
                "{asks} {is_host}: {text}"
            );
        }
    }

    /// systemd itself reads them, where it is there.
    #[test]
    fn systemd_takes_the_units() {
        let folder = tempfile::tempdir().unwrap();
        let mut timer = timer();
        timer.program = "/bin/true".to_owned();
        timer.user = "root".to_owned();
        let mut files = Vec::new();
        for unit in units(&timer) {
            let name = unit.path.rsplit('/').next().unwrap_or_default().to_owned();
            let file = folder.path().join(name);
            std::fs::write(&file, unit.content).unwrap();
            files.push(file);
        }
        let analyze = std::process::Command::new("systemd-analyze")
            .args(["verify", "--man=no"])
            .args(&files)
            .output();
        let Ok(output) = analyze else { return };
        let said = String::from_utf8_lossy(&output.stderr);
        let ours: Vec<&str> = said
            .lines()
            .filter(|line| line.contains("lvsctl-verify"))
            .collect();
        assert_eq!(ours, [""; 0], "{said}");
    }
}
