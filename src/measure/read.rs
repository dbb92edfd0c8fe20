//! Reads what the request loop prints, piece by piece as it comes. Pure.

/// The result of one request. Times are seconds since the loop began.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub at: f64,
    pub seconds: f64,
    /// None: no answer. 1: a connection that was accepted, or a datagram that was answered.
    pub status: Option<u16>,
    /// Why there is no answer: a word, and after a colon what the system said.
    pub error: String,
    /// The first line of the answer.
    pub who: String,
    /// Whether the request had a new connection.
    pub fresh: bool,
}

impl Sample {
    /// When it was over.
    pub(crate) fn end(&self) -> f64 {
        self.at + self.seconds
    }
}

/// What a loop has printed so far.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Output {
    /// The incomplete last line.
    rest: String,
    pub samples: Vec<Sample>,
    pub begun: bool,
    pub ended: bool,
    /// Why it could not begin.
    pub failure: Option<String>,
}

impl Output {
    pub(crate) fn take(&mut self, text: &str) {
        self.rest.push_str(text);
        while let Some((line, rest)) = self.rest.split_once('\n') {
            let (line, rest) = (line.to_owned(), rest.to_owned());
            self.rest = rest;
            self.line(&line);
        }
    }

    fn line(&mut self, line: &str) {
        let Some(rest) = line.strip_prefix("@lvsctl-loop ") else {
            return;
        };
        match rest.trim_end() {
            "begin" => self.begun = true,
            "end" => self.ended = true,
            _ if rest.starts_with("at=") => self.samples.extend(sample(rest)),
            words => self.failure = Some(words.to_owned()),
        }
    }
}

fn sample(rest: &str) -> Option<Sample> {
    let (result, who) = rest.split_once('\t').unwrap_or((rest, ""));
    let (words, error) = result.split_once(" err=").unwrap_or((result, ""));
    let field = |name: &str| words.split(' ').find_map(|word| word.strip_prefix(name));
    let number = |name: &str| {
        let number = field(name)?.parse::<f64>().ok()?;
        (number.is_finite() && number >= 0.0).then_some(number)
    };
    let exit = number("exit=").map_or(0, |exit| exit as u16);
    let status = field("code=").and_then(|code| code.parse::<u16>().ok());
    let status = status.filter(|code| *code != 0 && exit == 0);
    let error = match error.trim() {
        _ if status.is_some() => String::new(),
        _ if exit != 0 => of_curl(exit, error),
        "" => "timeout".to_owned(),
        error => error.to_owned(),
    };
    Some(Sample {
        at: number("at=")?,
        seconds: number("took=").or_else(|| Some(number("ms=")? / 1000.0))?,
        status,
        error,
        who: who.trim().to_owned(),
        fresh: field("new=") != Some("0"),
    })
}

/// The word for an exit status of curl(1). One that has several reasons says which in its message.
fn of_curl(exit: u16, message: &str) -> String {
    let says = |text: &str| message.contains(text);
    let word = match exit {
        7 | 56 if says("refused") => "refused",
        7 if says("No route") || says("unreachable") => "unreachable",
        7 | 56 if says("reset") => "reset",
        7 => "refused",
        28 => "timeout",
        18 | 52 => "closed",
        55 | 56 => "reset",
        35 | 60 => "tls",
        _ => return format!("other: {}", message.trim()),
    };
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_lines_are_put_together() {
        let text = "@lvsctl-loop begin\n@lvsctl-loop at=0.02 ms=11.5 code=200 new=1 err=\trs1\nnoise\n\
                    @lvsctl-loop at=0.04 ms=2000 code=000 new=1 err=timeout\t\n@lvsctl-loop end\n";
        for size in [1, 7, 40, 1000] {
            let mut output = Output::default();
            for piece in text.as_bytes().chunks(size) {
                output.take(std::str::from_utf8(piece).unwrap());
            }
            assert!(output.begun && output.ended && output.failure.is_none());
            assert_eq!(output.samples.len(), 2, "{size}");
            assert_eq!(output.samples[0].who, "rs1");
            assert!((output.samples[1].end() - 2.04).abs() < 1e-9);
        }
        let mut output = Output::default();
        output.take("@lvsctl-loop no clock\n");
        assert_eq!(output.failure.as_deref(), Some("no clock"));
    }

    #[test]
    fn each_loss_has_a_kind() {
        for (line, status, error, seconds) in [
            ("at=1.5 ms=2.0 code=404 new=0 err=\tx", Some(404), "", 0.002),
            (
                "at=1.5 ms=2.0 code=000 new=1 err=refused\t",
                None,
                "refused",
                0.002,
            ),
            (
                "at=1.5 ms=90 took=0.04 code=200 exit=0 err=\trs1",
                Some(200),
                "",
                0.04,
            ),
            (
                "at=1.5 ms=90 took=2.0 code=000 exit=28 err=Connection timed out\t",
                None,
                "timeout",
                2.0,
            ),
            (
                "at=1.5 ms=10 code=000 exit=7 err=Failed to connect: Connection refused\t",
                None,
                "refused",
                0.01,
            ),
            (
                "at=1.5 ms=10 code=000 exit=7 err=No route to host\t",
                None,
                "unreachable",
                0.01,
            ),
            (
                "at=1.5 ms=10 code=200 exit=18 err=transfer closed\tpart",
                None,
                "closed",
                0.01,
            ),
            (
                "at=1.5 ms=10 code=000 exit=3 err=bad URL\t",
                None,
                "other: bad URL",
                0.01,
            ),
            ("at=1.5 ms=10 code=000 exit= err=\t", None, "timeout", 0.01),
        ] {
            let found = sample(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(
                (found.status, found.error.as_str()),
                (status, error),
                "{line}"
            );
            assert!((found.seconds - seconds).abs() < 1e-9, "{line}");
        }
        for line in [
            "at=x ms=1 code=200 err=",
            "ms=1",
            "at=-1 ms=1 code=200 err=",
            "",
        ] {
            assert_eq!(sample(line), None, "{line}");
        }
    }
}
