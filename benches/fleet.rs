//! How long a fleet takes, and what it costs: a bare ssh2 program, this program's transport, and any commands, all against
//! the same real SSH servers in one run, one after the other in each round, so that whatever else the machine does hits all
//! alike.
//!
//!     cargo bench --bench fleet -- --hosts 10,50 --rounds 5 --again 'rerun=lvsctl apply --yes --limit realserver -i {inventory}'
//!
//! In a command, `{inventory}` is an inventory of the hosts, and `{hosts}` a file with a line `name address` for each; HOME has the key and known_hosts.
//! Needs root, as the tests do, and starts nothing outside the network namespaces that it makes.

#[path = "fleet/cost.rs"]
mod cost;
#[path = "../tests/support/mod.rs"]
mod support;

use std::io::Read;
use std::net::{IpAddr, TcpStream};
use std::path::{Path, PathBuf};
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
    /// How often each is timed; of more than 200 hosts at most twice.
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
    /// A shell command that succeeds on a host that is as the commands are to make it; asked of the first and the last host
    /// after each.
    #[arg(long)]
    proof: Option<String>,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
    /// Runs one command, and writes to the file what it cost: what this program starts itself as.
    #[arg(long, hide = true, num_args = 2, value_names = ["FILE", "COMMAND"])]
    measure: Option<Vec<String>>,
    /// The bare program, for the addresses in this file.
    #[arg(long, hide = true)]
    bare: Option<PathBuf>,
}

fn named(text: &str) -> Result<(String, String), String> {
    let (name, command) = text.split_once('=').ok_or("expected NAME=COMMAND")?;
    Ok((name.to_owned(), command.to_owned()))
}

const LONG: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Row {
    name: String,
    took: Vec<f64>,
    /// CPU seconds of this machine's side.
    cpu: Vec<f64>,
    /// KiB.
    memory: Vec<f64>,
    processes: Vec<f64>,
}

fn main() {
    let options = Options::parse();
    if let Some([file, command]) = options.measure.as_deref() {
        return cost::of_command(Path::new(file), command);
    }
    if let Some(hosts) = &options.bare {
        return bare_on_all(hosts, &options);
    }
    for &count in &options.hosts {
        let rows = measure(&options, count);
        report(count, &rows);
    }
}

struct Rows(Vec<Row>);

impl Rows {
    /// Times what gives a cost, if it is known.
    fn time(
        &mut self,
        lab: &Lab,
        name: &str,
        kept: bool,
        work: impl FnOnce() -> Option<cost::Cost>,
    ) {
        let witness = &lab.hosts[0];
        let before = witness.last_pid();
        let started = Instant::now();
        let cost = work();
        let took = started.elapsed();
        let processes = witness.last_pid() - before - 1;
        if !kept {
            return;
        }
        let at = self.0.iter().position(|r| r.name == name);
        let at = at.unwrap_or_else(|| {
            self.0.push(Row {
                name: name.to_owned(),
                ..Row::default()
            });
            self.0.len() - 1
        });
        let row = &mut self.0[at];
        row.processes.push(processes as f64);
        match cost {
            Some(cost) => {
                row.took.push(cost.seconds);
                row.cpu.push(cost.cpu);
                row.memory.push(cost.memory);
            }
            None => row.took.push(took.as_secs_f64()),
        }
    }
}

fn measure(options: &Options, count: usize) -> Vec<Row> {
    let lab = Lab::plain(count);
    let _in = lab.enter();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(options.forks)
        .build()
        .expect("threads");
    let mut rows = Rows(Vec::new());
    for (_, command) in &options.again {
        run(&lab, command);
    }
    let program = std::env::current_exe().expect("this program's file");
    let bare = format!(
        "exec '{}' --bare {{hosts}} --forks {} --probe '{}'",
        program.display(),
        options.forks,
        options.probe
    );
    let rounds = if count > 200 {
        options.rounds.min(2)
    } else {
        options.rounds
    };
    for round in 0..=rounds {
        // The first round warms caches.
        let kept = round > 0;
        rows.time(&lab, "bare ssh2", kept, || Some(run(&lab, &bare)));
        rows.time(&lab, "transport", kept, || {
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
            None
        });
        for (name, command) in &options.again {
            rows.time(&lab, name, kept, || Some(run(&lab, command)));
            prove(options, &lab, name);
        }
        for (name, command) in &options.first {
            if kept {
                let fresh = Lab::plain(count);
                let _in = fresh.enter();
                rows.time(&fresh, name, kept, || Some(run(&fresh, command)));
                prove(options, &fresh, name);
            }
        }
    }
    rows.0
}

/// The last host that all take part in is the last but one of as many as an inventory may have: one is the director.
fn prove(options: &Options, lab: &Lab, name: &str) {
    let Some(proof) = &options.proof else {
        return;
    };
    let last = lab.hosts.len().min(999) - 1;
    for host in [&lab.hosts[0], &lab.hosts[last]] {
        let output = host.sh(proof);
        assert!(output.status.success(), "{name}: {}: {output:?}", host.name);
    }
}

fn bare_on_all(hosts: &Path, options: &Options) {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(options.forks)
        .build()
        .expect("threads");
    let home = PathBuf::from(std::env::var_os("HOME").expect("a home"));
    let key = home.join(".ssh/id_ed25519");
    let hosts = std::fs::read_to_string(hosts).expect("reads the hosts");
    let addresses: Vec<IpAddr> = hosts
        .lines()
        .map(|line| line.split_once(' ').expect("a name and an address").1)
        .map(|address| address.parse().expect("an address"))
        .collect();
    pool.install(|| {
        addresses
            .into_par_iter()
            .with_max_len(1)
            .for_each(|address| bare(&key, address, &options.probe));
    });
}

/// The least that a program does with the crate: one connection, one exec, its output.
fn bare(key: &Path, address: IpAddr, probe: &str) {
    let stream = TcpStream::connect((address, 22)).expect("connects");
    stream.set_nodelay(true).expect("an option");
    let mut session = ssh2::Session::new().expect("a session");
    session.set_tcp_stream(stream);
    session.handshake().expect("a handshake");
    session
        .userauth_pubkey_file("root", None, key, None)
        .expect("lets us in");
    let mut channel = session.channel_session().expect("a channel");
    channel.exec(probe).expect("starts");
    let mut text = String::new();
    channel.read_to_string(&mut text).expect("reads");
    channel.wait_close().expect("ends");
    assert!(text.contains("10.77."), "{text}");
}

fn run(lab: &Lab, command: &str) -> cost::Cost {
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
    let cost = lab.dir_file("cost");
    let output = Command::new(std::env::current_exe().expect("this program's file"))
        .arg("--measure")
        .arg(&cost)
        .arg(&command)
        .env("HOME", lab.home())
        .env_remove("XDG_STATE_HOME")
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
    cost::Cost::read(&cost)
}

fn sorted(figures: &[f64]) -> Vec<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

fn median(figures: &[f64]) -> Option<f64> {
    let sorted = sorted(figures);
    sorted.get(sorted.len() / 2).copied()
}

fn report(count: usize, rows: &[Row]) {
    println!(
        "{count} hosts, {} rounds",
        rows.first().map_or(0, |r| r.took.len())
    );
    println!(
        "{:24} {:>8} {:>8} {:>8} {:>8} {:>10} {:>10} {:>8}",
        "", "median", "least", "most", "CPU", "memory", "processes", "to bare"
    );
    let bare = rows.first().and_then(|row| median(&row.took));
    for row in rows {
        let took = sorted(&row.took);
        let last = took.len() - 1;
        let shown = |figure: Option<f64>, unit: &str| match figure {
            Some(figure) => format!("{figure:.2} {unit}"),
            None => "-".to_owned(),
        };
        println!(
            "{:24} {:>6.2} s {:>6.2} s {:>6.2} s {:>8} {:>10} {:>10} {:>8.2}",
            row.name,
            took[took.len() / 2],
            took[0],
            took[last],
            shown(median(&row.cpu), "s"),
            shown(median(&row.memory).map(|kib| kib / 1024.0), "MiB"),
            median(&row.processes).unwrap_or(f64::NAN),
            took[took.len() / 2] / bare.unwrap_or(f64::NAN)
        );
    }
    println!();
}
