//! How long a fleet takes: a bare ssh2 program, this program's transport, and any commands, all against the same real
//! SSH servers in one run, one after the other in each round, so that whatever else the machine does hits all alike.
//!
//!     cargo bench --bench fleet -- --hosts 10,50 --rounds 5 --again 'rerun=lvsctl apply --yes --limit realserver -i {inventory}'
//!
//! In a command, `{inventory}` is an inventory of the hosts, and `{hosts}` a file with a line `name address` for each; HOME has the key and known_hosts.
//! Needs root, as the tests do, and starts nothing outside its own network namespaces.

#[path = "../tests/support/mod.rs"]
mod support;

use std::io::Read;
use std::net::{IpAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use lvsctl::transport::Connect;
use rayon::prelude::*;
use support::{Client, Lab, model_host};

#[derive(Parser)]
struct Options {
    /// Numbers of hosts.
    #[arg(long, value_delimiter = ',', default_value = "10,50")]
    hosts: Vec<usize>,
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Hosts that are connected to at once.
    #[arg(long, default_value_t = 16)]
    forks: usize,
    /// What is asked of each host.
    #[arg(
        long,
        default_value = "cat /proc/sys/net/ipv4/conf/all/arp_ignore; ip -o addr"
    )]
    probe: String,
    /// NAME=COMMAND, timed in every round on the same hosts; run once before, untimed.
    #[arg(long, value_parser = named)]
    again: Vec<(String, String)>,
    /// NAME=COMMAND, timed in every round on new hosts.
    #[arg(long, value_parser = named)]
    first: Vec<(String, String)>,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

fn named(text: &str) -> Result<(String, String), String> {
    let (name, command) = text.split_once('=').ok_or("NAME=COMMAND is wanted")?;
    Ok((name.to_owned(), command.to_owned()))
}

const LONG: Duration = Duration::from_secs(60);

struct Row {
    name: String,
    took: Vec<Duration>,
    processes: Vec<u64>,
}

fn main() {
    let options = Options::parse();
    for &count in &options.hosts {
        let rows = measure(&options, count);
        report(count, &rows);
    }
}

fn measure(options: &Options, count: usize) -> Vec<Row> {
    let lab = Lab::plain(count);
    let _in = lab.enter();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(options.forks)
        .build()
        .expect("threads");
    let mut rows: Vec<Row> = Vec::new();
    let mut time = |lab: &Lab, name: &str, kept: bool, work: &mut dyn FnMut()| {
        let witness = &lab.hosts[0];
        let before = witness.last_pid();
        let started = Instant::now();
        work();
        let took = started.elapsed();
        let processes = witness.last_pid() - before - 1;
        if !kept {
            return;
        }
        if !rows.iter().any(|r| r.name == name) {
            rows.push(Row {
                name: name.to_owned(),
                took: Vec::new(),
                processes: Vec::new(),
            });
        }
        let row = rows.iter_mut().find(|r| r.name == name).expect("a row");
        row.took.push(took);
        row.processes.push(processes);
    };
    for (_, command) in &options.again {
        run(&lab, command);
    }
    for round in 0..=options.rounds {
        // The first round warms caches.
        let kept = round > 0;
        time(&lab, "bare ssh2", kept, &mut || {
            pool.install(|| {
                lab.hosts
                    .par_iter()
                    .for_each(|host| bare(&lab, host.address, &options.probe));
            });
        });
        time(&lab, "transport", kept, &mut || {
            let client = Client::new(&lab);
            pool.install(|| {
                lab.hosts.par_iter().for_each(|host| {
                    let mut shell = client
                        .connector
                        .connect(&model_host(host))
                        .unwrap_or_else(|e| panic!("{}: {e}", host.name));
                    let got = shell.run(&options.probe, LONG);
                    let got = got.unwrap_or_else(|e| panic!("{}: {e}", host.name));
                    assert!(got.success() && got.stdout.contains("10.77."), "{got:?}");
                });
            });
        });
        for (name, command) in &options.again {
            time(&lab, name, kept, &mut || run(&lab, command));
        }
        for (name, command) in &options.first {
            if kept {
                let fresh = Lab::plain(count);
                let _in = fresh.enter();
                time(&fresh, name, kept, &mut || run(&fresh, command));
            }
        }
    }
    rows
}

/// The least that a program does with the crate: one connection, one exec, its output.
fn bare(lab: &Lab, address: IpAddr, probe: &str) {
    let stream = TcpStream::connect((address, 22)).expect("connects");
    stream.set_nodelay(true).expect("an option");
    let mut session = ssh2::Session::new().expect("a session");
    session.set_tcp_stream(stream);
    session.handshake().expect("a handshake");
    session
        .userauth_pubkey_file("root", None, &lab.key(), None)
        .expect("lets us in");
    let mut channel = session.channel_session().expect("a channel");
    channel.exec(probe).expect("starts");
    let mut text = String::new();
    channel.read_to_string(&mut text).expect("reads");
    channel.wait_close().expect("ends");
    assert!(text.contains("10.77."), "{text}");
}

fn run(lab: &Lab, command: &str) {
    let file = lab.dir_file("hosts");
    let lines: String = lab
        .hosts
        .iter()
        .map(|h| format!("{} {}\n", h.name, h.address))
        .collect();
    std::fs::write(&file, lines).expect("writes");
    let command = command
        .replace("{hosts}", &file.display().to_string())
        .replace(
            "{inventory}",
            &support::inventory::write(lab).display().to_string(),
        );
    let output = Command::new("sh")
        .args(["-c", &command])
        .env("HOME", lab.home())
        .env_remove("SSH_AUTH_SOCK")
        .stdin(Stdio::null())
        .output()
        .expect("starts");
    assert!(
        output.status.success(),
        "{command}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn median(took: &[Duration]) -> f64 {
    let mut took: Vec<f64> = took.iter().map(Duration::as_secs_f64).collect();
    took.sort_by(f64::total_cmp);
    took.get(took.len() / 2).copied().unwrap_or(f64::NAN)
}

fn report(count: usize, rows: &[Row]) {
    println!(
        "{count} hosts, {} rounds",
        rows.first().map_or(0, |r| r.took.len())
    );
    println!(
        "{:24} {:>8} {:>8} {:>8} {:>10} {:>8}",
        "", "median", "least", "most", "processes", "to bare"
    );
    let bare = rows.first().map_or(f64::NAN, |row| median(&row.took));
    for row in rows {
        let mut took: Vec<f64> = row.took.iter().map(Duration::as_secs_f64).collect();
        took.sort_by(f64::total_cmp);
        let mut processes = row.processes.clone();
        processes.sort_unstable();
        let last = took.len() - 1;
        println!(
            "{:24} {:>6.2} s {:>6.2} s {:>6.2} s {:>10} {:>8.2}",
            row.name,
            took[last / 2],
            took[0],
            took[last],
            processes[last / 2],
            median(&row.took) / bare
        );
    }
    println!();
}
