# lvsctl's guard: puts back what a run changed on the way in of this host, unless lvsctl reaches the host again in time.
# wait: until the time is over; boot: the rest of it after a boot; now: at once, without a timer; shell PID: whose
# lock the host has; renew SECONDS; disarm.
# The folder: `armed` has a serial number, seconds, when they end, and who armed it; `shell` names the shell of that run; `fired`
# says when the state came back.
# d, its folder, name, that of its unit, and lock, the file of the host's lock, are set before this.
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

# A living process: sets its parent, and when it began, in ticks since the boot. A number that is used again began later.
process() { # pid
	line=
	read -r line 2>/dev/null <"/proc/$1/stat" || return 1
	# shellcheck disable=SC2086
	set -- ${line##*) }
	parent=${2-}
	begun=${20-}
	case ${1-}/$begun in Z/* | X/* | */) return 1 ;; esac
}
lives() { # pid:when it began
	process "${1%:*}" && [ "$begun" = "${1#*:}" ]
}
any_lives() {
	for one in $family; do
		if lives "$one"; then return 0; fi
	done
	return 1
}
boot_id() {
	cat /proc/sys/kernel/random/boot_id 2>/dev/null || :
}

# Adds to the family what its living members have started.
grow() {
	more=yes
	while [ "$more" = yes ]; do
		more=no
		for child in /proc/[0-9]*; do
			child=${child#/proc/}
			process "$child" || continue
			of=$parent
			child=$child:$begun
			case " $family " in *" $child "*) continue ;; esac
			case " $family" in *" $of:"*) ;; *) continue ;; esac
			for one in $family; do
				# A parent that lives still is the one that the child had when it was looked at.
				if [ "${one%:*}" = "$of" ] && [ "${child%:*}" != "$$" ] && lives "$one"; then
					family="$family $child"
					more=yes
					break
				fi
			done
		done
	done
}

# Ends the shell of the run that armed this, with what it runs: it holds the host's lock until it ends, and a step that hangs
# must not change what is put back.
end_shell() {
	read -r pid began boot 2>/dev/null <"$d/shell" || return 0
	[ "$boot" = "$(boot_id)" ] || return 0
	family=$pid:$began
	for signal in TERM KILL; do
		any_lives || break
		grow
		for one in $family; do
			! lives "$one" || kill -s "$signal" "${one%:*}" 2>/dev/null || :
		done
		tries=10
		while any_lives && [ "$tries" -gt 0 ]; do
			tries=$((tries - 1))
			sleep 0.1 7>&- 2>/dev/null || sleep 1 7>&-
		done
	done
	# What was killed leaves the file of its lock. It stays where another run has locked it.
	# shellcheck disable=SC2094,SC3013
	[ ! -e "$lock" ] || (
		flock -n 6 && [ "$lock" -ef /proc/self/fd/6 ] && rm -f "$lock"
	) 6>>"$lock" || :
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
	end_shell >>"$d/log" 2>&1
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
shell)
	process "$2" && printf '%s %s %s\n' "$2" "$begun" "$(boot_id)" >"$d/shell.new" && mv -f "$d/shell.new" "$d/shell"
	;;
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
		echo 'the guard has restored the old state of this host already' >&2
		exit 1
	}
	;;
disarm)
	(
		flock 8
		[ ! -e "$d/armed" ] || rm "$d/armed"
		[ ! -e "$d/firing" ] && [ ! -e "$d/fired" ]
	) 8>>"$d/lock" || [ "${2-}" = anyway ] || {
		echo 'the guard has restored the old state of this host already' >&2
		exit 1
	}
	hook_off
	rm -rf "$d"
	rmdir "${d%/*}" "${d%/*/*}" 2>/dev/null || :
	echo disarmed
	;;
esac
