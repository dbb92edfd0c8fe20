//! Notifies a program on this machine and a URL of a change. A failure is reported and ends nothing.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::cancel::CancelToken;
use crate::exit::Exit;
use crate::secret::{SecretSource, Secrets, variables};

use super::{Failure, Result, secrets};

/// The longest run of a program, which must end before the next round.
const PATIENCE: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_millis(50);

#[derive(Debug, Default)]
pub(super) struct Notify {
    command: Option<String>,
    url: Option<SecretString>,
    /// Variables of the environment with secrets, which the programs do not get.
    hidden: Vec<String>,
}

impl Notify {
    /// `webhook`: a URL, or where it is: `env:NAME`, `file:PATH`.
    pub(super) fn new(command: Option<&str>, webhook: Option<&str>) -> Result<Self> {
        let url = webhook.map(read_url).transpose()?;
        Ok(Self {
            command: command.map(str::to_owned),
            url,
            hidden: webhook
                .and_then(|webhook| webhook.strip_prefix("env:"))
                .map(str::to_owned)
                .into_iter()
                .collect(),
        })
    }

    /// Keeps the secrets of the inventory from the programs too.
    pub(super) fn hide(&mut self, secrets: &Secrets) {
        self.hidden.extend(variables(secrets).map(str::to_owned));
    }

    fn program(&self, name: &str) -> Command {
        let mut program = Command::new(name);
        for name in &self.hidden {
            program.env_remove(name);
        }
        program
    }

    /// Notifies all targets; returns the failures, one per line.
    pub(super) fn send(&self, json: &str, cancel: &CancelToken) -> Vec<String> {
        let mut failures = Vec::new();
        if let Some(command) = &self.command {
            let mut program = self.program("sh");
            program.args(["-c", command]);
            let done = run(program, json.as_bytes(), cancel);
            failures.extend(
                done.err()
                    .map(|why| format!("--on-change: `{command}`: {why}")),
            );
        }
        if let Some(url) = &self.url {
            // The configuration is read from standard input: neither URL nor text is in an argument list.
            let mut program = self.program("curl");
            program.args(["-q", "-K", "-"]);
            let done = run(program, configuration(url, json).as_bytes(), cancel);
            failures.extend(done.err().map(|why| format!("--webhook: curl: {why}")));
        }
        failures
    }
}

fn read_url(webhook: &str) -> Result<SecretString> {
    let wrong = |why: String| Failure::new(Exit::Usage, format!("error: --webhook: {why}\n"));
    let source = match webhook.split_once(':') {
        Some(("env", name)) => Some(SecretSource::Env(name.to_owned())),
        Some(("file", path)) => Some(SecretSource::File(PathBuf::from(path))),
        _ => None,
    };
    let url = match source {
        Some(source) => secrets::read_alone(&source).map_err(wrong)?,
        None => SecretString::from(webhook),
    };
    let text = url.expose_secret();
    let well = ["http://", "https://"]
        .iter()
        .any(|begin| text.starts_with(begin));
    if !well || text.chars().any(char::is_control) {
        return Err(wrong(
            "expected a URL that begins with http:// or https://, or `env:NAME` or `file:PATH` with one".to_owned(),
        ));
    }
    Ok(url)
}

/// As curl reads it: a value in quotes, in which a backslash escapes.
fn configuration(url: &SecretString, json: &str) -> Zeroizing<String> {
    let quoted = |text: &str| {
        text.replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
    };
    Zeroizing::new(format!(
        "url = \"{}\"\nrequest = \"POST\"\nheader = \"Content-Type: application/json\"\ndata-raw = \"{}\"\n\
         silent\nshow-error\nfail\nmax-time = 20\noutput = \"/dev/null\"\n",
        quoted(url.expose_secret()),
        quoted(json)
    ))
}

fn run(
    mut program: Command,
    input: &[u8],
    cancel: &CancelToken,
) -> std::result::Result<(), String> {
    // Standard output is for the changes themselves.
    let spawned = program.stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
    let mut child = spawned.map_err(|e| e.to_string())?;
    let stdin = child.stdin.take();
    let input = Zeroizing::new(input.to_vec());
    // In a thread, since a program that does not read its input would block.
    let writer = std::thread::spawn(move || {
        if let Some(mut stdin) = stdin {
            let _ = stdin.write_all(&input);
        }
    });
    let done = wait(&mut child, cancel);
    if done.is_ok() {
        let _ = writer.join();
    }
    done
}

fn wait(child: &mut Child, cancel: &CancelToken) -> std::result::Result<(), String> {
    let end = Instant::now() + PATIENCE;
    loop {
        match child.try_wait().map_err(|e| e.to_string())? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(status.to_string()),
            None if Instant::now() > end || cancel.is_cancelled() => {
                let _ = child.kill();
                let _ = child.wait();
                let why = if cancel.is_cancelled() {
                    "interrupted"
                } else {
                    "ended after 60 seconds"
                };
                return Err(why.to_owned());
            }
            None => std::thread::sleep(TICK),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_gets_the_change() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("got");
        for (command, why) in [
            (format!("cat >{}", file.display()), None),
            ("exit 3".to_owned(), Some("exit status: 3")),
            // It does not read its input.
            ("true".to_owned(), None),
        ] {
            let notify =
                Notify::new(Some(&command), None).unwrap_or_else(|f| panic!("{}", f.message));
            let large = format!("{{\"new\": \"{}\"}}", "x".repeat(200_000));
            let failures = notify.send(&large, &CancelToken::default());
            match why {
                Some(why) => assert!(failures[0].contains(why), "{failures:?}"),
                None => assert_eq!(failures, Vec::<String>::new(), "{command}"),
            }
        }
        assert_eq!(std::fs::read_to_string(&file).unwrap().len(), 200_011);
    }

    #[test]
    fn a_url_is_http() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("url");
        std::fs::write(&file, "https://example.org/secret\n").unwrap();
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
        let of_file = format!("file:{}", file.display());
        for (webhook, expected) in [
            ("http://example.org/", Some("http://example.org/")),
            (of_file.as_str(), Some("https://example.org/secret")),
            ("ftp://example.org/", None),
            ("file:/nonexistent", None),
            ("env:LVSCTL_NO_SUCH_VARIABLE", None),
            ("http://a\nb", None),
        ] {
            let found = read_url(webhook).ok();
            assert_eq!(
                found.as_ref().map(|url| url.expose_secret()),
                expected,
                "{webhook}"
            );
        }
    }

    #[test]
    fn curl_reads_back_what_was_written() {
        let url = SecretString::from("http://h/?a=\"b\"\\c");
        let text = configuration(&url, "{\"a\":\"x\\n\\\"y\"}");
        let line = |name: &str| {
            text.lines()
                .find(|line| line.starts_with(name))
                .unwrap()
                .to_owned()
        };
        assert_eq!(line("url"), r#"url = "http://h/?a=\"b\"\\c""#);
        assert_eq!(line("data-raw"), r#"data-raw = "{\"a\":\"x\\n\\\"y\"}""#);
    }
}
