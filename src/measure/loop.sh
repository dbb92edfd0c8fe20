# shellcheck disable=SC2154
# Sends requests where the host has no perl that can: one process and more for each, times to 10 ms. The function `ask` sends
# one; most, step (microseconds), number, seconds, timeout (seconds) are set. It ends with the session's shell.
loop_time() { read -r loop_up _ </proc/uptime; loop_now=${loop_up%.*}${loop_up#*.}; }
loop_http() {
l=$(curl -q -sS -k -g --http1.1 --noproxy '*' -m "$timeout" -H 'Connection: close' ${e2e_resolve:+--resolve "$e2e_resolve"} \
-w '\n@lvsctl-e2e took=%{time_total} code=%{http_code} exit=%{exitcode} err=%{errormsg}\n' "$1" 2>/dev/null)
}
loop_other() { l=$("$@" 1 2>/dev/null); }
loop_worker() {
i=$1; loop_ends=; trap 'loop_ends=1' TERM
while [ "$number" = 0 ] || [ "$i" -lt "$number" ]; do
loop_time; at=$((loop_now - loop_begin))
due=$((i * step / 10000)); pause=$((due - at))
if [ "$pause" -gt 0 ]; then
f=$((pause % 100)); case $f in ?) f=0$f;; esac
sleep "$((pause / 100)).$f"; loop_time; at=$((loop_now - loop_begin))
fi
if [ -n "$loop_ends" ] || [ "$at" -ge "$((seconds * 100))" ] || [ ! -d "/proc/$$" ]; then return; fi
ask; loop_time
case $l in *@lvsctl-e2e*) line=${l##*@lvsctl-e2e };; *) line="code=000 exit=28 err=";; esac
case $line in *'	'*) ;; *) while :; do case $l in "$loop_nl"*) l=${l#"$loop_nl"};; *) break;; esac; done
line="$line	${l%%"$loop_nl"*}";; esac
printf '@lvsctl-loop at=%s.%s ms=%s %s\n' "$((at / 100))" "$(((at / 10) % 10))$((at % 10))" "$(((loop_now - loop_begin - at) * 10))" "$line"
i=$((i + most))
done
}
loop_nl='
'
loop_time; loop_begin=$loop_now
echo '@lvsctl-loop begin'
loop_pids=; n=0
while [ "$n" -lt "$most" ]; do loop_worker "$n" & loop_pids="$loop_pids $!"; n=$((n + 1)); done
trap 'kill -TERM $loop_pids 2>/dev/null' TERM
for p in $loop_pids; do until wait "$p"; [ ! -d "/proc/$p" ]; do :; done; done
echo '@lvsctl-loop end'
