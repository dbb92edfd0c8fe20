//! Output of commands: results to standard output, progress to standard error.

use std::io::{self, IsTerminal, Stderr, Stdout, Write};
use std::sync::{Mutex, PoisonError};

use crate::cli::{Format, Global};
use crate::event::{Event, Sink};
use crate::exit::Exit;
use crate::report::json::Json;
use crate::report::plain::Plain;
use crate::report::progress::{Aside, Progress};
use crate::report::{Level, Style};

use super::{Failure, Result, context};

/// The progress bars on the terminal, for messages from outside of the run, such as of the signal handler.
static BARS: Mutex<Option<Aside>> = Mutex::new(None);

fn bars() -> Option<Aside> {
    let bars = BARS.lock().unwrap_or_else(PoisonError::into_inner);
    bars.clone()
}

fn set_bars(aside: Option<Aside>) {
    *BARS.lock().unwrap_or_else(PoisonError::into_inner) = aside;
}

/// Writes a line to standard error, above the bars where there are any.
pub(super) fn aside(line: &str) {
    let written = bars().is_some_and(|bars| bars.line(line).is_ok());
    if !written {
        eprintln!("{line}");
    }
}

/// Writes the last line before the program exits at once.
pub(super) fn last_words(line: &str) {
    if let Some(bars) = bars() {
        let _ = bars.clear();
    }
    eprintln!("{line}");
}

/// Shows events in the format of the command line.
pub(super) enum Reporter {
    Progress(Progress),
    Plain(Plain<Stderr>),
    /// JSON lines are a requested result, so they go to standard output.
    Json(Json<Stdout>),
    Silent,
}

impl Reporter {
    pub(super) fn new(global: &Global, format: Format) -> Self {
        if format == Format::Json {
            return Self::Json(Json::new(io::stdout()));
        }
        let style = style(global, &io::stderr());
        match Progress::stderr(style) {
            Some(progress) => {
                set_bars(Some(progress.aside()));
                Self::Progress(progress)
            }
            None => Self::Plain(Plain::new(io::stderr(), style)),
        }
    }

    /// Removes the progress bars. Errors of the writer are ignored, since the run is over.
    pub(super) fn finish(self) {
        set_bars(None);
        let _ = match self {
            Self::Progress(progress) => progress.finish(),
            Self::Plain(plain) => plain.finish().map(drop),
            Self::Json(json) => {
                json.event(&Event::Finished);
                json.finish().map(drop)
            }
            Self::Silent => Ok(()),
        };
    }

    /// Lets something else be written to the terminal.
    pub(super) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        match self {
            Self::Progress(progress) => progress.suspend(write),
            Self::Plain(_) | Self::Json(_) | Self::Silent => write(),
        }
    }
}

impl Sink for Reporter {
    fn event(&self, event: &Event) {
        match self {
            Self::Progress(sink) => sink.event(event),
            Self::Plain(sink) => sink.event(event),
            Self::Json(sink) => sink.event(event),
            Self::Silent => {}
        }
    }
}

pub(super) fn style(global: &Global, stream: &impl IsTerminal) -> Style {
    let level = if global.quiet {
        Level::Quiet
    } else if global.verbose > 0 {
        Level::Verbose
    } else {
        Level::Normal
    };
    Style {
        colour: context::colour(global, stream),
        level,
        width: None,
    }
}

/// Columns and lines of the terminal that standard output is, if it is one.
pub(super) fn terminal() -> Option<(usize, usize)> {
    let (columns, lines) = terminal_size::terminal_size_of(io::stdout())?;
    Some((usize::from(columns.0), usize::from(lines.0)))
}

/// Writes a result to standard output. If its reader has closed the pipe, the program ends without a message.
pub(super) fn show(
    global: &Global,
    write: impl FnOnce(&mut dyn Write, Style) -> io::Result<()>,
) -> Result<()> {
    let mut out = io::stdout().lock();
    let style = Style {
        width: terminal().map(|(columns, _)| columns),
        ..style(global, &io::stdout())
    };
    match write(&mut out, style).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Err(Failure::new(Exit::Failed, "")),
        Err(e) => Err(Failure::of(Exit::Failed, &e)),
    }
}
