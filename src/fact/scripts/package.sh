# Which packages are installed, by the package manager that the host has; their names for each are in $apt, $zypper, $dnf and
# $apk. A name may be another package's by now: `iptables` is provided by `iptables-nft`.
part installed
of_rpm() { rpm -q --whatprovides --qf 'installed %{NAME} %{VERSION} [%{PROVIDENAME} ]\n' "$@" 2>/dev/null; }
# Names are words without blanks.
# shellcheck disable=SC2086,SC2154
if have dpkg-query; then
dpkg-query -W -f '${db:Status-Status} ${Package} ${Version}\n' $apt 2>/dev/null
elif have zypper; then of_rpm $zypper
elif have rpm; then of_rpm $dnf
elif have apk; then apk info -e $apk 2>/dev/null
fi
