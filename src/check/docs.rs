//! The text of docs/checks.md.

use super::registry;

pub fn markdown() -> String {
    let rows = registry::ALL
        .iter()
        .map(|check| format!("| [`{check}`](#{check}) | {} |\n", check.summary));
    let pages = registry::ALL.iter().map(|check| {
        format!(
            "\n## {check}\n\n{}\n\n- Why: {}\n- Reference: {}.\n- Fix: {}.\n",
            check.summary, check.reason, check.source, check.fix
        )
    });
    format!(
        "{HEAD}{}{}",
        rows.collect::<String>(),
        pages.collect::<String>()
    )
}

const HEAD: &str = "# Checks of `verify`

<!-- Made by `make docs` from the texts of the checks in src/check. Do not edit. -->

Each finding names its check. A check runs only where it applies: those of VRRP with keepalived, those of fwmarks for services
with `fwmark`, those with requests if there is a client (`own-answer` and `web-page` need none). `arp-answer`, `vrrp-adverts` and
`vrrp-foreign` test IPv4 only. To add a check see [adding a check](adding-a-check.md).

If a precondition of a check does not hold on a host, `verify` writes a note `skipped` with the reason; the check does not
count as passed. Examples: a port that a container serves, `net.ipv4.vs.run_estimation=0`. The result of a check that could not
read or decide something is `unknown`: the output lists it at the end as `not proven`, and `--strict` makes it a failure.
Examples: a masked `/proc` in a container, a missing tool, a rule of a packet filter whose effect depends on more than addresses
and ports.

`lvsctl explain CHECK` prints the texts below.

If a VIP is moving, or a health checker is about to add a real server again, `verify` first waits: at most for the time of a
takeover or of one or two rounds of health checks, and at most 60 s.

| check | rule, or content of its notes |
|---|---|
";
