# The SSH connection that this shell runs in. sudo clears the variable: an ancestor still has it.
connection=${SSH_CONNECTION-}
pid=$PPID
left=10
while [ -z "$connection" ] && [ "$left" -gt 0 ] && [ "${pid:-0}" -gt 1 ]; do
	connection=$(tr '\0' '\n' 2>/dev/null <"/proc/$pid/environ" | sed -n 's/^SSH_CONNECTION=//p')
	pid=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$pid/status" 2>/dev/null)
	left=$((left - 1))
done
part connection
printf '%s\n' "$connection"
# Word splitting is intended: client, its port, server, its port.
# shellcheck disable=SC2086
set -- $connection
# What `ip route get` takes, for the command that asks for the route back; empty without a connection.
lvsctl_back=
# shellcheck disable=SC2034
[ $# -ne 4 ] || lvsctl_back="${1%%%*} from ${3%%%*}"
set --
part lower
for lower in /sys/class/net/*/lower_*; do printf '%s\n' "$lower"; done
