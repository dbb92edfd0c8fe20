# The rules of mangle with their counters, of both backends.
save() { for t in "$@"; do if have "$t"; then "$t" -c -t mangle 2>/dev/null; break; fi; done; }
case $(cat /proc/net/ip_tables_names 2>/dev/null) in *mangle*) part legacy; save iptables-legacy-save iptables-save;; esac
case $(cat /proc/net/ip6_tables_names 2>/dev/null) in *mangle*) part legacy-v6; save ip6tables-legacy-save ip6tables-save;; esac
case $(iptables -V 2>/dev/null) in *nf_tables*) part nft; save iptables-nft-save iptables-save; part nft-v6; save ip6tables-nft-save ip6tables-save;; esac
