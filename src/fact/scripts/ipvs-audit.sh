# What checks need of IPVS, where it is loaded: ipvsadm would load it.
part defaults
if [ -r /etc/default/ipvsadm ]; then
echo read
while IFS= read -r l || [ -n "$l" ]; do case $l in AUTO=*) printf '%s\n' "$l";; esac; done </etc/default/ipvsadm
fi
if [ -e /proc/net/ip_vs ] && have ipvsadm; then
part statistics
ask ipvsadm -Ln --stats --exact
part thresholds
ask ipvsadm -Ln --thresholds
part timeouts
ask ipvsadm -Ln --timeout
part sync
ask ipvsadm -Ln --daemon
fi
