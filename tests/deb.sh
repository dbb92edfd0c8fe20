#!/bin/sh
# Installs the Debian package on bare Debian 12 and 13, without and with what it recommends, and runs it there.
# Each Debian is a folder that is the root of process and mount namespaces, and is removed at the end. Needs root.
# usage: deb.sh [--boot | --lab] PACKAGE [SUITE...]
# --boot: a lab's hosts boot in it, on this machine's kernel, which need not have IPVS.
# --lab: a lab comes up in it and becomes a cluster that is proven.
set -eu
lab=
case "${1-}" in
--boot | --lab)
	lab=$1
	shift
	;;
esac
deb=$(realpath "$1")
shift
[ $# -gt 0 ] || set -- bookworm trixie
. /etc/os-release
echo "package $(basename "$deb"), built on ${PRETTY_NAME-an unknown system}"
export LVSCTL_AUTH_PASS="${LVSCTL_AUTH_PASS:-s3cr3t}" LC_ALL=C DEBIAN_FRONTEND=noninteractive
unset LVSCTL_INVENTORY
inventory=/usr/share/doc/lvsctl/inventories/dr-keepalived.yaml

child=
folder=$(mktemp -d "${TMPDIR:-/tmp}/lvsctl-deb.XXXXXX")
name=deb-$$
# The namespaces end with the process that made them, and all mounts with the namespaces. Control groups do not.
cleanup() {
	if [ -n "$child" ]; then
		kill -KILL "$child" 2>/dev/null || :
		wait "$child" 2>/dev/null || :
	fi
	find /sys/fs/cgroup -depth -type d -path "*/lvsctl-lab-$name*" -exec rmdir {} + 2>/dev/null || :
	rm -rf --one-file-system "$folder"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

# In namespaces, and in the background so that a signal is heard while it runs.
apart() {
	unshare --mount --pid --fork --kill-child --mount-proc "$@" &
	child=$!
	status=0
	wait "$child" || status=$?
	child=
	return "$status"
}

# Makes the folder $1 the root of this mount namespace, as on a machine of that Debian, and runs the script in it.
enter='
set -eu
root=$1
shift
mount --make-rprivate /
mount --bind "$root" "$root"
for part in dev sys; do mount --rbind "/$part" "$root/$part"; done
mount -t proc proc "$root/proc"
for part in run tmp; do mount -t tmpfs -o mode=1777 tmpfs "$root/$part"; done
chmod 755 "$root/run"
cp "$PACKAGE" "$root/tmp/"
# Names are looked up as on this machine.
touch "$root/etc/resolv.conf"
mount --bind "$(realpath /etc/resolv.conf)" "$root/etc/resolv.conf"
mkdir -p "$root/run/old"
cd "$root"
pivot_root . run/old
exec chroot . /bin/sh -c "umount -l /run/old; rmdir /run/old; exec /bin/sh -eu -c \"\$SCRIPT\""
'

inside='
cd /tmp
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
show() { printf "\n$ %s\n" "$*"; }
run() { show "$@"; "$@"; }
# Only the end of what is long, and all of it where it fails.
quiet() {
	show "$@"
	"$@" >/tmp/output 2>&1 || { cat /tmp/output; exit 1; }
	tail -n "$lines" /tmp/output
}
package=./$(basename "$PACKAGE")
. /etc/os-release
printf "\n### %s, bare: the package alone\n" "$PRETTY_NAME"
lines=1 quiet apt-get -q update
lines=3 quiet apt-get -q install -y --no-install-recommends "$package"
run lvsctl --version
run lvsctl check -i "$INVENTORY"
for file in $(sed -n "s/.*](\([a-zA-Z][^):#]*\)[)#].*/\1/p" /usr/share/doc/lvsctl/README.md); do
	test -e "/usr/share/doc/lvsctl/$file" || { echo "README.md links to $file, which is not there"; exit 1; }
done
show lvsctl lab up --kernel qemu -i "$INVENTORY"
status=0
lvsctl lab up --kernel qemu -i "$INVENTORY" >/tmp/output 2>&1 || status=$?
cat /tmp/output
echo "exit status $status"
test "$status" = 6
grep -q "apt-get install" /tmp/output
lines=1 quiet apt-get -q purge -y lvsctl
for file in /usr/bin/lvsctl /usr/share/doc/lvsctl; do test ! -e "$file"; done

printf "\n### %s: with what it recommends\n" "$PRETTY_NAME"
lines=3 quiet apt-get -q install -y "$package"
run du -sh --one-file-system /
'

requirements='
# There is no room for the root file system, so that its build ends at once; kernel and tools are checked before.
mkdir -p /var/cache/lvsctl/lab
mount -t tmpfs -o size=100m tmpfs /var/cache/lvsctl/lab
show lvsctl lab up -i "$INVENTORY"
status=0
lvsctl lab up -i "$INVENTORY" >/tmp/output 2>&1 || status=$?
cat /tmp/output
echo "exit status $status"
test "$status" = 6
grep -q "^kernel: " /tmp/output
grep -q "No space left on device" /tmp/output
umount /var/cache/lvsctl/lab
echo "the lab finds everything that it needs"
'

# Named so that it meets no other lab of this machine: a lab on its kernel has a control group by that name.
down='
sed "s/^cluster: .*/cluster: $CLUSTER/" "$INVENTORY" >"/tmp/$CLUSTER.yaml"
INVENTORY=/tmp/$CLUSTER.yaml
trap "lvsctl lab down -i \"$INVENTORY\" >/dev/null 2>&1" EXIT
'

boot='
run lvsctl lab up --kernel native -i "$INVENTORY"
run lvsctl lab status -i "$INVENTORY"
run lvsctl lab exec -i "$INVENTORY" client ping -q -c 1 192.168.100.14
run lvsctl lab down -i "$INVENTORY"
'

cluster='
run lvsctl lab up -i "$INVENTORY"
run lvsctl --lab apply --yes -i "$INVENTORY"
run lvsctl --lab verify -i "$INVENTORY"
run lvsctl lab down -i "$INVENTORY"
'

case "$lab" in
--boot) rest=$down$boot ;;
--lab) rest=$down$cluster ;;
*) rest=$requirements ;;
esac
for suite; do
	printf '\n### a bare Debian: mmdebstrap --variant=minbase %s\n' "$suite"
	if ! apart mmdebstrap --mode=root --variant=minbase "$suite" "$folder/$suite" >"$folder/log" 2>&1; then
		cat "$folder/log"
		exit 1
	fi
	PACKAGE="$deb" CLUSTER="$name" INVENTORY="$inventory" SCRIPT="$inside$rest" apart sh -c "$enter" enter "$folder/$suite"
	rm -rf --one-file-system "${folder:?}/$suite"
done
printf '\nthe package installs and runs on: %s\n' "$*"
