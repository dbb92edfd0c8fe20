# `make demo` shows the main job on this machine, `make test` runs everything; each installs what it needs.
# Both need root and a Debian (or Ubuntu) machine with Rust.

CARGO ?= cargo
# For building; for the lab; for tests with SSH servers in network namespaces.
PACKAGES := gcc pkg-config libssl-dev zlib1g-dev \
	user-mode-linux mmdebstrap debian-archive-keyring systemd-container apt-utils iproute2 kmod openssh-client \
	openssh-server sudo curl iputils-ping busybox iptables procps util-linux
DENY := target/tools/bin/cargo-deny
DENY_VERSION := 0.20.2

export LVSCTL_AUTH_PASS ?= s3cr3t

.PHONY: all build deps demo test test-unit test-lab matrix lint fmt deny bench clean help

all: build

help:
	@echo "make build | demo | test | matrix | lint | bench | deps"

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
		$(patsubst tests/%/main.rs,--test %,$(filter-out tests/matrix/main.rs,$(wildcard tests/*/main.rs))) -- --include-ignored

# The lab itself, and topologies in it, two labs at a time: T1, T2 and T8 always, and of the others a quarter each day.
PART ?= $(shell echo $$(($$(date +%s) / 86400 % 4)))/4
test-lab: deps
	$(CARGO) test --locked --test lab -- --include-ignored
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

clean:
	$(CARGO) clean
