#!/bin/sh
# Does with another tool what `lvsctl apply --limit realserver` does with the inventory of the bench.
# run.sh TOOLS ansible|pyinfra HOSTS FORKS: TOOLS is a virtual environment, HOSTS a file with a line `name address` for each.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
tools=$1 tool=$2 hosts=$3 forks=$4

case $tool in
ansible)
	awk '{ print $1 " ansible_host=" $2 }' "$hosts" >"$hosts.ini"
	ANSIBLE_CONFIG=$here/ansible.cfg
	# OpenSSH takes the home of the user, not $HOME.
	ANSIBLE_SSH_ARGS="-F /dev/null -o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile=$HOME/.ssh/known_hosts -o IdentityFile=$HOME/.ssh/id_ed25519"
	export ANSIBLE_CONFIG ANSIBLE_SSH_ARGS
	exec "$tools/bin/ansible-playbook" --forks "$forks" --inventory "$hosts.ini" "$here/ansible.yaml"
	;;
pyinfra)
	# What it takes for an inventory is Python, and ends in .py.
	awk 'BEGIN { print "hosts = [" }
		{ printf "    (\"%s\", {\"ssh_hostname\": \"%s\"}),\n", $1, $2 }
		END { print "]" }' "$hosts" >"$hosts.py"
	exec "$tools/bin/pyinfra" -y --parallel "$forks" --ssh-user root --ssh-key "$HOME/.ssh/id_ed25519" \
		"$hosts.py" "$here/pyinfra_deploy.py"
	;;
*)
	echo "usage: $0 TOOLS ansible|pyinfra HOSTS FORKS" >&2
	exit 2
	;;
esac
