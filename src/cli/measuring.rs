//! The arguments of the verbs that measure, repeat and disturb.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::Format;
use super::duration::{duration, time_of_day};

#[derive(Debug, Args)]
pub struct ProbeArgs {
    /// The service's name in the inventory
    pub service: String,
    /// Requests of all clients together; 100 without --rate
    #[arg(short = 'n', long, value_name = "N", conflicts_with_all = ["rate", "time"], value_parser = clap::value_parser!(u64).range(1..))]
    pub requests: Option<u64>,
    /// Requests per second of all clients together, whether answers come or not
    #[arg(long, value_name = "R", value_parser = rate)]
    pub rate: Option<f64>,
    /// With --rate: for this time, such as 30s or 5m
    #[arg(id = "time", long = "for", value_name = "DURATION", requires = "rate", default_value = "10s", value_parser = duration)]
    pub time: Duration,
    /// Requests at a time of each client; 1 without --rate, else as many as it takes up to 500
    #[arg(short, long, value_name = "C", value_parser = clap::value_parser!(u16).range(1..=500))]
    pub concurrency: Option<u16>,
    /// Ask from these hosts, separated by commas; `-` is this machine. Without it, all hosts of the role client
    #[arg(
        long,
        value_name = "HOST",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    pub from: Vec<String>,
    /// The page to ask for, in place of that of the service's `check`
    #[arg(long, value_name = "PATH")]
    pub path: Option<String>,
    /// The port, where the service has several
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// The VIP, where the service has several
    #[arg(long, value_name = "ADDRESS")]
    pub vip: Option<IpAddr>,
    /// Send many requests over one connection
    #[arg(long)]
    pub keepalive: bool,
    /// A request without an answer for this time is lost
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = duration)]
    pub timeout: Duration,
    /// Show the result so far every second
    #[arg(short, long)]
    pub watch: bool,
    /// Send more than 100000 requests, or more than 1000 a second
    #[arg(short, long)]
    pub yes: bool,
    /// How results are written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

fn rate(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok();
    number
        .filter(|n| (0.01..=100_000.0).contains(n))
        .ok_or_else(|| "expected requests per second, from 0.01 to 100000".to_owned())
}

#[derive(Debug, Args)]
pub struct WatchArgs {
    /// Time from one round to the next, such as 30s or 5m
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = duration)]
    pub every: Duration,
    /// End after N rounds
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// Run this by sh when something is new or gone; it gets the change as JSON on its standard input
    #[arg(long, value_name = "COMMAND")]
    pub on_change: Option<String>,
    /// Post the change as JSON to this URL by curl; `env:NAME` and `file:PATH` keep a secret URL out of argument lists
    #[arg(long, value_name = "URL")]
    pub webhook: Option<String>,
    /// Remember findings in this file: a later run reports what changed since
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Send no ARP requests and no requests to services
    #[arg(long)]
    pub no_traffic: bool,
    /// `json`: one JSON object a line for each change
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

#[derive(Debug, Args)]
pub struct TimerArgs {
    /// When, each day
    #[arg(long, value_name = "HH:MM", default_value = "02:30", value_parser = time_of_day)]
    pub at: String,
    /// Passed to `verify`: write a report to this file; may be given several times
    #[arg(long, value_name = "FILE")]
    pub report: Vec<String>,
    /// Run this by sh when something is new or gone since the night before, as `watch` does
    #[arg(long, value_name = "COMMAND")]
    pub on_change: Option<String>,
    /// How results are written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

#[derive(Debug, Subcommand)]
pub enum DrillCommand {
    /// Stop keepalived on the director that holds the VIPs, and start it again
    Failover {
        /// The director, which must hold VIPs; without it, the one that holds those of the service
        #[arg(long, value_name = "HOST")]
        director: Option<String>,
        #[command(flatten)]
        args: DrillArgs,
    },
    /// Drop packets to the services of a real server, as if it were gone
    RsLoss {
        /// The real server's host
        host: String,
        #[command(flatten)]
        args: DrillArgs,
    },
    /// The same on all real servers of a service: its sorry server answers
    AllRsLoss {
        /// The service's name
        name: String,
        #[command(flatten)]
        args: DrillArgs,
    },
    /// Drop VRRP between the directors for a time
    SplitBrain {
        #[command(flatten)]
        args: DrillArgs,
    },
    /// Reboot a host
    Reboot {
        /// The host's name
        host: String,
        #[command(flatten)]
        args: DrillArgs,
    },
}

#[derive(Debug, Args)]
pub struct DrillArgs {
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// The service that clients ask for meanwhile; without it, the first that is concerned
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
    /// Ask from these hosts; `-` is this machine. Without it, all hosts of the role client
    #[arg(
        long,
        value_name = "HOST",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    pub from: Vec<String>,
    /// Requests per second of each client
    #[arg(long, value_name = "R", default_value = "50", value_parser = super::measuring::rate)]
    pub rate: f64,
    /// A request without an answer for this time is lost
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = duration)]
    pub timeout: Duration,
    /// How long the disturbance lasts once its effect is there
    #[arg(id = "time", long = "for", value_name = "DURATION", default_value = "5s", value_parser = duration)]
    pub time: Duration,
    /// Exit status 7 when more requests are lost
    #[arg(long, value_name = "N")]
    pub max_lost: Option<u64>,
    /// Exit status 7 when clients get no answer for longer
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub max_gap: Option<Duration>,
    /// How results are written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

impl DrillCommand {
    pub fn args(&self) -> &DrillArgs {
        match self {
            Self::Failover { args, .. }
            | Self::RsLoss { args, .. }
            | Self::AllRsLoss { args, .. }
            | Self::SplitBrain { args }
            | Self::Reboot { args, .. } => args,
        }
    }
}
