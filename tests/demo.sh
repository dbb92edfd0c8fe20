#!/bin/sh
# The main job, shown on a lab on this machine: from bare hosts to a cluster that survives its master.
# usage: demo.sh LVSCTL
set -eu
lvsctl=$(realpath "$1")
cd "$(dirname "$0")/.."
LVSCTL_INVENTORY=inventories/dr-keepalived.yaml
export LVSCTL_INVENTORY
vip=http://192.168.100.200/

step() { printf '\n### %s\n' "$*"; }
run() { printf '$ lvsctl %s\n' "$*"; "$lvsctl" "$@"; }
ask() { "$lvsctl" lab exec client curl -s -m 2 "$vip"; }

# Its runs are no part of the user's history.
XDG_STATE_HOME=$(mktemp -d)
export XDG_STATE_HOME
trap '"$lvsctl" lab down >/dev/null 2>&1; rm -rf "$XDG_STATE_HOME"' EXIT
trap 'exit 130' INT TERM
"$lvsctl" lab down >/dev/null 2>&1 || :

step "five bare hosts: two directors, two real servers, a client"
run lab up

step "one command deploys the cluster"
run --lab apply --yes

step "a second apply changes nothing"
run --lab apply --yes

step "verify: each host, the cluster, and the service end to end"
run --lab verify

step "which real server replies to the client, four times"
printf '$ lvsctl lab exec client curl -s -m 2 %s\n' "$vip"
for _ in 1 2 3 4; do ask; done

step "keepalived stops on the master; the backup serves"
run --lab status
run lab exec lb1 systemctl stop keepalived
answered=0
while [ "$answered" -lt 20 ]; do
	if ask >/dev/null; then answered=$((answered + 1)); else sleep 0.2; fi
done
run --lab status
echo "20 requests answered after the change"

step "apply starts keepalived on the master again"
run --lab apply --yes
run --lab verify

step "remove the lab"
run lab down
