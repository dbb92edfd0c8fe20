//! Events on a terminal: a bar a host while it is worked on, a line of totals, and the lines worth keeping above.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::style::{Level, Style};
use super::{plain, sanitize};
use crate::event::{Event, Sink};

/// The most bars at a time. Further hosts appear only in the totals, and get a bar when another host is done.
pub const BARS: usize = 20;

const TICK: Duration = Duration::from_millis(150);
const WAITING: &str = "{spinner} {prefix} {wide_msg} {elapsed:>4}";
const STEPS: &str = "{spinner} {prefix} [{bar:16}] {pos:>2}/{len} {wide_msg} {elapsed:>4}";
const TOTALS: &str = "{spinner} {wide_msg}";

pub struct Progress {
    style: Style,
    tick: Option<Duration>,
    multi: MultiProgress,
    state: Mutex<State>,
}

/// Writes lines beside the bars; other output would be overwritten by their next redraw.
#[derive(Clone)]
pub struct Aside(MultiProgress);

impl Aside {
    /// Writes a line above the bars, where it stays.
    pub fn line(&self, line: &str) -> io::Result<()> {
        self.0.println(line)
    }

    /// Takes the bars away, for who is about to end the program.
    pub fn clear(&self) -> io::Result<()> {
        self.0.clear()
    }
}

#[derive(Default)]
struct State {
    what: String,
    /// The width of the longest host name so far.
    width: usize,
    hosts: BTreeMap<String, Host>,
    /// Hosts at work that have no bar yet, in the order in which they began.
    queue: Vec<String>,
    totals: Option<ProgressBar>,
}

#[derive(Default)]
struct Host {
    stand: Stand,
    bar: Option<ProgressBar>,
    /// Number and count of the step in hand.
    step: Option<(usize, usize)>,
    doing: String,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Stand {
    #[default]
    Waiting,
    Working,
    Done,
    Failed,
    Skipped,
}

impl Progress {
    /// Bars on standard error. None: bars cannot be drawn there or are not wanted; use [`plain::Plain`].
    pub fn stderr(style: Style) -> Option<Self> {
        let target = ProgressDrawTarget::stderr();
        if target.is_hidden() || style.quiet() {
            return None;
        }
        let mut progress = Self::on(target, style);
        progress.tick = Some(TICK);
        Some(progress)
    }

    /// On any target; it moves with events only.
    pub fn on(target: ProgressDrawTarget, style: Style) -> Self {
        Self {
            style,
            tick: None,
            multi: MultiProgress::with_draw_target(target),
            state: Mutex::default(),
        }
    }

    /// For who has something to say while bars are drawn, from any thread.
    pub fn aside(&self) -> Aside {
        Aside(self.multi.clone())
    }

    /// Takes the bars away while something else is written to the terminal.
    pub fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        self.multi.suspend(write)
    }

    /// Takes the bars away for good; the lines above stay.
    pub fn finish(&self) -> io::Result<()> {
        self.state().clear(&self.multi);
        self.multi.clear()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a line of an event above the bars, where the level asks for it.
    fn keep(&self, event: &Event, width: usize) {
        let kept = match event {
            Event::Done { .. }
            | Event::Failed { .. }
            | Event::Skipped { .. }
            | Event::Batch { .. }
            | Event::Verified { .. }
            | Event::Stopped { .. } => true,
            Event::Guarded { .. } | Event::Confirmed { .. } => !self.style.quiet(),
            // The bar shows them; kept lines say how long they took.
            Event::StepDone { .. } | Event::Probed { .. } => self.style.level == Level::Verbose,
            _ => false,
        };
        if let Some(line) = plain::line(event, width, self.style).filter(|_| kept) {
            // A terminal that is gone is found by whoever writes the results.
            let _ = self.multi.println(line);
        }
    }

    fn bar(&self, state: &State, name: &str) -> ProgressBar {
        let bar = ProgressBar::new_spinner().with_style(template(WAITING));
        let bar = match &state.totals {
            Some(totals) => self.multi.insert_before(totals, bar),
            None => self.multi.add(bar),
        };
        bar.set_prefix(format!("{:<1$}", sanitize::line(name), state.width));
        self.ticking(bar)
    }

    fn ticking(&self, bar: ProgressBar) -> ProgressBar {
        if let Some(tick) = self.tick {
            bar.enable_steady_tick(tick);
        }
        bar
    }

    fn begin(&self, state: &mut State, what: &str, hosts: &[String]) {
        state.clear(&self.multi);
        state.what = what.to_owned();
        let longest = hosts.iter().map(|host| host.chars().count()).max();
        state.width = state.width.max(longest.unwrap_or(0));
        state.hosts = hosts
            .iter()
            .map(|host| (host.clone(), Host::default()))
            .collect();
        if hosts.len() > 1 {
            let bar = ProgressBar::new_spinner().with_style(template(TOTALS));
            state.totals = Some(self.ticking(self.multi.add(bar)));
        }
    }

    /// What a host does now. It gets a bar when one is free.
    fn work(&self, state: &mut State, name: &str, doing: &str, step: Option<(usize, usize)>) {
        let host = state.hosts.entry(name.to_owned()).or_default();
        let began = host.stand != Stand::Working;
        (host.stand, host.step) = (Stand::Working, step);
        host.doing = sanitize::line(doing).into_owned();
        if began {
            state.queue.push(name.to_owned());
            self.give_bars(state);
        }
        if let Some(host) = state.hosts.get(name) {
            host.show();
        }
    }

    fn end(&self, state: &mut State, name: &str, stand: Stand) {
        let host = state.hosts.entry(name.to_owned()).or_default();
        host.stand = stand;
        if let Some(bar) = host.bar.take() {
            bar.finish_and_clear();
            self.multi.remove(&bar);
        }
        state.queue.retain(|waiting| waiting != name);
        self.give_bars(state);
        if state.hosts.values().all(|host| host.stand.ended()) {
            state.clear(&self.multi);
        }
    }

    fn give_bars(&self, state: &mut State) {
        let used = state.hosts.values().filter(|h| h.bar.is_some()).count();
        let free = BARS.saturating_sub(used).min(state.queue.len());
        let names: Vec<String> = state.queue.drain(..free).collect();
        for name in names {
            let bar = self.bar(state, &name);
            if let Some(host) = state.hosts.get_mut(&name) {
                host.bar = Some(bar);
                host.show();
            }
        }
    }
}

impl Sink for Progress {
    fn event(&self, event: &Event) {
        let state = &mut *self.state();
        self.keep(event, state.width);
        match event {
            Event::Started { what, hosts } => self.begin(state, what, hosts),
            Event::Stage { hosts } => self.begin(state, "apply", hosts),
            Event::Connecting { host } => self.work(state, host, "connecting", None),
            Event::Asking { host, what } => self.work(state, host, what, None),
            Event::Step {
                host,
                number,
                of,
                title,
            } => self.work(state, host, title, Some((number.saturating_sub(1), *of))),
            Event::StepDone {
                host,
                number,
                of,
                title,
                ..
            } => self.work(state, host, title, Some((*number, *of))),
            Event::Probed { host, .. } | Event::Paused { host, .. } | Event::Done { host, .. } => {
                self.end(state, host, Stand::Done);
            }
            Event::Failed { host, .. } => self.end(state, host, Stand::Failed),
            Event::Skipped { host, .. } => self.end(state, host, Stand::Skipped),
            Event::Finished => state.clear(&self.multi),
            Event::Warning(_)
            | Event::Guarded { .. }
            | Event::Confirmed { .. }
            | Event::Withheld(_)
            | Event::Batch { .. }
            | Event::Verified { .. }
            | Event::Stopped { .. }
            | Event::Refused { .. } => {}
        }
        state.total();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        let _ = self.finish();
    }
}

impl Stand {
    fn ended(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Skipped)
    }
}

impl Host {
    fn show(&self) {
        let Some(bar) = &self.bar else { return };
        if let Some((position, of)) = self.step {
            if bar.length() != Some(of as u64) {
                bar.set_style(template(STEPS));
                bar.set_length(of as u64);
            }
            bar.set_position(position as u64);
        }
        bar.set_message(self.doing.clone());
    }
}

impl State {
    fn clear(&mut self, multi: &MultiProgress) {
        let bars = self.hosts.values_mut().filter_map(|host| host.bar.take());
        for bar in bars.chain(self.totals.take()) {
            bar.finish_and_clear();
            multi.remove(&bar);
        }
        self.queue.clear();
    }

    /// Brings the line of totals up to date.
    fn total(&self) {
        let Some(bar) = &self.totals else { return };
        let number = |stand| self.hosts.values().filter(|h| h.stand == stand).count();
        let mut line = format!(
            "{}: {} of {} hosts done",
            self.what,
            number(Stand::Done),
            self.hosts.len()
        );
        for (stand, word) in [
            (Stand::Failed, "failed"),
            (Stand::Skipped, "skipped"),
            (Stand::Working, "at work"),
            (Stand::Waiting, "waiting"),
        ] {
            let number = number(stand);
            if number > 0 {
                line.push_str(&format!(", {number} {word}"));
            }
        }
        if !self.queue.is_empty() {
            line.push_str(&format!(" ({} not shown)", self.queue.len()));
        }
        bar.set_message(line);
    }
}

/// Only ASCII: not every terminal has more.
fn template(text: &str) -> ProgressStyle {
    ProgressStyle::with_template(text)
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .tick_chars("-\\|/ ")
        .progress_chars("=> ")
}
