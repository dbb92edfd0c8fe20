#!/bin/sh
# Run by mmdebstrap with the new root as $1. Makes it a lab host, lays a package repository into it, and writes beside
# it the few files that differ where iptables is the legacy backend.
# In: OFFERED (packages of the repository), FOLDER (where that layer goes).
set -eu
umask 022
root=$1
layer=$FOLDER/legacy
repository=/usr/share/lab/packages

write() { mkdir -p "$(dirname "$root$1")" && cat >"$root$1"; }

# --- the packages that hosts can install, with all that they depend on
mkdir -p "$root$repository"
for package in $OFFERED; do
    chroot "$root" apt-get install --yes --no-install-recommends --download-only \
        -o Dir::Cache::archives="$repository" -o Debug::NoLocking=1 -o APT::Keep-Downloaded-Packages=1 "$package"
done
rm -rf "$root$repository/partial" "$root$repository/lock"
(cd "$root$repository" && apt-ftparchive packages . >Packages)
# Without it apt guesses at compressed indexes, and complains of each that is not there.
release=$(mktemp)
apt-ftparchive release "$root$repository" >"$release"
mv "$release" "$root$repository/Release"
chmod 644 "$root$repository/Release"
echo "deb [trusted=yes] file:$repository ./" >"$root/etc/apt/sources.list"
rm -rf "$root"/etc/apt/sources.list.d/* "$root"/var/lib/apt/lists/*
write /etc/apt/apt.conf.d/90lab <<'EOF'
APT::Install-Recommends "false";
APT::Periodic::Enable "0";
Acquire::Languages "none";
Dpkg::Use-Pty "0";
DPkg::Lock::Timeout "60";
EOF
chroot "$root" apt-get update
chroot "$root" apt-cache gencaches

# --- who may log in
chroot "$root" useradd --create-home --shell /bin/bash --uid 1000 --groups sudo admin
echo 'admin:lvsctl' | chroot "$root" chpasswd
chroot "$root" usermod --password '*' root
rm -f "$root"/etc/ssh/ssh_host_*
write /etc/ssh/sshd_config.d/lab.conf <<'EOF'
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UseDNS no
PrintMotd no
MaxStartups 100
MaxSessions 100
EOF

# --- a lean boot: what a container has no use for is masked; what installed packages may need is not
mask() { mkdir -p "$root$1" && ln -sf /dev/null "$root$1/$2"; }
for unit in \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
    man-db.timer logrotate.timer systemd-tmpfiles-clean.timer \
    console-getty.service getty@.service container-getty@.service serial-getty@.service getty.target \
    systemd-networkd-wait-online.service systemd-update-utmp.service systemd-update-utmp-runlevel.service \
    systemd-random-seed.service systemd-sysusers.service systemd-user-sessions.service systemd-journal-flush.service \
    systemd-journald-audit.socket systemd-pcrphase.service systemd-pcrphase-sysinit.service systemd-pstore.service \
    systemd-binfmt.service systemd-firstboot.service systemd-machine-id-commit.service systemd-repart.service \
    systemd-ask-password-wall.path systemd-ask-password-console.path systemd-network-generator.service \
    systemd-tmpfiles-setup-dev.service kmod-static-nodes.service modprobe@.service ldconfig.service \
    systemd-timesyncd.service systemd-resolved.service systemd-remount-fs.service systemd-initctl.socket \
    dev-hugepages.mount dev-mqueue.mount sys-fs-fuse-connections.mount sys-kernel-config.mount \
    sys-kernel-debug.mount sys-kernel-tracing.mount proc-sys-fs-binfmt_misc.automount
do
    mask /etc/systemd/system "$unit"
done
# Left: fstab and sysv, which packages and NFS mounts need.
for generator in cryptsetup debug getty gpt-auto hibernate-resume integritysetup rc-local run system-update veritysetup
do
    mask /etc/systemd/system-generators "systemd-$generator-generator"
done
mask /etc/tmpfiles.d systemd-nologin.conf
# A comment only, for which systemd-modules-load would run.
rm -f "$root/etc/modules-load.d/modules.conf"
# Started on request, as `reboot` does.
rm -f "$root/lib/systemd/system/multi-user.target.wants/systemd-logind.service"
ln -sf /lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
chroot "$root" systemctl enable systemd-networkd.service ssh.service
write /etc/systemd/journald.conf.d/lab.conf <<'EOF'
[Journal]
Storage=volatile
RuntimeMaxUse=16M
Audit=no
EOF
write /etc/systemd/system.conf.d/lab.conf <<'EOF'
[Manager]
DefaultTimeoutStopSec=15s
EOF

# --- names of the host and of the network come with each host
: >"$root/etc/resolv.conf"
: >"$root/etc/machine-id"
rm -f "$root/etc/hostname" "$root/var/lib/dbus/machine-id"
mkdir -p "$root/lib/modules"

# --- the same alternatives, but for the legacy backend
for name in iptables ip6tables arptables; do
    chroot "$root" update-alternatives --set "$name" "/usr/sbin/$name-legacy"
done
mkdir -p "$layer/etc" "$layer/var/lib/dpkg/alternatives"
cp -a "$root/etc/alternatives" "$layer/etc/"
for name in iptables ip6tables arptables; do
    cp -a "$root/var/lib/dpkg/alternatives/$name" "$layer/var/lib/dpkg/alternatives/"
    chroot "$root" update-alternatives --auto "$name"
done
