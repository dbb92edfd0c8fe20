//! The summary of a series of requests: answers by host and status, losses by kind, percentiles of latency, and the longest
//! gap between answers. Pure.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Sample;

/// A stretch of time, in seconds since the loop began: requests that began in it count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    pub from: f64,
    pub to: f64,
}

impl Window {
    pub const ALL: Self = Self {
        from: 0.0,
        to: f64::INFINITY,
    };
}

/// The longest time without an answer: it ends with an answer, or with the last request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Gap {
    pub from: f64,
    pub to: f64,
    pub seconds: f64,
}

/// In milliseconds, of requests that were answered.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Latency {
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub max: f64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Summary {
    pub sent: u64,
    pub answered: u64,
    /// Without an answer.
    pub lost: u64,
    /// Answered, and not with an accepted status.
    pub wrong: u64,
    /// From the first request to the end of the last.
    pub seconds: f64,
    pub connections: u64,
    /// By name of the host; empty: the answer does not name one.
    pub answered_by: BTreeMap<String, u64>,
    pub statuses: BTreeMap<u16, u64>,
    /// Losses by kind.
    pub errors: BTreeMap<String, u64>,
    pub latency_ms: Option<Latency>,
    pub longest_gap: Gap,
    /// When the first and the last request that was lost began.
    pub first_lost: Option<f64>,
    pub last_lost: Option<f64>,
}

impl Summary {
    /// `is_host` knows names that answers may begin with, `is_right` accepted statuses.
    pub(crate) fn of(
        samples: &[Sample],
        window: Window,
        is_host: impl Fn(&str) -> bool,
        is_right: impl Fn(u16) -> bool,
    ) -> Self {
        let within = |s: &&Sample| s.at >= window.from && s.at < window.to;
        let all = samples;
        let samples: Vec<&Sample> = all.iter().filter(within).collect();
        let mut summary = Self {
            sent: samples.len() as u64,
            ..Self::default()
        };
        let mut latencies = Vec::new();
        for sample in &samples {
            summary.connections += u64::from(sample.fresh);
            let Some(status) = sample.status else {
                summary.lost += 1;
                *summary.errors.entry(sample.error.clone()).or_default() += 1;
                let first = summary.first_lost.get_or_insert(sample.at);
                *first = first.min(sample.at);
                let last = summary.last_lost.get_or_insert(sample.at);
                *last = last.max(sample.at);
                continue;
            };
            summary.answered += 1;
            summary.wrong += u64::from(!is_right(status));
            let who = if is_host(&sample.who) {
                sample.who.as_str()
            } else {
                ""
            };
            *summary.answered_by.entry(who.to_owned()).or_default() += 1;
            *summary.statuses.entry(status).or_default() += 1;
            latencies.push(sample.seconds * 1000.0);
        }
        latencies.sort_by(f64::total_cmp);
        summary.latency_ms = latency(&latencies);
        let begin = samples.iter().map(|s| s.at).fold(f64::INFINITY, f64::min);
        let end = samples.iter().map(|s| s.end()).fold(0.0, f64::max);
        if begin.is_finite() {
            summary.seconds = (end - begin).max(0.0);
            summary.longest_gap = longest_gap(all, window);
        }
        summary
    }

    /// Several series as one. Their clocks began at times of their own, so the longest gap is that of one of them.
    pub(crate) fn merged(parts: &[(&[Sample], Self)]) -> Self {
        let mut all = Self::default();
        let mut latencies = Vec::new();
        for (samples, part) in parts {
            all.sent += part.sent;
            all.answered += part.answered;
            all.lost += part.lost;
            all.wrong += part.wrong;
            all.connections += part.connections;
            all.seconds = all.seconds.max(part.seconds);
            for (who, n) in &part.answered_by {
                *all.answered_by.entry(who.clone()).or_default() += n;
            }
            for (status, n) in &part.statuses {
                *all.statuses.entry(*status).or_default() += n;
            }
            for (kind, n) in &part.errors {
                *all.errors.entry(kind.clone()).or_default() += n;
            }
            if part.longest_gap.seconds > all.longest_gap.seconds {
                all.longest_gap = part.longest_gap;
            }
            all.first_lost = [all.first_lost, part.first_lost]
                .into_iter()
                .flatten()
                .reduce(f64::min);
            all.last_lost = [all.last_lost, part.last_lost]
                .into_iter()
                .flatten()
                .reduce(f64::max);
            let answered = samples.iter().filter(|s| s.status.is_some());
            latencies.extend(answered.map(|s| s.seconds * 1000.0));
        }
        latencies.sort_by(f64::total_cmp);
        all.latency_ms = latency(&latencies);
        all
    }

    /// Requests per second that were sent.
    pub fn rate(&self) -> f64 {
        if self.seconds > 0.0 {
            self.sent as f64 / self.seconds
        } else {
            0.0
        }
    }
}

fn latency(sorted: &[f64]) -> Option<Latency> {
    Some(Latency {
        p50: percentile(sorted, 50)?,
        p90: percentile(sorted, 90)?,
        p99: percentile(sorted, 99)?,
        max: *sorted.last()?,
    })
}

/// The nearest rank: the least value that so many per cent of all do not exceed.
fn percentile(sorted: &[f64], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

/// Between the ends of two answers that follow each other, or from the first request, to the end of the last. It begins in
/// the window, or is cut off at the window's begin; it may end behind it.
fn longest_gap(samples: &[Sample], window: Window) -> Gap {
    let answered = samples.iter().filter(|s| s.status.is_some());
    let mut ends: Vec<f64> = answered.map(Sample::end).collect();
    ends.sort_by(f64::total_cmp);
    let lost = samples.iter().filter(|s| s.status.is_none());
    let last = lost.map(Sample::end).fold(f64::NEG_INFINITY, f64::max);
    // What was lost before a later answer is within the gap that this answer ends.
    if ends.last().is_none_or(|end| last > *end) && last.is_finite() {
        ends.push(last);
    }
    let mut gap = Gap::default();
    let mut before = samples.iter().map(|s| s.at).fold(f64::INFINITY, f64::min);
    for end in ends {
        let from = before.max(window.from);
        if before < window.to && end - from > gap.seconds {
            gap = Gap {
                from,
                to: end,
                seconds: end - from,
            };
        }
        before = before.max(end);
    }
    gap
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at: f64, ms: f64, status: Option<u16>, who: &str) -> Sample {
        Sample {
            at,
            seconds: ms / 1000.0,
            status,
            error: if status.is_none() {
                "timeout".into()
            } else {
                String::new()
            },
            who: who.to_owned(),
            fresh: true,
        }
    }

    fn of(samples: &[Sample], window: Window) -> Summary {
        Summary::of(
            samples,
            window,
            |who| who.starts_with("rs"),
            |status| status < 400,
        )
    }

    #[test]
    fn percentiles_are_nearest_ranks() {
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        for (values, percent, expected) in [
            (&[][..], 50, None),
            (&[7.0][..], 50, Some(7.0)),
            (&[7.0][..], 99, Some(7.0)),
            (&[1.0, 2.0][..], 50, Some(1.0)),
            (&[1.0, 2.0, 3.0][..], 50, Some(2.0)),
            (&[1.0, 2.0, 3.0][..], 90, Some(3.0)),
            (&hundred[..], 50, Some(50.0)),
            (&hundred[..], 90, Some(90.0)),
            (&hundred[..], 99, Some(99.0)),
        ] {
            assert_eq!(
                percentile(values, percent),
                expected,
                "{percent} of {values:?}"
            );
        }
    }

    #[test]
    fn the_longest_gap_is_between_answers() {
        let yes = |at: f64| sample(at, 10.0, Some(200), "rs1");
        let no = |at: f64, ms: f64| sample(at, ms, None, "");
        for (about, samples, window, from, to) in [
            ("nothing was sent", vec![], Window::ALL, 0.0, 0.0),
            (
                "steady",
                vec![yes(0.0), yes(0.2), yes(0.3)],
                Window::ALL,
                0.01,
                0.21,
            ),
            (
                "some are lost",
                vec![
                    yes(0.0),
                    no(0.1, 1000.0),
                    no(0.2, 1000.0),
                    yes(1.3),
                    yes(1.4),
                ],
                Window::ALL,
                0.01,
                1.31,
            ),
            (
                "an answer that came late ends it",
                vec![yes(0.0), sample(0.1, 900.0, Some(200), "rs1"), yes(1.3)],
                Window::ALL,
                0.01,
                1.0,
            ),
            (
                "nothing at the end",
                vec![yes(0.0), no(0.5, 2000.0)],
                Window::ALL,
                0.01,
                2.5,
            ),
            (
                "nothing at all",
                vec![no(0.2, 1000.0), no(0.4, 1000.0)],
                Window::ALL,
                0.2,
                1.4,
            ),
            (
                "a window begins without an answer",
                vec![
                    yes(0.0),
                    no(1.1, 500.0),
                    yes(3.0),
                    yes(4.5),
                    yes(5.5),
                    yes(9.0),
                ],
                Window { from: 1.0, to: 5.0 },
                1.0,
                3.01,
            ),
            (
                "an answer behind the window ends it",
                vec![yes(0.0), no(0.5, 1000.0), no(0.9, 1000.0), yes(1.2)],
                Window { from: 0.2, to: 1.0 },
                0.2,
                1.21,
            ),
        ] {
            let gap = of(&samples, window).longest_gap;
            let near = |a: f64, b: f64| (a - b).abs() < 1e-6;
            assert!(near(gap.from, from) && near(gap.to, to), "{about}: {gap:?}");
            assert!(near(gap.seconds, to - from), "{about}: {gap:?}");
        }
    }

    #[test]
    fn answers_and_losses_are_counted() {
        let samples = [
            sample(0.0, 1.0, Some(200), "rs1"),
            sample(0.1, 2.0, Some(200), "rs2"),
            sample(0.2, 3.0, Some(503), "<html>"),
            sample(0.3, 1000.0, None, ""),
        ];
        let all = of(&samples, Window::ALL);
        assert_eq!((all.sent, all.answered, all.lost, all.wrong), (4, 3, 1, 1));
        let by: Vec<(&str, u64)> = all
            .answered_by
            .iter()
            .map(|(w, n)| (w.as_str(), *n))
            .collect();
        assert_eq!(by, [("", 1), ("rs1", 1), ("rs2", 1)]);
        assert_eq!(all.errors["timeout"], 1);
        assert_eq!(all.statuses[&503], 1);
        assert_eq!(all.first_lost, Some(0.3));
        assert_eq!(all.latency_ms.map(|l| l.max), Some(3.0));
        let merged = Summary::merged(&[(&samples, all.clone()), (&samples, all)]);
        assert_eq!(
            (merged.sent, merged.lost, merged.answered_by["rs1"]),
            (8, 2, 2)
        );
        assert_eq!(merged.latency_ms.map(|l| l.p50), Some(2.0));
    }
}
