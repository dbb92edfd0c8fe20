//! Reads `ipvsadm -Ln --stats --exact`: how many connections and packets each real server was given.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use super::table::mark;
use crate::model::{Protocol, Virtual};

pub type Connections = BTreeMap<SocketAddr, u64>;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statistics {
    pub services: BTreeMap<Virtual, Connections>,
    packets: BTreeMap<Virtual, Connections>,
}

impl Statistics {
    pub fn parse(text: &str) -> Self {
        let mut services: BTreeMap<Virtual, Connections> = BTreeMap::new();
        let mut packets: BTreeMap<Virtual, Connections> = BTreeMap::new();
        let mut current = None;
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            if let ["->", address, connections, ..] = words.as_slice() {
                if let (Some(to), Ok(address), Ok(n)) =
                    (current, address.parse(), connections.parse())
                {
                    services.entry(to).or_default().insert(address, n);
                    if let Some(n) = words.get(3).and_then(|n| n.parse().ok()) {
                        packets.entry(to).or_default().insert(address, n);
                    }
                }
                continue;
            }
            if let Some(to) = service(&words) {
                services.entry(to).or_default();
                current = Some(to);
            }
        }
        Self { services, packets }
    }

    /// The real servers of a service.
    pub fn real_servers(&self, to: Virtual) -> BTreeSet<SocketAddr> {
        let all = self.services.get(&to).into_iter();
        all.flat_map(BTreeMap::keys).copied().collect()
    }

    /// All connections of all services.
    pub fn total(&self) -> u64 {
        self.services.values().flat_map(BTreeMap::values).sum()
    }

    /// How many connections each real server was given since `before`. None: the counters began anew.
    pub fn since(&self, before: &Self, to: Virtual) -> Option<Connections> {
        grown(self.services.get(&to)?, before.services.get(&to))
    }

    /// The same of packets from clients.
    pub fn packets_since(&self, before: &Self, to: Virtual) -> Option<Connections> {
        grown(self.packets.get(&to)?, before.packets.get(&to))
    }
}

fn grown(now: &Connections, before: Option<&Connections>) -> Option<Connections> {
    let old = |address| before.and_then(|all| all.get(address)).copied();
    now.iter()
        .map(|(address, n)| Some((*address, n.checked_sub(old(address).unwrap_or(0))?)))
        .collect()
}

/// The service of a line of `ipvsadm -Ln` and its other forms.
pub(super) fn service(words: &[&str]) -> Option<Virtual> {
    let protocol = match *words.first()? {
        "FWM" => {
            let mark = mark(words.get(1)?)?;
            let v6 = words.get(2) == Some(&"IPv6");
            return Some(Virtual::Fwmark { mark, v6 });
        }
        "TCP" => Protocol::Tcp,
        "UDP" => Protocol::Udp,
        _ => return None,
    };
    let address: SocketAddr = words.get(1)?.parse().ok()?;
    Some(Virtual::new(protocol, address.ip(), address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes
  -> RemoteAddress:Port
TCP  192.168.100.200:80                  4       24        0     1476        0
  -> 192.168.100.12:80                   2       12        0      738        0
  -> 192.168.100.13:80                   2       12        0      738        0
FWM  6666                                0        0        0        0        0
  -> 192.168.100.12:0                    0        0        0        0        0
";

    #[test]
    fn growth_by_real_server() {
        let before = Statistics::parse(BEFORE);
        let after = Statistics::parse(&BEFORE.replace(" 2       12", " 7       42"));
        let to = Virtual::new(Protocol::Tcp, "192.168.100.200".parse().unwrap(), 80);
        let grown: Vec<u64> = after.since(&before, to).unwrap().into_values().collect();
        assert_eq!(grown, [5, 5]);
        let grown: Vec<u64> = after
            .packets_since(&before, to)
            .unwrap()
            .into_values()
            .collect();
        assert_eq!(grown, [30, 30]);
        assert_eq!(before.since(&after, to), None, "the counters began anew");
        let mark = Virtual::Fwmark {
            mark: 6666,
            v6: false,
        };
        assert_eq!(before.services[&mark].len(), 1);
        assert_eq!(
            after.since(&before, Virtual::Fwmark { mark: 1, v6: false }),
            None
        );
    }

    /// Otherwise its real servers would count for the service before it.
    #[test]
    fn a_mark_with_a_sign_is_a_service_of_its_own() {
        let text = "TCP  192.168.100.200:80 1 0 0 0 0\n  -> 192.168.100.12:80 1 0 0 0 0\n\
                    FWM  -2147483647 2 0 0 0 0\n  -> 192.168.100.13:0 2 0 0 0 0\n";
        let found = Statistics::parse(text).services;
        let mark = Virtual::Fwmark {
            mark: 0x8000_0001,
            v6: false,
        };
        let counts: Vec<usize> = found.values().map(BTreeMap::len).collect();
        assert_eq!(counts, [1, 1]);
        assert!(found.contains_key(&mark), "{found:?}");
    }
}
