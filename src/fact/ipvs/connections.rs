//! Connections and rates, from the tables that ipvsadm(8) prints for people; it has no other form of them.

use std::collections::BTreeMap;

use serde::Serialize;

/// Per second, as `ipvsadm -L --rate` prints them, or in all, as `--stats` does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Rates {
    pub connections: u64,
    pub packets_in: u64,
    pub packets_out: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
}

/// What a virtual service has, or one of its real servers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// As ipvsadm takes it: `-t 192.168.100.200:80`.
    pub service: String,
    /// None: the service as a whole.
    pub real_server: Option<String>,
}

impl Place {
    pub fn of(service: &str, real_server: Option<String>) -> Self {
        Self {
            service: service.to_owned(),
            real_server,
        }
    }
}

#[derive(Debug, Default, PartialEq)]
pub struct Counters {
    /// Active and inactive, by real server.
    pub connections: BTreeMap<Place, (u64, u64)>,
    pub rates: BTreeMap<Place, Rates>,
    /// Since the counters began.
    pub totals: BTreeMap<Place, Rates>,
}

/// Each line of a table with whose it is, and the words that follow.
fn lines(text: &str) -> Vec<(Place, Vec<&str>)> {
    let mut service = String::new();
    let mut all = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (rest, real_server) = match words.as_slice() {
            ["TCP", to, rest @ ..] => {
                service = format!("-t {to}");
                (rest, None)
            }
            ["UDP", to, rest @ ..] => {
                service = format!("-u {to}");
                (rest, None)
            }
            ["FWM", mark, "IPv6", rest @ ..] => {
                service = format!("-f {mark} -6");
                (rest, None)
            }
            ["FWM", mark, rest @ ..] => {
                service = format!("-f {mark}");
                (rest, None)
            }
            ["->", address, rest @ ..] => (rest, Some((*address).to_owned())),
            _ => continue,
        };
        all.push((Place::of(&service, real_server), rest.to_vec()));
    }
    all
}

/// The tables of `--rate` and `--stats` have the same columns.
fn numbers(table: &str) -> BTreeMap<Place, Rates> {
    let mut all = BTreeMap::new();
    for (place, words) in lines(table) {
        let numbers: Vec<u64> = words.iter().filter_map(|word| word.parse().ok()).collect();
        if let [connections, packets_in, packets_out, bytes_in, bytes_out] = numbers.as_slice() {
            let rates = Rates {
                connections: *connections,
                packets_in: *packets_in,
                packets_out: *packets_out,
                bytes_in: *bytes_in,
                bytes_out: *bytes_out,
            };
            all.insert(place, rates);
        }
    }
    all
}

pub(super) fn parse(table: &str, rates: &str, totals: &str) -> Counters {
    let mut counters = Counters::default();
    for (place, words) in lines(table) {
        // Forward, weight, active, inactive.
        let ["Route" | "Masq" | "Tunnel" | "Local", _, active, inactive] = words.as_slice() else {
            continue;
        };
        if let (Ok(active), Ok(inactive)) = (active.parse(), inactive.parse()) {
            counters.connections.insert(place, (active, inactive));
        }
    }
    counters.rates = numbers(rates);
    counters.totals = numbers(totals);
    counters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_tables_are_read() {
        let table = "IP Virtual Server version 1.2.1 (size=4096)\n\
                     Prot LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n\
                     TCP  192.168.100.200:80 rr persistent 6\n  -> 192.168.100.12:80            Route   1      2          30\n\
                     FWM  6666 rr\n  -> 192.168.100.12:0             Masq    1      0          1\n\
                     FWM  7 IPv6 wlc\n  -> [fd00::12]:0                 Tunnel  3      4          5\n";
        let rates = "IP Virtual Server version 1.2.1 (size=4096)\n\
                     Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS\n  -> RemoteAddress:Port\n\
                     TCP  192.168.100.200:80                  5       60        0     7000        0\n\
                     \x20 -> 192.168.100.12:80                   1        2        3        4        5\n";
        let counters = parse(table, rates, &rates.replace("CPS", "Conns"));
        assert_eq!(counters.totals, counters.rates);
        let connections: Vec<String> = counters
            .connections
            .iter()
            .map(|(place, (a, i))| {
                format!(
                    "{} {} {a} {i}",
                    place.service,
                    place.real_server.as_deref().unwrap_or("-")
                )
            })
            .collect();
        assert_eq!(
            connections,
            [
                "-f 6666 192.168.100.12:0 0 1",
                "-f 7 -6 [fd00::12]:0 4 5",
                "-t 192.168.100.200:80 192.168.100.12:80 2 30",
            ]
        );
        let whole = Place::of("-t 192.168.100.200:80", None);
        assert_eq!(counters.rates[&whole].bytes_in, 7000);
        let one = Place::of(
            "-t 192.168.100.200:80",
            Some("192.168.100.12:80".to_owned()),
        );
        assert_eq!(counters.rates[&one].packets_out, 3);
        assert_eq!(counters.rates.len(), 2);
    }
}
