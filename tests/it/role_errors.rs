//! Bad roles and templates, and what is said of them: all at once, each with file, line, column, an excerpt and a way
//! out. And no text makes a panic.

use proptest::prelude::*;

use crate::support::expand::{expand, lines};

/// Whether `web1` gets `/a`, by a file with this condition.
fn made_by(when: &str) -> Result<bool, Vec<String>> {
    let role = format!("resources:\n  - when: {when}\n    file: {{ path: /a }}\n");
    match expand(&role, "") {
        Ok(all) => Ok(all["web1"].iter().any(|r| r.key() == "/a")),
        Err((problems, _)) => Err(lines(&problems)),
    }
}

/// The engine takes what is undefined for false; a typing error would make a resource disappear.
#[test]
fn an_undefined_name_is_an_error_wherever_it_stands() {
    let mut wrong = String::new();
    for (when, column, says) in [
        ("host.nam == \"web1\"", 11, "`host` has no `nam`"),
        ("host.name == web1", 24, "there is no variable `web1`"),
        ("hots.name == \"web1\"", 11, "there is no variable `hots`"),
        ("'\"web1\" == host.nam'", 22, "`host` has no `nam`"),
        ("host.nam", 11, "`host` has no `nam`"),
        ("not host.nam", 15, "`host` has no `nam`"),
        ("host.nam != \"web1\"", 11, "`host` has no `nam`"),
        ("host.nam in [\"web1\"]", 11, "`host` has no `nam`"),
        ("'\"web1\" in host.rolls'", 22, "`host` has no `rolls`"),
        (
            "cluster.keepalived and host.nam == \"a\"",
            34,
            "`host` has no `nam`",
        ),
        ("true or host.nam == \"a\"", 19, "`host` has no `nam`"),
        ("(host.nam | length) > 0", 12, "`host` has no `nam`"),
        (
            "host.name | replace(from=frm, to=\"x\") == \"web1\"",
            36,
            "there is no variable `frm`",
        ),
        (
            "host.name is starting_with(pat=pat)",
            42,
            "there is no variable `pat`",
        ),
        (
            "host.vars[\"color\"] == \"blue\"",
            11,
            "`host.vars` has no `color`",
        ),
        (
            "host.vars.color == \"blue\"",
            11,
            "`host.vars` has no `color`",
        ),
        (
            "host.address.v4 == \"x\"",
            11,
            "`host.address` has no `v4`: it is a text",
        ),
        (
            "host.gateway.name == \"x\"",
            11,
            "`host.gateway` has no `name`: it is none here",
        ),
        (
            "services[0].nmae == \"web\"",
            11,
            "`services[0]` has no `nmae`",
        ),
        (
            "(\"a\" if host.nam else \"b\") == \"a\"",
            19,
            "`host` has no `nam`",
        ),
        (
            "'[s.nmae for s in services] | length > 0'",
            13,
            "`s` has no `nmae`",
        ),
        ("'host.nam == \"web1\"'", 12, "`host` has no `nam`"),
        ("\"host.nam == 'web1'\"", 12, "`host` has no `nam`"),
        (
            "\"host.name == \\\"a\\\" or host.nam\"",
            34,
            "`host` has no `nam`",
        ),
    ] {
        let said = made_by(when).map(|_| ()).err().unwrap_or_default();
        let want = format!("roles/mine.yaml:2:{column}: {says}");
        if said.len() != 1 || !said.iter().all(|said| said.starts_with(&want)) {
            wrong += &format!("{when}: {said:#?}, desired {want}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// What is meant to be left out, and what is asked about first.
#[test]
fn names_that_are_defined_or_asked_about_are_none() {
    for (when, made) in [
        ("host.name == \"web1\"", true),
        ("host.name == \"lb1\"", false),
        (
            "host.vars.colour is defined and host.vars.colour == \"blue\"",
            true,
        ),
        ("host.vars.color is defined", false),
        ("host.vars.color is not defined", true),
        ("host.vars.color | default(value=\"red\") == \"red\"", true),
        ("host?.nam == \"x\"", false),
        ("host.gateway and host.gateway.name == \"x\"", false),
        ("not host.gateway", true),
        ("services[0].name == \"web\"", true),
        ("'[s.name for s in services] == [\"web\"]'", true),
        ("host[\"name\"] == \"web1\"", true),
        ("true", true),
        ("false", false),
        ("none == host.gateway", true),
        (
            "services | length > 0 and host.roles is containing(pat=\"mine\")",
            true,
        ),
    ] {
        assert_eq!(made_by(when), Ok(made), "{when}");
    }
}

/// Lists, loops, fields and templates: `FILE:LINE:COLUMN: MESSAGE` of all that is wrong.
#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn each_fault_of_a_role_has_its_place() {
    let mut wrong = String::new();
    for (name, role, template, says) in [
        (
            "a list",
            "resources:\n  - for_each: host.nics\n    file: { path: /a }",
            "",
            &["roles/mine.yaml:2:15: `host` has no `nics`"][..],
        ),
        (
            "an element",
            "resources:\n  - for_each: host.interfaces\n    as: nic\n    when: nic.nam == \"eth0\"\n    file: { path: /a }",
            "",
            &["roles/mine.yaml:4:11: `nic` has no `nam`"],
        ),
        (
            "the element's default name",
            "resources:\n  - for_each: host.interfaces\n    as: nic\n    file: { path: \"/{{ item.name }}\" }",
            "",
            &["roles/mine.yaml:4:24: there is no variable `item`"],
        ),
        (
            "the condition leaves the body out",
            "resources:\n  - when: false\n    file: { path: \"/{{ hots }}\" }",
            "",
            &["roles/mine.yaml:3:24: there is no variable `hots`"],
        ),
        (
            "the list is empty",
            "resources:\n  - for_each: []\n    file: { path: \"/{{ host.nam }}\" }",
            "",
            &["roles/mine.yaml:3:24: `host` has no `nam`"],
        ),
        (
            "several in one field",
            "resources:\n  - file: { path: \"/{{ host.nam }}/{{ hots }}\" }",
            "",
            &[
                "roles/mine.yaml:2:24: `host` has no `nam`",
                "roles/mine.yaml:2:39: there is no variable `hots`",
            ],
        ),
        (
            "in several fields and entries",
            "resources:\n  - file:\n      path: \"{{ a }}\"\n      content: \"{{ b }}\"\n  - when: c\n    unit: { name: \"{{ d }}\" }\n  - package: { names: [\"{{ e }}\"] }",
            "",
            &[
                "roles/mine.yaml:3:17: there is no variable `a`",
                "roles/mine.yaml:4:20: there is no variable `b`",
                "roles/mine.yaml:5:11: there is no variable `c`",
                "roles/mine.yaml:7:28: there is no variable `e`",
            ],
        ),
        (
            "a template",
            "resources: [{ file: { path: /a, template: odd.tera } }]",
            "\nof {{ host.nmae }}\n{% if hots %}{% for s in services %}{{ s.nmae }}{% endfor %}{% endif %}\n",
            &[
                "templates/odd.tera:2:7: `host` has no `nmae`",
                "templates/odd.tera:3:7: there is no variable `hots`",
            ],
        ),
        (
            "a loop of a template",
            "resources: [{ file: { path: /a, template: odd.tera } }]",
            "{% for s in services %}\n{% if s.nmae == \"web\" %}x{% endif %}{% set t = s.prt %}{% endfor %}",
            &[
                "templates/odd.tera:2:7: `s` has no `nmae`",
                "templates/odd.tera:2:48: `s` has no `prt`",
            ],
        ),
        (
            "a template of an entry that is left out",
            "resources: [{ when: false, file: { path: /a, template: odd.tera } }]",
            "{{ hots }}",
            &["templates/odd.tera:1:4: there is no variable `hots`"],
        ),
        (
            "no such template",
            "resources: [{ file: { path: /a, template: od.tera } }]",
            "",
            &["roles/mine.yaml:1:43: there is no template `od.tera`"],
        ),
        (
            "an unknown kind",
            "resources:\n  - sysctl: { name: a.b, value: 1 }\n  - sysctrl: { name: a.b, value: 1 }\n",
            "",
            &["roles/mine.yaml:3:5: unknown kind of resource `sysctrl`"],
        ),
        (
            "an unknown field",
            "resources: [{ sysctl: { nmae: a, value: 1 } }]",
            "",
            &["roles/mine.yaml:1:25: unknown key `nmae`"],
        ),
        (
            "an unknown word beside the kind",
            "resources: [{ file: { path: /a }, whne: true }]",
            "",
            &["roles/mine.yaml:1:35: unknown key `whne`"],
        ),
        (
            "two kinds",
            "resources: [{ file: { path: /a }, unit: { name: a.service } }]",
            "",
            &["roles/mine.yaml:1:35: an entry makes one resource, this one has `file` and `unit`"],
        ),
        (
            "no kind",
            "resources: [{ when: true }]",
            "",
            &["roles/mine.yaml:1:15: this entry names no kind of resource"],
        ),
        (
            "a text for fields",
            "resources:\n  - package: nginx\n  - unit: 3\n  - nginx\n",
            "",
            &[
                "roles/mine.yaml:2:14: expected the fields of `package`, found the text `nginx`",
                "roles/mine.yaml:3:11: expected the fields of `unit`, found the number `3`",
                "roles/mine.yaml:4:5: expected a resource, found the text `nginx`",
            ],
        ),
        (
            "fields of another type",
            "resources:\n  - package: { names: nginx }\n  - sysctl: { name: [a], value: { b: c } }\n  - module: {}\n",
            "",
            &[
                "roles/mine.yaml:2:23: expected a list, found the text `nginx`",
                "roles/mine.yaml:3:21: expected a text, found a list",
                "roles/mine.yaml:3:33: expected a single value, found ",
                "roles/mine.yaml:4:5: the key `name` is missing",
            ],
        ),
        (
            "an expression of another type",
            "resources:\n  - package: { names: \"{{ host.name }}\" }\n",
            "",
            &["roles/mine.yaml:2:23: expected a list, found the text `web1`"],
        ),
        (
            "no list",
            "resources: { file: { path: /a } }",
            "",
            &["roles/mine.yaml:1:1: expected a list of resources, found a map"],
        ),
        (
            "an unknown key on top",
            "resource: []\ndescription: x",
            "",
            &["roles/mine.yaml:1:1: unknown key `resource`"],
        ),
        (
            "no map",
            "- file: { path: /a }",
            "",
            &["roles/mine.yaml:1:1: expected a role, found a list"],
        ),
        (
            "no condition",
            "resources: [{ when: 3, file: { path: /a } }, { when: host.name, file: { path: /b } }]",
            "",
            &[
                "roles/mine.yaml:1:21: expected an expression, found the number `3`",
                "roles/mine.yaml:1:54: expected true or false, found the text `web1`",
            ],
        ),
        (
            "a condition that is a text",
            "resources: [{ when: host.name, file: { path: /b } }]",
            "",
            &["roles/mine.yaml:1:21: expected true or false, found the text `web1`"],
        ),
        (
            "no list to go through",
            "resources: [{ for_each: host.name, file: { path: /b } }]",
            "",
            &["roles/mine.yaml:1:25: expected a list, found the text `web1`"],
        ),
        (
            "no name of an element",
            "resources: [{ for_each: [1], as: a-b, file: { path: /b } }]",
            "",
            &["roles/mine.yaml:1:34: expected the name of a variable, found the text `a-b`"],
        ),
        (
            "includes",
            "include: [mien, web]\nresources: [{ file: { pth: /a } }]",
            "",
            &[
                "roles/mine.yaml:1:11: there is no role named `mien`",
                "roles/mine.yaml:2:23: unknown key `pth`",
            ],
        ),
        (
            "a circle",
            "include: [mine]",
            "",
            &["roles/mine.yaml:1:11: role `mine` includes itself"],
        ),
        (
            "no absolute path",
            "resources: [{ file: { path: \"motd-{{ host.name }}\" } }]",
            "",
            &["roles/mine.yaml:1:29: file motd-web1: expected an absolute path"],
        ),
        (
            "no mode",
            "resources: [{ file: { path: /a, mode: \"0888\" } }]",
            "",
            &[
                "roles/mine.yaml:1:39: file /a: expected a mode of 3 or 4 octal digits, found `0888`",
            ],
        ),
        (
            "a mode without quotes",
            "resources: [{ file: { path: /a, mode: 0644 } }]",
            "",
            &["roles/mine.yaml:1:39: expected a mode in quotes, found a number"],
        ),
        (
            "no suffix",
            "resources: [{ unit: { name: nginx } }]",
            "",
            &["roles/mine.yaml:1:29: unit nginx: expected a unit's name with its suffix"],
        ),
        (
            "a duplicate key",
            "resources: [{ file: { path: /a, path: /b } }]",
            "",
            &["roles/mine.yaml:1:33: the key `path` stands twice in one map"],
        ),
        (
            "a condition that cannot be read",
            "resources:\n  - when: host.name ==\n    file: { path: /a }\n  - when: host.name = \"a\"\n    file: { path: /a }",
            "",
            &["roles/mine.yaml:2:", "roles/mine.yaml:4:"],
        ),
        (
            "a template that cannot be read",
            "resources: []",
            "a\n{% if %}",
            &["templates/odd.tera:2:"],
        ),
        (
            "an unknown filter",
            "resources: [{ when: host.name | uper == \"A\", file: { path: /a } }]",
            "",
            &["roles/mine.yaml:1:33: unknown filter `uper`"],
        ),
        (
            "what another asks for otherwise",
            "resources: [{ file: { path: /a } }, { file: { path: /a, mode: \"0600\" } }]",
            "",
            &["roles/mine.yaml:1:39: file /a is asked for otherwise by "],
        ),
        (
            "what a built-in role asks for otherwise",
            "resources: [{ when: host.name == \"lb1\", sysctl: { name: net.ipv4.ip_forward, value: 0 } }]",
            "",
            &[
                "roles/mine.yaml:1:41: sysctl net.ipv4.ip_forward is asked for otherwise by built-in role director",
            ],
        ),
    ] {
        let (problems, shown) = match expand(role, template) {
            Ok(_) => panic!("{name}: accepted"),
            Err(said) => said,
        };
        // What depends on the host is said for each.
        let mut said = lines(&problems);
        said.retain(|line| !line.contains("lb1`") && !line.contains("motd-lb1"));
        let alike = said
            .iter()
            .zip(says)
            .all(|(said, want)| said.starts_with(want));
        if said.len() != says.len() || !alike {
            wrong += &format!("{name}: {said:#?}, desired {says:#?}\n");
        }
        for problem in &problems {
            assert!(problem.fix().is_some(), "{name}: {problem}");
        }
        assert!(shown.contains("╭─["), "{name}: {shown}");
        for word in [
            "struct",
            "invalid type",
            "__tera",
            "lvsctl_known",
            "serde",
            "at line ",
        ] {
            assert!(!shown.contains(word), "{name}: {word}: {shown}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn one_fault_of_several_hosts_is_shown_once_with_their_names() {
    let role = "resources: [{ when: host.nam == \"a\", file: { path: /a } }]";
    let (problems, shown) = expand(role, "").expect_err("a fault");
    assert_eq!(problems.len(), 1, "{shown}");
    assert!(shown.contains("on lb1, web1"), "{shown}");
    assert!(shown.contains("did you mean `name`?"), "{shown}");
}

/// Free values have the parts that the user gives them; each may have others.
#[test]
fn elements_may_differ_in_their_parts() {
    let role = "resources:
  - for_each: cluster.vars.sites
    as: site
    when: site.name == \"a\" and site.port == 1
    file: { path: \"/{{ site.port }}\" }
";
    let all = expand(role, "").unwrap_or_else(|(_, shown)| panic!("{shown}"));
    assert!(all["web1"].iter().any(|r| r.key() == "/1"));
}

const WORDS: &[&str] = &[
    "resources",
    "include",
    "when",
    "for_each",
    "as",
    "file",
    "path",
    "template",
    "odd.tera",
    "sysctl",
    "name",
    "value",
    "package",
    "names",
    "unit",
    "ipvs",
    "mark",
    "host",
    "services",
    "item",
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "{%-",
    "-%}",
    "for",
    "in",
    "if",
    "endif",
    "endfor",
    "set",
    "raw",
    "endraw",
    "include",
    "is",
    "not",
    "defined",
    "default",
    "|",
    ".",
    "?.",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    ": ",
    ", ",
    "- ",
    "\n",
    "\n  ",
    "\n    - ",
    "\"",
    "'",
    "`",
    "\\",
    "==",
    "=",
    "<",
    "0",
    "1e999",
    "true",
    "none",
    "é",
    "😀",
    "\u{1}",
    "\0",
    "\t",
    "mine",
    "director",
    "loop",
    "length",
];

fn config() -> ProptestConfig {
    let mut config = ProptestConfig {
        cases: 60,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    if config.rng_seed == proptest::test_runner::RngSeed::Random {
        config.rng_seed = proptest::test_runner::RngSeed::Fixed(1);
    }
    config
}

/// What is wrong is said with a way out, and shown.
fn survives(role: &str, template: &str) {
    if let Err((problems, shown)) = expand(role, template) {
        assert!(!problems.is_empty() && !shown.is_empty(), "{role}");
        for problem in &problems {
            assert!(problem.fix().is_some(), "no way out: {problem} of {role}");
        }
    }
}

const GOOD: &str = "resources:
  - for_each: host.interfaces
    as: nic
    when: nic.name == \"eth0\" and host.vars.colour is defined
    file: { path: \"/{{ nic.name }}\", template: odd.tera }
  - package: { names: [\"{{ host.name }}\"] }
";
const TEMPLATE: &str =
    "{% for s in services %}{% if s.name != \"a\" %}{{ s.ports[0] }}{% endif %}{% endfor %}\n";

/// The text with words in the place of some of its characters.
fn edited(text: &str, edits: &[(prop::sample::Index, &str, usize)]) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for (at, word, cut) in edits {
        let at = at.index(text.len() + 1);
        let end = (at + cut).min(text.len());
        text.splice(at..end, word.chars());
    }
    text.into_iter().collect()
}

fn edits() -> impl Strategy<Value = Vec<(prop::sample::Index, &'static str, usize)>> {
    let one = (
        any::<prop::sample::Index>(),
        prop::sample::select(WORDS),
        0..8_usize,
    );
    prop::collection::vec(one, 1..5)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_role_makes_a_panic(words in prop::collection::vec(prop::sample::select(WORDS), 0..80)) {
        survives(&words.concat(), TEMPLATE);
    }

    #[test]
    fn no_template_makes_a_panic(words in prop::collection::vec(prop::sample::select(WORDS), 0..80)) {
        survives(GOOD, &words.concat());
    }

    #[test]
    fn no_edit_of_a_role_makes_a_panic(role in edits(), template in edits()) {
        survives(&edited(GOOD, &role), &edited(TEMPLATE, &template));
    }
}
