//! What clients run, run for real: sh, curl and bash against a server on loopback that counts its connections.

use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lvsctl::inventory::model::{Protocol, Service};
use lvsctl::inventory::{self, BUILT_IN_ROLES};
use lvsctl::verify::end_to_end::{self, Replies, Reply};

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn service() -> Service {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("inventories/t1.yaml");
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

#[test]
fn a_connection_that_is_used_again_is_told() {
    let (address, connections, requests) =
        server("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nrs1\n", false);
    let mut service = service();
    service.check.requests = 10;
    service.check.http = vec![address.port()];
    let replies = asked(&end_to_end::ask(&service, HOME, address.port()));
    assert_eq!(requests.load(Ordering::SeqCst), 10);
    let fresh = replies.iter().filter(|r| r.fresh).count();
    assert_eq!(fresh, connections.load(Ordering::SeqCst));
    assert!(fresh < 10, "curl obeys by now: nothing is to be told");
}

#[test]
fn an_error_is_told_as_one() {
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
    // Bound and not listening: nobody else gets it, and it refuses.
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
fn a_udp_port_tells_its_first_line_at_once() {
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
fn a_udp_port_that_nobody_has_gives_no_answer() {
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
