//! The SSH transport against real servers.

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use lvsctl::inventory::model;
use lvsctl::secret::Secrets;
use lvsctl::transport::{Connect, Connector, Counters, RemoteShell, TransportError};
use support::{HostSpec, Lab, TestHost, model_host};

const LONG: Duration = Duration::from_secs(20);

struct Client {
    connector: Connector,
    counters: Arc<Counters>,
}

fn client(lab: &Lab) -> Client {
    let counters = Arc::new(Counters::default());
    let connector = Connector::new(lab.environment(), Secrets::new(), Arc::clone(&counters))
        .unwrap_or_else(|e| panic!("{e}"));
    Client { connector, counters }
}

#[test]
fn one_connection_and_one_exec_serve_many_scripts() {
    let started = Instant::now();
    let lab = Lab::plain(2);
    eprintln!("lab {:?}", started.elapsed());
    let _in = lab.enter();
    let client = client(&lab);
    let host = lab.host("h1");
    let started = Instant::now();
    let mut shell = client.connector.connect(&model_host(host)).unwrap_or_else(|e| panic!("{e}"));
    eprintln!("connect {:?}", started.elapsed());
    for n in 0..20 {
        let out = shell.run(&format!("echo {n}; hostname"), LONG).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(out.stdout, format!("{n}\nh1\n"));
    }
    eprintln!("20 {:?}", started.elapsed());
    assert_eq!((client.counters.connections(), client.counters.execs()), (1, 1));
    assert_eq!((host.connections(), host.execs()), (1, 1));
}

#[test]
fn fifty() {
    let started = Instant::now();
    let lab = Lab::plain(50);
    eprintln!("lab of 50: {:?}", started.elapsed());
    let _in = lab.enter();
    let started = Instant::now();
    drop(_in);
    drop(lab);
    eprintln!("drop of 50: {:?}", started.elapsed());
}
