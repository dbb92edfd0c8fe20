# Functions that keep what is there and put it back. Each may run twice, and where nothing was changed.

# A file as it is, with mode and owner; or that there is none.
keep_file() { # path, where
	rm -rf "$2" "$2.none"
	if [ -e "$1" ] || [ -L "$1" ]; then cp -pP "$1" "$2"; else : >"$2.none"; fi
}
put_file() {
	if [ -e "$2.none" ]; then
		rm -f "$1"
	elif [ -e "$2" ] || [ -L "$2" ]; then
		rm -f "$1.lvsctl-new"
		# A link is not followed: it may lead nowhere.
		cp -pP "$2" "$1.lvsctl-new" && { [ -L "$2" ] || sync "$1.lvsctl-new"; } && mv -f "$1.lvsctl-new" "$1" && return 0
		rm -f "$1.lvsctl-new"
		return 1
	else
		return 1
	fi
}

# Routes of the main table, with what ip-route(8) prints and does not take left out.
shown() { # family, words
	f=$1
	shift
	ip -o "$f" route show table main "$@" 2>/dev/null |
		sed -e 's/\\/ /g' -e 's/ linkdown//g' -e 's/ dead//g' -e 's/ offload//g' -e 's/ rt_offload//g' -e 's/ expires [0-9]*sec//' -e 's/ *$//'
}
keep_route() { # family, destination, where
	shown "$1" exact "$2" >"$3"
}
put_route() {
	[ -e "$3" ] || return 1
	[ "$(shown "$1" exact "$2")" != "$(cat "$3")" ] || return 0
	n=20
	while [ "$n" -gt 0 ] && ip "$1" route del "$2" table main 2>/dev/null; do n=$((n - 1)); done
	bad=0
	while read -r route; do
		# shellcheck disable=SC2086
		ip "$1" route append $route || bad=1
	done <"$3"
	return "$bad"
}

# An interface: whether it is up, its MTU, its addresses and the routes that lead by it.
addresses() { # interface
	ip -o addr show dev "$1" | while read -r _ _ family address rest; do
		case $family/$address in inet6/fe80:*) continue ;; inet/* | inet6/*) ;; *) continue ;; esac
		more=
		# shellcheck disable=SC2086
		set -- $rest
		while [ $# -gt 0 ]; do
			case $1 in
			brd | peer)
				more="$more $1 $2"
				shift
				;;
			scope) shift ;;
			*\\*)
				label=${1%%\\*}
				case $family/$label in inet/*:*) more="$more label $label" ;; esac
				break
				;;
			esac
			shift
		done
		printf '%s%s\n' "$address" "$more"
	done
}
keep_interface() { # name, where
	addresses "$1" >"$2.address"
	shown -4 dev "$1" >"$2.route4"
	shown -6 dev "$1" >"$2.route6"
	cat "/sys/class/net/$1/mtu" >"$2.mtu"
	echo $(($(cat "/sys/class/net/$1/flags") & 1)) >"$2.up"
}
put_interface() {
	[ -e "$2.up" ] || return 1
	bad=0
	if [ "$(cat "$2.up")" = 1 ]; then ip link set "$1" up || bad=1; fi
	mtu=$(cat "$2.mtu")
	if [ "$(cat "/sys/class/net/$1/mtu")" != "$mtu" ]; then ip link set "$1" mtu "$mtu" || bad=1; fi
	while read -r address more; do
		if [ -z "$(ip addr show dev "$1" to "${address%/*}")" ]; then
			case $address in *:*) more="$more nodad" ;; esac
			# shellcheck disable=SC2086
			ip addr add "$address" $more dev "$1" || bad=1
		fi
	done <"$2.address"
	for family in 4 6; do
		while read -r route; do
			if ! shown "-$family" dev "$1" | grep -qxF -- "$route"; then
				# shellcheck disable=SC2086
				ip "-$family" route append $route dev "$1" || bad=1
			fi
		done <"$2.route$family"
	done
	return "$bad"
}

# The packet filter: all tables of iptables and of nft. A table that is new is emptied, and lets all pass.
savers() {
	for tool in iptables ip6tables iptables-legacy ip6tables-legacy; do
		command -v "$tool-save" >/dev/null 2>&1 || continue
		# The legacy tools would load their modules.
		case $tool in
		iptables-legacy) [ -s /proc/net/ip_tables_names ] || continue ;;
		ip6tables-legacy) [ -s /proc/net/ip6_tables_names ] || continue ;;
		esac
		echo "$tool"
	done
}
# Tables of nft that iptables does not manage.
tables() {
	command -v nft >/dev/null 2>&1 || return 0
	nft list tables 2>/dev/null | while read -r _ family table; do
		case $family/$table in
		ip/filter | ip/nat | ip/mangle | ip/raw | ip/security) command -v iptables-save >/dev/null 2>&1 && iptables-save 2>/dev/null | grep -qxF "*$table" && continue ;;
		ip6/filter | ip6/nat | ip6/mangle | ip6/raw | ip6/security) command -v ip6tables-save >/dev/null 2>&1 && ip6tables-save 2>/dev/null | grep -qxF "*$table" && continue ;;
		arp/filter | bridge/filter) continue ;;
		esac
		echo "$family $table"
	done
}
keep_filter() { # where
	for tool in $(savers); do "$tool-save" >"$1.$tool" 2>/dev/null || :; done
	tables >"$1.tables"
	while read -r family table; do nft list table "$family" "$table"; done <"$1.tables" >"$1.nft"
}
put_filter() {
	[ -e "$1.tables" ] || return 1
	bad=0
	for tool in $(savers); do
		now=$("$tool-save" 2>/dev/null) || now=
		{
			[ ! -e "$1.$tool" ] || cat "$1.$tool"
			printf '%s\n' "$now" | while read -r line; do
				case $line in
				\**) if [ -e "$1.$tool" ] && grep -qxF -- "$line" "$1.$tool"; then old=1; else old=0; fi ;;
				esac
				[ "${old:-1}" = 0 ] || continue
				case $line in
				\** | COMMIT) printf '%s\n' "$line" ;;
				:*' - '*) ;;
				:*) printf '%s ACCEPT [0:0]\n' "${line%% *}" ;;
				esac
			done
		} >"$1.put"
		[ ! -s "$1.put" ] || "$tool-restore" <"$1.put" || bad=1
	done
	if command -v nft >/dev/null 2>&1; then
		{
			tables | while read -r family table; do echo "delete table $family $table"; done
			cat "$1.nft"
		} >"$1.put"
		[ ! -s "$1.put" ] || nft -f "$1.put" || bad=1
	fi
	rm -f "$1.put"
	return "$bad"
}

# The rules of mangle/PREROUTING that have a comment.
marks() { # tool, comment
	"$1" -w 10 -t mangle -S PREROUTING 2>/dev/null | grep -F -- "--comment" | grep -F -- "$2"
}
keep_marks() { # tool, comment, where
	marks "$1" "$2" >"$3" || :
}
put_marks() {
	[ -e "$3" ] || return 1
	bad=0
	[ "$(marks "$1" "$2")" != "$(cat "$3")" ] || return 0
	marks "$1" "$2" | sed 's/^-A/-D/' | while read -r rule; do printf '%s\n' "$rule" | xargs "$1" -w 10 -t mangle; done
	while read -r rule; do printf '%s\n' "$rule" | xargs "$1" -w 10 -t mangle || bad=1; done <"$3"
	return "$bad"
}

# A virtual service of IPVS, such as `-t 10.0.0.9:80`.
keep_service() { # as it is printed, where
	ipvsadm -Sn 2>/dev/null | grep -F -- " $1 " >"$2" || :
}
put_service() { # as it is printed, where, as it is given
	[ -e "$2" ] || return 1
	[ "$(ipvsadm -Sn 2>/dev/null | grep -F -- " $1 ")" != "$(cat "$2")" ] || return 0
	# shellcheck disable=SC2086
	ipvsadm -D $3 2>/dev/null || :
	[ ! -s "$2" ] || ipvsadm -R <"$2"
}

# A unit: whether a boot starts it, whether it runs, and whether it reads its files again.
put_unit() { # unit, enabled or disabled, active or inactive, reload or no
	bad=0
	if [ -d /run/systemd/system ]; then
		systemctl daemon-reload || :
		if [ "$2" = enabled ]; then systemctl --quiet enable "$1" 2>/dev/null || bad=1; else systemctl --quiet disable "$1" 2>/dev/null || :; fi
		case $3/$4 in
		active/reload) systemctl reset-failed "$1" 2>/dev/null || :; systemctl reload-or-restart "$1" || bad=1 ;;
		active/*) systemctl reset-failed "$1" 2>/dev/null || :; systemctl start "$1" || bad=1 ;;
		*) systemctl stop "$1" 2>/dev/null || : ;;
		esac
		return "$bad"
	fi
	command -v rc-service >/dev/null 2>&1 || return 0
	s=${1%.*}
	if [ "$2" = enabled ]; then rc-update --quiet add "$s" default || bad=1; else rc-update --quiet --all delete "$s" 2>/dev/null || :; fi
	if [ "$3" = inactive ]; then
		rc-service "$s" stop 2>/dev/null || :
	elif ! rc-service "$s" status >/dev/null 2>&1; then
		rc-service "$s" start || bad=1
	elif [ "$4" = reload ]; then
		if grep -Eq '^ *extra_started_commands=.*reload' "/etc/init.d/$s"; then rc-service "$s" reload || bad=1; else rc-service "$s" restart || bad=1; fi
	fi
	return "$bad"
}

# Servers of SSH that run, so that they run again.
SSH='ssh.service ssh.socket sshd.service sshd.socket dropbear.service dropbear.socket'
keep_ssh() { # where
	for unit in $SSH; do
		if [ -d /run/systemd/system ]; then
			! systemctl --quiet is-active "$unit" || echo "$unit"
		elif command -v rc-service >/dev/null 2>&1 && [ -e "/etc/init.d/${unit%.*}" ]; then
			case $unit in *.service) ! rc-service "${unit%.*}" status >/dev/null 2>&1 || echo "$unit" ;; esac
		fi
	done >"$1"
}
put_ssh() {
	[ -e "$1" ] || return 1
	bad=0
	while read -r unit; do
		if [ -d /run/systemd/system ]; then
			systemctl --quiet is-active "$unit" || systemctl start "$unit" || bad=1
		else
			rc-service "${unit%.*}" status >/dev/null 2>&1 || rc-service "${unit%.*}" start || bad=1
		fi
	done <"$1"
	return "$bad"
}
