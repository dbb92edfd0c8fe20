# The statistics of IPVS, when they show $expected connections in all, or others too for 2.5 seconds, or after 8 seconds.
if [ -e /proc/net/ip_vs ] && have ipvsadm; then
n=0
e=1; read -r e 2>/dev/null </proc/sys/net/ipv4/vs/run_estimation
[ "$e" != 0 ] || n=16
while :; do
s=$(ipvsadm -Ln --stats --exact 2>/dev/null) || { failed $? 'ipvsadm -Ln --stats'; break; }
t=0
while read -r a _ c _; do case $a$c in '->'*[!0-9]*|'->') ;; '->'*) t=$((t + c));; esac; done <<EOF
$s
EOF
# shellcheck disable=SC2154
if [ "$t" = "$expected" ] || { [ "$t" -gt "$expected" ] && [ "$n" -ge 5 ]; } || [ "$n" -ge 16 ]; then break; fi
n=$((n + 1)); sleep 0.5; done
part statistics
printf '%s\n' "$s"
fi
