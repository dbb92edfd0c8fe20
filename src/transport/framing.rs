//! Framing of scripts: markers around the output of each script on both streams, and their detection. Pure. The shell's
//! builtin printf prints the markers, so that framing starts no process.

use crate::shell::{command, quote};

/// Bounds what one script may print, and what it may be.
pub(super) const LIMIT: usize = 16 * 1024 * 1024;

/// This separates the scripts of one session from their output; it is random, so no output can hold it by chance or by
/// intent. It is always sent in two halves: a shell that echoes its input (`set -v`) does not print a marker.
#[derive(Clone)]
pub(super) struct Nonce(String);

impl Nonce {
    pub(super) fn random() -> std::io::Result<Self> {
        let mut bytes = [0u8; 16];
        getrandom::fill(&mut bytes).map_err(|e| std::io::Error::other(e.to_string()))?;
        Ok(Self(bytes.iter().map(|b| format!("{b:02x}")).collect()))
    }

    pub(super) fn marker(&self, kind: &str) -> Marker {
        Marker {
            first: format!("lvsctl:{}", self.0),
            second: format!("{kind}="),
        }
    }
}

#[derive(Clone)]
pub(super) struct Marker {
    first: String,
    second: String,
}

impl Marker {
    pub(super) fn text(&self) -> String {
        format!("{}:{}", self.first, self.second)
    }

    /// Shell text that prints the marker on standard output.
    pub(super) fn print(&self) -> String {
        format!(
            "printf %s:%s {} {}",
            quote(&self.first),
            quote(&self.second)
        )
    }

    fn print_with_status(&self) -> String {
        format!(
            "printf '%s:%s %s\\n' {} {} \"$lvsctl_status\"",
            quote(&self.first),
            quote(&self.second)
        )
    }
}

/// What every shell is given first: messages in one language, the tools of root in the search path, files that others
/// can read, and no death by a broken pipe (its handler is not inherited by children), so that EXIT traps run after
/// the controller is gone.
pub(super) const PREAMBLE: &str = "LC_ALL=C; export LC_ALL; PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin; export PATH; umask 022; trap : PIPE\n";

/// Where a script runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// `( set -eu; ... )`
    Subshell,
    /// The session's own shell. `command` keeps a syntax error from ending it.
    Shell,
}

/// The command line that sshd, or the local machine, is asked to start: the shell itself, or sudo with a prompt that
/// cannot be mistaken and a marker once root's shell is there. `env` gives sudo's messages in one language.
pub(super) fn launch(sudo: Option<SudoLaunch<'_>>) -> String {
    let Some(sudo) = sudo else {
        return "sh -s".to_owned();
    };
    let inner = format!("{}; exec sh -s", sudo.ready.print());
    let prompt = sudo.prompt.map(Marker::text);
    if sudo.terminal {
        return in_a_terminal(&inner, prompt.as_deref());
    }
    let how = match prompt {
        Some(prompt) => format!("-S -p {}", quote(&prompt)),
        None => "-n".to_owned(),
    };
    format!("env LC_ALL=C sudo {how} -- sh -c {}", quote(&inner))
}

pub(super) struct SudoLaunch<'a> {
    pub ready: &'a Marker,
    /// None where there is no password to give.
    pub prompt: Option<&'a Marker>,
    /// Whether sudo gets a controlling terminal, for `Defaults requiretty`.
    pub terminal: bool,
}

/// What the launcher prints where the host has nothing that makes a terminal.
pub(super) const NO_TERMINAL: &str = "no terminal: none of script, perl and python3 is there";

/// Opens a new pseudo-terminal as the controlling terminal of a child, which runs a shell command. Only the child uses
/// it; the parent waits for the child and ends with its status. One line each, without single quotes and backslashes.
const BY_PERL: &str = r#"sysopen(M,"/dev/ptmx",O_RDWR|O_NOCTTY)||die;my $n=pack("i",0);ioctl(M,0x40045431,$n)||die;ioctl(M,0x80045430,$n)||die;$n=unpack("i",$n);my $p=fork;unless($p){POSIX::setsid();sysopen(T,"/dev/pts/$n",O_RDWR)||die;exec "sh","-c",$ARGV[0]}waitpid $p,0;exit($?&127?128+($?&127):$?>>8)"#;
const BY_PYTHON: &str = r#"import os,pty,sys;p,f=pty.fork();p or os.execvp("sh",["sh","-c",sys.argv[1]]);s=os.waitpid(p,0)[1];os._exit(s&127 and 128+(s&127) or s>>8)"#;

/// sudo with a controlling terminal, and with the three streams that it has without one: `requiretty` asks whether
/// /dev/tty opens, not where the streams lead. So output stays apart and unchanged, and what is sent is not echoed.
///
/// The user's login shell reads this line first, be it fish or tcsh: words are quoted once, and hold no single quote.
fn in_a_terminal(inner: &str, prompt: Option<&str>) -> String {
    let how = if prompt.is_some() {
        r#"-S -p "$LVSCTL_PROMPT""#
    } else {
        "-n"
    };
    let sudo = format!(r#"exec sudo {how} -- sh -c "$LVSCTL_INNER" <&3 >&4 2>&5 3<&- 4>&- 5>&-"#);
    // script(1) runs its command by $SHELL, and reads its standard input: it gets none.
    let make = format!(
        r#"exec 3<&0 4>&1 5>&2 </dev/null >/dev/null 2>&1
if command -v script; then exec script -qec "$1" /dev/null; fi
if command -v perl && perl -MPOSIX -e1; then exec perl -MPOSIX -e "$2" "$1"; fi
if command -v python3; then exec python3 -c "$3" "$1"; fi
echo "{NO_TERMINAL}" >&5; exit 1"#
    )
    .replace('\n', "; ");
    let words = [
        "LC_ALL=C",
        "SHELL=/bin/sh",
        &format!("LVSCTL_PROMPT={}", prompt.unwrap_or_default()),
        &format!("LVSCTL_INNER={inner}"),
        "sh",
        "-c",
        &make,
        "sh",
        &sudo,
        BY_PERL,
        BY_PYTHON,
    ];
    format!("env {}", command(words))
}

/// A script with its markers. `eval` of a quoted word: whatever the script's text is, it cannot reach the frame.
pub(super) fn wrap(script: &str, place: Place, begin: &Marker, end: &Marker) -> String {
    // The blank: bash's eval would take a first word like `-n` as an option.
    let script = quote(&format!(" {script}\n"));
    let body = match place {
        Place::Subshell => format!("( set -eu\neval {script} ) </dev/null"),
        Place::Shell => format!("command eval {script} </dev/null"),
    };
    let start = begin.print();
    let finish = end.print_with_status();
    format!(
        "set +eu; {start}; {start} >&2\n{body}\nlvsctl_status=$?; set +eu; {finish}; {finish} >&2\n"
    )
}

/// One stream's bytes, searched for markers as they come.
#[derive(Default)]
pub(super) struct Capture {
    data: Vec<u8>,
    searched: usize,
}

impl Capture {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.data.extend_from_slice(bytes);
    }

    pub(super) fn len(&self) -> usize {
        self.data.len()
    }

    /// Also gives its memory back.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Where the marker begins. Each byte is looked at about once, however often this is called with one marker.
    pub(super) fn find(&mut self, marker: &str) -> Option<usize> {
        let from = self.searched.min(self.data.len());
        let found = memchr::memmem::find(self.data.get(from..)?, marker.as_bytes());
        match found {
            Some(at) => {
                self.searched = from + at;
                Some(from + at)
            }
            None => {
                self.searched = self.data.len().saturating_sub(marker.len()).max(from);
                None
            }
        }
    }

    /// Discards everything up to the end of the marker.
    pub(super) fn cut_through(&mut self, at: usize, marker: &str) {
        self.data.drain(..(at + marker.len()).min(self.data.len()));
        self.searched = 0;
    }

    /// The status that follows the end marker, once its line is whole.
    pub(super) fn status_at(&self, at: usize, marker: &str) -> Option<i32> {
        let rest = self.data.get(at + marker.len()..)?;
        let line = rest
            .split(|b| *b == b'\n')
            .next()
            .filter(|l| l.len() < rest.len())?;
        std::str::from_utf8(line).ok()?.trim().parse().ok()
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.data).into_owned()
    }

    /// What the script printed between its markers.
    pub(super) fn between(&self, begin: &str, end: usize) -> String {
        let data = self.data.get(..end).unwrap_or(&self.data);
        let from = memchr::memmem::find(data, begin.as_bytes()).map_or(0, |at| at + begin.len());
        String::from_utf8_lossy(data.get(from..).unwrap_or_default()).into_owned()
    }

    /// The end of what came, for an error: some lines, free of control characters and of markers.
    pub(super) fn tail(&self) -> String {
        tail(&self.text())
    }
}

const TAIL: usize = 1024;

pub(super) fn tail(text: &str) -> String {
    let mut clean: String = text
        .chars()
        .filter(|c| !c.is_control() || *c == '\n' || *c == '\t')
        .collect();
    while let Some(at) = clean.find("lvsctl:") {
        let end = clean
            .get(at..)
            .and_then(|rest| rest.find(|c: char| c.is_ascii_whitespace() || c == '='))
            .map_or(clean.len(), |n| at + n + 1);
        clean.replace_range(at..end, "");
    }
    let clean = clean.trim();
    let mut from = clean.len().saturating_sub(TAIL);
    while !clean.is_char_boundary(from) {
        from += 1;
    }
    clean.get(from..).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nonce() -> Nonce {
        Nonce("0123".to_owned())
    }

    #[test]
    fn the_text_that_is_sent_holds_no_marker() {
        let (begin, end) = (nonce().marker("1b"), nonce().marker("1e"));
        for place in [Place::Subshell, Place::Shell] {
            let text = wrap("echo it's", place, &begin, &end);
            assert!(
                !text.contains(&begin.text()) && !text.contains(&end.text()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_marker_in_pieces_is_found() {
        let marker = nonce().marker("1e").text();
        let whole = format!("some output{marker} 42\nmore");
        for cut in 0..whole.len() {
            let mut capture = Capture::default();
            let (a, b) = whole.as_bytes().split_at(cut);
            capture.push(a);
            let early = capture.find(&marker);
            capture.push(b);
            assert_eq!(
                capture.find(&marker),
                Some(11),
                "cut at {cut}, early {early:?}"
            );
            assert_eq!(capture.status_at(11, &marker), Some(42));
        }
    }

    #[test]
    fn a_status_needs_its_whole_line() {
        let marker = nonce().marker("1e").text();
        let mut capture = Capture::default();
        capture.push(format!("{marker} 12").as_bytes());
        assert_eq!(capture.status_at(0, &marker), None);
        capture.push(b"7\n");
        assert_eq!(capture.status_at(0, &marker), Some(127));
    }

    #[test]
    fn a_tail_is_short_and_clean() {
        let text = format!("{}\x1b[31mred\x07 lvsctl:0123:1b=end\n", "x".repeat(5000));
        let tail = tail(&text);
        assert!(tail.ends_with("[31mred end"), "{tail:?}");
        assert!(tail.len() <= TAIL);
    }

    #[test]
    fn launching() {
        assert_eq!(launch(None), "sh -s");
        let (ready, prompt) = (nonce().marker("ready"), nonce().marker("prompt"));
        let with = launch(Some(SudoLaunch {
            ready: &ready,
            prompt: Some(&prompt),
            terminal: false,
        }));
        assert_eq!(
            with,
            "env LC_ALL=C sudo -S -p lvsctl:0123:prompt= -- sh -c 'printf %s:%s lvsctl:0123 ready=; exec sh -s'"
        );
        let without = launch(Some(SudoLaunch {
            ready: &ready,
            prompt: None,
            terminal: false,
        }));
        assert!(without.starts_with("env LC_ALL=C sudo -n -- sh -c "));
    }

    /// fish takes a backslash in single quotes for an escape, and tcsh an exclamation mark for its history.
    #[test]
    fn every_login_shell_reads_the_launch_in_a_terminal_alike() {
        let (ready, prompt) = (nonce().marker("ready"), nonce().marker("prompt"));
        for prompt in [Some(&prompt), None] {
            let line = launch(Some(SudoLaunch {
                ready: &ready,
                prompt,
                terminal: true,
            }));
            assert!(!line.contains(['\\', '!', '\n']), "{line}");
            assert!(!line.contains(&ready.text()), "{line}");
        }
    }

    /// What a host prints, in pieces of any size. The markers are found where they are, and nothing else is taken for one.
    #[test]
    fn any_output_in_any_pieces() {
        use proptest::prelude::*;
        let nonce = nonce();
        let (begin, end) = (nonce.marker("begin").text(), nonce.marker("end").text());
        let pieces = prop_oneof![
            Just(begin.clone().into_bytes()),
            Just(end.clone().into_bytes()),
            Just(end.as_bytes()[..end.len() - 1].to_vec()),
            Just(b"lvsctl:".to_vec()),
            Just(b"0\n".to_vec()),
            Just(b"-1\n99999999999999\n".to_vec()),
            prop::collection::vec(any::<u8>(), 0..20),
        ];
        let output = prop::collection::vec(pieces, 0..12);
        proptest!(|(output in output, sizes in prop::collection::vec(1..9_usize, 1..8))| {
            let bytes = output.concat();
            let mut capture = Capture::default();
            let mut rest = bytes.as_slice();
            let mut found = None;
            for size in sizes.iter().cycle() {
                let (piece, more) = rest.split_at((*size).min(rest.len()));
                capture.push(piece);
                found = found.or_else(|| capture.find(&end));
                rest = more;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(found, memchr::memmem::find(&bytes, end.as_bytes()));
            if let Some(at) = found {
                let _ = capture.status_at(at, &end);
                let between = capture.between(&begin, at);
                prop_assert!(between.len() <= 3 * bytes.len());
                capture.cut_through(at, &end);
            }
            prop_assert!(capture.tail().len() <= TAIL);
            prop_assert!(!capture.tail().contains("lvsctl:"));
        });
    }
}
