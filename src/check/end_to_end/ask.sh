# shellcheck disable=SC2016,SC2154
# Functions by which clients ask for services. Each prints a line that begins with @lvsctl-e2e for each answer.
e2e_http() {
n=0; while [ "$n" -lt "$2" ]; do printf 'url = "%s"\n' "$1"; n=$((n + 1)); done |
timeout 120 curl -q -sS -k -g --http1.1 --noproxy '*' --connect-timeout 2 -m 5 -H 'Connection: close' \
${e2e_resolve:+--resolve "$e2e_resolve"} \
-w '\n@lvsctl-e2e code=%{http_code} new=%{num_connects} exit=%{exitcode} err=%{errormsg}\n' -K - 2>/dev/null |
e2e_text=$e2e_text awk '/^@lvsctl-e2e /{sub(/ /, " text=" h + 0 " "); print $0 "\t" b; b = ""; f = 0; h = 0; next}
ENVIRON["e2e_text"] != "" && index($0, ENVIRON["e2e_text"]) {h = 1} !f && NF {b = substr($0, 1, 200); f = 1}'
}
# A busy host may take long for a TLS handshake with itself, which --connect-timeout includes, and serves all the same. A body
# is looked at by the shell, which starts nothing.
e2e_once() {
if [ -n "$e2e_text" ]; then
b=$(curl -q -sS -k -g --noproxy '*' --connect-timeout 20 -m 20 ${e2e_resolve:+--resolve "$e2e_resolve"} \
-w '\n@lvsctl-e2e code=%{http_code} exit=%{exitcode} err=%{errormsg}\n' "$1" 2>/dev/null)
r=${b##*@lvsctl-e2e }; b=${b%@lvsctl-e2e *}
case $b in *"$e2e_text"*) printf '\n@lvsctl-e2e text=1 %s\n' "$r";; *) printf '\n@lvsctl-e2e text=0 %s\n' "$r";; esac
return; fi
curl -q -sS -k -g --noproxy '*' --connect-timeout 20 -m 20 -o /dev/null \
${e2e_resolve:+--resolve "$e2e_resolve"} \
-w '\n@lvsctl-e2e code=%{http_code} exit=%{exitcode} err=%{errormsg}\n' "$1" 2>/dev/null
}
# Each URL of a configuration once, in its order. e2e_texts has a line for each: what its body is to hold, or nothing.
e2e_each() {
timeout "${e2e_limit:-60}" curl -q -K - 2>/dev/null |
e2e_texts=$e2e_texts awk 'BEGIN {split(ENVIRON["e2e_texts"], t, "\n"); n = 1}
/^@lvsctl-e2e /{sub(/ /, " text=" h + 0 " "); print $0 "\t" b; b = ""; f = 0; h = 0; n++; next}
t[n] != "" && index($0, t[n]) {h = 1} !f && NF {b = substr($0, 1, 200); f = 1}'
}
# Connects to each ADDRESS,PORT, to all at once. What prints nothing got no answer.
e2e_connect() {
timeout 4 bash -c 'for at; do { if e=$({ exec 3<>"/dev/tcp/${at%,*}/${at##*,}"; } 2>&1)
then printf "%s ok\n" "$at"; else printf "%s %s\n" "$at" "${e##*: }"; fi; } & done; wait' bash "$@"
}
e2e_tcp() {
w=1; n=0; while [ "$n" -lt "$3" ]; do n=$((n + 1)); rc=0
e=$(timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/$1" && { IFS= read -r -t "$2" -n 200 line <&3 || :; printf "%s" "$line"; }' "$1" "$2" $w 2>&1) || rc=$?
[ "$rc$e" != 0 ] || w=0.1
case $rc in 0) printf '@lvsctl-e2e code=1 exit=0 err=\t%s\n' "$e";; 124|143) printf '@lvsctl-e2e code=000 exit=28 err=timed out\n';;
*) printf '@lvsctl-e2e code=000 exit=7 err=%s\n' "${e##*: }";; esac; done
}
# The page `/` of ADDRESS PORT, without curl.
e2e_page() {
rc=0
e=$(timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1" && printf "GET / HTTP/1.0\r\n\r\n" >&3 && cat <&3' "$1" "$2" 2>&1) || rc=$?
case $rc in 0) printf '%s\n' "$e" | awk '{sub(/\r$/, "")} NR == 1 {http = /^HTTP\//; c = http ? $2 : "000"; next} !h {h = !NF; next} !f && NF {b = substr($0, 1, 200); f = 1}
END {printf "@lvsctl-e2e code=%s exit=%d err=%s\t%s\n", c, !http, http ? "" : "no HTTP", b}';;
124|143) printf '@lvsctl-e2e code=000 exit=28 err=timed out\n';; *) printf '@lvsctl-e2e code=000 exit=7 err=%s\n' "${e##*: }";; esac
}
e2e_udp() {
n=0; while [ "$n" -lt "$3" ]; do n=$((n + 1)); rc=0
e=$(bash -c 'exec 3<>"/dev/udp/$0/$1" && echo lvsctl >&3 &&
{ IFS= read -r -n 200 line < <(timeout 5 dd bs=4096 count=1 2>/dev/null <&3) || [ -n "$line" ]; } && printf "%s" "$line"' "$1" "$2" 2>&1) || rc=$?
case $rc in 0) printf '@lvsctl-e2e code=1 exit=0 err=\t%s\n' "$e";; *) printf '@lvsctl-e2e code=000 exit=28 err=no answer\n';; esac; done
}
e2e_none() { printf '@lvsctl-e2e none\n'; }
have() { command -v "$1" >/dev/null 2>&1; }
