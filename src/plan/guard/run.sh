# lvsctl's guard: puts back what a run changed on the way in of this host, unless lvsctl reaches the host again in time.
# wait: until the time is over; boot: the rest of it after a boot; now: at once, without a timer; renew SECONDS; disarm.
# The folder: `armed` has a serial number, seconds, when they end, and who armed it; `fired` says when the state came back.
# d, its folder, and name, that of its unit, are set before this.
# shellcheck disable=SC2154
PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH LC_ALL=C
umask 077

# Numbers of undo scripts, the last first.
numbers() {
	n=1
	all=
	while [ -e "$d/undo.$n" ]; do
		all="$n $all"
		n=$((n + 1))
	done
	echo "$all"
}

# What failed is tried again: an address may be missing for a route.
put_back() {
	failed=0
	for n in $(numbers); do
		left=3
		until sh "$d/undo.$n" "$d/kept.$n" >>"$d/log" 2>&1 </dev/null 7>&- 8>&- 9>&-; do
			left=$((left - 1))
			if [ "$left" -le 0 ]; then
				failed=1
				break
			fi
			sleep 1
		done
	done
	return "$failed"
}

hook_off() {
	rm -f "/etc/systemd/system/multi-user.target.wants/$name.service" "/etc/systemd/system/$name.service"
	if [ -e "/etc/init.d/$name" ]; then
		rc-update --quiet --all delete "$name" >/dev/null 2>&1 || :
		rm -f "/etc/init.d/$name"
	fi
}

fire() {
	(
		flock 8
		mv "$d/armed" "$d/firing" 2>/dev/null || [ -e "$d/firing" ]
	) 8>>"$d/lock" || exit 0
	sync "$d" 2>/dev/null || :
	if put_back; then result=well; else result=incomplete; fi
	printf '%s %s\n' "$(date +%s)" "$result" >"$d/fired"
	hook_off
	rm -f "$d/firing"
	sync "$d/fired" "$d" 2>/dev/null || :
	logger -t lvsctl "the guard put the state of this host back ($result), because the change was not confirmed; see $d/log" 2>/dev/null || :
	exit 0
}

# Counts seconds: a clock that is set meanwhile changes nothing.
wait_and_fire() { # boot or not
	exec 7>>"$d/timer"
	# Who looks whether it runs holds the lock for a moment.
	tries=20
	until flock -n 7; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || exit 0
		sleep 0.1 7>&- 2>/dev/null || sleep 1 7>&-
	done
	seen=
	left=0
	while :; do
		[ ! -e "$d/firing" ] || fire
		read -r serial seconds until _ 2>/dev/null <"$d/armed" || exit 0
		if [ "$serial" != "$seen" ]; then
			left=$seconds
			if [ "$1" = boot ] && [ -z "$seen" ]; then
				left=$((until - $(date +%s)))
				if [ "$left" -lt 0 ]; then left=0; fi
				if [ "$left" -gt "$seconds" ]; then left=$seconds; fi
			fi
			seen=$serial
		fi
		[ "$left" -gt 0 ] || fire
		sleep 1 7>&-
		left=$((left - 1))
	done
}

case ${1-} in
wait | boot) wait_and_fire "$1" ;;
now)
	put_back || {
		tail -n 5 "$d/log" >&2
		exit 1
	}
	;;
renew)
	(
		flock 8
		read -r serial _ _ who <"$d/armed" || exit 1
		printf '%s %s %s %s\n' "$((serial + 1))" "$2" "$(($(date +%s) + $2))" "$who" >"$d/armed.new"
		mv -f "$d/armed.new" "$d/armed"
	) 8>>"$d/lock" 2>/dev/null || {
		echo 'the guard has put the old state of this host back already' >&2
		exit 1
	}
	;;
disarm)
	(
		flock 8
		[ ! -e "$d/armed" ] || rm "$d/armed"
		[ ! -e "$d/firing" ] && [ ! -e "$d/fired" ]
	) 8>>"$d/lock" || [ "${2-}" = anyway ] || {
		echo 'the guard has put the old state of this host back already' >&2
		exit 1
	}
	hook_off
	rm -rf "$d"
	rmdir "${d%/*}" "${d%/*/*}" 2>/dev/null || :
	echo disarmed
	;;
esac
