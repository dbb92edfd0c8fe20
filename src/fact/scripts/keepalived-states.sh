# What keepalived logged of its VRRP instances, of what they track and of its configuration since it was started; a reload is
# no start.
part log
w='ntering [A-Z]+ (STATE|state)|VRRP_Script\(|effective priority|Reloading|Starting (VRRP|Healthcheck) child'
if [ -d /run/systemd/system ]; then
i=$(systemctl show --property=InvocationID --value keepalived.service 2>/dev/null)
if [ -n "$i" ]; then journalctl --no-pager --quiet -o short-unix "_SYSTEMD_INVOCATION_ID=$i" 2>/dev/null | grep -E "$w"; fi
else grep -hsE "Starting Keepalived v|$w" /var/log/messages | tail -n 500; fi
