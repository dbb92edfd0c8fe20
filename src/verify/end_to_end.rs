//! Who answered a client, and whether that is right: pure, from what the requests printed.

use std::collections::BTreeMap;

use super::questions::{url, web_ports};
use super::tally::{Compared, Tally};
use crate::inventory::model::{Cluster, RealServer, Scheduler, Service};
use crate::shell::quote;

/// The most requests that one client sends to one port.
const MOST: u16 = 100;

/// Ends each answer on curl's output.
const MARK: &str = "@lvsctl-answer";

/// Shell text that asks for everything a client asks for, one process a port. Each request has a connection of its own.
pub fn script(cluster: &Cluster) -> String {
    let mut text = String::new();
    for (index, service) in cluster.services.iter().enumerate() {
        let requests = service.check.requests.clamp(1, MOST);
        for vip in &service.vips {
            let address = vip.address.to_string();
            for (port, scheme) in web_ports(service) {
                // A counter that curl expands makes it ask so many times.
                let path = &service.check.path;
                let join = if path.contains('?') { '&' } else { '?' };
                let url = format!(
                    "{}{join}lvsctl=[1-{requests}]",
                    url(scheme, &address, port, path)
                );
                text.push_str(&format!(
                    "part 'answers {index} {address} {port}'\n\
                     curl -skS --connect-timeout 3 -m 5 -H 'Connection: close' -w '\\n{MARK} %{{http_code}} %{{exitcode}} %{{errormsg}}\\n' {} 2>/dev/null\n",
                    quote(&url)
                ));
            }
        }
    }
    text
}

/// One request's end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The first line of the body, which names the host where the page does.
    Body(String),
    Failed(String),
}

/// Reads what curl printed.
pub fn answers(text: &str) -> Vec<Answer> {
    let mut answers = Vec::new();
    let mut first = None;
    for line in text.lines() {
        let Some(rest) = line.strip_prefix(MARK) else {
            if first.is_none() && !line.trim().is_empty() {
                first = Some(line.trim().to_owned());
            }
            continue;
        };
        let mut words = rest.trim().splitn(3, ' ');
        let (code, exit, why) = (
            words.next().unwrap_or(""),
            words.next().unwrap_or(""),
            words.next().unwrap_or(""),
        );
        let body = first.take().unwrap_or_default();
        answers.push(if exit != "0" {
            Answer::Failed(if why.is_empty() {
                format!("curl exit status {exit}")
            } else {
                why.to_owned()
            })
        } else if code.starts_with(['2', '3']) {
            Answer::Body(body)
        } else {
            Answer::Failed(format!("HTTP status {code}"))
        });
    }
    answers
}

/// What one client got from one service: by VIP and port, in order.
#[derive(Debug, Default)]
pub struct Asked {
    pub client: String,
    pub answers: BTreeMap<(String, u16), Vec<Answer>>,
}

/// Checks one service for all clients. `out` are real servers that are known not to take part now.
pub fn check(service: &Service, asked: &[Asked], out: &[&str], tally: &mut Tally) {
    let active: Vec<&RealServer> = service
        .real_servers
        .iter()
        .filter(|rs| rs.weight > 0 && !out.contains(&rs.host.as_str()))
        .collect();
    for client in asked {
        for ((vip, port), answers) in &client.answers {
            answered(service, &client.client, vip, *port, answers, tally);
        }
        if service.persistence.is_some() {
            persistent(service, client, tally);
        }
    }
    if service.persistence.is_none() {
        shares(service, &active, asked, tally);
    }
}

fn answered(
    service: &Service,
    client: &str,
    vip: &str,
    port: u16,
    answers: &[Answer],
    tally: &mut Tally,
) {
    let requests = usize::from(service.check.requests.clamp(1, MOST));
    let failed: Vec<&str> = answers
        .iter()
        .filter_map(|answer| match answer {
            Answer::Failed(why) => Some(why.as_str()),
            Answer::Body(_) => None,
        })
        .collect();
    tally.require(failed.is_empty() && answers.len() == requests, client, "answered", || Compared {
        what: format!("{} at {vip}:{port}", service.name),
        expected: format!("{requests} of {requests} requests answered"),
        found: match failed.first() {
            Some(why) => format!("{}; first failure: {why}", answers.len() - failed.len()),
            None => format!("{} (is curl 7.75 or later there?)", answers.len()),
        },
        mend: "see the findings above; without any, look for connections in SYN_RECV with `ipvsadm -Lnc` on the director".into(),
    });
}

/// Names of real servers in answers.
fn names<'a>(service: &'a Service, answers: impl Iterator<Item = &'a Answer>) -> Vec<&'a str> {
    answers
        .filter_map(|answer| match answer {
            Answer::Body(body) => service
                .real_servers
                .iter()
                .map(|rs| rs.host.as_str())
                .find(|name| *name == body),
            Answer::Failed(_) => None,
        })
        .collect()
}

/// One client, one real server: for each VIP and port, and over all of them where a mark makes them one service.
fn persistent(service: &Service, asked: &Asked, tally: &mut Tally) {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    if service.fwmark.is_some() {
        groups.push((
            "all ports of the mark".into(),
            names(service, asked.answers.values().flatten()),
        ));
    } else {
        for ((vip, port), answers) in &asked.answers {
            groups.push((format!("{vip}:{port}"), names(service, answers.iter())));
        }
    }
    for (what, mut names) in groups {
        names.sort_unstable();
        names.dedup();
        tally.require(names.len() <= 1, &asked.client, "persistence", || {
            Compared {
                what: format!("{} at {what}", service.name),
                expected: "one real server for one client".into(),
                found: names.join(" and "),
                mend: "compare `ipvsadm -Ln` with the inventory's persistence".into(),
            }
        });
    }
}

/// Every real server with weight is hit, and where the scheduler promises it, as often as its weight says.
fn shares(service: &Service, active: &[&RealServer], asked: &[Asked], tally: &mut Tally) {
    let all = names(
        service,
        asked.iter().flat_map(|a| a.answers.values().flatten()),
    );
    if all.is_empty() {
        return;
    }
    // Hashing schedulers send one client to one real server; nq and sed keep to the idlest.
    let spreads = matches!(
        service.scheduler,
        Scheduler::Rr | Scheduler::Wrr | Scheduler::Lc | Scheduler::Wlc
    );
    if !spreads {
        return;
    }
    let weighted = matches!(service.scheduler, Scheduler::Wrr | Scheduler::Wlc);
    let weight = |rs: &RealServer| if weighted { f64::from(rs.weight) } else { 1.0 };
    let sum: f64 = active.iter().map(|rs| weight(rs)).sum();
    for rs in active {
        let got = all.iter().filter(|name| **name == rs.host).count();
        let share = all.len() as f64 * weight(rs) / sum;
        tally.require(got > 0 || share < 1.0, "", "every-real-server", || Compared {
            what: format!("{}: real server {}", service.name, rs.host),
            expected: "answers to some requests".into(),
            found: "none".into(),
            mend: format!("see whether its service runs and whether `ipvsadm -Ln` has it: `lvsctl status`, then the log on {}", rs.host),
        });
        let promised = matches!(service.scheduler, Scheduler::Rr | Scheduler::Wrr);
        // Other clients of a live service take their turns too.
        let doubt = (2.0f64).max(share * 0.25);
        if promised && got > 0 {
            tally.require((got as f64 - share).abs() <= doubt, "", "shares", || {
                Compared {
                    what: format!("{}: share of {}", service.name, rs.host),
                    expected: format!("about {share:.0} of {}", all.len()),
                    found: got.to_string(),
                    mend: "compare weights in `ipvsadm -Ln` with the inventory".into(),
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let text = "rs1\n\n@lvsctl-answer 200 0 \nrs2\nmore\n@lvsctl-answer 200 0 \n\n@lvsctl-answer 000 28 Connection timed out\nx\n@lvsctl-answer 503 0 \n";
        assert_eq!(
            answers(text),
            [
                Answer::Body("rs1".into()),
                Answer::Body("rs2".into()),
                Answer::Failed("Connection timed out".into()),
                Answer::Failed("HTTP status 503".into()),
            ]
        );
    }
}
