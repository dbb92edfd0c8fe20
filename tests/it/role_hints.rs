//! What is said of the slips that users of roles make, each where it stands, and that what it proposes is accepted.

use lvsctl::inventory::Problem;

use crate::support::expand::{expand, expand_files, lines};

/// Words of the programs behind: no user has to know them.
const INTERNAL: &[&str] = &[
    "invalid type",
    "invalid length",
    "tuple",
    "struct",
    "enum",
    "variant",
    "serde",
    "tera error",
    "minijinja",
    "parser",
    "token",
    "identifier",
    "i64",
    "u64",
    "f64",
    "usize",
    "`string`",
    "`array`",
    "a string",
    "integer",
    "syntax",
    "sequence",
    "__tera",
    "lvsctl_",
    "built-in template",
    "expected one of: integer",
    "none_or",
    "invalid socket",
    "ident,",
    "kwarg",
    "keyword",
    "help: known:\n",
    "keys of `ipvs`:\n",
];

fn check(name: &str, problems: &[Problem], shown: &str) -> String {
    let mut wrong = String::new();
    for problem in problems {
        let help = problem.fix().unwrap_or_default();
        let all = format!("{}\n{help}\n", problem.message());
        // The tests of the engine have names like types.
        let all = all
            .replace("known: array, bool", "")
            .replace("`string`?", "")
            .replace("integer, iterable, map, none", "");
        for word in INTERNAL {
            if all.contains(word) || shown.contains("built-in template") {
                wrong += &format!("{name}: {word:?} in {all}");
            }
        }
        let first = problem.message().chars().next().unwrap_or('A');
        if first.is_uppercase() || help.trim().is_empty() || help.trim() == "known:" {
            wrong += &format!("{name}: {problem}: {help:?}\n");
        }
        if problem.position().is_none() {
            wrong += &format!("{name}: no place: {problem}\n");
        }
    }
    wrong
}

/// A slip within a role or a template, what is said of it, and what is to stand in its place, as the help says.
struct Slip {
    name: &'static str,
    role: &'static str,
    template: &'static str,
    says: &'static str,
    /// What stands in the text, and what the help has.
    wrong: &'static str,
    right: &'static str,
}

const fn slip(
    name: &'static str,
    role: &'static str,
    says: &'static str,
    wrong: &'static str,
    right: &'static str,
) -> Slip {
    Slip {
        name,
        role,
        template: "",
        says,
        wrong,
        right,
    }
}

const fn of_template(
    name: &'static str,
    template: &'static str,
    says: &'static str,
    wrong: &'static str,
    right: &'static str,
) -> Slip {
    let role = "resources: [{ file: { path: /a, template: odd.tera } }]";
    Slip {
        name,
        role,
        template,
        says,
        wrong,
        right,
    }
}

const SLIPS: &[Slip] = &[
    // Templates.
    of_template(
        "a filter",
        "{{ host.name | uper }}\n",
        "templates/odd.tera:1:16: unknown filter `uper`",
        "uper",
        "upper",
    ),
    of_template(
        "a filter of Jinja",
        "{{ host.roles | tojson }}\n",
        "templates/odd.tera:1:17: unknown filter `tojson`",
        "| tojson",
        "| json",
    ),
    of_template(
        "a test",
        "{% if host.name is strng %}x{% endif %}\n",
        "templates/odd.tera:1:20: unknown test `strng`",
        "strng",
        "string",
    ),
    of_template(
        "a function",
        "{% for i in rnge(end=3) %}x{% endfor %}\n",
        "templates/odd.tera:1:13: unknown function `rnge`",
        "rnge",
        "range",
    ),
    of_template(
        "an include",
        "a\n{% include \"exprts.tera\" %}\n",
        "templates/odd.tera:2:12: there is no template `exprts.tera`",
        "exprts.tera",
        "exports.tera",
    ),
    of_template(
        "an else",
        "{% if host.name %}x{% else if true %}y{% endif %}\n",
        "templates/odd.tera:1:23: `else if` is one word",
        "else if",
        "elif",
    ),
    of_template(
        "a tag",
        "{% fr nic in host.interfaces %}x{% endfor %}\n",
        "templates/odd.tera:1:4: unknown tag `fr`",
        "fr",
        "for",
    ),
    of_template(
        "an end",
        "{% if host.name %}x\n",
        "templates/odd.tera:1:4: the `if` is never ended",
        "x\n",
        "{% endif %}",
    ),
    of_template(
        "a brace",
        "x {{ host.name\n",
        "templates/odd.tera:1:3: the `{{` is never closed",
        "\n",
        "}}",
    ),
    of_template(
        "a list as text",
        "{{ host.roles }}\n",
        "templates/odd.tera:1:4: a list cannot stand in a text",
        "host.roles",
        "host.roles | join(sep=', ')",
    ),
    of_template(
        "a map as text",
        "{{ host }}\n",
        "templates/odd.tera:1:4: a map cannot stand in a text",
        "host",
        "host.name",
    ),
    of_template(
        "a sum of texts",
        "{{ host.name + 2 }}\n",
        "templates/odd.tera:1:4: cannot add a text and a number",
        "host.name + 2",
        "host.name ~ 2",
    ),
    of_template(
        "an argument",
        "{{ host.roles | join(\", \") }}\n",
        "templates/odd.tera:1:22: an argument of `join` stands behind its name",
        "join(\", \")",
        "join(sep=\", \")",
    ),
    of_template(
        "two arguments",
        "{{ host.name | replace(\"a\", \"b\") }}\n",
        "templates/odd.tera:1:24: an argument of `replace`",
        "replace(\"a\", \"b\")",
        "replace(from=\"a\", to=\"b\")",
    ),
    of_template(
        "a method",
        "{{ host.name.upper() }}\n",
        "templates/odd.tera:1:14: `upper` is no part that can be called",
        ".upper()",
        "| upper",
    ),
    of_template(
        "a missing argument",
        "{{ host.name | truncate }}\n",
        "templates/odd.tera:1:16: `truncate` lacks its argument `length`",
        "truncate",
        "truncate(length=8)",
    ),
    of_template(
        "a length",
        "{{ services | length > \"1\" }}\n",
        "templates/odd.tera:1:15: cannot compare a number with a text",
        "\"1\"",
        "1",
    ),
    of_template(
        "an index",
        "{{ services[7].name }}\n",
        "templates/odd.tera:1:4: `services` has no entry `7`",
        "",
        "services",
    ),
    of_template(
        "a part of a list",
        "{{ services.name }}\n",
        "templates/odd.tera:1:4: `services` has no `name`: it is a list",
        "services.name",
        "services[0].name",
    ),
    // Conditions.
    slip(
        "braces",
        "resources:\n  - when: \"{{ host.name == 'rs1' }}\"\n    file: { path: /a }",
        "roles/mine.yaml:2:12: an expression stands here by itself",
        "\"{{ host.name == 'rs1' }}\"",
        "host.name == 'rs1'",
    ),
    slip(
        "braces of a list",
        "resources:\n  - for_each: \"{{ host.interfaces }}\"\n    file: { path: \"/{{ item.name }}\" }",
        "roles/mine.yaml:2:16: an expression stands here by itself",
        "\"{{ host.interfaces }}\"",
        "host.interfaces",
    ),
    slip(
        "a quote at the beginning",
        "resources:\n  - when: \"realserver\" in host.roles\n    file: { path: /a }",
        "roles/mine.yaml:2:11: an expression that begins or goes on like this needs quotes",
        "\"realserver\" in host.roles",
        "'\"realserver\" in host.roles'",
    ),
    slip(
        "a list at the beginning",
        "resources:\n  - when: [1] == [2]\n    file: { path: /a }",
        "roles/mine.yaml:2:11: an expression that begins or goes on like this needs quotes",
        "[1] == [2]",
        "'[1] == [2]'",
    ),
    slip(
        "one equals sign",
        "resources:\n  - when: host.name = \"rs1\"\n    file: { path: /a }",
        "roles/mine.yaml:2:21: `=` compares nothing",
        " = ",
        "==",
    ),
    slip(
        "and",
        "resources:\n  - when: host.name == \"a\" && true\n    file: { path: /a }",
        "roles/mine.yaml:2:28: `&&` is no sign",
        "&&",
        "and",
    ),
    slip(
        "or",
        "resources:\n  - when: host.name == \"a\" || true\n    file: { path: /a }",
        "roles/mine.yaml:2:28: `||` is no sign",
        "||",
        "or",
    ),
    slip(
        "not",
        "resources:\n  - when: \"!host.persist\"\n    file: { path: /a }",
        "roles/mine.yaml:2:12: `!` is no sign",
        "!host.persist",
        "not host.persist",
    ),
    slip(
        "not without quotes",
        "resources:\n  - when: !host.persist\n    file: { path: /a }",
        "roles/mine.yaml:2:",
        "!host.persist",
        "not host.persist",
    ),
    slip(
        "upper case",
        "resources:\n  - when: host.persist AND true\n    file: { path: /a }",
        "roles/mine.yaml:2:24: `AND` is written in lower case",
        "AND",
        "and",
    ),
    slip(
        "a bracket",
        "resources:\n  - when: (host.name == \"rs1\"\n    file: { path: /a }",
        "roles/mine.yaml:2:11: the `(` is never closed",
        "",
        ")",
    ),
    slip(
        "a second bracket",
        "resources:\n  - when: host.name == \"rs1\")\n    file: { path: /a }",
        "roles/mine.yaml:2:29: the `)` closes nothing",
        ")",
        "",
    ),
    slip(
        "a quote",
        "resources:\n  - when: host.name == \"rs1\n    file: { path: /a }",
        "roles/mine.yaml:2:24: this text has no second quote",
        "rs1",
        "\"",
    ),
    slip(
        "too early",
        "resources:\n  - when: host.name ==\n    file: { path: /a }",
        "roles/mine.yaml:2:",
        "",
        "",
    ),
    slip(
        "a number",
        "resources:\n  - when: host.name > 3\n    file: { path: /a }",
        "roles/mine.yaml:2:11: cannot compare a text with a number",
        "host.name >",
        "name | length >",
    ),
    slip(
        "no number",
        "resources:\n  - file: { path: \"/{{ host.name | round }}\" }",
        "roles/mine.yaml:2:24: `round` takes a number, found a text",
        "host.name",
        "services | length",
    ),
    slip(
        "in none",
        "resources:\n  - when: '\"a\" in host.persist'\n    file: { path: /a }",
        "roles/mine.yaml:2:19: `in` looks into a list, a map or a text, found true or false",
        "\"a\" in host.persist",
        "\"web\" in host.roles",
    ),
    slip(
        "a free value",
        "resources:\n  - when: host.vars.backlog == 8192\n    file: { path: /a }",
        "roles/mine.yaml:2:11: `host.vars` has no `backlog`",
        "host.vars.backlog",
        "is defined",
    ),
    slip(
        "a part of an entry",
        "resources:\n  - when: host.interfaces[0].nam == \"eth0\"\n    file: { path: /a }",
        "roles/mine.yaml:2:11: `host.interfaces[0]` has no `nam`",
        "nam ",
        "name",
    ),
    slip(
        "a part of any entry",
        "resources:\n  - for_each: '[0]'\n    when: host.interfaces[item].nam == \"eth0\"\n    file: { path: /a }",
        "roles/mine.yaml:3:11: `host.interfaces[item]` has no `nam`",
        "nam ",
        "name",
    ),
    // Fields.
    slip(
        "a number for a text",
        "resources:\n  - package: { names: [1] }",
        "roles/mine.yaml:2:24: expected a text, found the number `1`",
        "1",
        "\"1\"",
    ),
    slip(
        "an interface",
        "resources:\n  - networkd: { name: x, interfaces: [1] }",
        "roles/mine.yaml:2:39: expected a text, found the number `1`",
        "1",
        "\"1\"",
    ),
    slip(
        "a switch for a text",
        "resources:\n  - unit: { name: a.service, reads: [true] }",
        "roles/mine.yaml:2:38: expected a text, found `true`",
        "true",
        "\"true\"",
    ),
    slip(
        "a parameter",
        "resources:\n  - sysctl: { name: 5, value: 1 }",
        "roles/mine.yaml:2:21: expected a text, found the number `5`",
        "5",
        "\"5\"",
    ),
    slip(
        "a pair",
        "resources:\n  - ipvs: { virtual: { tcp: \"192.168.100.201:80\" }, scheduler: rr, persistence: [300], real_servers: [] }",
        "roles/mine.yaml:2:81: expected a list of 2 values",
        "[300]",
        "[300, 32]",
    ),
    slip(
        "a port",
        "resources:\n  - ipvs: { virtual: { tcp: \"192.168.100.201\" }, scheduler: rr, real_servers: [] }",
        "roles/mine.yaml:2:29: expected an address with its port",
        "\"192.168.100.201\"",
        "\"192.168.100.201:80\"",
    ),
    slip(
        "a word alone",
        "resources:\n  - ipvs: { virtual: tcp, scheduler: rr, real_servers: [] }",
        "roles/mine.yaml:2:22: `tcp` has nothing behind it",
        "virtual: tcp",
        "virtual: { tcp:",
    ),
    slip(
        "a prefix",
        "resources:\n  - address: { address: 192.168.100.50, interface: eth0 }",
        "roles/mine.yaml:2:25: expected an address with its prefix length",
        "192.168.100.50",
        "192.168.100.50/32",
    ),
    slip(
        "a default route",
        "resources:\n  - route: { to: default, interface: eth0 }",
        "roles/mine.yaml:2:18: expected an address with its prefix length",
        "default",
        "0.0.0.0/0",
    ),
    slip(
        "a gateway",
        "resources:\n  - route: { to: 0.0.0.0/0, via: gw }",
        "roles/mine.yaml:2:34: expected one address",
        "gw",
        "192.168.100.14",
    ),
    slip(
        "no way",
        "resources:\n  - route: { to: 10.0.0.0/8 }",
        "roles/mine.yaml:2:",
        "",
        "interface: eth0",
    ),
    slip(
        "a missing key",
        "resources:\n  - module: {}",
        "roles/mine.yaml:2:5: the key `name` is missing",
        "",
        "name: ip_vs",
    ),
    slip(
        "a hardware address",
        "resources:\n  - neighbour: { address: 192.168.100.200, lladdr: \"52:54:00:00:00:ZZ\", interface: eth0 }",
        "roles/mine.yaml:2:52: neighbour ",
        "\"52:54:00:00:00:ZZ\"",
        "\"52:54:00:c0:a8:32\"",
    ),
    slip(
        "upper-case digits",
        "resources:\n  - neighbour: { address: 192.168.100.200, lladdr: \"52:54:00:00:00:AB\", interface: eth0 }",
        "roles/mine.yaml:2:52: neighbour ",
        "\"52:54:00:00:00:AB\"",
        "\"52:54:00:00:00:ab\"",
    ),
    slip(
        "no package",
        "resources:\n  - package: { names: [] }",
        "roles/mine.yaml:2:",
        "names: []",
        "names: [nginx]",
    ),
    slip(
        "both",
        "resources:\n  - file: { path: /a, content: \"x\\n\", template: odd.tera }",
        "roles/mine.yaml:2:39: `content` and `template` both say what is in the file",
        ", template: odd.tera",
        "delete",
    ),
    slip(
        "an item that is a map",
        "resources:\n  - for_each: host.interfaces\n    file: { path: \"/etc/{{ item }}\" }",
        "roles/mine.yaml:3:28: a map cannot stand in a text",
        "item",
        "item.name",
    ),
    slip(
        "an item for a text",
        "resources:\n  - for_each: services\n    file: { path: /a, content: \"{{ item.ports }}\" }",
        "roles/mine.yaml:3:32: expected a text, found a list",
        "{{ item.ports }}",
        "{{ item.ports | join(sep=' ') }}",
    ),
    slip(
        "when among the fields",
        "resources:\n  - file: { path: /a, when: host.persist }",
        "roles/mine.yaml:2:23: `when` is no field of `file`: it belongs to the entry",
        "",
        "",
    ),
    slip(
        "a word in capitals",
        "resources:\n  - mark: { comment: a, destination: 192.168.100.200, protocol: TCP, ports: [80], mark: 1 }",
        "roles/mine.yaml:2:65: unknown word `TCP`",
        "TCP",
        "tcp",
    ),
    slip(
        "an expression of other fields",
        "resources:\n  - for_each: services\n    mark: \"{{ item }}\"",
        "roles/mine.yaml:3:11: `mark` has no `body_regex`, `check`, `delay_loop` and ",
        "",
        "comment, destination",
    ),
    slip(
        "an expression of several",
        "resources:\n  - mark: \"{{ host.interfaces }}\"",
        "roles/mine.yaml:2:11: expected a map of keys, found a list",
        "",
        "for_each: host.interfaces",
    ),
    slip(
        "several names in one text",
        "resources:\n  - package: { names: \"nginx, curl\" }",
        "roles/mine.yaml:2:23: expected a list, found the text `nginx, curl`",
        "\"nginx, curl\"",
        "[nginx, curl]",
    ),
    slip(
        "a service",
        "resources:\n  - service: { name: nginx.service }",
        "roles/mine.yaml:2:5: unknown kind of resource `service`",
        "service: { name: nginx.service }",
        "unit: { name: nginx.service }",
    ),
    slip(
        "a field of Ansible",
        "resources:\n  - file: { dest: /etc/motd }",
        "roles/mine.yaml:2:13: unknown key `dest`",
        "dest: /etc/motd",
        "path: /etc/motd",
    ),
    slip(
        "a parameter as a key",
        "resources:\n  - sysctl: { net.core.somaxconn: 4096 }",
        "roles/mine.yaml:2:15: unknown key `net.core.somaxconn`",
        "{ net.core.somaxconn: 4096 }",
        "{ name: net.core.somaxconn, value: 4096 }",
    ),
    slip(
        "a quote at the beginning, in one line",
        "resources:\n  - { when: \"web\" in host.roles, file: { path: /a } }",
        "roles/mine.yaml:2:13: an expression that begins or goes on like this needs quotes",
        "\"web\" in host.roles",
        "'\"web\" in host.roles'",
    ),
    slip(
        "a field beside its kind",
        "resources:\n  - file:\n    path: /a",
        "roles/mine.yaml:3:5: `path` is a field of `file`, and stands beside it",
        "    path",
        "indent it more than `file:`",
    ),
];

#[test]
fn slips_are_said_where_they_stand_with_what_is_right() {
    let mut wrong = String::new();
    for Slip {
        name,
        role,
        template,
        says,
        wrong: found,
        right,
    } in SLIPS
    {
        let (problems, shown) = match expand(role, template) {
            Ok(_) => {
                wrong += &format!("{name}: accepted\n");
                continue;
            }
            Err(said) => said,
        };
        let said = lines(&problems);
        let first = problems
            .iter()
            .zip(&said)
            .find(|(_, line)| line.starts_with(says));
        let Some((problem, _)) = first else {
            wrong += &format!("{name}: {said:#?}, desired {says}\n");
            continue;
        };
        if said.len() != 1 && !["a field beside its kind"].contains(name) {
            wrong += &format!("{name}: more than one: {said:#?}\n");
        }
        let help = problem.fix().unwrap_or_default();
        if !help.contains(right.trim())
            && !problem.label().unwrap_or_default().contains(right)
            && !problem.message().contains(right)
        {
            wrong += &format!("{name}: help {help:?}, desired {right}\n");
        }
        // What it proposes is accepted.
        if !right.is_empty() && !found.is_empty() && help.contains(&format!("{right}`")) {
            let repaired = |text: &str| text.replacen(found, right, 1);
            if let Err((problems, _)) = expand(&repaired(role), &repaired(template)) {
                wrong += &format!("{name}: followed: {:#?}\n", lines(&problems));
            }
        }
        wrong += &check(name, &problems, &shown);
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Files of the user, and `FILE:LINE:COLUMN: MESSAGE` of all that is wrong with them.
type Together = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [&'static str],
);

const TOGETHER: &[Together] = &[
    (
        "names, and an entry of no kind",
        &[(
            "roles/mine.yaml",
            "resources:\n  - file: { path: \"/etc/{{ host.nmae }}\", content: \"{{ cluster.naem }}\" }\n  - sysctrl: { name: \"{{ hots }}\", value: 1 }\n",
        )],
        &[
            "roles/mine.yaml:2:28: `host` has no `nmae`",
            "roles/mine.yaml:2:56: `cluster` has no `naem`",
            "roles/mine.yaml:3:5: unknown kind of resource `sysctrl`",
            "roles/mine.yaml:3:26: there is no variable `hots`",
        ],
    ),
    (
        "an unknown field, and one of another type",
        &[(
            "roles/mine.yaml",
            "resources:\n  - package: { names: nginx, state: present }\n",
        )],
        &[
            "roles/mine.yaml:2:23: expected a list, found the text `nginx`",
            "roles/mine.yaml:2:30: unknown key `state`",
        ],
    ),
    (
        "another file",
        &[
            (
                "roles/mine.yaml",
                "include: [other]\nresources:\n  - file: { path: \"/{{ host.nmae }}\" }\n",
            ),
            ("roles/other.yaml", "resources:\n  - fiel: { path: /b }\n"),
        ],
        &[
            "roles/mine.yaml:3:24: `host` has no `nmae`",
            "roles/other.yaml:2:5: unknown kind of resource `fiel`",
        ],
    ),
    (
        "a file that is no YAML, and a template that cannot be read",
        &[
            (
                "roles/mine.yaml",
                "resources:\n  - file: { path: /a, template: odd.tera }\n  - file: { path: \"/{{ host.nmae }}\" }\n",
            ),
            ("roles/other.yaml", "resources: {\n"),
            ("templates/odd.tera", "{{ host.nmae }} {% if %}\n"),
            (
                "templates/even.tera",
                "{{ host.name | uper }} {% include \"odd.tera\" %}\n",
            ),
        ],
        &[
            "roles/mine.yaml:3:24: `host` has no `nmae`",
            "roles/other.yaml:1:12: this is not valid YAML: the `{` is never closed",
            "templates/even.tera:1:16: unknown filter `uper`",
            "templates/odd.tera:1:4: `host` has no `nmae`",
            "templates/odd.tera:1:20: the `if` is never ended",
        ],
    ),
    (
        "several values of one field",
        &[(
            "roles/mine.yaml",
            "resources:\n  - package: { names: [1, nginx, 2] }\n  - mark: { comment: a, destination: b, protocol: c, ports: [0, x], mark: d }\n",
        )],
        &[
            "roles/mine.yaml:2:24: expected a text, found the number `1`",
            "roles/mine.yaml:2:34: expected a text, found the number `2`",
            "roles/mine.yaml:3:38: expected one address, such as 192.168.100.14, found the text `b`",
            "roles/mine.yaml:3:51: unknown word `c`",
            "roles/mine.yaml:3:62: expected a port from 1 to 65535",
            "roles/mine.yaml:3:65: expected a range of ports",
            "roles/mine.yaml:3:75: expected a whole number",
        ],
    ),
    (
        "slips of one expression",
        &[(
            "roles/mine.yaml",
            "resources:\n  - when: host.name = \"a\" && !host.persist || hots\n    file: { path: /a }\n",
        )],
        &[
            "roles/mine.yaml:2:21: `=` compares nothing",
            "roles/mine.yaml:2:27: `&&` is no sign",
            "roles/mine.yaml:2:30: `!` is no sign",
            "roles/mine.yaml:2:44: `||` is no sign",
            "roles/mine.yaml:2:47: there is no variable `hots`",
        ],
    ),
];

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let mut wrong = String::new();
    for (name, files, says) in TOGETHER {
        let (problems, shown) = match expand_files(files) {
            Ok(_) => panic!("{name}: accepted"),
            Err(said) => said,
        };
        let said = lines(&problems);
        let alike = said
            .iter()
            .zip(*says)
            .all(|(said, want)| said.starts_with(want));
        if said.len() != says.len() || !alike {
            wrong += &format!("{name}: {said:#?}, desired {says:#?}\n");
        }
        wrong += &check(name, &problems, &shown);
    }
    assert!(wrong.is_empty(), "{wrong}");
}
