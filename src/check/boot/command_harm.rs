//! The harm of one command to a resource that the host needs: an address, a route, a unit, the IPVS table, a module, a kernel
//! parameter. Packet filter rules depend on each other and are judged in [`super::filter`]. Pure.

use std::net::IpAddr;

use ipnet::IpNet;

use super::harm::Harm;
use super::ours::Ours;
use crate::check::boot::{BOOT_ADDRESS, BOOT_FIREWALL, BOOT_IPVS, BOOT_MODULE, BOOT_UNIT};

/// The harm of a command. `line`: its whole line; `scheduled`: whether it runs repeatedly.
pub(super) fn of(words: &[String], line: &str, scheduled: bool, ours: &Ours) -> Option<Harm> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (first, rest) = words.split_first()?;
    let found = match *first {
        "ip" => ip(rest, ours),
        "ifconfig" => ifconfig(rest, ours),
        "ifdown" => interface_of(rest, "takes down", ours),
        "nmcli" | "networkctl" => manager(rest, ours),
        "tc" => netem(rest, ours),
        "sysctl" => rest.iter().find_map(|word| assignment(word, ours)),
        "ipvsadm" | "ipvsadm-restore" => ipvsadm(first, rest, ours),
        "systemctl" => systemctl(rest, scheduled, ours),
        "service" | "rc-service" | "invoke-rc.d" => service(rest, scheduled, ours),
        "rc-update" => removed_from_runlevel(rest, ours),
        "kill" | "pkill" | "killall" | "killall5" | "skill" => kill(rest, line, ours),
        "modprobe" | "rmmod" => unload(first, rest, ours),
        "reboot" | "poweroff" | "halt" | "shutdown" | "telinit" | "init" => {
            ends(first, rest, scheduled)
        }
        "apt-get" | "apt" | "dnf" | "yum" | "zypper" | "apk" | "dpkg" | "rpm" => {
            package(rest, ours)
        }
        "conntrack" if scheduled => rest
            .contains(&"-F")
            .then(|| Harm::new(&BOOT_FIREWALL, "empties the connection table of conntrack")),
        name => init_script(name, line, rest, scheduled, ours),
    };
    found.or_else(|| written(&words, ours))
}

fn address(word: &str) -> Option<IpAddr> {
    word.split('/').next()?.parse().ok()
}

fn net(word: &str) -> Option<IpNet> {
    word.parse()
        .ok()
        .or_else(|| word.parse::<IpAddr>().ok().map(IpNet::from))
}

/// The word after one of these.
fn after<'a>(words: &[&'a str], names: &[&str]) -> Option<&'a str> {
    let at = words.iter().position(|word| names.contains(word))?;
    words.get(at + 1).copied()
}

/// Whether a word is an abbreviation that ip(8) accepts for `whole`.
fn is_short_for(word: &str, whole: &str) -> bool {
    !word.is_empty() && whole.starts_with(word)
}

fn ip(words: &[&str], ours: &Ours) -> Option<Harm> {
    let mut words = words;
    while let Some((option, rest)) = words
        .split_first()
        .filter(|(word, _)| word.starts_with('-'))
    {
        let takes = matches!(
            *option,
            "-n" | "-netns" | "-b" | "-batch" | "-f" | "-family" | "-rc"
        );
        words = rest.get(usize::from(takes)..)?;
        // A command for another network namespace does no harm.
        if matches!(*option, "-n" | "-netns") {
            return None;
        }
    }
    let (object, rest) = words.split_first()?;
    let (verb, rest) = rest.split_first()?;
    match *object {
        object if is_short_for(object, "address") => ip_address(verb, rest, ours),
        object if is_short_for(object, "link") => ip_link(verb, rest, ours),
        object if is_short_for(object, "route") => ip_route(verb, rest, ours),
        object if is_short_for(object, "rule") || object == "rule" => ip_rule(verb, rest, ours),
        object if is_short_for(object, "neighbour") || is_short_for(object, "neighbor") => {
            ip_neighbour(verb, rest, ours)
        }
        _ => None,
    }
}

fn ip_address(verb: &str, words: &[&str], ours: &Ours) -> Option<Harm> {
    let device = after(words, &["dev"]);
    let harm = |does: String| Some(Harm::new(&BOOT_ADDRESS, does));
    if is_short_for(verb, "flush") {
        let device = device.or_else(|| words.first().copied()).unwrap_or("all");
        return if ours.needs_interface(device) || device == "all" {
            harm(format!("removes all addresses of {device}"))
        } else {
            None
        };
    }
    let which = words.iter().find_map(|word| address(word))?;
    let harm = |does: String| Some(Harm::new(&BOOT_ADDRESS, does).of_address(which, ours));
    if is_short_for(verb, "delete") {
        return if ours.needs(which) {
            harm(format!("removes {which}"))
        } else {
            None
        };
    }
    let adds = ["add", "change", "replace"]
        .iter()
        .any(|whole| is_short_for(verb, whole));
    ours.misplaced(which, device)
        .filter(|_| adds)
        .and_then(harm)
}

fn ip_link(verb: &str, words: &[&str], ours: &Ours) -> Option<Harm> {
    let deletes = is_short_for(verb, "delete");
    if !deletes && !is_short_for(verb, "set") {
        return None;
    }
    let device = after(words, &["dev"])
        .or_else(|| words.first().copied())
        .filter(|name| ours.needs_interface(name))?;
    let has = |pair: [&str; 2]| words.windows(2).any(|two| two == pair);
    let does = match () {
        () if deletes => format!("deletes the interface {device}"),
        () if words.contains(&"down") => format!("takes {device} down"),
        () if has(["arp", "off"]) => format!("switches ARP off on {device}"),
        () if words.contains(&"name") => format!("renames {device}"),
        () if words.contains(&"netns") => format!("moves {device} to another namespace"),
        () => return None,
    };
    Some(Harm::new(&BOOT_ADDRESS, does))
}

const DISCARDS: [&str; 4] = ["blackhole", "unreachable", "prohibit", "throw"];

fn ip_route(verb: &str, words: &[&str], ours: &Ours) -> Option<Harm> {
    let harm = |does: String| Some(Harm::new(&BOOT_ADDRESS, does));
    if is_short_for(verb, "flush") && !verb.is_empty() && verb.starts_with('f') {
        return if words.contains(&"cache") {
            None
        } else {
            harm("removes routes".to_owned())
        };
    }
    let deletes = verb.starts_with('d');
    let sets = ["add", "change", "replace", "append", "prepend"]
        .iter()
        .any(|whole| is_short_for(verb, whole));
    let discards = words.iter().find(|word| DISCARDS.contains(word));
    let to = words
        .iter()
        .find(|word| **word == "default" || net(word).is_some())?;
    if *to == "default" || matches!(*to, "0.0.0.0/0" | "::/0") {
        let gateway = after(words, &["via"]).and_then(address);
        let fine = gateway.is_some_and(|gateway| ours.audit.host.gateway == Some(gateway));
        let other = deletes || (sets && !fine);
        return if other && ours.routes_default && after(words, &["table"]).is_none() {
            harm("changes the default route, which lvsctl sets".to_owned())
        } else {
            None
        };
    }
    let net = net(to)?;
    match discards {
        Some(_) if sets => ours.misses(&net).then_some(())?,
        _ => ours.crosses(&net).then_some(())?,
    }
    match discards {
        Some(how) if sets => harm(format!("discards packets to {net} ({how})")),
        _ if deletes => harm(format!("removes the route to {net}")),
        _ if sets
            && net.prefix_len() == net.max_prefix_len()
            && after(words, &["dev"])
                .is_none_or(|dev| ours.misplaced(net.addr(), Some(dev)).is_some()) =>
        {
            harm(format!("sets another route to {net}"))
        }
        _ => None,
    }
}

fn ip_rule(verb: &str, words: &[&str], ours: &Ours) -> Option<Harm> {
    let harm = |does: String| Some(Harm::new(&BOOT_ADDRESS, does));
    if is_short_for(verb, "flush") && verb.starts_with('f') {
        return harm("removes the policy rules".to_owned());
    }
    let discards = words.iter().find(|word| DISCARDS.contains(word))?;
    let nets = [after(words, &["to"]), after(words, &["from"])]
        .into_iter()
        .flatten()
        .filter_map(net);
    let mut ours_too = nets.filter(|net| ours.stops(net));
    ours_too
        .next()
        .filter(|_| is_short_for(verb, "add"))
        .and_then(|net| harm(format!("discards packets of {net} ({discards})")))
}

fn ip_neighbour(verb: &str, words: &[&str], ours: &Ours) -> Option<Harm> {
    let sets = ["add", "replace", "change"]
        .iter()
        .any(|whole| is_short_for(verb, whole));
    let which = words
        .iter()
        .find_map(|word| address(word))
        .filter(|ip| ours.crosses(&IpNet::from(*ip)))?;
    sets.then(|| Harm::new(&BOOT_ADDRESS, format!("sets the MAC address of {which}")))
}

fn ifconfig(words: &[&str], ours: &Ours) -> Option<Harm> {
    let (device, rest) = words.split_first()?;
    let harm = |does: String| Some(Harm::new(&BOOT_ADDRESS, does));
    if rest.contains(&"down") && ours.needs_interface(device) {
        return harm(format!("takes {device} down"));
    }
    let which = rest.iter().find_map(|word| address(word))?;
    let does = ours.misplaced(which, Some(device))?;
    Some(Harm::new(&BOOT_ADDRESS, does).of_address(which, ours))
}

fn interface_of(words: &[&str], does: &str, ours: &Ours) -> Option<Harm> {
    let device = words.iter().find(|word| ours.needs_interface(word))?;
    Some(Harm::new(&BOOT_ADDRESS, format!("{does} {device}")))
}

fn manager(words: &[&str], ours: &Ours) -> Option<Harm> {
    let takes_down = ["down", "disconnect", "off", "delete"]
        .iter()
        .any(|verb| words.contains(verb));
    let adds = words.iter().any(|word| word.contains("addresses"));
    if adds {
        let found = words
            .iter()
            .flat_map(|word| word.split([',', ' ']))
            .filter_map(address);
        let misplaced = found.filter_map(|ip| {
            ours.misplaced(
                ip,
                after(words, &["dev", "ifname"]).or(Some("an interface")),
            )
        });
        return misplaced.map(|does| Harm::new(&BOOT_ADDRESS, does)).next();
    }
    if takes_down {
        interface_of(words, "takes down", ours)
    } else {
        None
    }
}

fn netem(words: &[&str], ours: &Ours) -> Option<Harm> {
    let device = after(words, &["dev"]).filter(|name| ours.needs_interface(name))?;
    let worse = words.contains(&"netem") || words.contains(&"tbf") || words.contains(&"police");
    (worse
        && words
            .iter()
            .any(|w| matches!(*w, "add" | "replace" | "change")))
    .then(|| {
        Harm::new(
            &BOOT_ADDRESS,
            format!("delays or drops packets of {device}"),
        )
    })
}

/// `key=value` of a kernel parameter.
pub(super) fn assignment(word: &str, ours: &Ours) -> Option<Harm> {
    let (key, value) = word.split_once('=')?;
    super::sysctl::harm(key.trim().trim_start_matches('-'), value.trim(), ours)
}

fn ipvsadm(tool: &str, words: &[&str], ours: &Ours) -> Option<Harm> {
    const READS: [&str; 5] = ["-L", "-l", "-S", "-Z", "-h"];
    let first = words.first().copied().unwrap_or("-L");
    let reads = tool == "ipvsadm"
        && (READS.iter().any(|flag| first.starts_with(flag))
            || ["--list", "--save", "--zero", "--help", "--version"]
                .iter()
                .any(|w| first.starts_with(w)));
    if reads || !ours.is_director() {
        return None;
    }
    let does = match first {
        "-C" | "--clear" => "empties the IPVS table".to_owned(),
        _ if tool == "ipvsadm-restore" => "fills the IPVS table from a file".to_owned(),
        _ => format!("changes IPVS (`{tool} {}`)", words.join(" ")),
    };
    Some(Harm::new(&BOOT_IPVS, does))
}

fn systemctl(words: &[&str], scheduled: bool, ours: &Ours) -> Option<Harm> {
    let mut plain = words.iter().filter(|word| !word.starts_with('-'));
    let verb = *plain.next()?;
    let rest: Vec<&str> = plain.copied().collect();
    match verb {
        "reboot" | "poweroff" | "halt" | "kexec" | "soft-reboot" => {
            return ends(verb, &[], scheduled);
        }
        "isolate" | "set-default" | "rescue" | "emergency" => {
            let target = rest.first().copied().unwrap_or(verb);
            let fine = target.starts_with("multi-user") || target.starts_with("graphical");
            return (!fine).then(|| Harm::new(&BOOT_UNIT, format!("brings the host to {target}")));
        }
        _ => {}
    }
    rest.iter()
        .find_map(|name| acts(verb, name, scheduled, ours))
}

/// The harm of a service manager's verb to a unit that the host needs.
fn acts(verb: &str, name: &str, scheduled: bool, ours: &Ours) -> Option<Harm> {
    let unit = ours.unit(name)?;
    let drops = unit == crate::resource::ipvs::KEEPALIVED || unit.starts_with("lvsctl-");
    let harms = match verb {
        "stop" | "kill" | "mask" | "disable" | "zap" | "freeze" => true,
        // A repeated restart drops VIPs and connections each time.
        "restart" | "try-restart" | "condrestart" => scheduled && drops,
        _ => false,
    };
    let verb = match verb {
        "stop" => "stops",
        "kill" => "kills",
        "mask" => "masks",
        "disable" => "disables",
        "freeze" => "freezes",
        "zap" => "forgets",
        _ => "restarts",
    };
    harms.then(|| Harm::new(&BOOT_UNIT, format!("{verb} {unit}")))
}

fn service(words: &[&str], scheduled: bool, ours: &Ours) -> Option<Harm> {
    let mut plain = words.iter().filter(|word| !word.starts_with('-'));
    let (name, verb) = (plain.next()?, plain.next()?);
    acts(verb, name, scheduled, ours)
}

fn init_script(
    name: &str,
    line: &str,
    words: &[&str],
    scheduled: bool,
    ours: &Ours,
) -> Option<Harm> {
    line.contains(&format!("init.d/{name}")).then_some(())?;
    acts(words.first()?, name, scheduled, ours)
}

fn removed_from_runlevel(words: &[&str], ours: &Ours) -> Option<Harm> {
    let removes = words.iter().any(|word| matches!(*word, "del" | "delete"));
    let unit = words.iter().find_map(|name| ours.unit(name))?;
    removes.then(|| Harm::new(&BOOT_UNIT, format!("disables {unit}")))
}

fn kill(words: &[&str], line: &str, ours: &Ours) -> Option<Harm> {
    const HARMLESS: [&str; 9] = ["0", "HUP", "1", "USR1", "10", "USR2", "12", "WINCH", "QUIT"];
    let signal = words
        .iter()
        .find_map(|word| word.strip_prefix('-'))
        .map(|s| s.trim_start_matches("SIG"));
    let named = after(words, &["-s", "--signal", "-n"]).map(|s| s.trim_start_matches("SIG"));
    if [signal, named]
        .into_iter()
        .flatten()
        .any(|signal| HARMLESS.contains(&signal))
    {
        return None;
    }
    let program = ours
        .program(&words.join(" "))
        .or_else(|| ours.program(line))?;
    Some(Harm::new(&BOOT_UNIT, format!("kills {program}")))
}

fn unload(tool: &str, words: &[&str], ours: &Ours) -> Option<Harm> {
    let removes = tool == "rmmod" || words.iter().any(|word| matches!(*word, "-r" | "--remove"));
    let module = words
        .iter()
        .map(|word| word.replace('-', "_"))
        .find(|name| ours.modules.contains(name))?;
    removes.then(|| Harm::new(&BOOT_MODULE, format!("unloads {module}")))
}

fn ends(tool: &str, words: &[&str], scheduled: bool) -> Option<Harm> {
    let away = match tool {
        "init" | "telinit" => matches!(words.first(), Some(&("0" | "1" | "6" | "s" | "S"))),
        "shutdown" => !words.contains(&"-c"),
        _ => true,
    };
    (away && scheduled).then(|| Harm::new(&BOOT_UNIT, "takes the host down"))
}

fn package(words: &[&str], ours: &Ours) -> Option<Harm> {
    let removes = words.iter().any(|word| {
        matches!(
            *word,
            "remove" | "purge" | "autoremove" | "erase" | "del" | "rm" | "-r" | "-P" | "-e"
        )
    });
    let named = words.iter().find(|word| {
        let of_resource = |resource: &crate::resource::Resource| matches!(resource, crate::resource::Resource::Package(p) if p.names.iter().any(|name| name == *word));
        ours.audit.run.desired.iter().any(of_resource)
    })?;
    removes.then(|| Harm::new(&BOOT_UNIT, format!("removes the package {named}")))
}

/// The harm of a redirection or tool that writes to a file of lvsctl, or to a kernel parameter.
fn written(words: &[&str], ours: &Ours) -> Option<Harm> {
    let to: Vec<&str> = words
        .windows(2)
        .filter(|two| two.first() == Some(&">"))
        .filter_map(|two| two.last().copied())
        .collect();
    let tool = words.first().copied().unwrap_or_default();
    if tool == "tee" || !to.is_empty() {
        let targets = to.iter().chain(words.iter().filter(|_| tool == "tee"));
        let parameter = targets
            .copied()
            .find_map(|path| path.strip_prefix("/proc/sys/"));
        if let Some(path) = parameter {
            let value = if matches!(tool, "echo" | "printf") {
                words.get(1).copied().unwrap_or_default()
            } else {
                ""
            };
            return super::sysctl::harm(path, value.trim_end_matches("\\n"), ours);
        }
    }
    let is_ours = |path: &&str| ours.files.contains(*path);
    let changed = match tool {
        "cp" | "install" | "ln" => words.last().copied().filter(is_ours),
        "mv" | "rm" | "unlink" | "truncate" | "tee" | "chmod" | "dd" | "shred" => {
            words.iter().copied().find(is_ours)
        }
        "sed" | "perl"
            if words
                .iter()
                .any(|word| word.starts_with("-i") || word.starts_with("-pi")) =>
        {
            words.iter().copied().find(is_ours)
        }
        _ => None,
    };
    let path = changed.or_else(|| to.into_iter().find(is_ours))?;
    Some(Harm::new(
        &BOOT_UNIT,
        format!("changes {path}, which lvsctl writes"),
    ))
}
