//! What a host would get: files with their text, and the commands that make the rest, as a person reads and tries them.

use super::sanitize;
use crate::resource::Resource;
use crate::resource::file::File;

/// All of a host's resources, in the order in which they are made. Each begins on a separate line: a file with `==>`,
/// any other with `#`.
pub fn text(host: &str, resources: &[Resource]) -> String {
    let mut out = heading(host, resources.len());
    let mut after_file = true;
    for resource in resources {
        if let Resource::File(shown) = resource {
            out.push_str(&file(shown));
            after_file = true;
            continue;
        }
        if after_file {
            out.push('\n');
            after_file = false;
        }
        out.push_str(&other(resource));
    }
    out
}

/// The first line.
pub fn heading(host: &str, resources: usize) -> String {
    let count = super::count(resources, "resource");
    format!("# {host}: {count}, in the order in which they are made\n")
}

fn file(file: &File) -> String {
    let content = &file.content;
    // What follows must not seem to be the file's last line.
    let end = if content.is_empty() || content.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    let path = sanitize::line(&file.path);
    format!("\n==> {path} (mode {})\n{content}{end}", file.mode)
}

/// The commands of the node script, which may run again. A resource without such commands is described.
fn other(resource: &Resource) -> String {
    let key = resource.key();
    let title = format!("# {} {}", resource.kind(), sanitize::line(&key));
    if let Some(lines) = resource.node() {
        let commands = lines.start.iter().flat_map(|entry| entry.lines());
        // Some of them are indented as the script is.
        return commands.fold(title + "\n", |out, line| {
            format!("{out}{}\n", line.trim_start_matches('\t'))
        });
    }
    match sanitize::line(&resource.words()).as_ref() {
        "" => format!("{title}\n"),
        words => format!("{title}: {words}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn resources(all: Value) -> Vec<Resource> {
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn commands_and_words() {
        let web = json!({
            "virtual": { "tcp": "192.168.0.200:80" }, "scheduler": "rr", "real_servers": [
                { "address": "192.168.0.12:80", "mode": "dr", "weight": 1 },
            ],
        });
        let mut kept = web.clone();
        kept["keepalived"] = json!(true);
        let shown = text(
            "lb1",
            &resources(json!([
                { "package": { "names": ["ipvsadm", "kmod"] } },
                { "package": { "names": ["keepalived"], "at_least": { "version": "2.0.5", "because": "of -t" } } },
                { "module": { "name": "ip_vs" } },
                { "sysctl": { "name": "net.ipv4.ip_forward", "value": 1 } },
                { "address": { "address": "192.168.0.200/32", "interface": "eth0", "label": "eth0:0" } },
                { "arprule": { "vip": "192.168.0.200", "rip": "192.168.0.12" } },
                { "ipvs": web },
                { "ipvs": kept },
                { "unit": { "name": "a.service" } },
                { "unit": { "name": "b.service", "enabled": false, "active": false } },
                { "unit": { "name": "c.service", "reads": ["/etc/b"] } },
            ])),
        );
        let want = "\
# lb1: 11 resources, in the order in which they are made

# package ipvsadm kmod: installed
# package keepalived: installed, 2.0.5 or newer (of -t)
# module ip_vs
[ -d /sys/module/ip_vs ] || modprobe ip_vs
# sysctl net.ipv4.ip_forward
printf '%s\\n' 1 >/proc/sys/net/ipv4/ip_forward
# address 192.168.0.200/32 dev eth0
ip addr replace 192.168.0.200/32 dev eth0 label eth0:0
# arprule 192.168.0.200
arptables -D INPUT -d 192.168.0.200 -j DROP 2>/dev/null || :
arptables -A INPUT -d 192.168.0.200 -j DROP
arptables -D OUTPUT -s 192.168.0.200 -j mangle --mangle-ip-s 192.168.0.12 2>/dev/null || :
arptables -A OUTPUT -s 192.168.0.200 -j mangle --mangle-ip-s 192.168.0.12
# ipvs -t 192.168.0.200:80
ipvsadm -A -t 192.168.0.200:80 -s rr 2>/dev/null || ipvsadm -E -t 192.168.0.200:80 -s rr
ipvsadm -a -t 192.168.0.200:80 -r 192.168.0.12:80 -g -w 1 2>/dev/null || ipvsadm -e -t 192.168.0.200:80 -r 192.168.0.12:80 -g -w 1
# ipvs -t 192.168.0.200:80: keepalived makes it, from keepalived.conf
# unit a.service: enabled at boot, active now
# unit b.service: disabled at boot, inactive now
# unit c.service: enabled at boot, active now; reloaded when /etc/b changes
";
        assert_eq!(shown, want);
    }

    #[test]
    fn a_file_without_a_last_newline_ends_its_line() {
        let shown = text(
            "rs1",
            &resources(json!([
                { "file": { "path": "/etc/a", "content": "one" } },
                { "file": { "path": "/etc/b", "content": "two\n", "mode": "0600" } },
                { "module": { "name": "ipip" } },
                { "file": { "path": "/etc/c" } },
            ])),
        );
        let want = "\
# rs1: 4 resources, in the order in which they are made

==> /etc/a (mode 0644)
one

==> /etc/b (mode 0600)
two

# module ipip
[ -d /sys/module/ipip ] || modprobe ipip

==> /etc/c (mode 0644)
";
        assert_eq!(shown, want);
    }
}
