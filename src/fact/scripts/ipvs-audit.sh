# What checks need of IPVS, where it is loaded: ipvsadm would load it.
part defaults
if [ -r /etc/default/ipvsadm ]; then
echo read
while IFS= read -r l || [ -n "$l" ]; do case $l in AUTO=*) printf '%s\n' "$l";; esac; done </etc/default/ipvsadm
fi
if [ -e /proc/net/ip_vs ] && have ipvsadm; then
part statistics
ipvsadm -Ln --stats --exact 2>/dev/null
part timeouts
ipvsadm -Ln --timeout 2>/dev/null
part sync
ipvsadm -Ln --daemon 2>/dev/null
fi
