# Queueing disciplines of all interfaces, and the filters of those that have some.
part qdisc
if have tc; then
q=$(tc qdisc show 2>/dev/null); printf '%s\n' "$q"
while read -r _ kind _ _ dev _; do
case $kind in
ingress) part "filter $dev"; tc filter show dev "$dev" ingress 2>/dev/null;;
clsact) part "filter $dev"; tc filter show dev "$dev" ingress 2>/dev/null; tc filter show dev "$dev" egress 2>/dev/null;;
prio|htb|hfsc|drr|cbq|ets|qfq) part "filter $dev"; tc filter show dev "$dev" 2>/dev/null;;
esac
done <<lvsctl
$q
lvsctl
else part missing; fi
