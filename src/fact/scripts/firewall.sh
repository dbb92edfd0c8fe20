# The rules of all packet filters that the kernel has loaded.
part backend
v=$(iptables -V 2>/dev/null); printf '%s\n' "$v"
read -r _ _ k _ </proc/version
there=$(grep -sE '^(filter|mangle|nat|raw|security|arpfilter)$|^nf_tables |^ip_set |/nf_tables\.ko' /proc/net/ip_tables_names \
/proc/net/ip6_tables_names /proc/net/arp_tables_names /proc/modules "/lib/modules/$k/modules.builtin" /dev/null)
loaded=$there; unread=
[ -e /proc/modules ] || there="$there nf_tables"
case $v in *nf_tables*) there="$there nf_tables";; esac
# A filter that is loaded and cannot be read is not an empty one.
save() { for t in "$@"; do if have "$t"; then "$t" -c 2>/dev/null || unread="$unread $t"; break; fi; done; }
case $there in */ip_tables_names:*) part legacy; save iptables-legacy-save iptables-save;; esac
case $there in */ip6_tables_names:*) part legacy-v6; save ip6tables-legacy-save ip6tables-save;; esac
case $there in */arp_tables_names:*) part arptables; if have arptables-legacy-save; then arptables-legacy-save; else arptables-save; fi 2>/dev/null;; esac
case $there in *nf_tables*)
case $v in *nf_tables*) plain=tables-save;; *) plain=-nft-save;; esac
before=$unread
part nft; save iptables-nft-save "ip$plain"
part nft-v6; save ip6tables-nft-save "ip6$plain"
part arptables-nft; for t in arptables-nft-save "arp$plain"; do if have "$t"; then "$t" 2>/dev/null; break; fi; done
part native; if have nft; then nft -a list ruleset 2>/dev/null || unread="$unread nft"; fi
# iptables may be the nft backend on a kernel without nf_tables.
case $loaded in *nf_tables*) ;; *) unread=$before;; esac;;
esac
case $there in *ip_set*) part ipset; if have ipset; then ipset save 2>/dev/null; fi;; esac
one() { for t in "$@"; do if have "$t"; then return; fi; done; return 1; }
part unread
for t in $unread; do printf '%s\n' "$t"; done
case $there in */ip_tables_names:*) one iptables-legacy-save iptables-save || echo iptables;; esac
case $there in */ip6_tables_names:*) one ip6tables-legacy-save ip6tables-save || echo ip6tables;; esac
