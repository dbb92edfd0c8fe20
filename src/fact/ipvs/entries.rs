//! The connection table of IPVS, `/proc/net/ip_vs_conn`, in sums that the host makes: the table may be large.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::fact::ParseError;

/// `--all`: what one answer of a host can hold.
pub const MOST: u32 = 100_000;

/// Entries of one state of one real server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    pub place: EntryPlace,
    /// As the kernel has it; none: persistence templates.
    pub state: Option<String>,
    pub entries: u64,
    /// Seconds to the end of the first of them, and of the last.
    pub expires: (u64, u64),
    /// In SYN_RECV: entries without a packet from their client for more than a second.
    pub stuck: u64,
}

/// The requested address and the real server of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryPlace {
    pub to: Requested,
    pub real_server: SocketAddr,
}

/// What the client asked. Of a template of a mark the address is the mark and the protocol `Ip`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requested {
    pub protocol: EntryProtocol,
    pub at: SocketAddr,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryProtocol {
    Tcp,
    Udp,
    /// Any, as in templates of marks.
    Ip,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    pub address: IpAddr,
    pub to: Requested,
    pub entries: u64,
}

/// A persistence template: a client's connections go to one real server for so many seconds more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pub client: IpAddr,
    pub place: EntryPlace,
    pub expires: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entries {
    pub sums: Vec<Sum>,
    /// Those with the most entries first.
    pub clients: Vec<Client>,
    /// Those that last longest first.
    pub templates: Vec<Template>,
    /// All entries of the table.
    pub total: u64,
    /// Entries of clients that are not listed separately.
    pub other_clients: u64,
}

/// Shell text that reads it.
pub(super) fn command(most: u32) -> String {
    let script = include_str!("../scripts/ipvs-connections.sh");
    format!("most={}\n{script}", most.clamp(1, MOST))
}

pub(super) fn parse(text: &str) -> Result<Entries, ParseError> {
    let mut entries = Entries::default();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        read(&words, &mut entries).ok_or_else(|| {
            ParseError::new("ipvs", format!("odd line {line:?} of /proc/net/ip_vs_conn"))
        })?;
    }
    Ok(entries)
}

fn read(words: &[&str], entries: &mut Entries) -> Option<()> {
    match words {
        ["all", all, others] => {
            entries.total = all.parse().ok()?;
            entries.other_clients = others.parse().ok()?;
        }
        ["sum", n, low, high, stuck, place @ .., state] => entries.sums.push(Sum {
            place: of_place(place)?,
            state: (*state != "TEMPLATE").then(|| (*state).to_owned()),
            entries: n.parse().ok()?,
            expires: (low.parse().ok()?, high.parse().ok()?),
            stuck: stuck.parse().ok()?,
        }),
        [n, "client", from, to @ ..] => entries.clients.push(Client {
            address: address(from)?,
            to: asked(to)?,
            entries: n.parse().ok()?,
        }),
        [left, "template", from, place @ ..] => entries.templates.push(Template {
            client: address(from)?,
            place: of_place(place)?,
            expires: left.parse().ok()?,
        }),
        _ => return None,
    }
    Some(())
}

fn of_place(words: &[&str]) -> Option<EntryPlace> {
    let [to @ .., host, at] = words else {
        return None;
    };
    Some(EntryPlace {
        to: asked(to)?,
        real_server: SocketAddr::new(address(host)?, port(at)?),
    })
}

fn asked(words: &[&str]) -> Option<Requested> {
    let [protocol, host, at] = words else {
        return None;
    };
    let protocol = match *protocol {
        "TCP" => EntryProtocol::Tcp,
        "UDP" => EntryProtocol::Udp,
        _ => EntryProtocol::Ip,
    };
    Some(Requested {
        protocol,
        at: SocketAddr::new(address(host)?, port(at)?),
    })
}

/// `C0A864C8`, or `[fd00:0000:...]`.
fn address(word: &str) -> Option<IpAddr> {
    if let Some(v6) = word
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        return Some(IpAddr::V6(v6.parse().ok()?));
    }
    let number = u32::from_str_radix(word, 16).ok()?;
    Some(IpAddr::V4(Ipv4Addr::from(number)))
}

fn port(word: &str) -> Option<u16> {
    u16::from_str_radix(word, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
TCP C0A86414 C350 C0A864C8 0050 C0A8640C 0050 SYN_RECV         57
TCP C0A86414 C351 C0A864C8 0050 C0A8640C 0050 SYN_RECV         60
TCP C0A86414 C352 C0A864C8 0050 C0A8640C 0050 ESTABLISHED     890
TCP C0A86415 C352 C0A864C8 0050 C0A8640D 0050 FIN_WAIT        110
TCP C0A86414 0000 C0A864C8 0050 C0A8640C 0050 NONE              0
IP  C0A86416 0000 00001A0A 0000 C0A8640D 0000 NONE             50
UDP [fd00:0000:0000:0000:0000:0000:0000:0014] 1234 [fd00:0000:0000:0000:0000:0000:0000:0200] 0035 [fd00:0000:0000:0000:0000:0000:0000:000c] 0035 UDP             299
";

    fn summed(shell: &[&str], most: u32, table: &str) -> Entries {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("conn");
        std::fs::write(&file, table).expect("a file");
        let script = command(most)
            .replace("/proc/net/ip_vs_conn", &file.display().to_string())
            .replace("/proc/net/ip_vs ", "/proc/version ");
        let functions = "part() { :; }\nhave() { command -v \"$1\" >/dev/null; }\nfailed() { echo failed \"$@\"; }\n";
        let output = std::process::Command::new(shell[0])
            .args(&shell[1..])
            .args(["-c", &format!("{functions}{script}")])
            .output()
            .expect("a shell");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.is_empty(), "{shell:?}: {error}");
        let text = String::from_utf8(output.stdout).expect("text");
        let mut entries = parse(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        entries
            .sums
            .sort_by_key(|sum| (sum.place.real_server, sum.state.clone()));
        entries
    }

    #[test]
    fn a_table_is_summed_up_on_the_host() {
        for shell in [&["dash"][..], &["bash", "--posix"], &["busybox", "sh"]] {
            let entries = summed(shell, 10, TABLE);
            let shown: Vec<String> = entries
                .sums
                .iter()
                .map(|s| {
                    let state = s.state.as_deref().unwrap_or("-");
                    let (to, rs, n, stuck) =
                        (s.place.to.at, s.place.real_server, s.entries, s.stuck);
                    format!("{to} {rs} {state} {n} {:?} {stuck}", s.expires)
                })
                .collect();
            assert_eq!(
                shown,
                [
                    "192.168.100.200:80 192.168.100.12:80 - 1 (0, 0) 0",
                    "192.168.100.200:80 192.168.100.12:80 ESTABLISHED 1 (890, 890) 0",
                    "192.168.100.200:80 192.168.100.12:80 SYN_RECV 2 (57, 60) 1",
                    "0.0.26.10:0 192.168.100.13:0 - 1 (50, 50) 0",
                    "192.168.100.200:80 192.168.100.13:80 FIN_WAIT 1 (110, 110) 0",
                    "[fd00::200]:53 [fd00::c]:53 UDP 1 (299, 299) 0",
                ],
                "{shell:?}"
            );
            assert_eq!((entries.total, entries.other_clients), (7, 0));
            let clients: Vec<(String, u64)> = entries
                .clients
                .iter()
                .map(|c| (c.address.to_string(), c.entries))
                .collect();
            assert_eq!(clients[0], ("192.168.100.20".to_owned(), 3), "{shell:?}");
            assert_eq!(clients.len(), 3);
            assert_eq!(entries.templates[0].expires, 50);
            assert_eq!(entries.templates[1].client.to_string(), "192.168.100.20");
            let one = summed(shell, 1, TABLE);
            assert_eq!(
                (one.clients.len(), one.templates.len()),
                (1, 1),
                "{shell:?}"
            );
            let none = summed(shell, 10, TABLE.lines().next().unwrap_or_default());
            assert_eq!(none, Entries::default(), "{shell:?}");
        }
    }

    #[test]
    fn an_odd_line_is_an_error() {
        for line in [
            "failed 1",
            "sum x 1 2 0 TCP",
            "3 client C0A86414 TCP",
            "1 client XX TCP C0A864C8 0050",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
