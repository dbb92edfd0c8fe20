//! How long the commands take that work on the inventory alone: `check`, and `render` of one host.
//!
//!     cargo bench --bench inventory -- --hosts 1000 --services 20
//!
//! Needs neither root nor a host.

#[path = "../tests/support/large.rs"]
mod large;

use std::process::{Command, Stdio};
use std::time::Instant;

use clap::Parser;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

#[derive(Parser)]
struct Options {
    #[arg(long, default_value_t = 1000)]
    hosts: usize,
    #[arg(long, default_value_t = 20)]
    services: usize,
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Another lvsctl than the one that was built with this.
    #[arg(long)]
    program: Option<String>,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let options = Options::parse();
    let program = options.program.as_deref();
    let program = program.unwrap_or(env!("CARGO_BIN_EXE_lvsctl"));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("large.yaml");
    std::fs::write(&file, large::inventory(options.hosts, options.services)).expect("writes");
    println!(
        "{} hosts, {} services, {} rounds",
        options.hosts, options.services, options.rounds
    );
    println!("{:16} {:>8} {:>8} {:>8}", "", "median", "least", "CPU");
    for arguments in [vec!["check"], vec!["render", "rs1"]] {
        let (mut took, mut used) = (Vec::new(), Vec::new());
        for _ in 0..options.rounds.max(1) {
            let (before, started) = (cpu(), Instant::now());
            let status = Command::new(program)
                .args(&arguments)
                .arg("-i")
                .arg(&file)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .expect("starts");
            took.push(started.elapsed().as_secs_f64());
            used.push(cpu() - before);
            assert!(status.success(), "{arguments:?}: {status}");
        }
        took.sort_by(f64::total_cmp);
        used.sort_by(f64::total_cmp);
        println!(
            "{:16} {:>6.2} s {:>6.2} s {:>6.2} s",
            arguments.join(" "),
            took[took.len() / 2],
            took[0],
            used[used.len() / 2]
        );
    }
    println!();
}

/// Of all children that have ended, in seconds.
fn cpu() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("getrusage(2)");
    let used = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    used as f64 / 1e6
}
