//! The verbs of the command line, one module each. Only this layer prints, prompts and reads the environment; decisions
//! belong in the other modules.

mod apply;
mod check;
mod clients;
mod completions;
mod confirm;
mod connect;
mod context;
mod dependencies;
mod drain;
mod drill;
mod explain;
mod goal;
mod guarded;
mod history;
mod lab;
mod maintenance;
mod man;
mod notify;
mod output;
mod own_address;
mod plan;
mod probe;
mod render;
mod rolling;
mod saved;
mod schema;
mod secrets;
mod session;
mod since;
mod start_stop;
mod status;
mod timer;
mod verify;
mod vips;
mod watch;

use std::io::Write as _;

use crate::cli::{Cli, Command, Format, SerialArgs};
use crate::exit::Exit;

/// The early end of a command: a message and the exit status.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    /// Empty if everything was printed already.
    pub message: String,
    /// Stable identifier for scripts, more precise than the exit status.
    pub kind: Option<&'static str>,
}

impl Failure {
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            kind: None,
        }
    }

    fn kind(self, kind: &'static str) -> Self {
        Self {
            kind: Some(kind),
            ..self
        }
    }

    /// An error with its causes.
    pub fn of(exit: Exit, error: &dyn std::error::Error) -> Self {
        Self::new(
            exit,
            format!("error: {}\n", crate::report::error::chain(error)),
        )
    }
}

type Result<T> = std::result::Result<T, Failure>;

#[derive(serde::Serialize)]
struct Document<'a> {
    format: u32,
    error: ErrorOf<'a>,
}

#[derive(serde::Serialize)]
struct ErrorOf<'a> {
    kind: &'static str,
    message: &'a str,
}

/// For a verb whose result is a JSON document: prints a failure as one too, besides the text on standard error.
fn in_format(format: Format, done: Result<Exit>) -> Result<Exit> {
    if let (Format::Json, Err(failure)) = (format, &done) {
        let message = failure.message.trim();
        let document = Document {
            format: 1,
            error: ErrorOf {
                kind: failure.kind.unwrap_or(failure.exit.kind()),
                message: message.strip_prefix("error: ").unwrap_or(message),
            },
        };
        let text = serde_json::to_string_pretty(&document);
        let text = text.map_err(|e| Failure::of(Exit::Failed, &e))?;
        print(&format!("{}\n", crate::report::sanitize::json(&text)))?;
    }
    done
}

/// Runs the command of the command line.
pub fn run(cli: &Cli) -> Exit {
    let done = match &cli.command {
        Command::Check(_) => check::run(&cli.global),
        Command::Plan(args) => plan::run(&cli.global, args),
        Command::Apply(args) => apply::run(
            &cli.global,
            &args.apply,
            &args.serial,
            args.file.as_deref(),
            goal::Goal::Inventory,
        ),
        Command::History(args) => history::run(&cli.global, args),
        Command::Explain(args) => explain::run(&cli.global, args),
        Command::Destroy(args) => apply::run(
            &cli.global,
            &args.apply,
            &SerialArgs::default(),
            None,
            goal::Goal::Nothing,
        ),
        Command::Verify(args) => verify::run(&cli.global, args),
        Command::Start(args) => start_stop::run(
            &cli.global,
            &args.format,
            start_stop::Verb::Start { force: args.force },
        ),
        Command::Stop(args) => start_stop::run(
            &cli.global,
            &args.format,
            start_stop::Verb::Stop {
                all: args.all,
                guard: args.guard,
            },
        ),
        Command::Drain(args) => maintenance::drain(&cli.global, args),
        Command::Undrain(args) => maintenance::undrain(&cli.global, args),
        Command::Status(args) => status::run(&cli.global, args),
        Command::Probe(args) => probe::run(&cli.global, args),
        Command::Watch(args) => watch::run(&cli.global, args),
        Command::Timer(args) => timer::run(&cli.global, args),
        Command::Drill(command) => drill::run(&cli.global, command),
        Command::Render(args) => render::run(&cli.global, args),
        Command::Schema(args) => schema::run(args),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args),
        Command::Lab(command) => lab::run(&cli.global, command),
    };
    done.unwrap_or_else(|failure| {
        // There is no further stream for an error of standard error.
        let _ = anstream::stderr().write_all(failure.message.as_bytes());
        failure.exit
    })
}

/// Writes to standard output. A reader that has gone away ends the program in silence, as for any filter.
fn print(text: &str) -> Result<()> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Err(Failure::new(Exit::Failed, "")),
        Err(e) => Err(Failure::of(Exit::Failed, &e)),
    }
}
