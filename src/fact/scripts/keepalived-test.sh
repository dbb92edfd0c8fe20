# What keepalived says of its configuration. `keepalived -t` starts nothing and writes nothing, but loads IPVS.
if [ -e /etc/keepalived/keepalived.conf ] && [ -e /proc/net/ip_vs ] && have keepalived; then
part test
keepalived -t -f /etc/keepalived/keepalived.conf 2>&1
printf '\nstatus %s\n' $?
fi
