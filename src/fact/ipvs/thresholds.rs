//! Reads `ipvsadm -Ln --thresholds`: the connections at which a real server gets no new ones, and gets them again.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::statistics::service;
use crate::fact::ParseError;
use crate::model::Virtual;

/// Connections of a real server; 0 is no threshold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Threshold {
    /// At so many it gets no new ones.
    pub upper: u32,
    /// Below so many it gets new ones again.
    pub lower: u32,
}

/// By service and real server; empty where IPVS is not loaded.
pub type Thresholds = BTreeMap<(Virtual, SocketAddr), Threshold>;

/// Lines before the first service.
const HEAD: [&str; 3] = ["IP Virtual Server ", "Prot ", "-> RemoteAddress:Port"];

pub(super) fn parse(text: &str) -> Result<Thresholds, ParseError> {
    let mut all = Thresholds::new();
    let mut current = None;
    for line in text.lines().map(str::trim) {
        if line.is_empty() || HEAD.iter().any(|head| line.starts_with(head)) {
            continue;
        }
        let odd = || {
            ParseError::new(
                "ipvs",
                format!("odd line {line:?} of `ipvsadm -Ln --thresholds`"),
            )
        };
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            // Never ours: roles know tcp and udp.
            ["SCTP", ..] => current = Some(None),
            ["->", rest @ ..] => {
                let (address, threshold) = real_server(rest).ok_or_else(odd)?;
                if let Some(to) = current.ok_or_else(odd)? {
                    all.insert((to, address), threshold);
                }
            }
            _ => current = Some(Some(service(&words).ok_or_else(odd)?)),
        }
    }
    Ok(all)
}

fn real_server(words: &[&str]) -> Option<(SocketAddr, Threshold)> {
    let [address, upper, lower, _, _] = words else {
        return None;
    };
    let threshold = Threshold {
        upper: upper.parse().ok()?,
        lower: lower.parse().ok()?,
    };
    Some((address.parse().ok()?, threshold))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::ipvs::Ask;
    use crate::fact::{Facts, Needs, section};

    const HEAD: &str = "\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn
  -> RemoteAddress:Port
";

    /// Service, real server, upper and lower threshold, in words.
    fn words(all: &Thresholds) -> Vec<String> {
        let shown = all
            .iter()
            .map(|((to, rs), t)| format!("{to} {rs} {} {}", t.upper, t.lower));
        shown.collect()
    }

    #[test]
    fn thresholds_of_each_kind_of_service() {
        let cases: &[(&str, &str, &[&str])] = &[
            ("nothing, as without IPVS", "", &[]),
            (
                "TCP",
                "TCP  192.168.100.200:80 rr
  -> 192.168.100.12:80            0          0          0          0
  -> 192.168.100.13:80            5          2          1          7
",
                &[
                    "-t 192.168.100.200:80 192.168.100.12:80 0 0",
                    "-t 192.168.100.200:80 192.168.100.13:80 5 2",
                ],
            ),
            ("no real server", "TCP  192.168.100.200:80 wlc\n", &[]),
            (
                "UDP and IPv6",
                "UDP  [fd00::200]:53 rr ops
  -> [fd00::12]:53                4294967295 0          0          0
",
                &["-u [fd00::200]:53 [fd00::12]:53 4294967295 0"],
            ),
            (
                "marks, of IPv6 and with a sign",
                "FWM  6666 rr persistent 360
  -> 192.168.100.12:0             1          0          0          0
FWM  6666 IPv6 rr
  -> [fd00::12]:0                 2          0          0          0
FWM  -2147483647 wrr persistent 50 mask 255.255.255.0
  -> 192.168.100.12:0             3          1          0          0
",
                &[
                    "-f 6666 192.168.100.12:0 1 0",
                    "-f 6666 -6 [fd00::12]:0 2 0",
                    "-f 2147483649 192.168.100.12:0 3 1",
                ],
            ),
            (
                "SCTP is passed over",
                "SCTP 192.168.100.200:80 rr
  -> 192.168.100.12:80            9          0          0          0
UDP  192.168.100.200:80 rr
  -> 192.168.100.12:80            8          0          0          0
",
                &["-u 192.168.100.200:80 192.168.100.12:80 8 0"],
            ),
        ];
        for (about, text, want) in cases {
            let text = format!("{HEAD}{text}");
            assert_eq!(words(&parse(&text).unwrap()), *want, "{about}");
        }
        assert_eq!(parse("").unwrap(), Thresholds::new());
    }

    #[test]
    fn a_line_that_is_odd_is_an_error() {
        for (before, line) in [
            ("", "garbage"),
            ("", "TCP"),
            ("", "TCP  nobody:80 rr"),
            ("", "FWM  x rr"),
            ("", "-> 192.168.100.12:80 0 0 0 0"),
            ("FWM  1 rr\n", "->"),
            ("FWM  1 rr\n", "-> 192.168.100.12 0 0 0 0"),
            ("FWM  1 rr\n", "-> 192.168.100.12:0"),
            ("FWM  1 rr\n", "-> 192.168.100.12:0 0 0"),
            ("FWM  1 rr\n", "-> 192.168.100.12:0 -1 0 0 0"),
            ("FWM  1 rr\n", "-> 192.168.100.12:0 0 many 0 0"),
            ("FWM  1 rr\n", "-> 192.168.100.12:0 Route 1 0 0"),
        ] {
            let text = format!("{HEAD}{before}{line}\n");
            let want = format!("ipvs: odd line {line:?} of `ipvsadm -Ln --thresholds`");
            assert_eq!(parse(&text).unwrap_err().to_string(), want);
        }
    }

    /// What the whole script of the fact makes of a host with this ipvsadm.
    fn facts(ipvsadm: &str, loaded: &str, shell: &[&str]) -> Result<Facts, String> {
        let ask = Ask {
            audit: true,
            ..Ask::default()
        };
        let needs = Needs {
            ipvs: Some(ask),
            ..Needs::default()
        };
        let script = format!("{}ipvsadm() {{ {ipvsadm}; }}\n", section::prologue("n"))
            + &needs.command().replace("/proc/net/ip_vs", loaded);
        let output = std::process::Command::new(shell[0])
            .args(&shell[1..])
            .args(["-c", &script])
            .output()
            .expect("a shell");
        let printed = String::from_utf8(output.stdout).expect("text");
        Facts::parse(&needs, &section::split(&printed, "n")).map_err(|e| e.to_string())
    }

    #[test]
    fn the_table_is_asked_where_ipvs_is_loaded() {
        let works = "case $* in *thresholds) echo 'FWM 1 rr'; echo '-> 10.0.0.1:0 5 2 0 0';; esac";
        let fails = "case $* in *thresholds) return 3;; esac";
        for shell in [&["dash"][..], &["bash", "--posix"], &["busybox", "sh"]] {
            let found = facts(works, "/proc/version", shell).unwrap();
            assert_eq!(words(&found.ipvs.thresholds), ["-f 1 10.0.0.1:0 5 2"]);
            for ipvsadm in [works, fails] {
                let found = facts(ipvsadm, "/nowhere", shell).unwrap();
                assert_eq!(found.ipvs.thresholds, Thresholds::new(), "{shell:?}");
            }
            assert_eq!(
                facts(fails, "/proc/version", shell).unwrap_err(),
                "ipvs: exit status 3: `ipvsadm -Ln --thresholds`",
                "{shell:?}"
            );
        }
    }
}
