# What `status` shows of IPVS, where it is loaded. Without estimation there are no rates.
if [ -e /proc/net/ip_vs ] && have ipvsadm; then
part connections
ipvsadm -Ln 2>/dev/null
part rates
e=1; read -r e 2>/dev/null </proc/sys/net/ipv4/vs/run_estimation
[ "$e" = 0 ] || ipvsadm -Ln --rate --exact 2>/dev/null
fi
