//! No value of an inventory can become shell: whatever stands in a key, it is refused, or stands in quotes in every script
//! that a host runs. A scanner of shell text decides what is outside quotes.

use lvsctl::check::{self, Asking};
use lvsctl::fact::Facts;
use lvsctl::inventory::{self, BUILT_IN_ROLES};
use lvsctl::model::Cluster;
use lvsctl::plan::manifest::Manifest;
use lvsctl::plan::{self, Basis};
use lvsctl::probe;
use lvsctl::resource::{Distribution, Resource};
use lvsctl::secret::Secrets;
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};

use crate::support::roles::built_in;

/// A word that nothing else contains.
const MARKER: &str = "zQz";

/// Each `%` is the place of a value in one case.
const INVENTORY: &str = "
cluster: %0
networks: { lan: 192.168.100.0/24 }
defaults: { interface: %1, vars: { a: %2 } }
hosts:
  lb1: { role: director, address: 192.168.100.14 }
  lb2: { role: backup, address: 192.168.100.15 }
  rs1: { role: [realserver, web, answer, nfs-client], address: 192.168.100.12, ssh: { user: %3, host: %4 } }
  nfs: { role: nfs, address: 192.168.100.20, exports: [{ path: %5, to: rs1, at: %6 }] }
  client: { role: client, address: 192.168.100.30, vars: { b: %7 } }
vrrp:
  virtual_router_id: 51
  notify: %8
  track_interface: %9
  track_script: { up: { script: %a }, runs: { unit: %b } }
services:
  web:
    vip: 192.168.100.200
    port: 80
    health_check: { http: { path: %c, host: %d, text: %e } }
    check: { path: %f }
  own:
    vip: 192.168.100.201
    port: 8080
    health_check: { script: { path: %g } }
waive: { check: lro, what: %h, reason: %i }
vars: { c: %j }
";

/// The places, each with a value that is accepted.
const PLACES: &[(char, &str)] = &[
    ('0', "shell"),
    ('1', "eth0"),
    ('2', "x"),
    ('3', "root"),
    ('4', "rs1.example.com"),
    ('5', "/srv/www"),
    ('6', "/var/www/html"),
    ('7', "x"),
    ('8', "/usr/local/bin/notify"),
    ('9', "eth0"),
    ('a', "/usr/local/bin/up"),
    ('b', "nginx.service"),
    ('c', "/"),
    ('d', "www.example.com"),
    ('e', "well"),
    ('f', "/"),
    ('g', "/usr/local/bin/ask"),
    ('h', "eth0"),
    ('i', "known"),
    ('j', "x"),
];

/// The inventory with a value in one place. Without VRRP lvsctl's own health checker asks.
fn with(place: char, value: &str, keepalived: bool) -> String {
    let mut text = INVENTORY.to_owned();
    if !keepalived {
        let (from, to) = (text.find("vrrp:"), text.find("services:"));
        text.replace_range(from.expect("vrrp")..to.expect("services"), "");
        text = text.replace("  lb2: { role: backup, address: 192.168.100.15 }\n", "");
    }
    for (name, usual) in PLACES {
        let value = if *name == place { value } else { usual };
        // JSON is YAML.
        let value = serde_json::to_string(value).expect("a text");
        text = text.replace(&format!("%{name}"), &value);
    }
    text
}

/// All shell text that hosts would run, with what it is for.
fn scripts(cluster: &Cluster) -> Vec<(String, String)> {
    let roles = built_in();
    let expansion = roles.over(cluster);
    let (secrets, facts) = (Secrets::new(), Facts::assumed());
    let manifest = Manifest::new(&cluster.name);
    let mut all = Vec::new();
    for host in &cluster.hosts {
        let name = &host.name;
        let desired = expansion
            .of(host, &Distribution::assumed())
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        for resource in &desired {
            let key = format!("{name}: {} {}", resource.kind(), resource.key());
            if let Some(lines) = resource.node() {
                let status = lines.status.into_iter().map(|(_, line)| line);
                let lines = lines.start.into_iter().chain(lines.stop).chain(status);
                all.push((key.clone(), lines.collect::<Vec<_>>().join("\n")));
            }
            if let Resource::File(file) = resource
                && file.content.starts_with("#!")
            {
                all.push((key, file.content.clone()));
            }
        }
        let basis = Basis {
            desired: &desired,
            manifest: &manifest,
            others: &[],
            facts: &facts,
            secrets: &secrets,
            scope: None,
        };
        for step in plan::host(name, &basis).steps {
            all.push((format!("{name}: {}", step.title), step.script));
        }
        let mut needs = probe::needs(&desired);
        check::needs(cluster, host, &mut needs);
        let questions = check::questions(cluster, host, Asking::Allowed);
        let probe = probe::script(&cluster.name, &needs, &questions, "0123456789abcdef");
        all.push((format!("{name}: probe"), probe));
    }
    all
}

/// Reads shell text (POSIX.1-2017, XCU 2.2): what is outside quotes, and the words after `-c`, which are shell text again.
struct Scanner<'t> {
    rest: std::str::Chars<'t>,
    /// What the shell acts on.
    active: String,
    word: String,
    last_word: String,
    embedded: Vec<String>,
    heredocs: Vec<(String, bool)>,
}

impl<'t> Scanner<'t> {
    fn read(text: &'t str) -> Result<Self, String> {
        let mut scanner = Self {
            rest: text.chars(),
            active: String::new(),
            word: String::new(),
            last_word: String::new(),
            embedded: Vec::new(),
            heredocs: Vec::new(),
        };
        scanner.commands(None)?;
        scanner.end_word();
        Ok(scanner)
    }

    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn end_word(&mut self) {
        if self.word.is_empty() {
            return;
        }
        let word = std::mem::take(&mut self.word);
        if self.last_word == "-c" {
            self.embedded.push(word.clone());
        }
        self.last_word = word;
    }

    /// Unquoted text, up to `end` where it is part of something.
    fn commands(&mut self, end: Option<char>) -> Result<(), String> {
        let mut depth = 0;
        while let Some(c) = self.rest.next() {
            match c {
                _ if Some(c) == end && depth == 0 => return Ok(()),
                '\\' => self.word.extend(self.rest.next()),
                '\'' => self.single()?,
                '"' => self.double()?,
                '`' if end != Some('`') => self.commands(Some('`'))?,
                '$' => self.dollar()?,
                '#' if self.word.is_empty() => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.rest.next();
                    }
                }
                '<' if self.rest.as_str().starts_with('<')
                    && !self.rest.as_str().starts_with("<<") =>
                {
                    self.rest.next();
                    self.heredoc_begins();
                }
                '\n' => {
                    self.end_word();
                    self.active.push(c);
                    self.heredoc_bodies()?;
                }
                ' ' | '\t' | ';' | '&' | '|' | '<' | '>' | '(' | ')' => {
                    match c {
                        '(' => depth += 1,
                        ')' if depth > 0 => depth -= 1,
                        _ => {}
                    }
                    self.end_word();
                    self.active.push(c);
                }
                c => {
                    self.word.push(c);
                    self.active.push(c);
                }
            }
        }
        match end {
            Some(end) => Err(format!("{end} is missing")),
            None => Ok(()),
        }
    }

    fn single(&mut self) -> Result<(), String> {
        loop {
            match self.rest.next() {
                Some('\'') => return Ok(()),
                Some(c) => self.word.push(c),
                None => return Err("' is missing".to_owned()),
            }
        }
    }

    fn double(&mut self) -> Result<(), String> {
        loop {
            match self.rest.next() {
                Some('"') => return Ok(()),
                Some('\\') => self.word.extend(self.rest.next()),
                Some('`') => self.commands(Some('`'))?,
                Some('$') => self.dollar()?,
                Some(c) => self.word.push(c),
                None => return Err("\" is missing".to_owned()),
            }
        }
    }

    /// What follows a `$` is acted on, also in double quotes. The end of a substitution may be taken for one too early, at
    /// the `)` of a pattern: its rest is looked at as unquoted text then.
    fn dollar(&mut self) -> Result<(), String> {
        self.active.push('$');
        self.word.push('$');
        match self.peek() {
            Some('(') => {
                self.rest.next();
                let word = std::mem::take(&mut self.word);
                self.commands(Some(')'))?;
                self.word = word;
            }
            Some('{') => {
                self.rest.next();
                let word = std::mem::take(&mut self.word);
                self.parameter()?;
                self.word = word;
            }
            _ => {}
        }
        Ok(())
    }

    /// A parameter and what is done with it: `${a:-b}`.
    fn parameter(&mut self) -> Result<(), String> {
        loop {
            match self.rest.next() {
                Some('}') => return Ok(()),
                Some('\\') => self.word.extend(self.rest.next()),
                Some('\'') => self.single()?,
                Some('"') => self.double()?,
                Some('`') => self.commands(Some('`'))?,
                Some('$') => self.dollar()?,
                Some(c) => self.active.push(c),
                None => return Err("} is missing".to_owned()),
            }
        }
    }

    fn heredoc_begins(&mut self) {
        let tabs = self.rest.as_str().starts_with('-');
        if tabs {
            self.rest.next();
        }
        let text = self.rest.as_str().trim_start_matches([' ', '\t']);
        let length = text
            .find([' ', '\n', ';', ')', '>', '|', '&'])
            .unwrap_or(text.len());
        let delimiter = &text[..length];
        let is_quoted = delimiter.contains(['\'', '"', '\\']);
        let bare = delimiter.replace(['\'', '"', '\\'], "");
        self.rest = text[length..].chars();
        self.heredocs.push((bare, is_quoted));
    }

    fn heredoc_bodies(&mut self) -> Result<(), String> {
        for (delimiter, is_quoted) in std::mem::take(&mut self.heredocs) {
            loop {
                let text = self.rest.as_str();
                if text.is_empty() {
                    return Err(format!("{delimiter} is missing"));
                }
                let (line, more) = text.split_once('\n').unwrap_or((text, ""));
                self.rest = more.chars();
                if line.trim_start_matches('\t') == delimiter {
                    break;
                }
                if !is_quoted && line.contains(['$', '`']) {
                    self.active.push_str(line);
                }
            }
        }
        Ok(())
    }
}

/// Why a script is not safe.
fn fault(script: &str) -> Option<String> {
    let scanner = match Scanner::read(script) {
        Ok(scanner) => scanner,
        Err(why) => return Some(why),
    };
    if scanner.active.contains(MARKER) {
        let lines = scanner.active.lines().filter(|line| line.contains(MARKER));
        return Some(format!("outside quotes: {:?}", lines.collect::<Vec<_>>()));
    }
    scanner.embedded.iter().find_map(|script| fault(script))
}

#[test]
fn the_scanner_knows_what_is_quoted() {
    for (script, good) in [
        ("echo 'a zQz b'", true),
        ("echo zQz", false),
        ("echo 'a'zQz", false),
        ("echo \"a zQz\"", true),
        ("echo \"a $(zQz)\"", false),
        ("echo \"a `zQz`\"", false),
        ("echo \"a \\$(zQz)\"", true),
        ("echo \"${a:-zQz}\"", false),
        ("echo 'it'\"'\"'s zQz'", true),
        ("echo 'it's zQz'", false),
        ("echo a # zQz\necho b", true),
        ("echo a # x\nzQz", false),
        ("echo a#zQz", false),
        ("cat <<'E'\n$(zQz)\nE\necho", true),
        ("cat <<E\n$(zQz)\nE\n", false),
        ("cat <<'E'\nx\nE\nzQz\n", false),
        ("sh -c 'echo '\"'\"'zQz'\"'\"", true),
        ("sh -c 'echo zQz'", false),
        ("x=$(case a in b) echo 'zQz';; esac)", true),
        ("echo ${a#*/} ${#a} ${a%%[\\\"\\']*} 'zQz'", true),
        ("echo '", false),
    ] {
        assert_eq!(
            fault(script).is_none(),
            good,
            "{script}: {:?}",
            fault(script)
        );
    }
}

/// Values that a shell would act on: each piece, with the marker behind it and before it.
fn value() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "'",
        "\"",
        "`",
        "$(",
        ")",
        ";",
        "|",
        "&",
        "\n",
        "\\",
        " ",
        "${",
        "}",
        "<",
        ">",
        "#",
        "*",
        "~",
        "!",
        "'\\''",
        "\"'\"",
        "\nLVSCTL_END\n",
        "<<E\n",
        "\t",
        "\r",
        "\u{0}",
        "%",
        "=",
        "/",
        "../",
        "{{ 1 }}",
        "{% raw %}",
        "\u{e000}",
        "é",
        "a",
        "-",
        ".",
        "@",
    ];
    let piece = prop::sample::select(PIECES);
    (
        prop::sample::select(&["", "/", "/usr/bin/", "a"][..]),
        prop::collection::vec(piece, 1..6),
    )
        .prop_map(|(begin, pieces)| {
            let pieces = pieces.join(MARKER);
            format!("{begin}{MARKER}{pieces}{MARKER} '")
        })
}

/// The values that are accepted where a place takes any path or text, such as `/a 'b'`.
fn tame() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(&[";", "$(", "`", "&", "|", ")", "'", "~", "#", "*"][..]);
    (
        prop::sample::select(&["/", ""][..]),
        prop::collection::vec(piece, 1..4),
    )
        .prop_map(|(begin, pieces)| format!("{begin}{}{MARKER}", pieces.join(MARKER)))
}

#[test]
fn no_value_becomes_shell() {
    let mut config = ProptestConfig {
        cases: 12,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(1);
    }
    let mut accepted = std::collections::BTreeSet::new();
    for keepalived in [true, false] {
        let usual = with('-', "", keepalived);
        let loaded = inventory::parse("t.yaml", &usual, BUILT_IN_ROLES)
            .unwrap_or_else(|e| panic!("{}", e.render(100, false)));
        for (what, script) in scripts(&loaded.cluster) {
            assert_eq!(fault(&script), None, "{what}:\n{script}");
        }
        for (place, _) in PLACES {
            let values = prop_oneof![value(), tame()];
            let result = TestRunner::new(config.clone()).run(&values, |value| {
                let text = with(*place, &value, keepalived);
                let Ok(loaded) = inventory::parse("t.yaml", &text, BUILT_IN_ROLES) else {
                    return Ok(());
                };
                for (what, script) in scripts(&loaded.cluster) {
                    if let Some(why) = fault(&script) {
                        let message = format!("{value:?}: {what}: {why}\n{script}");
                        return Err(TestCaseError::fail(message));
                    }
                }
                Ok(())
            });
            if let Err(error) = result {
                panic!("%{place}: {error}");
            }
            // That something is refused is no proof; see which places take such values at all.
            let odd = format!("/a;$({MARKER})'");
            if inventory::parse("t.yaml", &with(*place, &odd, keepalived), BUILT_IN_ROLES).is_ok() {
                accepted.insert(*place);
            }
        }
    }
    let is_free = |place: char| accepted.contains(&place);
    assert!(
        "2789abcehij".chars().all(is_free),
        "only {accepted:?} take odd values"
    );
}
