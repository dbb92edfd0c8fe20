//! Why a health checker removed a real server, from keepalived's log or the state of lvsctl's health checker. Pure.
//! [`script`] bounds the log.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use super::named;
use crate::model::Virtual;

/// A real server that a health checker has removed and not yet added again.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Out {
    /// In seconds since the epoch, where the log has a time.
    pub since: Option<f64>,
    /// The time as a system log has it, where that is all.
    pub when: Option<String>,
    /// The last message about the real server, other than its removal.
    pub error: Option<String>,
}

/// At most so many lines of the journal, bytes of each log file, and lines that are passed on.
pub const JOURNAL_LINES: u32 = 5_000;
const LOG_BYTES: u32 = 1_000_000;
const LINES: u32 = 200;

/// Prints keepalived's log of the real servers in `$gone`, words for grep(1). Where there are none it prints nothing and
/// starts no process.
pub(super) fn script() -> String {
    format!(
        "if [ -n \"$gone\" ]; then part log\nset -f\n\
         if [ -d /run/systemd/system ] && have journalctl; then\n\
         journalctl -q --no-pager -b -u keepalived.service -n {JOURNAL_LINES} -o short-unix 2>/dev/null\n\
         else for f in /var/log/messages /var/log/syslog /var/log/daemon.log /var/log/keepalived.log; do\n\
         [ ! -r \"$f\" ] || tail -c {LOG_BYTES} \"$f\" 2>/dev/null; done; fi |\n\
         grep -aF -e ']: Starting Healthcheck child' -e ']: Removing Virtual Server ' $gone | cut -c 1-400 | tail -n {LINES}\nset +f; fi\n"
    )
}

/// The word for grep(1) that finds a real server in the log: keepalived writes `[ADDRESS]:PROTOCOL:PORT`.
pub(super) fn pattern(rs: SocketAddr) -> String {
    format!("-e [{}]:", rs.ip())
}

/// The real servers that keepalived has removed since its start, by [`named`]. Every version from 2.0.5 on logs `Removing
/// service RS from VS VS` (2.0: `to VS`) and `Adding service RS to VS VS`, or `Disabling` and `Enabling` if a failed real
/// server stays with weight 0; the messages about the sorry server are different.
pub(super) fn of_log(text: &str) -> BTreeMap<String, Out> {
    let mut outs: BTreeMap<String, Out> = BTreeMap::new();
    let mut said: BTreeMap<IpAddr, String> = BTreeMap::new();
    // A reload also removes real servers that are no longer configured; these are not failures.
    let (mut leaves, mut service_leaves) = (BTreeSet::new(), None);
    for line in text.lines() {
        let Some((when, message)) = split(line) else {
            continue;
        };
        if message.starts_with("Starting Healthcheck child") {
            // A new health check process regards every real server as healthy.
            outs.clear();
            said.clear();
            continue;
        }
        if let Some(vs) = message.strip_prefix("Removing Virtual Server ") {
            service_leaves = Some(vs.trim());
            continue;
        }
        let leaves_with = service_leaves.filter(|vs| message.ends_with(vs));
        service_leaves = leaves_with;
        if let Some(rs) = message.strip_suffix(" no longer exist") {
            let rs = rs.strip_prefix("service ").and_then(socket);
            leaves.extend(rs.map(|(_, rs)| rs));
            continue;
        }
        match moved(message) {
            Some((taken_out, to, rs)) => {
                let name = named(to, rs);
                let left = leaves_with.is_some() || leaves.remove(&rs);
                if !taken_out || left {
                    outs.remove(&name);
                    continue;
                }
                let since = when.parse().ok().filter(|seconds| *seconds > 1e9);
                let out = Out {
                    since,
                    when: since.is_none().then(|| when.to_owned()),
                    error: said.get(&rs.ip()).cloned(),
                };
                outs.insert(name, out);
            }
            None => {
                let Some(rs) = bracketed(message) else {
                    continue;
                };
                let good = ["succe", "Activating", "Suspending"];
                if good.iter().any(|word| message.contains(word)) {
                    continue;
                }
                let message = message.trim_end_matches('.').to_owned();
                // With log_all_failures, keepalived also logs the reason after the removal.
                let address = format!(" {rs}:");
                let mine = outs.iter_mut().filter(|(name, _)| {
                    name.contains(&address) || name.contains(&format!("[{rs}]:"))
                });
                mine.for_each(|(_, out)| out.error = Some(message.clone()));
                said.insert(rs, message);
            }
        }
    }
    outs
}

/// The time and the message of a line of keepalived, from the journal (`short-unix`) or from a system log.
fn split(line: &str) -> Option<(&str, &str)> {
    let at = line.find("Keepalived")?;
    let (before, after) = line.split_at(at);
    let (_, message) = after.split_once("]: ")?;
    // The host's name, and with busybox the level, stand between.
    let mut words = before.split_whitespace();
    let first = words.next()?;
    let stamped = first.parse::<f64>().is_ok() || first.contains('T');
    let when = if stamped {
        first
    } else {
        let third = words.nth(1)?;
        let end = before.find(third)? + third.len();
        before.get(..end)?.trim_start()
    };
    Some((when, message))
}

/// Whether a real server was taken out or in, of which service.
fn moved(message: &str) -> Option<(bool, Virtual, SocketAddr)> {
    let (verb, rest) = message.split_once(" service ")?;
    let taken_out = match verb {
        "Removing" | "Disabling" => true,
        "Adding" | "Enabling" => false,
        _ => return None,
    };
    let (rs, rest) = rest.split_once(' ')?;
    let (_, vs) = rest.split_once("VS ")?;
    let (_, rs) = socket(rs)?;
    let to = match vs.strip_prefix("FWM ") {
        Some(mark) => Virtual::Fwmark {
            mark: mark.trim().parse().ok()?,
            v6: rs.is_ipv6(),
        },
        None => match socket(vs.trim())? {
            ("udp", at) => Virtual::Udp(at),
            (_, at) => Virtual::Tcp(at),
        },
    };
    Some((taken_out, to, rs))
}

/// `[192.168.100.12]:tcp:80`.
fn socket(word: &str) -> Option<(&str, SocketAddr)> {
    let (address, rest) = word.strip_prefix('[')?.split_once("]:")?;
    let (protocol, port) = rest.split_once(':')?;
    Some((
        protocol,
        SocketAddr::new(address.parse().ok()?, port.parse().ok()?),
    ))
}

/// The first address in brackets.
fn bracketed(message: &str) -> Option<IpAddr> {
    let mut parts = message.split('[').skip(1);
    parts.find_map(|part| part.split(']').next()?.parse().ok())
}

/// The real servers to which lvsctl's health checker gave weight 0: lines of [`named`], a tab, and the time.
pub(super) fn of_checker(text: &str) -> BTreeMap<String, Out> {
    let line = |line: &str| {
        let (name, since) = line.split_once('\t')?;
        let out = Out {
            since: since.trim().parse().ok(),
            ..Out::default()
        };
        Some((name.to_owned(), out))
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RS: &str = "[192.168.100.12]:tcp:80";
    const VS: &str = "[192.168.100.200]:tcp:80";

    fn journal(messages: &[&str]) -> String {
        let line = |(n, message): (usize, &&str)| {
            format!("17958288{n:02}.345176 lb1 Keepalived_healthcheckers[332]: {message}\n")
        };
        messages.iter().enumerate().map(line).collect()
    }

    fn outs(messages: &[&str]) -> Vec<String> {
        of_log(&journal(messages)).into_keys().collect()
    }

    /// Messages of keepalived 2.0.5 to 2.4.3 (keepalived/check/ipwrapper.c, check_data.c, check_daemon.c).
    #[test]
    fn who_is_out_follows_from_what_keepalived_logged() {
        let removing = format!("Removing service {RS} from VS {VS}");
        let adding = format!("Adding service {RS} to VS {VS}");
        let name = "-t 192.168.100.200:80 192.168.100.12:80";
        let gone = [name.to_owned()];
        let none: [String; 0] = [];
        assert_eq!(outs(&[&removing]), gone);
        assert_eq!(outs(&[&removing, &adding]), none);
        assert_eq!(outs(&[&adding, &removing]), gone);
        let old = format!("Removing service {RS} to VS {VS}");
        assert_eq!(outs(&[&old]), gone, "2.0 says `to` of either");
        let disabling = format!("Disabling service {RS} of VS {VS}");
        assert_eq!(outs(&[&disabling]), gone, "inhibit_on_failure");
        let enabling = format!("Enabling service {RS} of VS {VS}");
        assert_eq!(outs(&[&disabling, &enabling]), none);
        let start = "Starting Healthcheck child process, pid=332";
        assert_eq!(outs(&[&removing, start]), none, "a restart forgets");
        let reload = ["Reloading", "Reinitializing ipvs"];
        assert_eq!(
            outs(&[&removing, reload[0], reload[1]]),
            gone,
            "a reload does not"
        );
        // It comes back without a word when it is in the configuration again.
        let leaves = format!("service {RS} no longer exist");
        assert_eq!(
            outs(&[&leaves, &removing]),
            none,
            "it left the configuration"
        );
        assert_eq!(outs(&[&removing, &leaves, &removing]), none);
        assert_eq!(outs(&[&leaves, &removing, &removing]), gone);
        let service = format!("Removing Virtual Server {VS}");
        assert_eq!(outs(&[&service, &removing]), none, "its service left");
        let failed = format!("TCP_CHECK on service {RS} failed.");
        assert_eq!(outs(&[&service, &removing, &failed, &removing]), gone);
        for other in [
            format!("Removing sorry server {RS} from VS {VS}"),
            format!("Removing alive servers from the pool for VS {VS}"),
            format!("Shutting down service {RS} from VS {VS}"),
            format!("Lost quorum 1-0=1 > 0 for VS {VS}"),
            "Removing service".to_owned(),
            "Removing service [x]:tcp:80 from VS [y]:tcp:80".to_owned(),
            format!("Removing service {RS} from VS [group]:80"),
        ] {
            assert_eq!(outs(&[&other]), none, "{other}");
        }
    }

    #[test]
    fn every_kind_of_virtual_service_is_named() {
        for (rs, vs, name) in [
            (
                "[192.168.100.12]:udp:53",
                "[192.168.100.200]:udp:53",
                "-u 192.168.100.200:53 192.168.100.12:53",
            ),
            (
                "[fd00::12]:tcp:80",
                "[fd00::c8]:tcp:80",
                "-t [fd00::c8]:80 [fd00::12]:80",
            ),
            (
                "[192.168.100.12]:none:0",
                "FWM 6666",
                "-f 6666 192.168.100.12:0",
            ),
            ("[fd00::12]:tcp:0", "FWM 7", "-f 7 -6 [fd00::12]:0"),
        ] {
            assert_eq!(
                outs(&[&format!("Removing service {rs} from VS {vs}")]),
                [name]
            );
        }
    }

    #[test]
    fn a_real_server_is_out_for_what_was_said_of_it_last() {
        let removing = format!("Removing service {RS} from VS {VS}");
        let error = |messages: &[&str]| {
            let outs = of_log(&journal(messages));
            outs.into_values().next().and_then(|out| out.error)
        };
        for message in [
            format!("HTTP_CHECK on service {RS} failed after 1 retries."),
            format!("Check on service {RS} failed after 3 retries."),
            format!("TCP connection to {RS} timeout."),
            format!("HTTP status code error to {RS} url(/), status_code [503]."),
            format!(
                "Misc check for [{RS} VS {VS}] by [/usr/bin/probe] failed (exited with status 1)."
            ),
        ] {
            let want = message.trim_end_matches('.').to_owned();
            let before = [message.as_str(), &removing];
            assert_eq!(error(&before), Some(want.clone()));
            let after = [removing.as_str(), &message];
            assert_eq!(error(&after), Some(want), "log_all_failures");
        }
        let success = format!("HTTP status code success to {RS} url(/)");
        let other = "TCP connection to [192.168.100.13]:tcp:80 failed.";
        assert_eq!(error(&[&success, other, &removing, &success, other]), None);
    }

    #[test]
    fn logs_of_every_form_tell_the_time() {
        let message = format!("Removing service {RS} from VS {VS}");
        for (line, since, when) in [
            (
                "1795828853.347027 lb1 Keepalived_healthcheckers[332]: ",
                Some(1_795_828_853.347_027),
                None,
            ),
            (
                "Nov 28 01:08:38 lb1 daemon.info Keepalived_healthcheckers[9]: ",
                None,
                Some("Nov 28 01:08:38"),
            ),
            (
                "Nov  8 01:08:38 lb1 Keepalived_healthcheckers[9]: ",
                None,
                Some("Nov  8 01:08:38"),
            ),
            (
                "2026-11-28T01:08:38.123456+00:00 lb1 Keepalived_healthcheckers[9]: ",
                None,
                Some("2026-11-28T01:08:38.123456+00:00"),
            ),
        ] {
            let outs = of_log(&format!("{line}{message}\n"));
            let out = outs.values().next().expect("one is out");
            assert_eq!((out.since, out.when.as_deref()), (since, when), "{line}");
        }
        assert!(of_log("Keepalived\nKeepalived]: \n\n]: x\nFoo[1]: Removing service\n").is_empty());
    }

    #[test]
    fn our_checker_logs_since_when() {
        let outs = of_checker("-t 10.0.0.9:80 10.0.0.1:80\t1795828853\nodd\n");
        let shown: Vec<_> = outs
            .into_iter()
            .map(|(name, out)| (name, out.since))
            .collect();
        assert_eq!(
            shown,
            [(
                "-t 10.0.0.9:80 10.0.0.1:80".to_owned(),
                Some(1_795_828_853.0)
            )]
        );
    }
}
