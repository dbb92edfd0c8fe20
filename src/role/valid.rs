//! What is wrong with a resource beyond its shape, and would be noticed on the hosts only.

use crate::resource::Resource;

/// The suffixes of systemd.unit(5).
const SUFFIXES: &[&str] = &[
    "service",
    "socket",
    "device",
    "mount",
    "automount",
    "swap",
    "target",
    "path",
    "timer",
    "slice",
    "scope",
];

pub(super) fn fault(resource: &Resource) -> Option<String> {
    match resource {
        Resource::File(file) => path(&file.path).or_else(|| mode(&file.mode)),
        Resource::Unit(unit) => name(&unit.name),
        _ => None,
    }
}

fn path(path: &str) -> Option<String> {
    let bad = !path.starts_with('/') || path.ends_with('/') || path.contains(char::is_control);
    bad.then(|| "expected an absolute path of a file: write it from `/` on".to_owned())
}

fn mode(mode: &str) -> Option<String> {
    let octal = mode.chars().all(|c| ('0'..='7').contains(&c));
    let bad = !octal || !(3..=4).contains(&mode.len());
    bad.then(|| {
        format!("expected a mode of 3 or 4 octal digits, found `{mode}`: write it as chmod(1) takes it, `\"0644\"`")
    })
}

fn name(name: &str) -> Option<String> {
    let good = name
        .rsplit_once('.')
        .is_some_and(|(stem, suffix)| !stem.is_empty() && SUFFIXES.contains(&suffix));
    (!good).then(|| format!("expected a unit's name with its suffix: write `{name}.service`, or `.mount`, `.timer`, ..."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_modes_and_names() {
        for (found, good) in [
            (path("/etc/motd"), true),
            (path("etc/motd"), false),
            (path("/etc/"), false),
            (path("~/motd"), false),
            (path(""), false),
            (mode("0644"), true),
            (mode("755"), true),
            (mode("4755"), true),
            (mode("0648"), false),
            (mode("64"), false),
            (mode("00644"), false),
            (mode("rw-r--r--"), false),
            (mode(""), false),
            (name("nginx.service"), true),
            (name("srv-web.mount"), true),
            (name("getty@tty1.service"), true),
            (name("nginx"), false),
            (name(".service"), false),
            (name("php8.2"), false),
            (name(""), false),
        ] {
            assert_eq!(found.is_none(), good, "{found:?}");
        }
    }
}
