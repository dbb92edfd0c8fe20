# `make demo` shows the main job on this machine, `make test` tests it; each installs what it needs, for which it must be
# root, on a Debian (or Ubuntu) machine with Rust. `make build` and `make test-unit` install nothing.

CARGO ?= cargo
BUILD_PACKAGES := gcc pkg-config libssl-dev zlib1g-dev
# For building, also a Debian package; for the lab; for tests with SSH servers in network namespaces.
PACKAGES := $(BUILD_PACKAGES) dpkg-dev \
	user-mode-linux qemu-system-x86 mmdebstrap debian-archive-keyring systemd-container apt-utils iproute2 kmod \
	openssh-client \
	openssh-server sudo curl iputils-ping busybox iptables procps util-linux fish tcsh shellcheck
# A tenth of the faults, of each group that dr-keepalived has: each further topology costs more than several faults. In a
# combination three faults share the runs of `verify`.
FEW_FAULTS := healthy::keepalived_just_reloaded \
	mixed::a-live-sysctl-a-weight-and-a-filter mixed::an-address-a-route-and-a-table mixed::all-at-the-next-boot \
	mixed::sources-of-the-next-boot mixed::what-runs-and-what-will mixed::tables-of-three-hosts \
	address::vip-on-the-nic arp::drops-a-range-on-a-real-server keepalived::hangs-on-backup \
	keepalived::loaded-and-put-back link::mtu-of-real-server lvsctl::manifest-missing neighbour::backup-to-real-server \
	real-server::answers-500 route::director-blackhole schedule::timer-clears-ipvs vrrp::priority-of-backup
# The topologies that `make test` brings up.
TEST_ROWS := dr-keepalived fwmark-nft web-ha-trixie
DENY_VERSION := 0.20.2
# All checkouts use one, since it takes minutes to build; unoptimized, so that it takes fewer.
DENY_ROOT := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/lvsctl/cargo-deny-$(DENY_VERSION)
DENY := $(DENY_ROOT)/bin/cargo-deny

DEB := target/tools/bin/cargo-deb
DEB_VERSION := 3.8.0

export LVSCTL_AUTH_PASS ?= s3cr3t

.PHONY: all build docs deps demo test test-unit test-root test-lab fuzz list-tests matrix faults faults-few safety lint fmt shellcheck deny bench bench-peers deb test-deb clean help

all: build

help:
	@echo "make build       the program; installs nothing"
	@echo "make deps        installs what building and testing need"
	@echo "make demo        the main job, in a lab on this machine"
	@echo "make test        lint, test-unit, test-root and test-lab"
	@echo "make test-unit   what needs neither root nor a lab: plain \`cargo test\`"
	@echo "make test-root   SSH servers and shells in namespaces"
	@echo "make test-lab    the lab, and in it the topologies $(TEST_ROWS)"
	@echo "make fuzz        each parser on mutations of its corpus, FUZZ_SECONDS=600 each"
	@echo "make list-tests  the name of each test that \`make test\` runs, sorted"
	@echo "make matrix      all topologies; ONLY=\"nat tun\" those; SHARD=K/N a part of what \`make test\` leaves out"
	@echo "make faults      injects all faults, one at a time; ONLY=\"boot:: ipvs::weight\" those, SHARD=K/N a part, HEALTHY=N rounds, REBOOT=1, FIXES=1"
	@echo "make faults-few  a fixed tenth of them, of one topology"
	@echo "make safety      edits under load, runs cut at each step, two controllers at once, lock-outs, hostile hosts; ONLY=\"load:: race::\" those, RACES=N, EVERY=N"
	@echo "make docs        rewrites the pages that are made from the code"
	@echo "make deb         a Debian package; \`make test-deb\` tries it on bare Debian 12 and 13"
	@echo "make bench       time and costs of SSH connections, \`apply\` and \`check\`, up to 1,000 hosts; HOSTS=10,50 fewer"
	@echo "make bench-peers the same of pyinfra and Ansible, which it installs below target/"
	@echo "make lint | fmt | shellcheck | deny | clean"

# Those of these packages that are not installed, in $$missing.
find-missing = missing=; for p in $(1); do \
	dpkg-query -W -f '$${db:Status-Status}' "$$p" 2>/dev/null | grep -qx installed || missing="$$missing $$p"; done

deps:
	@$(call find-missing,$(PACKAGES)); \
	if [ -n "$$missing" ]; then \
		apt-get -q update >/dev/null && \
		DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends $$missing >/dev/null || \
		{ echo "install these packages:$$missing" >&2; exit 1; }; fi

build:
	@$(CARGO) build --locked --release || { \
		$(call find-missing,$(BUILD_PACKAGES)); \
		[ -z "$$missing" ] || echo "Debian packages that the build needs are missing:$$missing; \`make deps\` installs them, as root" >&2; \
		exit 1; }

demo: deps build
	./tests/demo.sh target/release/lvsctl

test: deps lint test-unit test-root test-lab

# A test that needs more than an ordinary user has is ignored, with a reason that names the target that runs it.
RUN_UNIT := $(CARGO) test --locked
RUN_ROOT := $(CARGO) test --locked --test it -- --ignored --skip lab::
RUN_LAB := $(CARGO) test --locked --test it -- --ignored lab::
RUN_MATRIX := $(CARGO) test --locked --test matrix -- --ignored --exact --known

test-unit:
	$(RUN_UNIT)

# Each target for so long; one at a time, since each has a limit of memory.
FUZZ_SECONDS := 600

fuzz:
	LVSCTL_FUZZ_SECONDS=$(FUZZ_SECONDS) $(CARGO) test --locked --test it -- --test-threads 1 --nocapture $(or $(ONLY),fuzz::)

test-root: deps
	$(RUN_ROOT)

test-lab: deps
	$(RUN_LAB)
	$(RUN_MATRIX) $(TEST_ROWS)

matrix: deps
	$(RUN_MATRIX) $(ONLY) $(if $(SHARD),$(TEST_ROWS:%=--skip %) --shard $(SHARD))

RUN_FAULTS := $(CARGO) test --locked --test faults -- --ignored

faults: deps
	$(RUN_FAULTS) $(ONLY) $(if $(SHARD),--shard $(SHARD)) $(if $(HEALTHY),--healthy $(HEALTHY)) $(if $(REBOOT),--reboot) $(if $(FIXES),--fixes)

faults-few: deps
	$(RUN_FAULTS) --exact --known $(FEW_FAULTS:%=dr-keepalived::%)

safety: deps
	$(CARGO) test --locked --test safety -- --ignored $(ONLY) $(if $(RACES),--races $(RACES)) $(if $(EVERY),--every $(EVERY))

# The program's file and the test, a line each.
names = CARGO_TERM_COLOR=never $(1) 2>&1 | awk '/^ *Running / { file = $$2 == "unittests" ? $$3 : $$2 } \
	/^ *Doc-tests / { file = "doc" } sub(/: test$$/, "") { print file ": " $$0 }' | LC_ALL=C sort

# Two lists can be compared with diff. `--list` lists what is ignored too, which test-unit does not run.
list-tests:
	@$(CARGO) test --locked --quiet --no-run >&2
	@all=$$(mktemp) && ignored=$$(mktemp) && trap 'rm -f "$$all" "$$ignored"' EXIT && \
	$(call names,$(RUN_UNIT) -- --list) >"$$all" && \
	$(call names,$(RUN_UNIT) -- --list --ignored) >"$$ignored" && \
	{ LC_ALL=C comm -23 "$$all" "$$ignored"; \
	  $(call names,$(RUN_ROOT) --list); \
	  $(call names,$(RUN_LAB) --list); \
	  $(call names,$(RUN_MATRIX) $(TEST_ROWS) --list); } | LC_ALL=C sort

docs:
	LVSCTL_WRITE_DOCS=1 $(CARGO) test --locked --test it -- --test-threads 1 inventory_docs:: reference:: roles_docs:: faults_docs::

lint: fmt deny shellcheck
	$(CARGO) clippy --locked --all-targets -- -D warnings

# Scripts that run on hosts: any POSIX shell runs them, and dash has what the others have too.
shellcheck:
	shellcheck --shell=dash --severity=info $$(find src/fact src/check src/plan -name '*.sh')

# ptrace.rs is no module of lvsctl: build.rs compiles it.
fmt:
	$(CARGO) fmt --check
	rustfmt --check --edition 2024 src/lab/uml/ptrace.rs

# Advisories are checked where their database can be fetched; without the network that is said, and is no failure.
deny: $(DENY)
	$(DENY) --locked check bans licenses sources
	@if $(DENY) --locked fetch db; then $(DENY) --frozen check advisories; \
	else echo "make deny: ADVISORIES ARE NOT CHECKED: their database cannot be fetched (above)" >&2; fi

$(DENY):
	$(CARGO) install --locked --debug --root $(DENY_ROOT) cargo-deny --version $(DENY_VERSION)

# In `make bench` and `make bench-peers`: numbers of hosts, and how many are worked on at once.
HOSTS :=
BENCH_HOSTS := 10,50,200,1000
PEERS_HOSTS := 10,50,200
FORKS := 25
# What a host has when it is as the inventory of the benchmark wants it.
PROOF := ip -o -4 addr show dev lo | grep -q "inet 10.77.255.200/32 .* lo:0" && \
	ip -4 route show table main | grep -q "^10.77.255.200 dev lo" && \
	[ "$$(cat /proc/sys/net/ipv4/conf/all/arp_ignore /proc/sys/net/ipv4/conf/lo/arp_announce | tr -d "[:space:]")" = 12 ]
BENCH := $(CARGO) bench --locked --bench fleet -- --forks $(FORKS) --proof '$(PROOF)'
APPLY := $(CURDIR)/target/release/lvsctl apply --yes --forks $(FORKS) --limit realserver -i {inventory}

bench: deps build
	$(CARGO) bench --locked --bench inventory
	$(BENCH) --hosts $(or $(HOSTS),$(BENCH_HOSTS)) --again 'lvsctl, no change=$(APPLY)' --first 'lvsctl, first apply=$(APPLY)'

PEERS := target/peers
PEER = $(CURDIR)/benches/peers/run.sh $(CURDIR)/$(PEERS) $(1) {hosts} $(FORKS)

# Other tools do the same on the same hosts, in turns. What each tool is set to is in benches/peers/.
bench-peers: PACKAGES += python3 python3-venv
bench-peers: deps build $(PEERS)/installed
	$(BENCH) --hosts $(or $(HOSTS),$(PEERS_HOSTS)) --rounds 3 \
		--again 'lvsctl, no change=$(APPLY)' --first 'lvsctl, first apply=$(APPLY)' \
		--again 'pyinfra, no change=$(call PEER,pyinfra)' --first 'pyinfra, first apply=$(call PEER,pyinfra)' \
		--again 'Ansible, no change=$(call PEER,ansible)' --first 'Ansible, first apply=$(call PEER,ansible)'

$(PEERS)/installed: benches/peers/requirements.txt
	python3 -m venv $(PEERS)
	$(PEERS)/bin/python3 -m pip install --quiet --requirement $<
	touch $@

# target/debian/lvsctl_VERSION_ARCHITECTURE.deb. It needs the C library of the machine that builds it or a later one.
deb: build $(DEB)
	rm -rf target/debian/lvsctl_*.deb target/package
	target/release/lvsctl man --output target/package/man
	for shell in bash zsh fish; do target/release/lvsctl completions $$shell >target/package/lvsctl.$$shell || exit 1; done
	$(DEB) --locked --no-build --output target/debian/

$(DEB):
	$(CARGO) install --locked --root target/tools cargo-deb --version $(DEB_VERSION)

# The package on bare Debian 12 and 13. `make test-deb LAB=--lab` also makes a cluster there, in a lab; `LAB=--boot` boots a
# lab's hosts alone, which needs no IPVS.
test-deb: deb
	./tests/deb.sh $(LAB) target/debian/lvsctl_*.deb

clean:
	$(CARGO) clean
