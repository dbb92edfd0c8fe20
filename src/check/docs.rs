//! The text of docs/checks.md.

use super::registry;

pub fn markdown() -> String {
    let rows = registry::ALL
        .iter()
        .map(|check| format!("| [`{check}`](#{check}) | {} |\n", check.summary));
    let pages = registry::ALL.iter().map(|check| {
        format!(
            "\n## {check}\n\n{}\n\n- Why: {}\n- Source: {}.\n- Fix: {}.\n",
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

Each finding names its check. Checks run where they apply: those of VRRP with keepalived, those of fwmarks for services
with `fwmark`, those with requests if there is a client (`own-answer` needs none). `vrrp-adverts` and `vrrp-foreign` test
IPv4 only. To add a check see [adding a check](adding-a-check.md).

If a precondition of a check does not hold on a host, the check writes a note with `skipped` and the reason. Examples: a
port that a container serves, `net.ipv4.vs.run_estimation=0`. What could not be read or decided is `unknown`: the output
ends with it as `not proven`, and `--strict` makes it a failure. Examples: a masked `/proc` in a container, a missing tool, a
rule of a packet filter whose effect depends on more than addresses and ports.

`lvsctl explain CHECK` prints the texts below.

If a director is about to change by itself, `verify` waits first: for a VIP that moves, or for a health checker that adds
a real server again. It waits for a takeover or one or two rounds of health checks, at most 60 s.

| check | rule, or content of its notes |
|---|---|
";
