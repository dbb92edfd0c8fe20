//! The arguments of each verb.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand, ValueEnum};

use super::audit_format::{AuditFormat, ReportTo};
use super::guard::GuardArgs;
use super::serial::{BatchArgs, SerialArgs};
use crate::check::registry;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Validate the inventory, without contacting any host
    Check(CheckArgs),
    /// Show what `apply` would change, and change nothing
    Plan(PlanArgs),
    /// Bring the hosts into the desired state
    Apply(ApplyPlanArgs),
    /// Check the hosts, the cluster and the service end to end, and change nothing
    Verify(VerifyArgs),
    /// Show the runs of `apply` and `destroy` on this machine that changed hosts
    History(HistoryArgs),
    /// Explain a check of `verify`: its rule, the reason, the source, and the fix
    Explain(ExplainArgs),
    /// Remove lvsctl's resources and restore the previous state; packages stay
    Destroy(DestroyArgs),
    /// Start again what `stop` has stopped
    Start(StartArgs),
    /// Stop a node's part of the cluster until `start`, `apply` or its next boot; real servers are drained first
    Stop(StopArgs),
    /// Take a real server or a director out of service until `undrain`, over reloads, failed checks and reboots
    Drain(super::DrainArgs),
    /// Put a drained host back into service
    Undrain(super::UndrainArgs),
    /// Show services, real servers, connections and who is master
    Status(StatusArgs),
    /// Send requests to a service as its clients do, and show who answered, how fast, and what was lost
    Probe(super::ProbeArgs),
    /// Repeat `verify`, and report what is new and what is gone
    Watch(super::WatchArgs),
    /// Print a systemd service and timer for a nightly `verify`; nothing is installed
    Timer(super::TimerArgs),
    /// Disturb the cluster, measure what clients notice, restore and verify it
    #[command(subcommand)]
    Drill(super::DrillCommand),
    /// Show the files and commands for a host, without contacting it
    Render(RenderArgs),
    /// Print the inventory's JSON Schema, for editors
    Schema(SchemaArgs),
    /// Print the completion script of a shell
    Completions(CompletionsArgs),
    /// Print the manual page, or write those of all commands
    Man(ManArgs),
    /// Run the inventory's hosts on this machine
    #[command(subcommand)]
    Lab(LabCommand),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
}

#[derive(Debug, Args)]
pub struct FormatArgs {
    /// How results are written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The inventory, in place of `-i`
    pub file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct PlanArgs {
    #[command(flatten)]
    pub format: FormatArgs,
    /// Continue without unreachable hosts
    #[arg(long)]
    pub ignore_unreachable: bool,
    /// Write the plan to this file too, for `lvsctl apply FILE`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub batches: BatchArgs,
}

#[derive(Debug, Args)]
pub struct ApplyPlanArgs {
    /// A plan of `lvsctl plan --out FILE`: make exactly these changes, without a question, or none if a host or the
    /// inventory changed
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub apply: ApplyArgs,
    #[command(flatten)]
    pub serial: SerialArgs,
}

#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// The runs that changed this host, with its changes
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// The runs on this cluster
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    #[command(flatten)]
    pub format: FormatArgs,
}

#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// `json`: one JSON object a line for everything that happens
    #[command(flatten)]
    pub format: FormatArgs,
    /// Continue without unreachable hosts
    #[arg(long)]
    pub ignore_unreachable: bool,
    /// Guard all changes: the host restores its old state after this time, unless lvsctl reaches it by a new connection and
    /// finds it in the desired state. Changes of lvsctl's own access to a host are always guarded, for 2 minutes
    #[arg(long, value_name = "MINUTES", value_parser = minutes)]
    pub confirm: Option<Duration>,
    #[command(flatten)]
    pub guard: GuardArgs,
}

#[derive(Debug, Args)]
pub struct DestroyArgs {
    #[command(flatten)]
    pub apply: ApplyArgs,
}

#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// How results are written to standard output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: AuditFormat,
    /// Write a report to this file too; its name's end is the format (.txt .json .xml .sarif .prom .md .html), or one is put
    /// before it: `junit:FILE`. May be given several times
    #[arg(long, value_name = "FILE", value_parser = ReportTo::parse)]
    pub report: Vec<ReportTo>,
    /// Send no ARP requests and no requests to services, not even from a real server to itself
    #[arg(long)]
    pub no_traffic: bool,
    /// Exit status 3 also if something is not proven
    #[arg(long, conflicts_with = "no_traffic")]
    pub strict: bool,
    /// Show what is new and what is gone since this report (of `--format json`); only new findings give exit status 3
    #[arg(long, value_name = "FILE")]
    pub since: Option<PathBuf>,
    /// Run only these checks, separated by commas; `lvsctl explain` lists them
    #[arg(long, value_name = "CHECK", value_delimiter = ',', value_parser = checks(), hide_possible_values = true)]
    pub only: Vec<String>,
    /// Leave these checks out, separated by commas
    #[arg(long, value_name = "CHECK", value_delimiter = ',', value_parser = checks(), hide_possible_values = true)]
    pub skip: Vec<String>,
}

/// Ids of checks, which shells complete.
fn checks() -> PossibleValuesParser {
    PossibleValuesParser::new(registry::ALL.iter().map(|check| check.id))
}

#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The check's id; without one all are listed
    #[arg(value_name = "CHECK", value_parser = checks(), hide_possible_values = true)]
    pub check: Option<String>,
    #[command(flatten)]
    pub format: FormatArgs,
}

#[derive(Debug, Args)]
pub struct StartArgs {
    #[command(flatten)]
    pub format: FormatArgs,
    /// Start directors even if real servers are not known to be ready
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
pub struct StopArgs {
    /// The whole cluster, where --limit names no hosts
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub format: FormatArgs,
    #[command(flatten)]
    pub guard: GuardArgs,
}

#[derive(Debug, Args)]
pub struct StatusArgs {
    /// How results are written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
    /// Repeat at this interval, until Ctrl-C
    #[arg(short, long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2", value_parser = seconds)]
    pub watch: Option<f64>,
    /// With --watch: end after N rounds
    #[arg(long, value_name = "N", requires = "watch", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// Show the connection table of IPVS too: by service, real server and state, with clients and persistence
    #[arg(long)]
    pub connections: bool,
    /// Show totals since the counters began, beside rates
    #[arg(long)]
    pub stats: bool,
    /// With --connections: this many clients and persistence templates
    #[arg(long, value_name = "N", requires = "connections", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub top: u32,
    /// With --connections: all clients and persistence templates
    #[arg(long, requires = "connections", conflicts_with = "top")]
    pub all: bool,
}

pub(super) fn seconds(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok();
    number
        .filter(|n| (0.1..=86_400.0).contains(n))
        .ok_or_else(|| "expected seconds from 0.1 to 86400".to_owned())
}

/// Minutes, or a time with its unit. Less than what it takes to connect would restore hosts that are well.
fn minutes(text: &str) -> Result<Duration, String> {
    let bare = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let time = super::duration::duration(&format!("{text}{}", if bare { "m" } else { "" }));
    let fits = |time: &Duration| (5..=86_400).contains(&time.as_secs());
    time.ok()
        .filter(fits)
        .ok_or_else(|| "expected minutes, such as 5, or a time of 5s to 1d".to_owned())
}

#[derive(Debug, Args)]
pub struct RenderArgs {
    /// The host's name
    pub host: String,
    /// The distribution that the host has; a run learns it from the host
    #[arg(long, value_name = "FAMILY", default_value = "debian")]
    pub os: Os,
    /// Write the files below this folder instead of showing them
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Put the secrets in, instead of `********`
    #[arg(long)]
    pub show_secrets: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Os {
    /// Debian, Ubuntu and derivatives
    Debian,
    /// RHEL, CentOS, Rocky, Alma, Fedora
    Rhel,
    /// openSUSE and SLES
    Suse,
    Alpine,
}

#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// For editors (JSON Schema) or for people
    #[arg(long, value_name = "FORMAT", default_value = "json")]
    pub format: SchemaFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaFormat {
    Json,
    Markdown,
}

#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell: for bash, the script belongs into ~/.local/share/bash-completion/completions/lvsctl
    pub shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write lvsctl.1 and a page for each command into this folder instead
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum LabCommand {
    /// Make the hosts and wait until they answer
    Up(LabUpArgs),
    /// Take everything away again
    Down(LabNameArgs),
    /// Show what runs
    Status(LabStatusArgs),
    /// Switch a host on that is off
    Start {
        #[command(flatten)]
        name: LabNameArgs,
        /// The host's name
        host: String,
    },
    /// Log in to a host
    Ssh {
        #[command(flatten)]
        name: LabNameArgs,
        /// The host's name
        host: String,
    },
    /// Run a command on a host; `-` is this machine's end of the lab
    Exec {
        #[command(flatten)]
        name: LabNameArgs,
        /// The host's name, or `-` for this machine's end of the lab
        host: String,
        /// The program and its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub struct LabNameArgs {
    /// Name of the lab, where it is not the cluster's
    #[arg(long)]
    pub name: Option<String>,
}

#[derive(Debug, Args)]
pub struct LabUpArgs {
    #[command(flatten)]
    pub name: LabNameArgs,
    /// `auto`: this machine's kernel where it has IPVS, else user-mode Linux where it starts, else QEMU
    #[arg(long, default_value = "auto")]
    pub kernel: LabKernel,
    /// The Debian release of hosts that name none: Debian 12 is bookworm, Debian 13 trixie
    #[arg(long, default_value = "bookworm")]
    pub suite: LabSuite,
    /// Leave a lab that failed to come up as it is, to be looked at
    #[arg(long)]
    pub keep: bool,
    /// Seconds that the lab may make no progress while its hosts boot
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=86400))]
    pub timeout: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LabKernel {
    Auto,
    Native,
    Uml,
    Qemu,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LabSuite {
    Bookworm,
    Trixie,
}

#[derive(Debug, Args)]
pub struct LabStatusArgs {
    #[command(flatten)]
    pub name: LabNameArgs,
    #[command(flatten)]
    pub format: FormatArgs,
}
