# Prints the state of a host that lvsctl may touch: what is the same prints the same.
LC_ALL=C; export LC_ALL
echo "== addresses"; ip -o addr show | sed "s/ *valid_lft.*//; s/^[0-9]*: //"
# A router's anycast addresses are the kernel's; one may stay for good when forwarding begins while an address is new.
echo "== routes"; { ip -4 route show table all; ip -6 route show table all; } | sed 's/ expires [0-9]*sec//' | grep -v '^anycast .* proto kernel' | sort
echo "== sysctls"; sysctl -a 2>/dev/null | grep -E '^net\.(ipv4\.(conf|ip_forward|vs|tcp|icmp)|core|ipv6\.conf)' | grep -vE 'fs\.|stable_secret|random'
echo "== marks"; iptables-save 2>/dev/null | awk '/^\*/ { table = $1 } /^-/ { print table, $0 }'
{ ip6tables-save 2>/dev/null || :; } | awk '/^\*/ { table = $1 } /^-/ { print "v6", table, $0 }'
echo "== arptables"; if command -v arptables-save >/dev/null; then arptables-save 2>/dev/null | grep '^-'; fi
echo "== neighbours"; ip neigh show nud permanent
echo "== links"; ip -o link show up | awk '{ sub(/[@:].*/, "", $2); print $2 }'
echo "== mounts"; findmnt -rn -t nfs,nfs4 -o TARGET,SOURCE,FSTYPE
echo "== units"; for unit in keepalived nginx nfs-server; do systemctl show -p Id -p StateChangeTimestampMonotonic "$unit" | sed "s/.*=//" | paste -sd ' ' | sed 's/ / ran since /'; done
systemctl list-units --all --plain --no-legend 'lvsctl-*' | awk '{ print $1, $3 }'
echo "== ipvs"; if [ -e /proc/net/ip_vs ] && command -v ipvsadm >/dev/null; then ipvsadm -Sn; fi
echo "== files"; find /etc /usr/local /var/lib/lvsctl /var/www /opt /srv /root /run -xdev \( -path /run/systemd -o -path /run/udev -o -path /run/user -o -path /run/log -o -path /run/lock -o -path /run/sudo \) -prune -o \( -type f -o -type l \) -printf '%M %u:%g %p -> %l\n' 2>/dev/null | grep -vE '/run/(xtables.lock|utmp|sshd.pid|.*\.pid|host|credentials|dbus)' | sort -k3
echo "== contents"; find /etc /usr/local /var/lib/lvsctl /var/www /opt /srv /root -xdev -type f -print0 2>/dev/null | sort -z | xargs -0 sha256sum
