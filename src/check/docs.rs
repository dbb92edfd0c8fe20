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

const HEAD: &str = "# What `verify` checks

Each finding names its check. A check is made where it means something: those of VRRP under keepalived, those of marks where
there are any, those with traffic where there is a client (`own-answer` needs none). [Adding a check](adding-a-check.md) says how to add one.

What a check rests on may not hold on a host: a port that is served by a redirect or a container, an IPVS that does not count
(`net.ipv4.vs.run_estimation=0`), a `/proc` that a container masks, a tool that is missing. Then a note says `skipped` and why.

Where a director is about to change by itself (a VIP moves, a checker takes a real server back that answers again),
verify waits for that before it judges: at most for a takeover or a round or two of health checks, and never longer than 60 s.

| check | passes when, or what it notes |
|---|---|
";
