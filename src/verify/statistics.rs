//! What IPVS counted, against who answered: pure.

use std::collections::BTreeMap;

use super::end_to_end::{Answer, Asked};
use super::tally::{Compared, Tally};
use crate::inventory::model::Service;
use crate::resource::ipvs::Virtual;

/// Connections by service and real server.
pub type Connections = BTreeMap<(String, String), u64>;

/// Prints what [`read`] reads, where IPVS is.
pub const SCRIPT: &str = "if [ -e /proc/net/ip_vs ] && command -v ipvsadm >/dev/null 2>&1; then ipvsadm -Ln --stats --exact 2>/dev/null; fi\n";

/// Reads `ipvsadm -Ln --stats --exact`.
pub fn read(text: &str) -> Connections {
    let mut service = String::new();
    let mut connections = Connections::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["TCP", to, ..] => service = format!("-t {to}"),
            ["UDP", to, ..] => service = format!("-u {to}"),
            ["FWM", mark, "IPv6", ..] => service = format!("-f {mark} -6"),
            ["FWM", mark, ..] => service = format!("-f {mark}"),
            ["->", rs, count, ..] => {
                if let Ok(count) = count.parse() {
                    connections.insert((service.clone(), (*rs).to_owned()), count);
                }
            }
            _ => {}
        }
    }
    connections
}

/// Each answer of a real server is a connection that the director counted for it. Others may use the service at the
/// same time, so it counted at least as many.
pub fn check(
    service: &Service,
    virtuals: &[Virtual],
    director: &str,
    before: &Connections,
    after: &Connections,
    asked: &[Asked],
    tally: &mut Tally,
) {
    for rs in &service.real_servers {
        let bodies = asked.iter().flat_map(|a| a.answers.values().flatten());
        let answered = bodies
            .filter(|answer| matches!(answer, Answer::Body(body) if *body == rs.host))
            .count() as u64;
        if answered == 0 {
            continue;
        }
        let of = |counts: &Connections| -> u64 {
            let mine = |(to, address): &(String, String)| {
                let ip = address
                    .rsplit_once(':')
                    .map_or(address.as_str(), |(ip, _)| ip)
                    .trim_matches(['[', ']']);
                ip == rs.address.to_string() && virtuals.iter().any(|v| v.to_string() == *to)
            };
            counts
                .iter()
                .filter(|(key, _)| mine(key))
                .map(|(_, count)| *count)
                .sum()
        };
        let counted = of(after).saturating_sub(of(before));
        tally.require(counted >= answered, director, "ipvs-statistics", || {
            Compared {
                what: format!("{}: connections to {}", service.name, rs.host),
                expected: format!("at least the {answered} that it answered"),
                found: counted.to_string(),
                mend: "the VIP's traffic may go past this director: see who answers ARP for it"
                    .into(),
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_read() {
        let text = "IP Virtual Server version 1.2.1 (size=4096)\n\
                    Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes\n  -> RemoteAddress:Port\n\
                    TCP  10.0.0.1:80                        10       60        0     4000        0\n\
                    \x20 -> 10.0.0.2:80                         4       24        0     1600        0\n\
                    FWM  6666                                3        0        0        0        0\n\
                    \x20 -> 10.0.0.2:0                          3       24        0     1600        0\n";
        let counts = read(text);
        assert_eq!(
            counts[&("-t 10.0.0.1:80".to_owned(), "10.0.0.2:80".to_owned())],
            4
        );
        assert_eq!(counts[&("-f 6666".to_owned(), "10.0.0.2:0".to_owned())], 3);
    }
}
