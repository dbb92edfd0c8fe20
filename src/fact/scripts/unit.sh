# What the units in "$@" are, as `systemctl show` prints it. With OpenRC, the time of a service's mark is that of its start; a
# link has its own.
if [ ! -d /run/systemd/system ] && have rc-service; then
for u in "$@"; do s=${u%.*} load=not-found active=inactive file=disabled
if [ -e "/etc/init.d/$s" ]; then load=loaded
if rc-service "$s" status >/dev/null 2>&1; then active=active; fi
for l in /etc/runlevels/*/"$s"; do if [ -e "$l" ]; then file=enabled; fi; done; fi
printf 'Id=%s\nLoadState=%s\nActiveState=%s\nUnitFileState=%s\nNeedDaemonReload=no\nChanged=%s\n\n' \
"$u" $load $active $file "$(stat -c %.9Y STARTED/"$s" 2>/dev/null)"; done
elif [ -d /run/systemd/system ]; then ask systemctl show --property=PROPERTIES "$@"; fi
set --
