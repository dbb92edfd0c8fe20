# The processes whose names match $names, and all that a signal has stopped: their /proc/PID/stat, and where they run. One
# process lists them; the shell reads the rest by itself, but for the arguments.
# shellcheck disable=SC2154
stats() { grep -aHsE "\\(($names)[^/]*\\) |\\) T " /proc/[0-9]*/stat; }
s=$(stats)
# An uninterruptible wait is usually short.
case $s in *') D '*) sleep 1; s=$(stats);; esac
part stat
printf '%s\n' "$s"
k=$(command -v keepalived 2>/dev/null) f=/etc/keepalived/keepalived.conf
set --
part place
while IFS=: read -r p _; do
p=${p%/stat} c=/ w=; [ -d "$p/ns" ] || continue
while IFS= read -r l; do case $l in *:name=systemd:/?*|0::/?*) c=${l#*:*:};; esac; done 2>/dev/null <"$p/cgroup"
[ "$p/ns/net" -ef /proc/self/ns/net ] || w="$w network"
case $names$s in *keepalived*)
[ -z "$k" ] || [ "$p/exe" -ef "$k" ] || w="$w program"
[ ! -e $f ] || [ "$p/root$f" -ef $f ] || w="$w file";; esac
if [ -r "/sys/fs/cgroup$c/cgroup.events" ]; then
while IFS= read -r l; do [ "$l" != 'frozen 1' ] || w="$w frozen"; done <"/sys/fs/cgroup$c/cgroup.events"; fi
printf '%s\t%s\t%s\n' "${p#/proc/}" "$c" "$w"
set -- "$@" "$p/cmdline"
done <<EOS
$s
EOS
if [ -n "$arguments" ] && [ $# -gt 0 ]; then part arguments; head -v -c 4096 "$@" 2>/dev/null | tr '\0' '\t'; fi
if [ -n "$vrrp" ]; then part vrrp
for l in /proc/net/raw /proc/net/raw6; do [ ! -r $l ] || while read -r _ p _; do case $p in *:0070) printf '%s\n' "$p";; esac; done <$l; done; fi
if [ -n "$web" ]; then case $s in *'(nginx)'*) part web
stat -L -c '%.9Z %n' /etc/nginx/*.conf /etc/nginx/conf.d/*.conf /etc/nginx/http.d/*.conf /etc/nginx/sites-enabled/* 2>/dev/null;; esac; fi
set --
