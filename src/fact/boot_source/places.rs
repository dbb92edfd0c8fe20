//! The table of files that are read or run at boot or on a schedule, on Debian 12 and 13, RHEL 8 to 10, openSUSE and SLES,
//! and Alpine: the reader of each, and when it is in use. A missing source needs a row here; docs/next-boot.md lists them for
//! users.

/// The reader of a file, which determines its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reader {
    /// systemd.network(5) and its drop-ins.
    Networkd,
    /// systemd.link(5): names of interfaces.
    Link,
    /// networkd.conf(5).
    NetworkdHost,
    Netplan,
    /// interfaces(5); Alpine's is alike.
    Ifupdown,
    NetworkManager,
    /// ifcfg files and routes of RHEL and of SUSE.
    Ifcfg,
    CloudInit,
    /// What iptables-restore(8) gets.
    Iptables,
    Ip6tables,
    Nftables,
    Arptables,
    /// direct.xml and zones.
    Firewalld,
    Ufw,
    /// What ipvsadm(8) `--restore` gets.
    Ipvsadm,
    Modprobe,
    KernelCommandLine,
    /// A unit of systemd, or a drop-in.
    Unit,
    /// Arguments of a service: /etc/default, /etc/sysconfig, /etc/conf.d.
    Arguments,
    /// crontab(5) with a user's name in each line.
    Crontab,
    /// crontab(5) of one user.
    UserCrontab,
    /// Scripts on a schedule.
    Periodic,
    /// at(1): run once.
    At,
    /// logrotate(8).
    Logrotate,
    /// Scripts at boot.
    BootScript,
    /// Scripts when an interface comes up or goes down.
    InterfaceScript,
    Udev,
    Tmpfiles,
    Tuned,
    /// /etc/sysctl.conf itself.
    SysctlConf,
    Fstab,
    /// inittab(5) of Alpine.
    Inittab,
    /// A script that another source names.
    Script,
}

impl Reader {
    /// Whether it reads the rules of a packet filter that a tool has saved.
    pub fn is_of_saved_rules(self) -> bool {
        matches!(
            self,
            Self::Iptables | Self::Ip6tables | Self::Nftables | Self::Arptables
        )
    }
}

/// When a source has an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Live {
    Always,
    /// While one of these services is enabled.
    With(&'static [&'static str]),
    /// Each file that is executable.
    Executable,
    /// Executable, and one of these services is enabled.
    ExecutableWith(&'static [&'static str]),
    /// Where another source names it.
    Named,
}

/// A row of the table.
#[derive(Debug)]
pub struct Place {
    pub reader: Reader,
    pub globs: &'static [&'static str],
    pub live: Live,
    /// Whether all lines are read, or only those that match the patterns of relevant lines.
    pub whole: bool,
    /// Whether it is on a schedule rather than at boot.
    pub scheduled: bool,
}

const fn whole(reader: Reader, live: Live, globs: &'static [&'static str]) -> Place {
    Place {
        reader,
        globs,
        live,
        whole: true,
        scheduled: false,
    }
}

const fn some(reader: Reader, live: Live, globs: &'static [&'static str]) -> Place {
    Place {
        reader,
        globs,
        live,
        whole: false,
        scheduled: false,
    }
}

impl Place {
    const fn scheduled(mut self) -> Self {
        self.scheduled = true;
        self
    }
}

const CRON: Live = Live::With(CRONS);
#[rustfmt::skip]
const CRONS: &[&str] = &[
    "cron.service",
    "crond.service",
    "cronie.service",
    "dcron.service",
    "fcron.service",
    "busybox-crond.service",
];
#[rustfmt::skip]
const PERIODIC: &[&str] = &[
    "cron.service",
    "crond.service",
    "cronie.service",
    "dcron.service",
    "anacron.service",
    "anacron.timer",
    "busybox-crond.service",
];

/// The first row whose pattern fits decides.
#[rustfmt::skip]
pub const PLACES: &[Place] = &[
    // Debian, RHEL, SUSE with systemd-networkd.
    whole(Reader::Networkd, Live::With(&["systemd-networkd.service", "systemd-networkd.socket"]),
        &["/etc/systemd/network/*.network", "/etc/systemd/network/*.network.d/*.conf",
        "/usr/local/lib/systemd/network/*.network", "/usr/local/lib/systemd/network/*.network.d/*.conf",
        "/usr/lib/systemd/network/*.network", "/usr/lib/systemd/network/*.network.d/*.conf",
        "/run/systemd/network/*.network", "/run/systemd/network/*.network.d/*.conf"]),
    whole(Reader::NetworkdHost, Live::With(&["systemd-networkd.service", "systemd-networkd.socket"]),
        &["/etc/systemd/networkd.conf", "/etc/systemd/networkd.conf.d/*.conf",
        "/usr/lib/systemd/networkd.conf.d/*.conf", "/usr/local/lib/systemd/networkd.conf.d/*.conf"]),
    whole(Reader::Link, Live::Always, &["/etc/systemd/network/*.link", "/usr/local/lib/systemd/network/*.link"]),
    // A generator reads it, before any service.
    whole(Reader::Netplan, Live::Always, &["/etc/netplan/*.yaml", "/usr/lib/netplan/*.yaml"]),
    whole(Reader::Ifupdown, Live::With(&["networking.service", "ifupdown-pre.service"]), &["/etc/network/interfaces",
        "/etc/network/interfaces.d/*"]),
    whole(Reader::NetworkManager, Live::With(&["NetworkManager.service", "networkmanager.service"]),
        &["/etc/NetworkManager/system-connections/*", "/usr/lib/NetworkManager/system-connections/*"]),
    whole(Reader::Ifcfg, Live::With(&["network.service", "wicked.service", "NetworkManager.service"]),
        &["/etc/sysconfig/network-scripts/ifcfg-*", "/etc/sysconfig/network-scripts/route*-*",
        "/etc/sysconfig/network/ifcfg-*", "/etc/sysconfig/network/ifroute-*", "/etc/sysconfig/network/routes"]),
    whole(Reader::CloudInit, Live::With(&["cloud-init.service", "cloud-init-main.service",
        "cloud-init-network.service"]), &["/etc/cloud/cloud.cfg.d/*.cfg"]),
    // Debian: iptables-persistent. Alpine: rules-save. RHEL and SUSE: iptables-services.
    whole(Reader::Iptables, Live::With(&["netfilter-persistent.service", "iptables-persistent.service"]),
        &["/etc/iptables/rules.v4"]),
    whole(Reader::Ip6tables, Live::With(&["netfilter-persistent.service", "iptables-persistent.service"]),
        &["/etc/iptables/rules.v6"]),
    whole(Reader::Iptables, Live::With(&["iptables.service"]), &["/etc/sysconfig/iptables",
        "/etc/iptables/rules-save", "/etc/iptables/iptables.rules"]),
    whole(Reader::Ip6tables, Live::With(&["ip6tables.service"]), &["/etc/sysconfig/ip6tables",
        "/etc/iptables/rules6-save", "/etc/iptables/ip6tables.rules"]),
    whole(Reader::Nftables, Live::With(&["nftables.service"]), &["/etc/nftables.conf", "/etc/nftables.nft",
        "/etc/nftables/*.nft", "/etc/nftables.d/*.nft", "/etc/sysconfig/nftables.conf"]),
    whole(Reader::Arptables, Live::With(&["arptables.service", "arptables-jf.service",
        "netfilter-persistent.service"]), &["/etc/sysconfig/arptables", "/etc/arptables.conf", "/etc/arptables/rules",
        "/etc/iptables/arptables", "/etc/iptables/rules.arp"]),
    whole(Reader::Firewalld, Live::With(&["firewalld.service"]), &["/etc/firewalld/firewalld.conf",
        "/etc/firewalld/direct.xml", "/etc/firewalld/zones/*.xml"]),
    whole(Reader::Ufw, Live::With(&["ufw.service"]), &["/etc/ufw/ufw.conf", "/etc/default/ufw", "/etc/ufw/user.rules",
        "/etc/ufw/before.rules"]),
    whole(Reader::Ipvsadm, Live::With(&["ipvsadm.service"]), &["/etc/ipvsadm.rules", "/etc/sysconfig/ipvsadm",
        "/etc/ipvsadm.conf"]),
    whole(Reader::Modprobe, Live::Always, &["/etc/modprobe.d/*.conf", "/run/modprobe.d/*.conf",
        "/usr/lib/modprobe.d/*.conf", "/usr/local/lib/modprobe.d/*.conf", "/lib/modprobe.d/*.conf"]),
    whole(Reader::KernelCommandLine, Live::Always, &["/etc/default/grub", "/etc/default/grub.d/*.cfg",
        "/etc/kernel/cmdline", "/boot/loader/entries/*.conf", "/etc/update-extlinux.conf", "/proc/cmdline"]),
    some(Reader::KernelCommandLine, Live::Always, &["/boot/grub/grub.cfg", "/boot/grub2/grub.cfg",
        "/boot/extlinux.conf"]),
    whole(Reader::Unit, Live::Always, &["/etc/systemd/system/*.service", "/etc/systemd/system/*.timer",
        "/etc/systemd/system/*.path", "/etc/systemd/system/*.socket", "/etc/systemd/system/*.mount",
        "/etc/systemd/system/*.target", "/run/systemd/system/*.service", "/run/systemd/system/*.timer",
        "/run/systemd/transient/*.service", "/run/systemd/transient/*.timer",
        "/usr/local/lib/systemd/system/*.service", "/usr/local/lib/systemd/system/*.timer",
        "/etc/systemd/system/*.d/*.conf", "/etc/systemd/system.control/*.d/*.conf", "/run/systemd/system/*.d/*.conf",
        "/usr/local/lib/systemd/system/*.d/*.conf", "/usr/lib/systemd/system/*.d/*.conf",
        "/lib/systemd/system/*.d/*.conf"]),
    some(Reader::Unit, Live::Always, &["/usr/lib/systemd/system/*.service", "/usr/lib/systemd/system/*.timer"]),
    whole(Reader::Arguments, Live::Always, &["/etc/default/keepalived", "/etc/sysconfig/keepalived",
        "/etc/conf.d/keepalived", "/etc/default/ipvsadm", "/etc/default/nginx", "/etc/sysconfig/nginx",
        "/etc/conf.d/nginx", "/etc/rc.conf"]),
    whole(Reader::Crontab, CRON, &["/etc/crontab", "/etc/cron.d/*", "/etc/anacrontab"])
    .scheduled(),
    whole(Reader::UserCrontab, CRON, &["/var/spool/cron/crontabs/*", "/var/spool/cron/tabs/*", "/var/spool/cron/*",
        "/etc/crontabs/*"])
    .scheduled(),
    some(Reader::Periodic, Live::ExecutableWith(PERIODIC), &["/etc/cron.hourly/*", "/etc/cron.daily/*",
        "/etc/cron.weekly/*", "/etc/cron.monthly/*", "/etc/periodic/15min/*", "/etc/periodic/hourly/*",
        "/etc/periodic/daily/*", "/etc/periodic/weekly/*", "/etc/periodic/monthly/*"])
    .scheduled(),
    some(Reader::At, Live::With(&["atd.service"]), &["/var/spool/cron/atjobs/*", "/var/spool/at/*",
        "/var/spool/atjobs/*"])
    .scheduled(),
    some(Reader::Logrotate, Live::Always, &["/etc/logrotate.d/*"]).scheduled(),
    whole(Reader::BootScript, Live::Executable, &["/etc/rc.local", "/etc/rc.d/rc.local"]),
    // Alpine's local.d; SUSE's boot.local and after.local; what cloud-init and initramfs-tools run.
    whole(Reader::BootScript, Live::ExecutableWith(&["local.service"]), &["/etc/local.d/*.start"]),
    whole(Reader::BootScript, Live::Executable, &["/etc/init.d/boot.local", "/etc/init.d/after.local",
        "/etc/rc.d/boot.local"]),
    some(Reader::BootScript, Live::Executable, &["/var/lib/cloud/scripts/per-boot/*",
        "/etc/initramfs-tools/scripts/*/*", "/etc/systemd/system-generators/*",
        "/usr/local/lib/systemd/system-generators/*"]),
    // Those of packages are known by name; see `crate::check::boot`.
    some(Reader::BootScript, Live::Named, &["/etc/init.d/*"]),
    some(Reader::InterfaceScript, Live::Executable, &["/etc/network/if-pre-up.d/*", "/etc/network/if-up.d/*",
        "/etc/network/if-post-up.d/*", "/etc/networkd-dispatcher/*/*", "/usr/lib/networkd-dispatcher/*/*",
        "/etc/NetworkManager/dispatcher.d/*", "/etc/NetworkManager/dispatcher.d/*/*",
        "/usr/lib/NetworkManager/dispatcher.d/*", "/sbin/ifup-local", "/etc/sysconfig/network-scripts/ifup-local",
        "/etc/sysconfig/network/scripts/*"]),
    // These are sourced, and need no mode.
    some(Reader::InterfaceScript, Live::Always, &["/etc/dhcp/dhclient-exit-hooks.d/*",
        "/etc/dhcp/dhclient-enter-hooks.d/*", "/etc/dhcp/dhclient-up-hooks"]),
    some(Reader::Udev, Live::Always, &["/etc/udev/rules.d/*.rules", "/run/udev/rules.d/*.rules",
        "/usr/local/lib/udev/rules.d/*.rules", "/usr/lib/udev/rules.d/*.rules"]),
    some(Reader::Tmpfiles, Live::Always, &["/etc/tmpfiles.d/*.conf", "/usr/local/lib/tmpfiles.d/*.conf",
        "/usr/lib/tmpfiles.d/*.conf"]),
    some(Reader::Tuned, Live::With(&["tuned.service"]), &["/etc/tuned/*/tuned.conf",
        "/etc/tuned/profiles/*/tuned.conf", "/usr/lib/tuned/*/tuned.conf", "/usr/lib/tuned/profiles/*/tuned.conf"]),
    whole(Reader::Tuned, Live::With(&["tuned.service"]), &["/etc/tuned/active_profile"]),
    whole(Reader::SysctlConf, Live::Always, &["/etc/sysctl.conf"]),
    whole(Reader::Inittab, Live::Always, &["/etc/inittab"]),
    whole(Reader::Fstab, Live::Always, &["/etc/fstab"]),
];

/// Links by which services are enabled: of systemd, of OpenRC, of System V.
#[rustfmt::skip]
pub(super) const LINKS: &[&str] = &[
    "/etc/systemd/system/*.wants/*",
    "/etc/systemd/system/*.requires/*",
    "/usr/lib/systemd/system/*.wants/*",
    "/usr/local/lib/systemd/system/*.wants/*",
    "/usr/lib/systemd/system/*.requires/*",
    "/run/systemd/generator/*.wants/*", "/run/systemd/generator.late/*.wants/*", "/etc/runlevels/*/*",
    "/etc/rc[2345S].d/S*",
];

/// What is run only if it is executable.
#[rustfmt::skip]
pub(super) const EXECUTABLE: &[&str] = &[
    "/etc/rc.local",
    "/etc/rc.d/rc.local",
    "/etc/local.d/*.start",
    "/etc/init.d/boot.local",
    "/etc/init.d/after.local",
    "/etc/rc.d/boot.local",
    "/var/lib/cloud/scripts/per-boot/*",
    "/etc/initramfs-tools/scripts/*/*",
    "/etc/systemd/system-generators/*",
    "/usr/local/lib/systemd/system-generators/*",
    "/etc/cron.hourly/*",
    "/etc/cron.daily/*",
    "/etc/cron.weekly/*",
    "/etc/cron.monthly/*",
    "/etc/periodic/*/*",
    "/etc/network/if-*.d/*",
    "/etc/networkd-dispatcher/*/*",
    "/usr/lib/networkd-dispatcher/*/*",
    "/etc/NetworkManager/dispatcher.d/*",
    "/etc/NetworkManager/dispatcher.d/*/*",
    "/usr/lib/NetworkManager/dispatcher.d/*",
    "/sbin/ifup-local",
    "/etc/sysconfig/network-scripts/ifup-local",
    "/etc/sysconfig/network/scripts/*",
];

/// The row of a path; none of a script that another source names.
pub fn of(path: &str) -> Option<&'static Place> {
    // On hosts where /lib is not a link to /usr/lib.
    if path.starts_with("/lib/systemd/system/") {
        return of(&format!("/usr{path}"));
    }
    let fits = |glob: &&str| fits(glob, path);
    PLACES.iter().find(|place| place.globs.iter().any(fits))
}

/// Folder by folder, with `*` alone.
fn fits(glob: &str, path: &str) -> bool {
    glob.matches('/').count() == path.matches('/').count()
        && glob
            .split('/')
            .zip(path.split('/'))
            .all(|(glob, name)| wildmatch::WildMatch::new(glob).matches(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_has_its_reader() {
        for (path, want) in [
            (
                "/etc/systemd/network/10-eth0.network",
                Some(Reader::Networkd),
            ),
            (
                "/etc/systemd/network/10-eth0.network.d/x.conf",
                Some(Reader::Networkd),
            ),
            ("/etc/network/interfaces.d/vip", Some(Reader::Ifupdown)),
            ("/etc/iptables/rules.v6", Some(Reader::Ip6tables)),
            ("/etc/systemd/system/x.timer", Some(Reader::Unit)),
            ("/etc/cron.daily/x", Some(Reader::Periodic)),
            ("/var/spool/cron/crontabs/root", Some(Reader::UserCrontab)),
            ("/var/spool/cron/root", Some(Reader::UserCrontab)),
            ("/var/spool/cron/atjobs/a0001", Some(Reader::At)),
            ("/lib/systemd/system/x.service", Some(Reader::Unit)),
            ("/usr/local/sbin/x", None),
        ] {
            assert_eq!(of(path).map(|place| place.reader), want, "{path}");
        }
    }
}
