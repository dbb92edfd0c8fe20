//! An example of each field of each kind, for hints. A test writes each in, and it is accepted.

/// A kind, a field, and its value in YAML.
pub(super) const EXAMPLES: &[(&str, &str, &str)] = &[
    ("package", "names", "[nginx]"),
    (
        "package",
        "at_least",
        "{ version: \"2.2.8\", because: \"of its checks\" }",
    ),
    ("module", "name", "ip_vs"),
    ("sysctl", "name", "net.core.somaxconn"),
    ("sysctl", "value", "4096"),
    ("sysctl", "instead_of", "1"),
    ("sysctl", "if_exists", "true"),
    ("link", "name", "tunl0"),
    ("networkd", "name", "lvsctl"),
    ("networkd", "interfaces", "[eth0]"),
    ("address", "address", "192.168.100.200/32"),
    ("address", "interface", "lo"),
    ("address", "label", "\"lo:0\""),
    ("address", "source", "false"),
    ("address", "if_held", "true"),
    ("route", "to", "0.0.0.0/0"),
    ("route", "interface", "eth0"),
    ("route", "via", "192.168.100.14"),
    ("neighbour", "address", "192.168.100.200"),
    ("neighbour", "lladdr", "\"52:54:00:c0:a8:32\""),
    ("neighbour", "interface", "eth0"),
    ("arprule", "vip", "192.168.100.200"),
    ("arprule", "rip", "192.168.100.12"),
    ("mark", "comment", "\"lvsctl:shop/web\""),
    ("mark", "destination", "192.168.100.200"),
    ("mark", "protocol", "tcp"),
    ("mark", "ports", "[80, 443]"),
    ("mark", "mark", "1"),
    ("file", "path", "/etc/motd"),
    ("file", "content", "\"hello\\n\""),
    ("file", "template", "motd.tera"),
    ("file", "mode", "\"0644\""),
    ("file", "check", "\"nginx -t -c {}\""),
    ("unit", "name", "nginx.service"),
    ("unit", "enabled", "true"),
    ("unit", "active", "true"),
    ("unit", "reads", "[/etc/nginx/nginx.conf]"),
    ("unit", "reloads", "true"),
    ("ipvs", "virtual", "{ tcp: \"192.168.100.200:80\" }"),
    ("ipvs", "scheduler", "wlc"),
    ("ipvs", "flags", "[sh-port]"),
    ("ipvs", "persistence", "[300, 32]"),
    ("ipvs", "one_packet", "false"),
    (
        "ipvs",
        "real_servers",
        "[{ address: \"192.168.100.12:80\", mode: dr, weight: 1 }]",
    ),
    ("ipvs", "keepalived", "false"),
    ("ipvs", "sorry", "\"192.168.100.30:80\""),
    ("ipvs", "drain", "30"),
    ("ipvs", "check_timeout", "3"),
    ("ipvs", "return_time", "0"),
];

/// Fields without which there is no resource.
const NEEDED: &[(&str, &[&str])] = &[
    ("package", &["names"]),
    ("sysctl", &["name", "value"]),
    ("networkd", &["name", "interfaces"]),
    ("address", &["address", "interface"]),
    ("route", &["to", "via"]),
    ("neighbour", &["address", "lladdr", "interface"]),
    ("arprule", &["vip", "rip"]),
    (
        "mark",
        &["comment", "destination", "protocol", "ports", "mark"],
    ),
    ("file", &["path", "content"]),
    ("ipvs", &["virtual", "scheduler", "real_servers"]),
];

/// The example of a field.
pub(super) fn of_field(kind: &str, field: &str) -> Option<&'static str> {
    let mut all = EXAMPLES.iter();
    all.find(|(k, f, _)| *k == kind && *f == field)
        .map(|(_, _, value)| *value)
}

/// All fields that a kind needs.
pub(super) fn of_kind(kind: &str) -> String {
    let needed = NEEDED.iter().find(|(known, _)| *known == kind);
    let fields = needed.map_or(&["name"][..], |(_, fields)| fields);
    let pairs: Vec<String> = fields
        .iter()
        .filter_map(|field| Some(format!("{field}: {}", of_field(kind, field)?)))
        .collect();
    format!("{{ {} }}", pairs.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Resource;
    use crate::resource::registry::KINDS;
    use crate::role::entry::{json, keys};
    use crate::yaml::{Document, read};

    fn value(text: &str) -> serde_json::Value {
        let mut faults = Vec::new();
        let node = read(text, Document::Role, &mut faults);
        assert!(faults.is_empty(), "{text}: {faults:?}");
        json(&node.expect("a value"))
    }

    #[test]
    fn each_is_accepted() {
        for kind in KINDS {
            for field in keys(kind).into_iter().filter(|field| *field != "template") {
                let example = of_field(kind, field).unwrap_or_else(|| panic!("{kind}: {field}"));
                let mut body = value(&of_kind(kind));
                body[field] = value(example);
                let made = serde_json::from_value::<Resource>(serde_json::json!({ *kind: body }));
                let made = made.unwrap_or_else(|e| panic!("{kind}: {field}: {e}"));
                assert_eq!(made.fault(), None, "{kind}: {field}");
            }
        }
    }
}
