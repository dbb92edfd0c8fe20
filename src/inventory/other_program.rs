//! Files of other programs that are given as an inventory.

use crate::diagnostic::Fault;

/// The fault of a file of another program.
pub(super) fn fault(text: &str) -> Option<Fault> {
    let kind = other_program(text)?;
    let start = text.len() - text.trim_start().len();
    let fault = Fault::new(format!("this is {kind}, and an inventory is YAML"))
        .help(BEGINNING)
        .at((start, 1).into());
    Some(fault)
}

/// The fix: the first keys of an inventory.
pub(super) const BEGINNING: &str =
    "begin it with `cluster: NAME` and `hosts:`; `lvsctl schema --format markdown` lists all keys";

/// A file of another program, recognised by its first lines.
fn other_program(text: &str) -> Option<&'static str> {
    let lines = text.lines().map(str::trim);
    let mut lines = lines.filter(|line| !line.is_empty() && !line.starts_with(['#', ';', '!']));
    let first = lines.next()?;
    let second = lines.next().unwrap_or_default();
    let word = first.split_whitespace().next()?;
    let section = first.starts_with('[') && first.ends_with(']') && !first.contains([',', ' ']);
    if section && !second.contains(": ") {
        return Some("an INI file, as Ansible has them");
    }
    let block = first.ends_with('{') || second.starts_with('{');
    match word {
        "vrrp_instance" | "virtual_server" | "global_defs" | "vrrp_script" | "vrrp_sync_group"
            if block =>
        {
            Some("keepalived.conf")
        }
        "upstream" | "http" | "server" | "stream" if block => Some("a configuration of nginx"),
        "frontend" | "backend" | "listen" | "global" | "defaults" if !first.contains(':') => {
            Some("a configuration of HAProxy")
        }
        _ if word.starts_with("virtual=") || word.starts_with("checktimeout=") => {
            Some("a configuration of ldirectord")
        }
        "-A" | "-a" if first.contains(" -t ") || first.contains(" -u ") => Some("rules of ipvsadm"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_other_programs() {
        for (text, found) in [
            ("[directors]\nlb1 ansible_host=10.0.0.1\n", true),
            ("# x\nvrrp_instance VI_1 {\n", true),
            ("frontend web\n  bind *:80\n", true),
            ("virtual=10.0.0.1:80\n", true),
            ("frontend: web\n", false),
            ("cluster: web\nhosts:\n", false),
            ("[a, b]\n", false),
            ("{ cluster: web }\n", false),
        ] {
            assert_eq!(other_program(text).is_some(), found, "{text}");
        }
    }
}
