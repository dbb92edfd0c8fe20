//! A TCP connection to a name or an address, within a deadline, name look-up included.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use nix::sys::socket::{setsockopt, sockopt};

use super::{TransportError, Waiting};

/// Of keepalive: seconds of silence before the first question, seconds between questions, and how many go unanswered.
const IDLE: u32 = 15;
const INTERVAL: u32 = 5;
const COUNT: u32 = 4;

/// Milliseconds after which a peer that acknowledges nothing is gone: as long as keepalive takes.
const UNACKNOWLEDGED: u32 = (IDLE + INTERVAL * COUNT) * 1000;

/// Each address gets its share of the time that is left.
pub(super) fn connect(
    host: &str,
    port: u16,
    deadline: Instant,
    timeout: Duration,
) -> Result<(TcpStream, SocketAddr), TransportError> {
    let late = |what| TransportError::Timeout {
        what,
        after: timeout,
        stderr: String::new(),
    };
    let addresses = look_up(host, port, deadline)?.ok_or_else(|| late(Waiting::Name))?;
    let mut failures = Vec::new();
    for (n, address) in addresses.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addresses.len() - n).unwrap_or(u32::MAX);
        if share.is_zero() {
            return Err(late(Waiting::Connection));
        }
        match TcpStream::connect_timeout(address, share).and_then(prepare) {
            Ok(stream) => return Ok((stream, *address)),
            Err(e) => failures.push((*address, e)),
        }
    }
    Err(summary(failures).unwrap_or_else(|| late(Waiting::Connection)))
}

/// One error for several failures: a host that refuses is reachable, which is the most useful. None is a timeout.
fn summary(failures: Vec<(SocketAddr, io::Error)>) -> Option<TransportError> {
    let of = |kind: io::ErrorKind| -> Vec<SocketAddr> {
        failures
            .iter()
            .filter(|(_, e)| e.kind() == kind)
            .map(|(a, _)| *a)
            .collect()
    };
    let refused = of(io::ErrorKind::ConnectionRefused);
    if !refused.is_empty() {
        return Some(TransportError::Refused(refused));
    }
    if !of(io::ErrorKind::TimedOut).is_empty() {
        return None;
    }
    let addresses = failures.iter().map(|(a, _)| *a).collect();
    let cause = failures.into_iter().last()?.1;
    Some(TransportError::Unreachable { addresses, cause })
}

/// The system's resolver knows no deadline: it is asked in a thread, which is left to itself when it takes too long.
fn look_up(
    host: &str,
    port: u16,
    deadline: Instant,
) -> Result<Option<Vec<SocketAddr>>, TransportError> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(Some(vec![(address, port).into()]));
    }
    let (sender, answer) = mpsc::channel();
    let name = host.to_owned();
    std::thread::spawn(move || {
        let found = (name.as_str(), port)
            .to_socket_addrs()
            .map(|all| all.collect::<Vec<_>>());
        // The receiver is gone after the deadline.
        sender.send(found).ok();
    });
    let dns = |cause| TransportError::Dns {
        name: host.to_owned(),
        cause,
    };
    match answer.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(Ok(found)) if found.is_empty() => {
            Err(dns(io::Error::other("the answer has no address")))
        }
        Ok(Ok(found)) => Ok(Some(found)),
        Ok(Err(cause)) => Err(dns(cause)),
        Err(_) => Ok(None),
    }
}

/// No delay: the frames of a session are small, and each would wait for an acknowledgement. Keepalive is TCP's own:
/// libssh2's would end non-blocking mode.
fn prepare(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    setsockopt(&stream, sockopt::KeepAlive, &true)?;
    setsockopt(&stream, sockopt::TcpKeepIdle, &IDLE)?;
    setsockopt(&stream, sockopt::TcpKeepInterval, &INTERVAL)?;
    setsockopt(&stream, sockopt::TcpKeepCount, &COUNT)?;
    // Keepalive is not sent while data waits for its acknowledgement, which would be sent again for a quarter of an hour.
    setsockopt(&stream, sockopt::TcpUserTimeout, &UNACKNOWLEDGED)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::socket::getsockopt;
    use std::net::TcpListener;

    fn try_connect(host: &str, port: u16) -> Result<(TcpStream, SocketAddr), TransportError> {
        let timeout = Duration::from_secs(5);
        connect(host, port, Instant::now() + timeout, timeout)
    }

    /// Traps 1 and 7.
    #[test]
    fn a_connection_is_prepared() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
        let port = listener.local_addr().expect("an address").port();
        let (stream, _) = try_connect("127.0.0.1", port).expect("connects");
        assert!(stream.nodelay().expect("an option"));
        assert!(getsockopt(&stream, sockopt::KeepAlive).expect("an option"));
        assert_eq!(
            getsockopt(&stream, sockopt::TcpKeepIdle).expect("an option"),
            15
        );
        assert_eq!(
            getsockopt(&stream, sockopt::TcpUserTimeout).expect("an option"),
            UNACKNOWLEDGED
        );
    }

    #[test]
    fn every_address_is_tried() {
        // `localhost` may be ::1 and 127.0.0.1; only the second listens.
        let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
        let port = listener.local_addr().expect("an address").port();
        let (_, address) = try_connect("localhost", port).expect("connects");
        assert_eq!(address, SocketAddr::from(([127, 0, 0, 1], port)));
    }

    #[test]
    fn failures_are_distinguished() {
        let port = {
            let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
            listener.local_addr().expect("an address").port()
        };
        let refused = try_connect("127.0.0.1", port).expect_err("no listener");
        assert!(matches!(refused, TransportError::Refused(_)), "{refused:?}");
        let unknown = try_connect("no-such-name.invalid", port).expect_err("no such name");
        assert!(matches!(unknown, TransportError::Dns { .. }), "{unknown:?}");
        let address = SocketAddr::from(([192, 0, 2, 1], 22));
        let fail = |kind: io::ErrorKind| (address, io::Error::from(kind));
        let both = [io::ErrorKind::TimedOut, io::ErrorKind::ConnectionRefused].map(fail);
        assert!(matches!(
            summary(both.into()),
            Some(TransportError::Refused(_))
        ));
        assert!(
            summary(vec![
                fail(io::ErrorKind::HostUnreachable),
                fail(io::ErrorKind::TimedOut)
            ])
            .is_none()
        );
        let away = summary(vec![fail(io::ErrorKind::HostUnreachable)]);
        assert!(matches!(away, Some(TransportError::Unreachable { .. })));
    }
}
