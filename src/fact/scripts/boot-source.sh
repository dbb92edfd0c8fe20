# What is read or run at boot or on a schedule. $whole are files of which each line counts, $some are files of which those
# with one of $words do, $lib are folders of $whole that /usr/lib has too on most hosts. Two processes start, and a third one
# where other scripts are named.
part links
# shellcheck disable=SC2154
for f in $links; do if [ -e "$f" ]; then printf '%s\n' "$f"; fi; done
part masked
for f in /etc/systemd/system/*.*; do if [ -c "$f" ] || { [ -f "$f" ] && [ ! -s "$f" ]; }; then printf '%s\n' "$f"; fi; done
part target
for t in /usr/lib/systemd/system/*.target /lib/systemd/system/*.target /etc/systemd/system/*.target; do
if [ "${t##*/}" != default.target ] && [ /etc/systemd/system/default.target -ef "$t" ]; then printf '%s\n' "${t##*/}"; break; fi; done
part runs
# shellcheck disable=SC2154
for f in $runs; do if [ -f "$f" ] && [ -x "$f" ]; then printf '%s\n' "$f"; fi; done
# shellcheck disable=SC2154
if ! [ /lib -ef /usr/lib ]; then whole="$whole $lib"; fi
# shellcheck disable=SC2154
put() { printf "%.${limit}s\n" "$2"; if [ "${#2}" -gt "$limit" ]; then part "cut $1"; echo yes; fi; }
part whole
# Comments, empty lines and secrets stay where they are.
# shellcheck disable=SC2086
out=$(grep -aHnsv -e '^[[:space:]]*[#;]' -e '^[[:space:]]*$' -e '^[[:space:]]*psk=' -e '[Pp]assw' -e '[Ss]ecret' -- $whole /dev/null 2>/dev/null)
put whole "$out"
part some
# shellcheck disable=SC2086,SC2154
lines=$(grep -aHnsE -e "$words" -- $some /dev/null 2>/dev/null)
put some "$lines"
part there
more=
seen=' '
set -f
for w in $out $lines; do
case $w in */*|*Requires=*|*Requisite=*|*BindsTo=*) ;; *) continue;; esac
case $w in *Requires=*|*Requisite=*|*BindsTo=*) p=${w##*=}
for d in /etc/systemd/system /run/systemd/system /usr/lib/systemd/system /lib/systemd/system; do if [ -e "$d/$p" ]; then printf 's %s\n' "$p"; break; fi; done;; esac
case $w in *Condition*=*|*Assert*=*|*EnvironmentFile=*|*Exec*=*) p=${w##*=}; p=/${p#*/}
case $seen in *" =$p "*) ;; *) seen="$seen=$p "; if [ -s "$p" ]; then printf 's %s\n' "$p"; elif [ -e "$p" ]; then printf 'e %s\n' "$p"; fi;; esac;; esac
# The quote and bracket that end a word are no part of a path.
case $w in *[\"\'\`\)\;]) w=${w%?};; esac
case $w in *[\"\'\`\)\;]) w=${w%?};; esac
w=${w##*[=:\"\'\`(\;|&]}; w=${w%%[\"\'\`)\;|&]*}; w=${w#[-@+!<]}
case $w in *.sh|*.py|*.pl) ;; /usr/local/*|/opt/*|/root/*|/home/*|/srv/*|/var/*|/tmp/*|/etc/*) ;; *) continue;; esac
case $seen in *" $w "*) continue;; esac
seen="$seen$w "
if [ -f "$w" ]; then more="$more $w"; fi
done
set +f
part more
# shellcheck disable=SC2086
if [ -n "$more" ]; then out=$(grep -aHnsE -e "$words" -- $more /dev/null 2>/dev/null); put more "$out"; fi
part read
echo yes
unset -f put
out=''
lines=''
