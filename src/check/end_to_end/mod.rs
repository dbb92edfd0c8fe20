//! End to end: the requests of clients, and the parser of their replies. The replies are judged in [`judge`].

mod checks;
pub mod exchange;
pub mod family;
pub mod judge;
pub mod right;
mod round;

pub use checks::{
    END_TO_END, GETS_CONNECTIONS, HTTP_STATUS, HTTP_TEXT, PERSISTENCE, SHARES, STATISTICS,
    WHO_ANSWERS,
};

use std::net::IpAddr;

use crate::model::{Cluster, Protocol, Service, Virtual};
use crate::shell::quote;
use crate::view;
use right::Right;

/// Requests after which a port that answered none is left alone.
const FIRST: u16 = 3;

/// The addresses and ports of one virtual service, which share one schedule of real servers.
#[derive(Debug, Clone)]
pub struct Group<'a> {
    pub service: &'a Service,
    pub r#virtual: Virtual,
    pub targets: Vec<(IpAddr, u16)>,
}

impl Group<'_> {
    /// The address family of its targets, which is the same for all; None: no targets.
    pub fn is_v6(&self) -> Option<bool> {
        self.targets.first().map(|(vip, _)| vip.is_ipv6())
    }
}

/// The requests to send, by virtual service.
pub fn groups(cluster: &Cluster) -> Vec<Group<'_>> {
    let of_service = |service| {
        view::virtuals(service)
            .into_iter()
            .map(move |to| group(service, to))
    };
    cluster.services.iter().flat_map(of_service).collect()
}

fn group(service: &Service, to: Virtual) -> Group<'_> {
    let all = || {
        let vips = service.vips.iter().map(|vip| vip.address);
        vips.flat_map(|vip| {
            service
                .known_ports()
                .into_iter()
                .map(move |port| (vip, port))
        })
    };
    let targets = match to {
        Virtual::Tcp(address) | Virtual::Udp(address) if address.port() != 0 => {
            vec![(address.ip(), address.port())]
        }
        Virtual::Tcp(address) | Virtual::Udp(address) => {
            all().filter(|(vip, _)| *vip == address.ip()).collect()
        }
        Virtual::Fwmark { v6, .. } => all().filter(|(vip, _)| vip.is_ipv6() == v6).collect(),
    };
    Group {
        service,
        r#virtual: to,
        targets,
    }
}

/// Shell functions that send requests. `e2e_resolve`: curl's `--resolve` value for the URL's name; `e2e_text`: the text that
/// a body must contain; both may be empty. Each request is a new connection and prints one line: the result, a tab, and the
/// first line of the answer. One curl process sends many requests, without curl's configuration file and proxies. dd reads
/// datagrams, since bash reads byte by byte and would lose all but the first byte. If the server sends nothing first, only
/// the first request waits a full second for its line. busybox's timeout ends with 143.
pub fn functions() -> &'static str {
    include_str!("ask.sh")
}

/// The host name in the health check's request for the page that clients request.
pub(crate) fn host(service: &Service, vip: IpAddr, port: u16) -> Option<&str> {
    right::same_page(service, vip, port)?.host.as_deref()
}

/// The URL of a port that speaks HTTP or HTTPS, as curl takes it.
pub(crate) fn url(service: &Service, vip: IpAddr, port: u16) -> Option<String> {
    let (scheme, default) = if service.check.https.contains(&port) {
        ("https", 443)
    } else if service.check.http.contains(&port) {
        ("http", 80)
    } else {
        return None;
    };
    // The name in the health check's request for the same page, if it has one.
    let host = host(service, vip, port).map_or_else(|| view::in_brackets(vip), str::to_owned);
    let port = if port == default {
        String::new()
    } else {
        format!(":{port}")
    };
    let path = &service.check.path;
    let slash = if path.starts_with('/') { "" } else { "/" };
    // curl's configuration file escapes by a backslash, and ends a value at the line.
    let path: String = path
        .chars()
        .filter(|c| !c.is_control())
        .flat_map(|c| {
            matches!(c, '"' | '\\')
                .then_some('\\')
                .into_iter()
                .chain([c])
        })
        .collect();
    Some(format!("{scheme}://{host}{port}{slash}{path}"))
}

/// The call of one of the [`functions`], without its last argument, the number of requests. curl requests ports that speak
/// HTTP. Without curl, and for other ports, it is a TCP connection, in which the server may send its name in the first line.
/// UDP ports get a line from a new socket each time, since IPVS identifies a client by address and port.
fn call(service: &Service, vip: IpAddr, port: u16, curl: &str) -> String {
    let with_bash = |function: &str| {
        format!("if have bash; then set -- {function} {vip} {port}; else set -- e2e_none; fi")
    };
    if service.protocol == Protocol::Udp {
        return with_bash("e2e_udp") + "\n";
    }
    let tcp = with_bash("e2e_tcp");
    match url(service, vip, port) {
        Some(url) => {
            let resolve = host(service, vip, port)
                .map(|name| format!("{name}:{port}:{}", view::in_brackets(vip)));
            let text = Right::of(service, vip, port).text;
            format!(
                "e2e_resolve={} e2e_text={}\nif have curl; then set -- {curl} {}; else {tcp}; fi\n",
                quote(&resolve.unwrap_or_default()),
                quote(&text.unwrap_or_default()),
                quote(&url)
            )
        }
        None => format!("{tcp}\n"),
    }
}

/// Asks once.
pub fn ask_once(service: &Service, vip: IpAddr, port: u16) -> String {
    format!("{}\"$@\" 1\nset --\n", call(service, vip, port, "e2e_once"))
}

/// Shell text that sends the service's number of requests. If the first few get no answer, the others are not sent.
pub fn ask(service: &Service, vip: IpAddr, port: u16) -> String {
    let all = service.check.requests;
    let first = all.min(FIRST);
    let rest = all - first;
    let mut text = format!(
        "{}answers=$(\"$@\" {first}); printf '%s\\n' \"$answers\"\n",
        call(service, vip, port, "e2e_http")
    );
    if rest > 0 {
        text.push_str(&format!(
            "case $answers in *code=[1-9]*) \"$@\" {rest};; esac\n"
        ));
    }
    text.push_str("set --\n");
    text
}

/// The result of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// None: no answer at all. 1: a TCP connection that was accepted.
    pub status: Option<u16>,
    pub error: String,
    pub first_line: String,
    /// Whether the request opened a new connection. Some servers keep a connection open although the client asked to close
    /// it, and curl then uses it again.
    pub fresh: bool,
    /// Whether its body holds the text that was looked for.
    pub has_text: bool,
}

/// The results of all requests to one port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replies {
    /// The host has no tool for the requests.
    NoTool,
    Came(Vec<Reply>),
}

impl Replies {
    /// How many connections were made or tried.
    pub fn sent(&self) -> u64 {
        match self {
            Self::NoTool => 0,
            Self::Came(all) => all.iter().filter(|r| r.fresh).count() as u64,
        }
    }

    /// How many requests got an answer.
    pub fn answered(&self) -> u64 {
        match self {
            Self::NoTool => 0,
            Self::Came(all) => all.iter().filter(|r| r.status.is_some()).count() as u64,
        }
    }
}

/// Removes the waiting time from curl's message, so that equal failures have equal texts.
fn untimed(error: &str) -> String {
    let (before, rest) = error.split_once(" after ").unwrap_or((error, ""));
    let mut words = rest.splitn(3, ' ');
    match (words.next(), words.next()) {
        (Some(number), Some(unit)) if number.parse::<u32>().is_ok() && unit.starts_with('m') => {
            let colon = if unit.ends_with(':') { ":" } else { "" };
            let rest = words.next().unwrap_or_default();
            format!("{before}{colon} {rest}").trim_end().to_owned()
        }
        _ => error.to_owned(),
    }
}

/// Reads what the functions above printed.
pub fn replies(text: &str) -> Replies {
    let mut all = Vec::new();
    for line in text.lines() {
        let Some(rest) = line.strip_prefix("@lvsctl-e2e ") else {
            continue;
        };
        if rest.trim_end() == "none" {
            return Replies::NoTool;
        }
        let (result, first_line) = rest.split_once('\t').unwrap_or((rest, ""));
        let (words, error) = result.split_once(" err=").unwrap_or((result, ""));
        let field = |name: &str| {
            words
                .split(' ')
                .find_map(|word| word.strip_prefix(name)?.parse::<u16>().ok())
        };
        // curl before 7.75 reports neither its exit status nor its message.
        let failed = field("exit=").is_some_and(|exit| exit != 0);
        let error = match error.trim() {
            "" if failed => format!("curl's status {}", field("exit=").unwrap_or_default()),
            "" => "no answer".to_owned(),
            error => untimed(error),
        };
        all.push(Reply {
            status: field("code=").filter(|code| *code != 0 && !failed),
            error,
            first_line: first_line.trim().to_owned(),
            fresh: field("new=") != Some(0),
            has_text: field("text=") == Some(1),
        });
    }
    Replies::Came(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_curl_printed() {
        let text = "\n@lvsctl-e2e code=200 exit=0 err=\trs1\n@lvsctl-e2e code=200 exit=18 err=transfer closed\tpart\n\
                    @lvsctl-e2e code=000 exit= err=\t\n@lvsctl-e2e code=000 exit=28 err=Connection timed out after 2001 milliseconds\t\n\
                    @lvsctl-e2e code=000 exit=7 err=Failed to connect to 10.0.0.1 port 80 after 3 ms: Couldn't connect to server\t\nnoise\n";
        let Replies::Came(all) = replies(text) else {
            panic!("a tool was there");
        };
        let shown: Vec<(Option<u16>, &str, &str)> = all
            .iter()
            .map(|r| (r.status, r.error.as_str(), r.first_line.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                (Some(200), "no answer", "rs1"),
                (None, "transfer closed", "part"),
                (None, "no answer", ""),
                (None, "Connection timed out", ""),
                (
                    None,
                    "Failed to connect to 10.0.0.1 port 80: Couldn't connect to server",
                    ""
                ),
            ]
        );
        assert_eq!(replies("@lvsctl-e2e none\n"), Replies::NoTool);
    }
}
