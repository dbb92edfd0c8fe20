# What `status` shows of IPVS, where it is loaded. Without estimation there are no rates.
if [ -e /proc/net/ip_vs ] && have ipvsadm; then
part connections
ask ipvsadm -Ln
part rates
e=1; read -r e 2>/dev/null </proc/sys/net/ipv4/vs/run_estimation
[ "$e" = 0 ] || ask ipvsadm -Ln --rate --exact
fi
