# The connection table of IPVS in sums, read once: it may have a million entries. It prints $most clients and templates.
# A table of clients takes memory: those beyond the first 200000 are counted together.
if [ -e /proc/net/ip_vs ]; then
part entries
if ! have awk; then failed 127 awk
elif ! [ -r /proc/net/ip_vs_conn ]; then failed 1 'reading /proc/net/ip_vs_conn'
else
# shellcheck disable=SC2154
awk -v most="$most" 'BEGIN { top = "sort -rn | head -n " most }
NR == 1 || NF < 9 { next }
{
  all++; key = $1 " " $4 " " $5 " " $6 " " $7; left = $9 + 0
  if ($3 == "0000") {
    state = "TEMPLATE"
    print left, "template", $2, key | top
  } else {
    state = $8
    client = $2 " " $1 " " $4 " " $5
    if (client in clients) clients[client]++
    else if (known < 200000) { known++; clients[client] = 1 }
    else others++
  }
  key = key " " state
  if (!(key in sum) || left < low[key]) low[key] = left
  if (left > high[key]) high[key] = left
  if (state == "SYN_RECV" && left < 59) stuck[key]++
  sum[key]++
}
END {
  close(top)
  for (client in clients) print clients[client], "client", client | top
  close(top)
  for (key in sum) print "sum", sum[key], low[key], high[key] + 0, stuck[key] + 0, key
  print "all", all + 0, others + 0
}' /proc/net/ip_vs_conn || failed $? 'awk /proc/net/ip_vs_conn'
fi
fi
