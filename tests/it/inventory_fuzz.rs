//! No input makes the loader panic, or take long: random bytes, random YAML, and shipped inventories with faults.

use std::fs;
use std::path::Path;
use std::time::Duration;

use lvsctl::inventory::{self, BUILT_IN_ROLES};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::support::cpu;

/// The most CPU time that one inventory may take.
const MOST: Duration = Duration::from_secs(30);

/// Loads and, where it is refused, renders every problem.
fn survives(text: &str) {
    let start = cpu::of_thread();
    match inventory::parse("fuzz.yaml", text, BUILT_IN_ROLES) {
        Ok(loaded) => {
            lvsctl::lab::from_cluster::lab_spec(&loaded.cluster);
        }
        Err(error) => {
            assert!(!error.problems().is_empty());
            assert!(!error.render(80, true).is_empty());
            for problem in error.problems() {
                assert!(problem.fix().is_some(), "no fix: {problem}");
            }
        }
    }
    assert!(
        cpu::of_thread() - start < MOST,
        "used {:?} of CPU time",
        cpu::of_thread() - start
    );
}

fn shipped() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("inventories");
    let files = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    let yaml = files.filter(|p| p.extension().is_some_and(|e| e == "yaml"));
    yaml.map(|p| fs::read_to_string(p).unwrap()).collect()
}

/// Words of the format, and what it does not expect.
const WORDS: &[&str] = &[
    "cluster",
    "networks",
    "hosts",
    "services",
    "vrrp",
    "defaults",
    "role",
    "address",
    "vip",
    "port",
    "mode",
    "persistence",
    "real_servers",
    "health_check",
    "auth_pass",
    "fwmark",
    "interfaces",
    "gateway",
    "realserver",
    "director",
    "backup",
    "lan",
    "rs1",
    "web",
    "nat",
    "dr",
    "192.168.100.14",
    "192.168.100.0/24",
    "fd00::1",
    "0",
    "80",
    "-1",
    "1e999",
    "0x1a0a",
    "true",
    "~",
    "''",
    "\"",
    "'",
    "{",
    "}",
    "[",
    "]",
    ": ",
    ":",
    ", ",
    "- ",
    "\n",
    "\n  ",
    "\n    ",
    "&a ",
    "*a",
    "<<: ",
    "!!str ",
    "| ",
    "> ",
    "# ",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "\t",
    "\u{feff}",
    "é",
    "😀",
    "\u{85}",
    "\u{2028}",
    "\0",
    "99999999999999999999",
];

/// The same inputs every time, unless `PROPTEST_RNG_SEED` names others.
fn config() -> ProptestConfig {
    let mut config = ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(1);
    }
    config
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn random_text(text in ".{0,400}") {
        survives(&text);
    }

    #[test]
    fn random_words(words in prop::collection::vec(prop::sample::select(WORDS), 0..120)) {
        survives(&words.concat());
    }

    #[test]
    fn shipped_with_words_put_in(
        file in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(WORDS), 0..12_usize), 1..6),
    ) {
        let shipped = shipped();
        let mut text: Vec<char> = file.get(&shipped).chars().collect();
        for (at, word, cut) in edits {
            let at = at.index(text.len() + 1);
            let end = (at + cut).min(text.len());
            text.splice(at..end, word.chars());
        }
        survives(&text.into_iter().collect::<String>());
    }

    #[test]
    fn shipped_with_lines_moved(
        file in any::<prop::sample::Index>(),
        moves in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..4),
    ) {
        let shipped = shipped();
        let mut lines: Vec<&str> = file.get(&shipped).lines().collect();
        for (from, to) in moves {
            let line = lines.remove(from.index(lines.len()));
            lines.insert(to.index(lines.len() + 1), line);
        }
        survives(&lines.join("\n"));
    }
}

/// The worst that fits into the limit: whatever grows with a product of two lists.
#[test]
fn large_inventories_end_in_time() {
    let most = 1000;
    let networks = "cluster: big\nnetworks: { lan: 10.0.0.0/8 }\n";
    let hosts: String = (0..most)
        .map(|n| {
            format!(
                "  h{n}: {{ role: realserver, address: 10.1.{}.{} }}\n",
                n / 250,
                n % 250 + 1
            )
        })
        .collect();
    let services: String = (0..most)
        .map(|n| format!("  s{n}: {{ vip: 10.2.0.1, port: {} }}\n", n + 1))
        .collect();
    let director = "  lb: { role: director, address: 10.3.0.1 }\n";
    let whole =
        |hosts: &str, services: &str| format!("{networks}hosts:\n{hosts}services:\n{services}");

    // One host too many.
    survives(&whole(&(hosts.clone() + director), &services));
    // As many as are taken: it loads.
    let fewer = hosts.split_once('\n').unwrap().1.to_owned() + director;
    let text = whole(&fewer, &services);
    let start = cpu::of_thread();
    let loaded = inventory::parse("big.yaml", &text, BUILT_IN_ROLES).unwrap();
    assert_eq!(
        loaded
            .cluster
            .services
            .iter()
            .map(|s| s.real_servers.len())
            .sum::<usize>(),
        999_000
    );
    assert!(
        cpu::of_thread() - start < MOST,
        "used {:?} of CPU time",
        cpu::of_thread() - start
    );

    // Every name is wrong, and near to many others.
    let wrong: String = (0..9_000).map(|n| format!("x{n}, ")).collect();
    survives(&whole(
        &fewer,
        &format!("  s: {{ vip: 10.2.0.1, port: 80, real_servers: [{wrong}] }}\n"),
    ));
    // Every key is unknown.
    survives(
        &(0..40_000)
            .map(|n| format!("k{n}: 1\n"))
            .collect::<String>(),
    );
    // One very long line, scalar and key.
    survives(&format!("cluster: {}\n", "x".repeat(900_000)));
    survives(&format!("{}: x\n", "x".repeat(900_000)));
    survives(&format!("? {}\n: x\n", "x".repeat(900_000)));
    survives(&format!("cluster: {}\n", "[".repeat(500_000)));
    survives(&"- ".repeat(400_000));
    survives(&"a: &a [*a]\n".repeat(50_000));
    // Every key is another program's, and its values are looked for among all hosts.
    let servers: String = (0..200)
        .map(|n| format!("server {n}: [{}]", "10.1.9.9 80, ".repeat(50)))
        .collect::<Vec<_>>()
        .join(", ");
    survives(&whole(
        &fewer,
        &format!("  s: {{ vip: 10.2.0.1, port: 80, {servers} }}\n"),
    ));
    let aliases = "a: &a [10.1.0.1]\n".to_owned() + &"b: *a\n".repeat(900);
    survives(&aliases);
    // Many networks, known by prefixes.
    let spread: String = (0..990)
        .map(|n| {
            format!(
                "  h{n}: {{ role: client, address: 10.{}.{}.1/24 }}\n",
                n / 250,
                n % 250
            )
        })
        .collect();
    survives(&format!("cluster: big\nhosts:\n{spread}"));
    let secrets = "a: { password: x }\n".repeat(40_000);
    survives(&secrets);
    let secrets: String = (0..9_000)
        .map(|n| format!("a{n}: {{ password: x }}\n"))
        .collect();
    survives(&secrets);
    // Every host is without a role, or is named as a sorry server.
    let bare: String = (0..990)
        .map(|n| format!("  h{n}: {{ address: 10.1.{}.{} }}\n", n / 250, n % 250 + 1))
        .collect();
    let sorry: String = (0..990)
        .map(|n| {
            format!(
                "  s{n}: {{ vip: 10.2.0.1, port: {}, sorry_server: h{n} }}\n",
                n + 1
            )
        })
        .collect();
    survives(&whole(&bare, &sorry));
    survives(&whole(&fewer, &sorry));
}

/// Numbers at their bounds, which hints count on from or print.
#[test]
fn numbers_at_their_bounds_do_not_panic() {
    for text in [
        format!("cluster: m\nhosts: {{ 'rs[{}1:2]': {{ role: realserver }} }}\n", "0".repeat(70_000)),
        "cluster: m\nnetworks: { lan: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ff80/121' }\nhosts: { lb1: { role: director } }\n".to_owned(),
        "cluster: m\nnetworks: { lan: 255.255.255.128/25 }\nhosts: { lb1: { role: director } }\n".to_owned(),
        "cluster: m\nnetworks: { lan: 10.0.0.0/24, inside: 10.0.9.0/24 }\nhosts:\n  lb1: { role: director, interfaces: { eth4294967295: 10.0.0.2 } }\n  rs1: { role: realserver, address: 10.0.9.5 }\nservices: { web: { vip: 10.0.0.9, port: 80, mode: nat } }\n".to_owned(),
    ] {
        survives(&text);
    }
}
