# The rules of mangle with their counters, of both backends.
save() { for t in "$@"; do if have "$t"; then "$t" -c -t mangle 2>/dev/null; break; fi; done; }
if grep -qs mangle /proc/net/ip_tables_names; then part legacy; save iptables-legacy-save iptables-save; fi
if grep -qs mangle /proc/net/ip6_tables_names; then part legacy-v6; save ip6tables-legacy-save ip6tables-save; fi
case $(iptables -V 2>/dev/null) in *nf_tables*) part nft; save iptables-nft-save iptables-save; part nft-v6; save ip6tables-nft-save ip6tables-save;; esac
