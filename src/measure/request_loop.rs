//! A request loop that runs on a host, as its caller holds it: started, read from time to time, ended.

use std::time::{Duration, Instant};

use super::read::Output;
use super::script::{self, Pace};
use super::target::Target;
use crate::check::Vantage;
use crate::run::HostError;

/// How often a loop that ends is looked at.
const TICK: Duration = Duration::from_millis(100);

pub(crate) struct RequestLoop<'r, 'h> {
    from: Vantage<'r, 'h>,
    pub output: Output,
    /// When it began, to the time of a round trip.
    pub began: Instant,
    timeout: Duration,
}

impl<'r, 'h> RequestLoop<'r, 'h> {
    pub(crate) fn start(
        mut from: Vantage<'r, 'h>,
        target: &Target,
        pace: &Pace,
    ) -> Result<Self, HostError> {
        let printed = from.in_shell("starting requests", &script::start(target, pace))?;
        let mut this = Self {
            from,
            output: Output::default(),
            began: Instant::now(),
            timeout: Duration::from_secs_f64(pace.timeout),
        };
        this.output.take(&printed.stdout);
        this.read()?;
        if !this.output.begun && this.output.failure.is_none() {
            this.output.failure =
                Some("the request loop did not begin within 10 seconds".to_owned());
        }
        Ok(this)
    }

    pub(crate) fn name(&self) -> &str {
        self.from.name()
    }

    /// Reads what it has printed meanwhile.
    pub(crate) fn read(&mut self) -> Result<(), HostError> {
        let printed = self.from.in_shell("reading answers", script::READ)?;
        let now = Instant::now();
        self.output.take(&printed.stdout);
        // Requests that have ended by now are an upper bound for the start of the loop.
        let last = self.output.samples.iter().rev().take(50);
        let last = last.map(super::Sample::end).fold(0.0, f64::max);
        if let Some(latest) = now.checked_sub(Duration::from_secs_f64(last)) {
            self.began = self.began.min(latest);
        }
        Ok(())
    }

    /// Ends the loop; waits for the requests in progress.
    pub(crate) fn stop(&mut self) -> Result<(), HostError> {
        self.from.in_shell("ending requests", script::STOP)?;
        let end = Instant::now() + self.timeout + Duration::from_secs(5);
        loop {
            self.read()?;
            if self.output.ended || self.output.failure.is_some() || Instant::now() > end {
                break;
            }
            std::thread::sleep(TICK);
        }
        self.from.in_shell("ending requests", script::CLOSE)?;
        Ok(())
    }
}
