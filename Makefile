# `make demo` shows the main job on this machine, `make test` runs everything; each installs what it needs.
# Both need root and a Debian (or Ubuntu) machine with Rust.

CARGO ?= cargo
# For building, also a Debian package; for the lab; for tests with SSH servers in network namespaces.
PACKAGES := gcc pkg-config libssl-dev zlib1g-dev dpkg-dev \
	user-mode-linux mmdebstrap debian-archive-keyring systemd-container apt-utils iproute2 kmod openssh-client \
	openssh-server sudo curl iputils-ping busybox iptables procps util-linux
DENY := target/tools/bin/cargo-deny
DENY_VERSION := 0.20.2
DEB := target/tools/bin/cargo-deb
DEB_VERSION := 3.8.0

export LVSCTL_AUTH_PASS ?= s3cr3t

.PHONY: all build deps demo test test-unit test-lab matrix lint fmt deny bench deb test-deb clean help

all: build

help:
	@echo "make build | demo | test | matrix | lint | bench | deb | test-deb | deps"

deps:
	@missing=; for p in $(PACKAGES); do \
		dpkg-query -W -f '$${db:Status-Status}' "$$p" 2>/dev/null | grep -qx installed || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then \
		apt-get -q update >/dev/null && \
		DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends $$missing >/dev/null || \
		{ echo "install these packages:$$missing" >&2; exit 1; }; fi

build: deps
	$(CARGO) build --locked --release

demo: build
	./tests/demo.sh target/release/lvsctl

test: deps lint test-unit test-lab

# Everything but whole clusters in the lab.
test-unit: deps
	$(CARGO) test --locked --lib --bins
	$(CARGO) test --locked $(patsubst tests/%.rs,--test %,$(filter-out tests/lab.rs,$(wildcard tests/*.rs))) \
		$(patsubst tests/%/main.rs,--test %,$(filter-out tests/matrix/main.rs,$(wildcard tests/*/main.rs)))

# The lab itself, and topologies in it, two labs at a time: T1, T2 and T8 always, and of the others a quarter each day.
PART ?= $(shell echo $$(($$(date +%s) / 86400 % 4)))/4
test-lab: deps
	$(CARGO) test --locked --test lab
	$(CARGO) test --locked --test matrix -- --part $(PART)

# Every topology, or `make matrix ONLY="t5 t7"`.
matrix: deps
	$(CARGO) test --locked --test matrix -- $(ONLY)

lint: fmt deny
	$(CARGO) clippy --locked --all-targets -- -D warnings

fmt:
	$(CARGO) fmt --check

# The advisory database is fetched where the network allows it: `cargo deny check advisories`.
deny: $(DENY)
	$(DENY) --locked check bans licenses sources

$(DENY):
	$(CARGO) install --locked --root target/tools cargo-deny --version $(DENY_VERSION)

bench: deps build
	$(CARGO) bench --locked --bench fleet -- --hosts 10,50 --forks 25 \
		--again 'lvsctl, no change=$(CURDIR)/target/release/lvsctl apply --yes --limit realserver -i {inventory}' \
		--first 'lvsctl, first apply=$(CURDIR)/target/release/lvsctl apply --yes --limit realserver -i {inventory}'

# target/debian/lvsctl_VERSION_ARCHITECTURE.deb. It needs the C library of the machine that builds it or a later one.
deb: build $(DEB)
	rm -f target/debian/lvsctl_*.deb
	$(DEB) --locked --no-build --output target/debian/

$(DEB):
	$(CARGO) install --locked --root target/tools cargo-deb --version $(DEB_VERSION)

# The package on bare Debian 12 and 13. `make test-deb LAB=--lab` also makes a cluster there, in a lab; `LAB=--boot` boots a
# lab's hosts alone, which needs no IPVS.
test-deb: deb
	./tests/deb.sh $(LAB) target/debian/lvsctl_*.deb

clean:
	$(CARGO) clean
