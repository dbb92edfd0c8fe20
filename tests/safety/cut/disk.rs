//! The disk is full, or its file systems are read-only, from the step on until the run has ended.

use super::Kind;

/// What the hosts of a lab write lies in one file system, of which each host's /opt is a folder. It gets the size of what is
/// in it, so that it is full on all hosts.
const FILL: &str = "used=$(df -k --output=used /opt | tail -n 1) && mount -o remount,size=$((used))k /opt || exit 1
if head -c 65536 /dev/zero 2>/dev/null >/var/tmp/fill; then echo 'the disk is not full' >&2; rm /var/tmp/fill; exit 1; fi
rm -f /var/tmp/fill";
const GROW: &str = "mount -o remount,size=90% /opt";

/// Mounted once more, since what is open for writing keeps a file system from becoming read-only.
const FREEZE: &str =
    "for d in /etc /usr /var; do mount --bind $d $d && mount -o remount,bind,ro $d || exit 1; done
! touch /etc/written 2>/dev/null";
const THAW: &str =
    "for d in /var /usr /etc; do mount -o remount,bind,rw $d && umount -l $d || exit 1; done";

pub(crate) const FULL: Kind = Kind {
    name: "full-disk",
    unnoticed: true,
    strike: |pair, _, host| {
        pair.cluster.on(host, FILL);
        let host = host.to_owned();
        Box::new(move || {
            pair.cluster.on(&host, GROW);
        })
    },
};

pub(crate) const READ_ONLY: Kind = Kind {
    name: "read-only",
    unnoticed: true,
    strike: |pair, _, host| {
        pair.cluster.on(host, FREEZE);
        let host = host.to_owned();
        Box::new(move || {
            pair.cluster.on(&host, THAW);
        })
    },
};
