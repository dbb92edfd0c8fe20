# The state of each kernel module in "$@". A process starts only for one that is not loaded. A container may not show
# /sys/module, and a built-in module is shown nowhere else: `modinfo -n` names one.
part state
loaded="
$(cat /proc/modules 2>/dev/null)"
for m in "$@"; do
case $loaded in *"
$m "*) s=present;; *)
if [ -d "/sys/module/$m" ]; then s=present; else case $(modinfo -n "$m" 2>/dev/null) in
'') s=unknown;;
*builtin*) s=present;;
*) s=loadable;;
esac; fi;; esac
printf '%s %s\n' "$m" "$s"
done
set --
