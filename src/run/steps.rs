//! Runs steps of a plan on a host, reports each, and finds the one that failed. The order of the steps belongs in
//! [`crate::plan`], guards around them in [`super::guard`].

mod ip_batch;

use std::ops::Range;
use std::time::Instant;

use super::host::{HostRun, Run, timeout};
use super::host_error::HostError;
use super::lock::RELEASE_IN_STEP;
use super::question::nonce;
use crate::event::Event;
use crate::resource::change::Step;
use crate::secret;
use crate::transport::Output;

/// Maximum number of steps per script; an interrupt takes effect only after the script.
const MOST: usize = 50;

impl HostRun<'_> {
    /// Runs steps one after the other until one fails or the user interrupts.
    pub fn steps(&mut self, run: &Run, steps: &[Step]) -> Result<(), HostError> {
        self.steps_of(run, steps, 0..steps.len())
    }

    pub(super) fn steps_of(
        &mut self,
        run: &Run,
        steps: &[Step],
        part: Range<usize>,
    ) -> Result<(), HostError> {
        let mut rest = part.start..part.end.min(steps.len());
        while let Some(first) = steps.get(rest.start).filter(|_| !rest.is_empty()) {
            if run.cancel.is_cancelled() {
                return Err(HostError::Interrupted {
                    next: first.title.clone(),
                    done: rest.start,
                    of: steps.len(),
                });
            }
            let script = one_script(steps, rest);
            rest = script.end..part.end.min(steps.len());
            self.script_of(run, steps, script)?;
        }
        Ok(())
    }

    /// Runs the steps of one script.
    fn script_of(
        &mut self,
        run: &Run,
        steps: &[Step],
        part: Range<usize>,
    ) -> Result<(), HostError> {
        let (host, of) = (self.host.name.clone(), steps.len());
        for index in part.clone() {
            run.sink.event(&Event::Step {
                host: host.clone(),
                number: index + 1,
                of,
                title: steps[index].title.clone(),
            });
        }
        let started = Instant::now();
        let marker = nonce();
        let (renew, most) = self
            .guard
            .before_step(&run.cluster.name, timeout(self.host));
        let text = script(&steps[part.clone()], &marker);
        let text = secret::reveal(&text, run.secrets)?;
        let output = self
            .shell
            .run(&format!("{RELEASE_IN_STEP}{renew}{}", text.as_str()), most)
            .map_err(|source| HostError::Transport {
                doing: match part.len() {
                    1 => steps[part.start].title.clone(),
                    len => format!("{} and {} more steps", steps[part.start].title, len - 1),
                },
                // How many steps of a script are done is not known.
                step: (part.len() == 1).then_some(part.start),
                source: Box::new(source),
            })?;
        let (done, output) = read(output, &marker, part.len());
        for (index, step) in steps.iter().enumerate().skip(part.start).take(done) {
            run.sink.event(&Event::StepDone {
                host: host.clone(),
                number: index + 1,
                of,
                title: step.title.clone(),
                seconds: started.elapsed().as_secs_f64(),
            });
        }
        let Some(failed) = part.clone().nth(done) else {
            return Ok(());
        };
        Err(HostError::Step {
            index: failed,
            title: steps[failed].title.clone(),
            status: output.status,
            stderr: if output.stderr.trim().is_empty() {
                output.stdout
            } else {
                output.stderr
            },
        })
    }
}

/// The first of the remaining steps, with those after it that join it: a shell and an answer take more of a host's time than
/// such a step.
fn one_script(steps: &[Step], rest: Range<usize>) -> Range<usize> {
    let joined = steps[rest.clone()].iter().take(MOST);
    let joined = joined.take_while(|step| step.joins).count();
    rest.start..rest.start + joined.max(1)
}

/// The text of one script, which prints the marker after each step. One process runs commands of ip(8) that follow one
/// another.
fn script(steps: &[Step], marker: &str) -> String {
    if let [step] = steps {
        return step.script.clone();
    }
    let mut text = String::new();
    let both_batch = |a: &Step, b: &Step| {
        ip_batch::line(&a.script).is_some() && ip_batch::line(&b.script).is_some()
    };
    for steps in steps.chunk_by(both_batch) {
        match steps {
            [step] => text.push_str(step.script.trim_end()),
            _ => text.push_str(&ip_batch::script(
                steps.iter().map(|step| step.script.as_str()),
            )),
        }
        text.push_str(&format!(
            "\nprintf '%s\\n'{}\n",
            format!(" {marker}").repeat(steps.len())
        ));
    }
    text
}

/// How many of `all` steps were done, and the output since the last marker.
fn read(mut output: Output, marker: &str, all: usize) -> (usize, Output) {
    if output.success() {
        return (all, output);
    }
    let marker = format!("{marker}\n");
    let done = output.stdout.matches(&marker).count() + ip_batch::done(&output.stderr);
    if let Some((_, last)) = output.stdout.rsplit_once(&marker) {
        output.stdout = last.to_owned();
    }
    (done.min(all - 1), output)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::resource::change::Phase;

    fn step(script: &str, joins: bool) -> Step {
        Step {
            joins,
            ..Step::new("one", script, Phase::Main)
        }
    }

    #[test]
    fn steps_that_join_share_a_script() {
        for (joins, expected) in [
            (&[true, true, true, false][..], &[0..3, 3..4][..]),
            (&[false, true, true, false], &[0..1, 1..3, 3..4]),
            (&[false, false], &[0..1, 1..2]),
            (&[true; MOST + 2], &[0..MOST, MOST..MOST + 2]),
            (&[], &[]),
        ] {
            let steps: Vec<Step> = joins.iter().map(|joins| step("true", *joins)).collect();
            let mut found = Vec::new();
            let mut at = 0;
            while at < steps.len() {
                let script = one_script(&steps, at..steps.len());
                at = script.end;
                found.push(script);
            }
            assert_eq!(found, expected, "{joins:?}");
        }
        // A part of the steps ends before the next one.
        let steps = [step("true", true), step("true", true)];
        assert_eq!(one_script(&steps, 0..1), 0..1);
    }

    #[test]
    fn commands_of_ip_run_in_one_process() {
        let scripts = [
            "printf 1",
            "ip addr add a",
            "ip -4 route replace b",
            "printf 2",
            "ip link set c",
        ];
        let steps = scripts.map(|text| step(text, true));
        assert_eq!(
            script(&steps, "m0"),
            "printf 1\nprintf '%s\\n' m0\n\
             ip -batch - <<'LVSCTL_END'\naddr add a\nroute replace b\nLVSCTL_END\n\nprintf '%s\\n' m0 m0\n\
             printf 2\nprintf '%s\\n' m0\nip link set c\nprintf '%s\\n' m0\n"
        );
    }

    /// Stands in for ip(8): fails at a line with `bad`.
    const IP: &str = "ip() { n=0; while read -r line; do n=$((n + 1)); case $line in *bad*) \
                      echo \"Command failed -:$n\" >&2; return 1;; esac; done; }\n";

    #[test]
    fn the_step_that_failed_is_found() {
        for (scripts, done, said) in [
            (&["true", "true", "true"][..], 3, ""),
            (&["false", "true"], 0, ""),
            (&["echo a", "echo b\nfalse", "echo c"], 1, "b\n"),
            (&["echo a", "[ ! -e / ] || exit 3"], 1, ""),
            (&["echo a\n\n", "$none"], 1, ""),
            (&["exit 4"], 0, ""),
            (
                &[
                    "echo a",
                    "ip addr add x",
                    "ip addr add bad",
                    "ip addr add y",
                ],
                2,
                "",
            ),
            (&["ip addr add x", "ip addr add y", "false"], 2, ""),
        ] {
            let steps: Vec<Step> = scripts.iter().map(|text| step(text, true)).collect();
            for shell in [&["dash"][..], &["bash", "--posix"], &["busybox", "sh"]] {
                let text = format!("set -eu\n{IP}{}", script(&steps, "m0"));
                let output = Command::new(shell[0])
                    .args(&shell[1..])
                    .args(["-c", &text])
                    .output()
                    .unwrap_or_else(|e| panic!("{}: {e}; apt-get install {0}", shell[0]));
                let output = Output {
                    status: output.status.code().unwrap_or(-1),
                    stdout: String::from_utf8(output.stdout).expect("text"),
                    stderr: String::from_utf8(output.stderr).expect("text"),
                };
                let (found, output) = read(output, "m0", steps.len());
                assert_eq!(found, done, "{scripts:?} {shell:?}");
                if done < steps.len() {
                    assert_eq!(output.stdout, said, "{scripts:?} {shell:?}");
                }
            }
        }
    }
}
