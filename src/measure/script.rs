//! The shell text that starts, reads and ends the request loop on a host. The loop runs beside the session's shell and prints
//! into a file without a name, which is gone when that shell ends; so is the loop. Pure.

use super::target::Target;
use crate::check::end_to_end;
use crate::model::Protocol;
use crate::shell::{command, heredoc, quote};
use crate::view;

/// How requests follow each other.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pace {
    /// None: until the time is over.
    pub requests: Option<u64>,
    /// Per second. None: one after the other, as fast as answers come.
    pub rate: Option<f64>,
    /// It ends after this in any case.
    pub seconds: f64,
    /// Requests at a time, at most.
    pub concurrency: u16,
    /// Seconds after which a request is lost.
    pub timeout: f64,
    pub keepalive: bool,
}

const PERL: &str = include_str!("loop.pl");
const SHELL: &str = include_str!("loop.sh");

/// Starts the loop. It runs in the session's own shell; it has begun when this ends.
pub(super) fn start(target: &Target, pace: &Pace) -> String {
    let perl = perl(target, pace);
    let shell = shell(target, pace);
    // perl of a minimal system speaks no TLS.
    let can = if target.is_https() {
        "false"
    } else {
        "command -v perl >/dev/null 2>&1 && perl -MSocket -MFcntl -MErrno -e1 2>/dev/null"
    };
    format!(
        "lvsctl_loop=; lvsctl_file=$(mktemp 2>/dev/null) || lvsctl_file=\n\
         if [ -n \"$lvsctl_file\" ] && command exec 8<\"$lvsctl_file\"; then\n\
         (\nexec 8<&- 9<&- >\"$lvsctl_file\" 2>/dev/null </dev/null; ulimit -n 4096 2>/dev/null || :; set +eu\n\
         if {can}; then\n{perl}fi\n{shell}) >/dev/null 2>&1 &\n\
         lvsctl_loop=$!; lvsctl_n=0\n\
         while [ ! -s /proc/self/fd/8 ] && [ \"$lvsctl_n\" -lt 200 ]; do sleep 0.05; lvsctl_n=$((lvsctl_n + 1)); done\n\
         rm -f \"$lvsctl_file\"\nelse echo '@lvsctl-loop no temporary file could be made'; fi\n"
    )
}

/// Prints what the loop has printed since.
pub(super) const READ: &str = "cat <&8\n";

/// Asks the loop to end, with the requests that are on their way.
pub(super) const STOP: &str = "kill -TERM \"$lvsctl_loop\" 2>/dev/null || :\n";

/// After its end.
pub(super) const CLOSE: &str = "exec 8<&-\n";

fn perl(target: &Target, pace: &Pace) -> String {
    let interval = pace.rate.map_or(0.0, |rate| 1.0 / rate);
    let words = [
        "exec".to_owned(),
        "perl".to_owned(),
        "-".to_owned(),
        target.kind().to_owned(),
        target.vip.to_string(),
        target.port.to_string(),
        pace.concurrency.to_string(),
        format!("{interval:.6}"),
        pace.requests.unwrap_or(0).to_string(),
        format!("{:.3}", pace.seconds),
        format!("{:.3}", pace.timeout),
        u8::from(pace.keepalive).to_string(),
        target.host(),
        target.path(),
    ];
    heredoc(&command(words), PERL)
}

fn shell(target: &Target, pace: &Pace) -> String {
    let (vip, port) = (target.vip, target.port);
    let ask = match target.url() {
        Some(url) => {
            let resolve = end_to_end::host(&target.service, vip, port)
                .map(|name| format!("{name}:{port}:{}", view::in_brackets(vip)));
            format!(
                "e2e_resolve={}\nneed=curl; ask() {{ loop_http {}; }}\n",
                quote(&resolve.unwrap_or_default()),
                quote(&url)
            )
        }
        None if target.service.protocol == Protocol::Udp => {
            format!("need=bash; ask() {{ loop_other e2e_udp {vip} {port}; }}\n")
        }
        None => format!("need=bash; ask() {{ loop_other e2e_tcp {vip} {port}; }}\n"),
    };
    let step = pace.rate.map_or(0.0, |rate| 1_000_000.0 / rate) as u64;
    // Each is a process: more than a few are no faster.
    let most = pace.concurrency.min(32);
    format!(
        "{}{ask}most={most} step={step} number={} seconds={} timeout={}\n\
         if command -v \"$need\" >/dev/null 2>&1; then\n{SHELL}\
         else echo \"@lvsctl-loop nothing here can ask: install perl or $need\"; fi\n",
        end_to_end::functions(),
        pace.requests.unwrap_or(0),
        pace.seconds.ceil() as u64,
        pace.timeout,
    )
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::{Ipv4Addr, SocketAddr, TcpListener};
    use std::process::{Command, Stdio};

    use super::super::read::Output;
    use super::*;
    use crate::inventory::{self, BUILT_IN_ROLES};

    const SHELLS: [&[&str]; 3] = [&["dash"], &["bash", "--posix"], &["busybox", "sh"]];

    /// Answers each request with a page, and a port without a listener.
    fn server() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || {
                    let mut stream = stream;
                    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                    let mut stays = false;
                    while let Some(Ok(line)) = lines.next() {
                        stays |= line.contains("keep-alive");
                        if !line.is_empty() {
                            continue;
                        }
                        let page = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nrs1\n";
                        if stream.write_all(page.as_bytes()).is_err() || !stays {
                            return;
                        }
                    }
                });
            }
        });
        address
    }

    fn target(at: SocketAddr, http: bool) -> Target {
        let text = "cluster: t\nnetworks: 10.0.0.0/24\nhosts:\n  lb1: { role: director, address: 10.0.0.1 }\n  \
                    rs1: { role: realserver, address: 10.0.0.3 }\nservices: { web: { vip: 10.0.0.9, port: 80 } }\n";
        let loaded = inventory::parse("t.yaml", text, BUILT_IN_ROLES).expect("a valid inventory");
        let mut service = loaded.cluster.services[0].clone();
        service.check.http = http.then_some(at.port()).into_iter().collect();
        Target {
            service,
            vip: at.ip(),
            port: at.port(),
        }
    }

    fn pace(requests: u64) -> Pace {
        Pace {
            requests: Some(requests),
            rate: Some(100.0),
            seconds: 20.0,
            concurrency: 2,
            timeout: 2.0,
            keepalive: false,
        }
    }

    /// What a session's shell prints that starts the loop, reads until its end, and closes it.
    fn looped(shell: &[&str], script: &str) -> Output {
        let text = format!(
            "{script}n=0; while kill -0 \"$lvsctl_loop\" 2>/dev/null && [ $n -lt 200 ]; do sleep 0.05; n=$((n + 1)); {READ}done\n{READ}{CLOSE}"
        );
        let mut child = Command::new(shell[0])
            .args(&shell[1..])
            .arg("-s")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a shell");
        child
            .stdin
            .take()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        let mut read = Output::default();
        read.take(&String::from_utf8_lossy(&output.stdout));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(read.begun && read.ended, "{shell:?}: {read:?}\n{said}");
        read
    }

    #[test]
    fn requests_are_sent_and_read_back() {
        let at = server();
        for shell in SHELLS {
            for perl in [true, false] {
                let script = start(&target(at, true), &pace(5));
                let script = if perl {
                    script
                } else {
                    script.replace("command -v perl", "command -v no-such-perl")
                };
                let read = looped(shell, &script);
                assert_eq!(read.samples.len(), 5, "{shell:?} {perl}: {read:?}");
                assert!(
                    read.samples
                        .iter()
                        .all(|s| s.status == Some(200) && s.who == "rs1"),
                    "{shell:?} {perl}: {read:?}"
                );
                // Samples come in the order of the responses.
                let sent = read.samples.iter().map(|sample| sample.at);
                let (first, last) = (
                    sent.clone().fold(f64::MAX, f64::min),
                    sent.fold(0.0, f64::max),
                );
                assert!(last - first >= 0.02, "they keep their pace: {read:?}");
            }
        }
    }

    #[test]
    fn connections_are_used_again() {
        let at = server();
        let mut pace = pace(6);
        (pace.keepalive, pace.rate, pace.concurrency) = (true, None, 1);
        let read = looped(SHELLS[0], &start(&target(at, true), &pace));
        let fresh = read.samples.iter().filter(|sample| sample.fresh).count();
        assert_eq!((read.samples.len(), fresh), (6, 1), "{read:?}");
    }

    #[test]
    fn losses_have_a_kind() {
        let at = server();
        let closed = {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            listener.local_addr().unwrap()
        };
        for shell in SHELLS {
            for (at, http, error) in [
                (at, false, ""),
                (closed, true, "refused"),
                (closed, false, "refused"),
            ] {
                for perl in [true, false] {
                    let script = start(&target(at, http), &pace(2));
                    let script = if perl {
                        script
                    } else {
                        script.replace("command -v perl", "command -v no-such-perl")
                    };
                    let read = looped(shell, &script);
                    let found: Vec<&str> = read.samples.iter().map(|s| s.error.as_str()).collect();
                    assert_eq!(found, [error, error], "{shell:?} {at} {http} {perl}");
                }
            }
        }
    }

    /// The session's shell ends while requests are being sent.
    #[test]
    fn the_loop_ends_with_its_session() {
        let at = server();
        let mut pace = pace(0);
        pace.requests = None;
        for perl in ["perl", "no-such-perl"] {
            let script = start(&target(at, true), &pace)
                .replace("command -v perl", &format!("command -v {perl}"));
            let output = Command::new("dash")
                .args(["-c", &format!("{script}echo \"pid=$lvsctl_loop\"")])
                .output()
                .expect("a shell");
            let text = String::from_utf8_lossy(&output.stdout);
            let pid = text
                .trim()
                .strip_prefix("pid=")
                .expect("its process")
                .to_owned();
            let alive = || {
                std::fs::read_to_string(format!("/proc/{pid}/stat"))
                    .is_ok_and(|stat| !stat.contains(") Z "))
            };
            let end = std::time::Instant::now() + std::time::Duration::from_secs(10);
            while alive() {
                assert!(std::time::Instant::now() < end, "{perl} goes on");
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
        }
    }
}
