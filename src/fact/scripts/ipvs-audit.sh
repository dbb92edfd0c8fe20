# What checks need of IPVS, where it is loaded: ipvsadm would load it.
if [ -e /proc/net/ip_vs ] && have ipvsadm; then
part statistics
ipvsadm -Ln --stats --exact 2>/dev/null
part timeouts
ipvsadm -Ln --timeout 2>/dev/null
part sync
ipvsadm -Ln --daemon 2>/dev/null
fi
