# What the units in "$@" are, as `systemctl show` prints it. With OpenRC, the time of a service's mark is that of its start; a
# link has another.
if [ ! -d /run/systemd/system ] && have rc-service; then
for u in "$@"; do s=${u%.*} load=not-found active=inactive file=disabled
if [ -e "/etc/init.d/$s" ]; then load=loaded
if rc-service "$s" status >/dev/null 2>&1; then active=active; fi
for l in /etc/runlevels/*/"$s"; do if [ -e "$l" ]; then file=enabled; fi; done; fi
printf 'Id=%s\nLoadState=%s\nActiveState=%s\nUnitFileState=%s\nNeedDaemonReload=no\nChanged=%s\n\n' \
"$u" $load $active $file "$(stat -c %.9Y STARTED/"$s" 2>/dev/null)"; done
elif [ -d /run/systemd/system ]; then
s=$(systemctl show --property=PROPERTIES "$@" 2>/dev/null) || failed $? 'systemctl show'
printf '%s\n' "$s"
# A port that another program holds is what keeps most servers from starting.
case $s in *ActiveState=failed*|*ActiveState=activating*)
if have ss; then part holders; ss -Hltunp 2>/dev/null; fi;; esac
fi
set --
