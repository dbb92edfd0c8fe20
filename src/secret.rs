//! Secrets: where one comes from ([`SecretSource`], safe to print) and its value ([`Secret`], never printed).
//! Reading the environment, files and prompts is done by the command layer through [`Secrets`].

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The source of a secret. The inventory never contains the secret itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum SecretSource {
    /// Name of an environment variable.
    Env(String),
    /// A file, relative to the inventory; its first line is the secret. Other users must not have read permission.
    File(PathBuf),
    /// A prompt on the terminal with this text.
    Prompt(String),
}

// Placeholders stand for secrets in rendered text. Their ends are private-use characters, which no
// configuration file holds.
const OPEN: char = '\u{E000}';
const CLOSE: char = '\u{E001}';
const MASK: &str = "********";

impl SecretSource {
    /// The name by which its `Deserialize` asks. A text in its place may be the secret itself, and is not shown.
    pub(crate) const TYPE: &'static str = "SecretSource";

    /// Whether a text looks like the name of an environment variable that holds a secret, and not like the secret: those of
    /// programs are in upper case (POSIX.1-2017, 8.1).
    pub fn is_likely_variable(name: &str) -> bool {
        let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let named = !name.is_empty()
            && name.chars().all(good)
            && !name.starts_with(|c: char| c.is_ascii_digit());
        let upper = !name.contains(|c: char| c.is_ascii_lowercase());
        let words = ["pass", "secret", "token", "key"];
        let says =
            name.contains('_') && words.iter().any(|word| name.to_lowercase().contains(word));
        named && (upper || says)
    }

    /// The placeholder of the secret in a rendered text, until the text is sent to a host.
    pub fn placeholder(&self) -> String {
        format!("{OPEN}{self}{CLOSE}")
    }
}

/// A text that needs a secret that was not read.
#[derive(Debug, thiserror::Error)]
#[error("the secret from {0} was not read")]
pub struct MissingSecret(String);

/// Puts the secrets into a rendered text.
pub fn reveal(text: &str, secrets: &Secrets) -> Result<Zeroizing<String>, MissingSecret> {
    let mut out = Zeroizing::new(String::with_capacity(text.len()));
    for piece in pieces(text) {
        match piece {
            Piece::Plain(plain) => out.push_str(plain),
            Piece::Secret(id) => {
                let found = secrets.iter().find(|(source, _)| source.to_string() == id);
                let (_, secret) = found.ok_or_else(|| MissingSecret(id.to_owned()))?;
                out.push_str(secret.expose_secret());
            }
        }
    }
    Ok(out)
}

/// A rendered text with its placeholders masked, fit to be shown.
pub fn mask(text: &str) -> String {
    pieces(text)
        .map(|piece| match piece {
            Piece::Plain(plain) => plain,
            Piece::Secret(_) => MASK,
        })
        .collect()
}

/// A text read from a host with possible secrets masked, fit to be shown beside `rendered`. Masks the value on each line that
/// begins like a line of `rendered` with a secret, and the value of each line that names a password.
pub fn mask_like(rendered: &str, observed: &str) -> String {
    // The texts before and after a secret, such as quotes, which a host's own file may lack.
    let around: Vec<(&str, &str)> = rendered
        .lines()
        .filter_map(|line| {
            let (before, rest) = line.split_once(OPEN)?;
            let after = rest.rsplit_once(CLOSE).map_or("", |(_, after)| after);
            Some((before.trim_start(), after))
        })
        .collect();
    let prefixes: Vec<&str> = around
        .iter()
        .map(|(before, _)| before.trim_end().trim_end_matches('"').trim_end())
        .collect();
    observed
        .split_inclusive('\n')
        .map(|line| {
            let body = line.trim_start();
            let indent = &line[..line.len() - body.len()];
            let end = if line.ends_with('\n') { "\n" } else { "" };
            let alike = around.iter().find(|(before, after)| {
                !before.is_empty() && body.starts_with(before) && body.trim_end().ends_with(after)
            });
            if let Some((before, after)) = alike {
                return format!("{indent}{before}{MASK}{after}{end}");
            }
            let known = prefixes.iter().find(|p| body.starts_with(**p)).copied();
            let Some(shown) = known.or_else(|| before_password(body)) else {
                return line.to_owned();
            };
            let gap = if shown.is_empty() { "" } else { " " };
            format!("{indent}{shown}{gap}{MASK}{end}")
        })
        .collect()
}

/// A secret that has another value in a host's text. Contains neither value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Otherwise {
    /// The keyword before it, and its block: `auth_pass of vrrp_instance main`.
    pub name: String,
    /// The source of the desired value.
    pub source: String,
}

/// The secrets of `rendered` that have another value in a text read from a host. A secret that is missing there shows in the
/// diff anyway.
pub fn otherwise(rendered: &str, observed: &str, secrets: &Secrets) -> Vec<Otherwise> {
    // Only one of the two texts may have the value in quotes.
    let bare = |text: &str| Zeroizing::new(text.replace('"', ""));
    let found: Vec<(String, &str)> = placed(observed).collect();
    let mut seen = BTreeMap::new();
    let mut all = Vec::new();
    for (block, line) in placed(rendered) {
        let Some((before, rest)) = line.split_once(OPEN) else {
            continue;
        };
        let stem = before.trim().trim_end_matches('"').trim_end();
        let key = (block.clone(), stem.to_owned());
        let nth = seen.entry(key).or_insert(0_usize);
        let mine = found
            .iter()
            .filter(|(at, text)| *at == block && text.starts_with(stem));
        let there = mine.map(|(_, text)| *text).nth(*nth);
        *nth += 1;
        let (Some(there), Ok(desired)) = (there, reveal(line, secrets)) else {
            continue;
        };
        if bare(there) == bare(desired.trim()) {
            continue;
        }
        let (source, _) = rest.split_once(CLOSE).unwrap_or((rest, ""));
        let name = match (
            before.trim().trim_end_matches([':', '=', '"', '\'', ' ']),
            block.as_str(),
        ) {
            ("", "") => "the secret".to_owned(),
            ("", block) => format!("the secret of {block}"),
            (before, "") => before.to_owned(),
            (before, block) => format!("{before} of {block}"),
        };
        all.push(Otherwise {
            name,
            source: source.to_owned(),
        });
    }
    all
}

/// The lines of a text, each with the outermost block that it is in.
fn placed(text: &str) -> impl Iterator<Item = (String, &str)> {
    let mut block = String::new();
    text.lines().map(move |line| {
        let inside = line.starts_with(char::is_whitespace);
        if !inside {
            let head = line.trim_end().strip_suffix('{').map(str::trim);
            block = head.unwrap_or_default().to_owned();
        }
        let at = if inside { block.clone() } else { String::new() };
        (at, line.trim())
    })
}

/// The first word of a line that goes on with a password: `auth_pass hunter2`, `password = hunter2`.
fn before_password(line: &str) -> Option<&str> {
    let end = line.find(|c: char| c.is_whitespace() || matches!(c, '=' | ':'))?;
    let (word, value) = line.split_at(end);
    let name = word.trim_matches(['"', '\'']).to_ascii_lowercase();
    let secret = [
        "pass",
        "password",
        "passwd",
        "passphrase",
        "secret",
        "token",
    ];
    let called = secret.iter().any(|last| name.ends_with(last));
    let empty = value.trim_matches(|c: char| c.is_whitespace() || matches!(c, '=' | ':'));
    (called && !empty.is_empty()).then_some(word)
}

enum Piece<'a> {
    Plain(&'a str),
    Secret(&'a str),
}

fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    text.split_inclusive(CLOSE)
        .flat_map(|chunk| match chunk.split_once(OPEN) {
            Some((plain, id)) => [
                Some(Piece::Plain(plain)),
                Some(Piece::Secret(id.trim_end_matches(CLOSE))),
            ],
            None => [Some(Piece::Plain(chunk)), None],
        })
        .flatten()
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "environment variable {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Prompt(text) => write!(f, "prompt {text:?}"),
        }
    }
}

/// A secret that could not be read. The error never contains its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    pub source: SecretSource,
    pub why: String,
    pub fix: String,
}

/// The secrets of one run, read once each.
pub type Secrets = BTreeMap<SecretSource, SecretString>;

/// Variables of the environment that hold secrets: not for the programs that are started on this machine.
pub fn variables(secrets: &Secrets) -> impl Iterator<Item = &str> {
    secrets.keys().filter_map(|source| match source {
        SecretSource::Env(name) => Some(name.as_str()),
        SecretSource::File(_) | SecretSource::Prompt(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_become_secrets_or_masks() {
        let source = SecretSource::Env("PASS".into());
        let text = format!("a\n  auth_pass {}\nb\n", source.placeholder());
        let secrets = Secrets::from([(source, SecretString::from("hunter2"))]);
        assert_eq!(
            *reveal(&text, &secrets).unwrap(),
            "a\n  auth_pass hunter2\nb\n"
        );
        assert_eq!(mask(&text), "a\n  auth_pass ********\nb\n");
        assert!(reveal(&text, &Secrets::new()).is_err());
        assert_eq!(
            mask_like(&text, "a\n    auth_pass old one\nc\n"),
            "a\n    auth_pass ********\nc\n"
        );
    }

    #[test]
    fn a_secret_that_differs_is_named_and_not_shown() {
        let source = SecretSource::Env("PASS".into());
        let other = SecretSource::File("web.key".into());
        let (pass, key) = (source.placeholder(), other.placeholder());
        let secrets = Secrets::from([
            (source, SecretString::from("hunter2")),
            (other, SecretString::from("k3y")),
        ]);
        let conf = |a: &str, b: &str| {
            format!(
                "vrrp_instance a {{\n    auth_pass {a}\n}}\nvrrp_instance b {{\n    auth_pass {b}\n}}\n"
            )
        };
        const ENV: &str = "environment variable PASS";
        // What is so, the rendered text, the host's, and the secrets that are named with their sources.
        type Case = (
            &'static str,
            String,
            String,
            &'static [(&'static str, &'static str)],
        );
        let cases: &[Case] = &[
            ("none", conf(&pass, &pass), conf("hunter2", "hunter2"), &[]),
            (
                "the second",
                conf(&pass, &pass),
                conf("hunter2", "old"),
                &[("auth_pass of vrrp_instance b", ENV)],
            ),
            (
                "both",
                conf(&pass, &key),
                conf("old", "older"),
                &[
                    ("auth_pass of vrrp_instance a", ENV),
                    ("auth_pass of vrrp_instance b", "file web.key"),
                ],
            ),
            (
                "the same, in quotes in one alone",
                conf(&format!("\"{pass}\""), &pass),
                conf("hunter2", "\"hunter2\""),
                &[],
            ),
            (
                "another, in quotes in one alone",
                conf(&format!("\"{pass}\""), &pass),
                conf("old", "hunter2"),
                &[("auth_pass of vrrp_instance a", ENV)],
            ),
            (
                "indented otherwise",
                conf(&pass, &pass),
                conf("hunter2", "hunter2").replace("    ", "\t"),
                &[],
            ),
            (
                "not there at all",
                conf(&pass, &pass),
                "vrrp_instance a {\n}\n".into(),
                &[],
            ),
            (
                "on a line of no block",
                format!("password = {pass}\n"),
                "password = old\n".into(),
                &[("password", ENV)],
            ),
            (
                "alone in its file",
                format!("{pass}\n"),
                "old\n".into(),
                &[("the secret", ENV)],
            ),
            (
                "two of one name in a block",
                format!("users {{\n  key {pass}\n  key {key}\n}}\n"),
                "users {\n  key hunter2\n  key old\n}\n".into(),
                &[("key of users", "file web.key")],
            ),
        ];
        for (what, rendered, observed, names) in cases {
            let found = otherwise(rendered, observed, &secrets);
            let found: Vec<(&str, &str)> = found.iter().map(|o| (&*o.name, &*o.source)).collect();
            assert_eq!(found, *names, "{what}");
        }
        assert_eq!(
            otherwise(&conf(&pass, &key), &conf("x", "y"), &Secrets::new()),
            []
        );
    }

    #[test]
    fn a_secret_in_quotes_is_masked_in_a_file_of_either_form() {
        let source = SecretSource::Env("PASS".into());
        let text = format!("  key \"{}\"\n", source.placeholder());
        assert_eq!(mask(&text), "  key \"********\"\n");
        for (observed, shown) in [
            ("  key \"old\"\n", "  key \"********\"\n"),
            ("  key \"a\" # b\"\n", "  key \"********\"\n"),
            ("\tkey old one\n", "\tkey ********\n"),
            ("key \"old", "key ********"),
            ("key\tnew\n", "key ********\n"),
            ("other\n", "other\n"),
        ] {
            assert_eq!(mask_like(&text, observed), shown, "{observed:?}");
        }
    }

    #[test]
    fn what_a_host_calls_a_password_is_not_shown() {
        for (found, shown) in [
            ("    auth_pass hunter2\n", "    auth_pass ********\n"),
            ("password = hunter2\n", "password ********\n"),
            ("\"secret\": \"hunter2\"\n", "\"secret\" ********\n"),
            ("smtp_password hunter2", "smtp_password ********"),
            ("auth_type PASS\n", "auth_type PASS\n"),
            ("pass\n", "pass\n"),
            ("password =\n", "password =\n"),
            ("passive yes\n", "passive yes\n"),
        ] {
            assert_eq!(mask_like("", found), shown);
        }
    }

    #[test]
    fn a_secret_is_not_printed() {
        let secret = SecretString::from("hunter2");
        assert!(!format!("{secret:?} {:#?}", Some(&secret)).contains("hunter2"));
    }
}
