//! Kernel modules that modprobe.d(5) or the kernel's command line keeps from being loaded. Pure.

use super::harm::Harm;
use super::ours::Ours;
use super::{BOOT_ADDRESS, BOOT_MODULE, BOOT_UNIT};
use crate::fact::boot_source::Line;

/// What modprobe.d(5) does to modules of ours.
pub(super) fn modprobe(lines: &[Line], ours: &Ours) -> Vec<(Line, Harm)> {
    let found = lines.iter().filter_map(|line| {
        let mut words = line.text.split_whitespace();
        let (verb, name) = (words.next()?, words.next()?.replace('-', "_"));
        let rest: Vec<&str> = words.collect();
        if !ours.modules.contains(&name) {
            return None;
        }
        let does = match verb {
            "blacklist" => format!("keeps {name} from being loaded at boot"),
            "install"
                if !rest.join(" ").contains("--ignore-install")
                    && !rest.join(" ").contains(" -i ") =>
            {
                format!("runs `{}` in place of loading {name}", rest.join(" "))
            }
            "alias" if rest.first() == Some(&"off") => format!("keeps {name} from being loaded"),
            _ => return None,
        };
        Some((line.clone(), Harm::new(&BOOT_MODULE, does)))
    });
    found.collect()
}

/// What the kernel's command line does. That of this boot says nothing of how the host comes up: it did.
pub(super) fn command_line(path: &str, lines: &[Line], ours: &Ours) -> Vec<(Line, Harm)> {
    let of_this_boot = path == "/proc/cmdline";
    let mut found = Vec::new();
    for line in lines {
        let text = line.text.trim();
        let is_recovery = ["recovery", " single"]
            .iter()
            .any(|word| text.contains(word))
            && path.contains("grub.cfg");
        let is_other = path.starts_with("/etc/default/grub")
            && !text.starts_with("GRUB_CMDLINE_LINUX=")
            && !text.starts_with("GRUB_CMDLINE_LINUX_DEFAULT=");
        let is_title = path.contains("/loader/entries/") && !text.starts_with("options");
        if is_recovery || is_other || is_title || path.contains("-rescue") {
            continue;
        }
        let words = text.split(|c: char| c.is_whitespace() || c == '"' || c == '\'');
        let harms = words.filter_map(|word| parameter(word, of_this_boot, ours));
        found.extend(harms.map(|harm| (line.clone(), harm)));
    }
    found
}

fn parameter(word: &str, of_this_boot: bool, ours: &Ours) -> Option<Harm> {
    let (key, value) = word.split_once('=').unwrap_or((word, ""));
    let v6 = || ours.vips.iter().any(std::net::IpAddr::is_ipv6);
    match key {
        "module_blacklist" | "modprobe.blacklist" | "rd.driver.blacklist" => {
            let name = value
                .split(',')
                .map(|name| name.replace('-', "_"))
                .find(|name| ours.modules.contains(name))?;
            Some(Harm::new(
                &BOOT_MODULE,
                format!("keeps {name} from being loaded"),
            ))
        }
        "ipv6.disable" | "ipv6.disable_ipv6" if value == "1" && v6() => Some(Harm::new(
            &BOOT_ADDRESS,
            "switches IPv6 off, and VIPs are of IPv6",
        )),
        _ if key.starts_with("sysctl.") => {
            super::sysctl::harm(key.trim_start_matches("sysctl."), value, ours)
        }
        _ if of_this_boot => None,
        "systemd.mask" => {
            let unit = ours.unit(value)?;
            Some(Harm::new(&BOOT_UNIT, format!("masks {unit}")))
        }
        "systemd.unit"
            if !["multi-user.target", "graphical.target", "default.target"].contains(&value) =>
        {
            Some(Harm::new(&BOOT_UNIT, format!("boots into {value}")))
        }
        "single" | "emergency" | "rescue" => {
            Some(Harm::new(&BOOT_UNIT, format!("boots into {key} mode")))
        }
        "init" if !value.ends_with("systemd") && !value.ends_with("/init") => {
            Some(Harm::new(&BOOT_UNIT, format!("boots into {value}")))
        }
        "net.ifnames" if value == "0" => {
            let nic = ours
                .audit
                .host
                .interfaces
                .iter()
                .find(|nic| nic.name.starts_with("en"))?;
            Some(Harm::new(
                &BOOT_ADDRESS,
                format!("gives {} another name", nic.name),
            ))
        }
        _ => None,
    }
}
