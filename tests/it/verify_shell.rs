//! What clients run, run for real: sh, curl and bash against a server on loopback that counts its connections.

use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lvsctl::check::end_to_end::{self, Replies, Reply};
use lvsctl::inventory::{self, BUILT_IN_ROLES};
use lvsctl::model::{HealthRequest, HttpVersion, PageRequest, Protocol, Service, StatusCodes};

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn service() -> Service {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("inventories/dr.yaml");
    match inventory::load(&path, BUILT_IN_ROLES) {
        Ok(mut loaded) => loaded.cluster.services.remove(0),
        Err(error) => panic!("{}", error.render(100, false)),
    }
}

/// Answers every request with these bytes; closes then as it is asked to, or not.
fn server(answer: &'static str, closes: bool) -> (SocketAddr, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((HOME, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (connections, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counts = (connections.clone(), requests.clone());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            counts.0.fetch_add(1, Ordering::SeqCst);
            let requests = counts.1.clone();
            std::thread::spawn(move || {
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                while let Some(Ok(line)) = lines.next() {
                    if line.is_empty() {
                        requests.fetch_add(1, Ordering::SeqCst);
                        if stream.write_all(answer.as_bytes()).is_err() {
                            return;
                        }
                        if closes {
                            return;
                        }
                    }
                }
            });
        }
    });
    (address, connections, requests)
}

fn asked(script: &str) -> Vec<Reply> {
    for tool in ["curl", "bash", "awk", "timeout"] {
        let there = Command::new("sh")
            .args(["-c", &format!("command -v {tool}")])
            .stdout(Stdio::null())
            .status();
        assert!(
            there.unwrap().success(),
            "{tool} is missing: apt-get install curl bash gawk coreutils"
        );
    }
    let mut shell = Command::new("sh")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let text = format!(
        "set +eu\n{}main() {{\n{script}}}\nmain </dev/null\n",
        end_to_end::functions()
    );
    shell
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = shell.wait_with_output().unwrap();
    match end_to_end::replies(&String::from_utf8_lossy(&output.stdout)) {
        Replies::Came(all) => all,
        Replies::NoTool => panic!("no tool was found"),
    }
}

#[test]
fn each_request_has_a_connection_of_its_own() {
    let (address, connections, requests) = server(
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n\nrs1\nmore",
        true,
    );
    let mut service = service();
    service.check.requests = 10;
    service.check.http = vec![address.port()];
    service.check.path = "/a?b=\"{1,2}\\[x]".to_owned();
    let replies = asked(&end_to_end::ask(&service, HOME, address.port()));
    assert_eq!(replies.len(), 10, "{replies:?}");
    assert!(
        replies
            .iter()
            .all(|r| r.status == Some(200) && r.first_line == "rs1"),
        "{replies:?}"
    );
    assert_eq!(requests.load(Ordering::SeqCst), 10);
    assert_eq!(connections.load(Ordering::SeqCst), 10);
    assert!(replies.iter().all(|r| r.fresh), "{replies:?}");
}

/// As curl does it, from the page of a web server.
#[test]
fn a_page_is_read_without_curl() {
    let page = |answer| {
        asked(&format!(
            "e2e_page 127.0.0.1 {}\n",
            server(answer, true).0.port()
        ))
    };
    for (about, answer, status, first_line, error) in [
        (
            "a page",
            "HTTP/1.1 200 OK\r\nServer: x\r\n\r\n\nrs1\nmore\n",
            Some(200),
            "rs1",
            "no answer",
        ),
        (
            "an error",
            "HTTP/1.1 500 Internal\r\n\r\n<html>\r\n",
            Some(500),
            "<html>",
            "no answer",
        ),
        (
            "an empty page",
            "HTTP/1.1 200 OK\r\n\r\n",
            Some(200),
            "",
            "no answer",
        ),
        ("another protocol", "220 mail\r\n", None, "", "no HTTP"),
        ("nothing", "", None, "", "no HTTP"),
    ] {
        let replies = page(answer);
        assert_eq!(replies.len(), 1, "{about}: {replies:?}");
        let Reply {
            status: s,
            first_line: l,
            error: e,
            ..
        } = &replies[0];
        assert_eq!(
            (*s, l.as_str(), e.as_str()),
            (status, first_line, error),
            "{about}"
        );
    }
    let closed = TcpListener::bind((HOME, 0)).unwrap().local_addr().unwrap();
    let replies = asked(&format!("e2e_page 127.0.0.1 {}\n", closed.port()));
    assert_eq!(replies.len(), 1, "{replies:?}");
    assert_eq!(replies[0].error, "Connection refused");
}

#[test]
fn a_connection_that_is_used_again_is_recorded() {
    let (address, connections, requests) =
        server("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nrs1\n", false);
    let mut service = service();
    service.check.requests = 10;
    service.check.http = vec![address.port()];
    let replies = asked(&end_to_end::ask(&service, HOME, address.port()));
    assert_eq!(requests.load(Ordering::SeqCst), 10);
    let fresh = replies.iter().filter(|r| r.fresh).count();
    assert_eq!(fresh, connections.load(Ordering::SeqCst));
    assert!(
        fresh < 10,
        "curl makes a connection for each request: nothing is to be recorded"
    );
}

#[test]
fn an_error_is_recorded_as_one() {
    let (address, ..) = server("HTTP/1.1 503 Gone\r\nContent-Length: 3\r\n\r\nno\n", true);
    let mut service = service();
    service.check.requests = 2;
    service.check.http = vec![address.port()];
    let replies = asked(&end_to_end::ask(&service, HOME, address.port()));
    let statuses: Vec<Option<u16>> = replies.iter().map(|r| r.status).collect();
    assert_eq!(statuses, [Some(503), Some(503)]);
}

#[test]
fn a_port_that_refuses_is_left_alone_soon() {
    // Bound and not listening: no other program gets it, and it refuses.
    let address = {
        let listener = TcpListener::bind((HOME, 0)).unwrap();
        listener.local_addr().unwrap()
    };
    for http in [true, false] {
        let mut service = service();
        service.check.requests = 50;
        service.check.http = if http {
            vec![address.port()]
        } else {
            Vec::new()
        };
        let replies = asked(&end_to_end::ask(&service, HOME, address.port()));
        assert_eq!(replies.len(), 3, "{replies:?}");
        assert!(replies.iter().all(|r| r.status.is_none()), "{replies:?}");
        let error = replies[0].error.to_lowercase();
        assert!(
            error.contains("connect") || error.contains("refused"),
            "{error}"
        );
    }
}

#[test]
fn a_port_that_is_not_http_is_asked_by_a_connection() {
    let (address, connections, requests) = server("", true);
    let mut service = service();
    service.check.requests = 10;
    service.check.http = Vec::new();
    let begun = Instant::now();
    let replies = asked(&end_to_end::ask(&service, HOME, address.port()));
    assert_eq!(replies.len(), 10);
    // The server waits for its client to speak, which is waited for once, a second, and not each time.
    assert!(begun.elapsed() < Duration::from_secs(7));
    assert!(replies.iter().all(|r| r.status == Some(1)), "{replies:?}");
    // The last one may still be in the listener's queue.
    assert!(connections.load(Ordering::SeqCst) >= 9);
    assert_eq!(requests.load(Ordering::SeqCst), 0);
    let once = asked(&end_to_end::ask_once(&service, HOME, address.port()));
    assert_eq!(once.len(), 1);
}

#[test]
fn the_first_line_of_a_udp_port_is_recorded_at_once() {
    for answer in ["rs1\n", "rs1", "rs1\nand more\n", "\0\x01rs1"] {
        let socket = UdpSocket::bind((HOME, 0)).unwrap();
        let address = socket.local_addr().unwrap();
        std::thread::spawn(move || {
            while let Ok((_, from)) = socket.recv_from(&mut [0; 100]) {
                socket.send_to(answer.as_bytes(), from).unwrap();
            }
        });
        let mut service = service();
        service.protocol = Protocol::Udp;
        service.check.requests = 5;
        let begun = Instant::now();
        let replies = asked(&end_to_end::ask(&service, HOME, address.port()));
        // One request that waits for more than the answer takes five seconds.
        assert!(begun.elapsed() < Duration::from_secs(5), "{answer:?}");
        let came: Vec<_> = replies.iter().map(|r| (r.status, &*r.first_line)).collect();
        let line = answer.trim_start_matches('\0').lines().next().unwrap();
        assert_eq!(came, vec![(Some(1), line); 5], "{answer:?}");
    }
}

#[test]
fn a_udp_port_without_a_server_gives_no_answer() {
    let address = {
        let socket = UdpSocket::bind((HOME, 0)).unwrap();
        socket.local_addr().unwrap()
    };
    let mut service = service();
    service.protocol = Protocol::Udp;
    let replies = asked(&end_to_end::ask_once(&service, HOME, address.port()));
    let came: Vec<_> = replies.iter().map(|r| (r.status, &*r.error)).collect();
    assert_eq!(came, [(None, "no answer")]);
}

/// What a server answers to the lines of a request.
type Answer = fn(&[String]) -> &'static str;

/// Answers one request as a function of its lines, and closes.
fn answering(answer: Answer) -> SocketAddr {
    let listener = TcpListener::bind((HOME, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let head = lines
                .map_while(Result::ok)
                .take_while(|line| !line.is_empty());
            let head: Vec<String> = head.collect();
            let _ = stream.write_all(answer(&head).as_bytes());
        }
    });
    address
}

/// Whether a health check of ours calls an answer right.
fn is_well(page: PageRequest) -> bool {
    let script = HealthRequest::Page(page).shell(3);
    let status = Command::new("sh").args(["-c", &script]).status();
    status.unwrap().success()
}

fn page(at: SocketAddr, status: &str, text: Option<&str>) -> PageRequest {
    PageRequest {
        url: format!("http://{at}/up"),
        resolve: None,
        host: Some(at.to_string()),
        status: StatusCodes::parse(status).unwrap(),
        text: text.map(str::to_owned),
        version: HttpVersion::V1_0,
    }
}

/// check_http.c, `request_template`.
#[test]
fn a_health_check_asks_as_keepalived_asks() {
    const GOOD: &str = "HTTP/1.1 200 OK\r\n\r\nwell\n";
    const BAD: &str = "HTTP/1.1 426 Upgrade Required\r\n\r\nno\n";
    let by_1_0 = |head: &[String]| {
        let port = head
            .iter()
            .find_map(|line| line.strip_prefix("Host: 127.0.0.1:"));
        let has = |line: &str| head.iter().any(|found| found == line);
        let right = head[0] == "GET /up HTTP/1.0"
            && has("User-Agent: KeepAliveClient")
            && port.is_some()
            && head.len() == 3;
        if right { GOOD } else { BAD }
    };
    assert!(is_well(page(answering(by_1_0), "200", Some("well"))));
    let by_1_1 = |head: &[String]| {
        let closes = head.iter().any(|line| line == "Connection: close");
        if head[0] == "GET /up HTTP/1.1" && closes {
            GOOD
        } else {
            BAD
        }
    };
    let refuses = answering(by_1_1);
    assert!(!is_well(page(refuses, "200", None)));
    assert!(is_well(PageRequest {
        version: HttpVersion::V1_1,
        ..page(refuses, "200", None)
    }));
    let by_name = |head: &[String]| {
        if head.iter().any(|line| line == "Host: www.example.org") {
            GOOD
        } else {
            BAD
        }
    };
    let named = answering(by_name);
    assert!(!is_well(page(named, "200", None)));
    let port = named.port();
    assert!(is_well(PageRequest {
        url: format!("http://www.example.org:{port}/up"),
        resolve: Some(format!("www.example.org:{port}:127.0.0.1")),
        host: Some("www.example.org".to_owned()),
        ..page(named, "200", None)
    }));
}

/// Each status against what is right.
#[test]
fn a_health_check_takes_the_statuses_of_the_inventory() {
    const ANSWERS: &[(u16, Answer)] = &[
        (200, |_| "HTTP/1.1 200 OK\r\n\r\n"),
        (204, |_| "HTTP/1.1 204 No Content\r\n\r\n"),
        (
            302,
            |_| "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\n\r\n",
        ),
        (401, |_| "HTTP/1.1 401 Unauthorized\r\n\r\n"),
        (500, |_| "HTTP/1.1 500 Error\r\n\r\n"),
    ];
    for (status, answer) in ANSWERS {
        let at = answering(*answer);
        for right in ["200", "401", "302", "200-299", "200-299 302", "100-599"] {
            let desired = StatusCodes::parse(right).unwrap().contains(*status);
            assert_eq!(
                is_well(page(at, right, None)),
                desired,
                "{status} of {right}"
            );
        }
    }
}

/// What stands in the status line or in a header is no part of the page.
#[test]
fn a_health_check_looks_for_its_text_in_the_body() {
    const TEXTS: &[(&str, Answer, bool)] = &[
        ("OK", |_| "HTTP/1.1 200 OK\r\n\r\nbad\n", false),
        ("200", |_| "HTTP/1.1 200 OK\r\n\r\nbad\n", false),
        (
            "well",
            |_| "HTTP/1.1 200 OK\r\nX-State: well\r\n\r\nbad\n",
            false,
        ),
        ("well", |_| "HTTP/1.1 200 OK\r\n\r\n", false),
        ("OK", |_| "HTTP/1.1 200 OK\r\n\r\nOK", true),
        ("200", |_| "HTTP/1.1 200 OK\r\n\r\n200\n", true),
        (
            "all is well",
            |_| "HTTP/1.1 200 OK\r\n\r\n<p>\nall is well</p>\n",
            true,
        ),
        ("a*b", |_| "HTTP/1.1 200 OK\r\n\r\naxb\n", false),
    ];
    for (text, answer, desired) in TEXTS {
        let at = answering(*answer);
        assert_eq!(is_well(page(at, "200", Some(text))), *desired, "{text}");
    }
}

/// keepalived reads until the connection ends, whatever length was stated.
#[test]
fn a_server_that_does_not_close_fails_its_health_check() {
    let (closes, ..) = server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK", true);
    let (stays, ..) = server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK", false);
    assert!(is_well(page(closes, "200", Some("OK"))));
    assert!(!is_well(page(stays, "200", Some("OK"))));
}

/// Clients ask by the name, and look for the text, of the health check for the same page.
#[test]
fn clients_look_for_the_text_of_the_health_check() {
    let keys = "cluster: t\nnetworks: 10.2.0.0/24\nhosts: { lb1: { role: director, address: 10.2.0.2 }, rs1: { role: realserver, address: 10.2.0.3 } }\n";
    let by_name = |head: &[String]| {
        if head
            .iter()
            .any(|line| line.starts_with("Host: www.example.org"))
        {
            "HTTP/1.1 200 OK\r\nX-State: well\r\n\r\nfine\nall is well\n"
        } else {
            "HTTP/1.1 404 Not Found\r\n\r\nno\n"
        }
    };
    let at = answering(by_name);
    for (text, desired) in [("all is well", true), ("X-State", false), ("OK", false)] {
        let text = format!(
            "{keys}services: {{ web: {{ vip: 10.2.0.80, port: {port}, check: {{ http: {port} }}, \
             health_check: {{ http: {{ host: www.example.org, text: {text} }} }} }} }}\n",
            port = at.port()
        );
        let loaded = inventory::parse("t.yaml", &text, BUILT_IN_ROLES)
            .unwrap_or_else(|e| panic!("{}", e.render(120, false)));
        let mut service = loaded.cluster.services[0].clone();
        service.vips[0].address = HOME;
        let replies = asked(&end_to_end::ask(&service, HOME, at.port()));
        assert!(replies.iter().all(|r| r.status == Some(200)), "{replies:?}");
        assert!(replies.iter().all(|r| r.has_text == desired), "{replies:?}");
    }
}
