# What keepalived logged of its VRRP instances since it was started; a reload is no start.
part log
if [ -d /run/systemd/system ]; then
i=$(systemctl show --property=InvocationID --value keepalived.service 2>/dev/null)
if [ -n "$i" ]; then journalctl --no-pager --quiet -o cat "_SYSTEMD_INVOCATION_ID=$i" 2>/dev/null | grep -E 'ntering [A-Z]+ (STATE|state)'; fi
else grep -hsE 'Starting Keepalived v|Starting VRRP child|ntering [A-Z]+ (STATE|state)' /var/log/messages | tail -n 500; fi
