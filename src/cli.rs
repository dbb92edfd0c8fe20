//! The command line: what may be said, and its help. Nothing is done here.

mod arguments;
mod audit_format;
mod duration;
mod guard;
mod maintenance;
mod measuring;
mod serial;

pub use arguments::{
    ApplyArgs, ApplyPlanArgs, CheckArgs, Color, Command, CompletionsArgs, DestroyArgs, ExplainArgs,
    Format, FormatArgs, HistoryArgs, LabCommand, LabKernel, LabNameArgs, LabStatusArgs, LabSuite,
    LabUpArgs, ManArgs, Os, PlanArgs, RenderArgs, SchemaArgs, SchemaFormat, StartArgs, StatusArgs,
    StopArgs, VerifyArgs,
};
pub use guard::GuardArgs;
pub use maintenance::{DrainArgs, MaintenanceArgs, UndrainArgs, Until};
pub use measuring::{DrillArgs, DrillCommand, ProbeArgs, TimerArgs, WatchArgs};
pub use serial::{BatchArgs, SerialArgs};

pub use audit_format::{AuditFormat, ReportTo};

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser};

/// Deploys, verifies and operates LVS clusters over SSH, without an agent on their hosts.
#[derive(Debug, Parser)]
#[command(name = "lvsctl", version, long_version = LONG_VERSION, after_help = EXIT_CODES, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// What a command line says, the program's name first.
    pub fn read(args: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let mut command = command();
        let matches = command.try_get_matches_from_mut(args).map_err(suggest)?;
        let mut cli = Self::from_arg_matches(&matches).map_err(|e| e.format(&mut command))?;
        if let Command::Check(CheckArgs { file: Some(file) }) = &cli.command {
            // `-i` has a default, and stands before `check` or behind it: clap itself sees no conflict in all cases.
            let given = matches
                .subcommand_matches("check")
                .and_then(|check| check.value_source("inventory"));
            if given == Some(ValueSource::CommandLine) {
                let message =
                    "the inventory is named twice: by `-i` and by FILE; leave one of them away";
                return Err(command.error(ErrorKind::ArgumentConflict, message));
            }
            cli.global.inventory.clone_from(file);
        }
        if let Some((name, option)) = useless(&matches) {
            let message = format!(
                "`{name}` does nothing on the cluster's hosts: it has no use for `--{option}`"
            );
            return Err(command.error(ErrorKind::ArgumentConflict, message));
        }
        Ok(cli)
    }
}

/// Commands that work on no host of the cluster, and whether they read its inventory.
const WITHOUT_HOSTS: &[(&str, bool)] = &[
    ("check", true),
    ("explain", false),
    ("history", false),
    ("render", true),
    ("schema", false),
    ("completions", false),
    ("man", false),
    ("timer", true),
    ("lab", true),
];

/// Options about the work on hosts.
const OF_HOSTS: &[&str] = &["limit", "forks", "lab"];

/// The command line with its help: no command shows an option that it has no use for.
pub fn command() -> clap::Command {
    let mut command = Cli::command();
    // Each command gets the options that all share.
    command.build();
    for (name, inventory) in WITHOUT_HOSTS {
        command = command.mut_subcommand(name, |sub| without(sub, *inventory));
    }
    command
}

fn without(command: clap::Command, inventory: bool) -> clap::Command {
    let useless = |id: &str| OF_HOSTS.contains(&id) || (id == "inventory" && !inventory);
    let command = command.mut_args(|arg| {
        let hidden = arg.is_global_set() && useless(arg.get_id().as_str());
        if hidden { arg.hide(true) } else { arg }
    });
    command.mut_subcommands(|sub| without(sub, inventory))
}

/// What other programs call a command.
const SYNONYMS: &[(&str, &str)] = &[
    (
        "validate lint syntax syntax-check test-config configtest",
        "check",
    ),
    ("diff dry-run preview", "plan"),
    ("deploy install up run push sync converge", "apply"),
    ("test doctor audit", "verify"),
    ("bench benchmark ab curl ping", "probe"),
    ("monitor drift", "watch"),
    ("cron schedule", "timer"),
    ("chaos exercise", "drill"),
    ("describe why about", "explain"),
    ("remove uninstall delete down teardown purge", "destroy"),
    ("show list ls top info", "status"),
    ("log journal runs", "history"),
    ("template generate config", "render"),
    ("cordon depool disable maintenance", "drain"),
    ("uncordon pool enable", "undrain"),
    ("resume", "start"),
];

/// An error about an unknown command names the one that is meant.
fn suggest(mut error: clap::Error) -> clap::Error {
    // All checks would fill the screen: the nearest id is named, and a command lists them.
    let of_check =
        |kind| matches!(error.get(kind), Some(ContextValue::String(arg)) if arg.contains("CHECK"));
    if of_check(ContextKind::InvalidArg) {
        error.insert(ContextKind::ValidValue, ContextValue::Strings(Vec::new()));
        let hint = "`lvsctl explain` lists the checks";
        error.insert(
            ContextKind::Suggested,
            ContextValue::StyledStrs(vec![hint.into()]),
        );
    }
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else {
        return error;
    };
    let word = word.to_lowercase();
    let same = |words: &str| words.split(' ').any(|known| known == word);
    let meant = SYNONYMS.iter().find(|(words, _)| same(words));
    if let Some((_, name)) = meant {
        let name = ContextValue::Strings(vec![(*name).to_owned()]);
        error.insert(ContextKind::SuggestedSubcommand, name);
    }
    error
}

/// An option about the work on hosts that was given to a command that does none.
fn useless(matches: &ArgMatches) -> Option<(&str, &'static str)> {
    let (name, mut at) = matches.subcommand()?;
    if !WITHOUT_HOSTS.iter().any(|(known, _)| *known == name) {
        return None;
    }
    while let Some((_, below)) = at.subcommand() {
        at = below;
    }
    let given = |option: &&str| at.value_source(option) == Some(ValueSource::CommandLine);
    let option = OF_HOSTS.iter().copied().find(given)?;
    Some((name, option))
}

/// With the commit and its date, where the build knew them.
const LONG_VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), env!("LVSCTL_COMMIT"));

const EXIT_CODES: &str = "\
Exit status:
  0    done; nothing (more) to change; all checks pass
  1    a host failed on the way, or --serial ended before its last batch: see what was done
  2    plan: there are changes
  3    verify: there are findings; with --strict also: something is not proven
  4    the inventory, a role or a secret is not valid; nothing was contacted
  5    a host could not be worked on (unreachable, refused, locked); nothing was changed anywhere
  6    the lab could not be made or reached
  7    probe: requests were lost or answered wrongly; drill: a limit was exceeded
  8    apply FILE: a host or the inventory is not as it was when the plan was made; nothing was changed
  9    steps were withheld, since what they depend on was not seen to hold on other hosts
  64   the command line is not valid
  130  interrupted";

#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The cluster's inventory
    #[arg(
        short,
        long,
        global = true,
        value_name = "FILE",
        default_value = "inventory.yaml",
        env = "LVSCTL_INVENTORY"
    )]
    pub inventory: PathBuf,

    /// Only these hosts: names or roles, separated by commas
    #[arg(
        short,
        long,
        global = true,
        value_name = "HOSTS",
        value_delimiter = ','
    )]
    pub limit: Vec<String>,

    /// Hosts worked on at a time
    #[arg(short, long, global = true, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u16).range(1..=500))]
    pub forks: u16,

    /// Work from inside the inventory's lab on this machine (see `lvsctl lab up`)
    #[arg(long, global = true)]
    pub lab: bool,

    /// More words: steps as they begin, nothing cut short, connections counted
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// Only results, findings and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// When to colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names of the arguments of a command, and of those below it, that have no help.
    fn mute(command: &clap::Command, above: &str) -> Vec<String> {
        let name = format!("{above} {}", command.get_name());
        let own = command.get_arguments().filter(|a| a.get_help().is_none());
        let own = own.map(|a| format!("{name}: {}", a.get_id()));
        let below = command.get_subcommands().flat_map(|sub| mute(sub, &name));
        own.chain(below).collect()
    }

    #[test]
    fn every_argument_has_a_help() {
        assert_eq!(mute(&Cli::command(), ""), [""; 0]);
    }

    #[test]
    fn an_unknown_check_names_the_nearest_and_the_list() {
        for words in [
            "lvsctl verify --only lr0",
            "lvsctl verify --skip drift,lr0",
            "lvsctl explain lr0",
        ] {
            let error = read(words).unwrap_err();
            assert!(error.use_stderr());
            let error = error.to_string();
            assert!(error.contains("'lro'"), "{words}: {error}");
            assert!(error.contains("`lvsctl explain` lists"), "{words}: {error}");
            assert!(!error.contains("arp-announce"), "{words}: {error}");
        }
        for words in [
            "lvsctl verify --only lro,drift --skip drift",
            "lvsctl explain",
            "lvsctl explain lro",
        ] {
            assert!(read(words).is_ok(), "{words}");
        }
    }

    #[test]
    fn stop_alone_asks_for_all() {
        assert!(read("lvsctl stop --all").is_ok());
        assert!(read("lvsctl start --all").is_err());
    }

    #[test]
    fn what_works_on_no_host_takes_no_word_about_hosts() {
        for (words, well) in [
            ("lvsctl --limit rs1 plan", true),
            ("lvsctl check --limit rs1", false),
            ("lvsctl --lab render rs1", false),
            ("lvsctl lab up --limit rs1", false),
            ("lvsctl --forks 3 lab down", false),
            ("lvsctl lab exec rs1 ip --limit", true),
            ("lvsctl lab up -i a.yaml", true),
        ] {
            assert_eq!(read(words).is_ok(), well, "{words}");
        }
    }

    /// Their help has none either.
    #[test]
    fn no_help_has_an_option_that_is_refused() {
        for (words, own, absent) in [
            ("check", "--inventory", OF_HOSTS),
            ("render", "--output", OF_HOSTS),
            ("lab up", "--kernel", OF_HOSTS),
            ("lab", "--inventory", OF_HOSTS),
            (
                "schema",
                "--format",
                &["limit", "forks", "lab", "inventory"],
            ),
            ("man", "--output", &["limit", "forks", "lab", "inventory"]),
            ("plan", "--limit", &[]),
        ] {
            let help = read(&format!("lvsctl {words} --help"))
                .unwrap_err()
                .to_string();
            assert!(help.contains(own), "{words}: {help}");
            for option in absent {
                assert!(!help.contains(&format!("--{option}")), "{words}: {help}");
            }
        }
    }

    #[test]
    fn words_of_other_programs_name_a_command() {
        for (word, name) in [
            ("validate", "check"),
            ("Validate", "check"),
            ("deploy", "apply"),
            ("diff", "plan"),
            ("chekc", "check"),
        ] {
            let error = read(&format!("lvsctl {word}")).unwrap_err().to_string();
            assert!(error.contains(&format!("'{name}'")), "{word}: {error}");
        }
        let command = command();
        for (words, name) in SYNONYMS {
            assert!(command.find_subcommand(name).is_some(), "{name}");
            for word in words.split(' ') {
                assert!(command.find_subcommand(word).is_none(), "{word}");
            }
        }
    }

    fn read(words: &str) -> Result<Cli, clap::Error> {
        Cli::read(words.split(' ').map(OsString::from))
    }

    #[test]
    fn check_takes_its_file_in_two_ways() {
        for (words, inventory) in [
            ("lvsctl check a.yaml", Some("a.yaml")),
            ("lvsctl check -i a.yaml", Some("a.yaml")),
            ("lvsctl -i a.yaml check", Some("a.yaml")),
            ("lvsctl -i a.yaml check b.yaml", None),
            ("lvsctl check -i a.yaml b.yaml", None),
            ("lvsctl check a.yaml b.yaml", None),
            ("lvsctl plan a.yaml", None),
        ] {
            let found = read(words).ok().map(|cli| cli.global.inventory);
            assert_eq!(found, inventory.map(PathBuf::from), "{words}");
        }
        let error = read("lvsctl -i a.yaml check b.yaml").unwrap_err();
        assert!(error.to_string().contains("named twice"), "{error}");
    }
}
