//! HTTP requests and the text expected in the answer: URLs, headers and configuration files must be able to hold them.

use super::quoted;
use crate::diagnostic::{Fault, shown};
use crate::inventory::form::Form;
use crate::model::{HttpAnswer, StatusCodes};

/// A URL has none of these as they are; `#` begins what is not sent.
const ODD: [char; 5] = ['`', '<', '>', '#', ' '];

/// The path of a URL. A health check may have a host beside it.
pub(super) fn path(path: &str, takes_host: bool) -> Option<Fault> {
    let bad = !path.starts_with('/') || path.contains(ODD) || quoted::is_unfit(path);
    bad.then(|| {
        let fault = Fault::new(format!("{} is not a path of a URL", shown(path)));
        let (name, meant) = meant(path);
        let meant = Form::word(meant);
        match name.filter(|_| takes_host) {
            _ if path.len() > quoted::LONGEST => {
                fault.help(format!("at most {} characters are taken", quoted::LONGEST))
            }
            Some(name) => fault.help(format!("write `{meant}`, and add `host: {name}` beside it")),
            None => fault.help(format!(
                "write `{meant}`: a path starts with `/`, and has a number such as `%20` for what a URL cannot hold"
            )),
        }
    })
}

/// The host, if one is named, and the path that were meant: by a URL, a request, or with characters that a URL has not.
fn meant(text: &str) -> (Option<&str>, String) {
    const METHODS: [&str; 3] = ["GET ", "HEAD ", "POST "];
    let text = text.trim();
    let request = METHODS.iter().find_map(|method| text.strip_prefix(method));
    let text = match request {
        Some(rest) => rest.split(" HTTP/").next().unwrap_or(rest),
        None => text,
    };
    let (name, rest) = match text.split_once("://") {
        Some((_, rest)) => {
            let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
            let name = authority.split(':').next().unwrap_or(authority);
            (Some(name).filter(|name| host(name).is_none()), path)
        }
        None => (None, text),
    };
    let rest = rest.split('#').next().unwrap_or(rest);
    let slash = if rest.starts_with('/') { "" } else { "/" };
    (name, format!("{slash}{}", encoded(rest)))
}

/// With `%` and its number for each byte that a URL or keepalived.conf cannot hold.
fn encoded(path: &str) -> String {
    let dollar = path.contains("$_") || path.contains("${");
    let good = |byte: u8| {
        let c = char::from(byte);
        c.is_ascii_graphic()
            && !ODD.contains(&c)
            && !matches!(c, '"' | '\\')
            && (c != '$' || !dollar)
    };
    path.bytes()
        .map(|byte| match good(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

/// The longest name, and the longest part of one (RFC 1035, 2.3.4).
const LONGEST_NAME: usize = 253;
const LONGEST_PART: usize = 63;

/// A host name of a request. Some have an underscore, though a host name may not.
pub(super) fn host(name: &str) -> Option<Fault> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let is_part = |part: &str| {
        let whole = (1..=LONGEST_PART).contains(&part.len()) && part.chars().all(good);
        whole && !part.starts_with('-') && !part.ends_with('-')
    };
    let bare = name.strip_suffix('.').unwrap_or(name);
    if bare.len() <= LONGEST_NAME && bare.split('.').all(is_part) {
        return None;
    }
    let fault = Fault::new(format!("{} is no name of a host", shown(name)));
    let is_name = |part: &str| !part.is_empty() && part != name && host(part).is_none();
    // A URL, or an address with its port.
    let inner = name.split_once("://").map_or(name, |(_, rest)| rest);
    let (inner, path) = inner.split_once('/').unwrap_or((inner, ""));
    let (inner, port) = inner.split_once(':').unwrap_or((inner, ""));
    let port = port.parse::<u16>().ok().filter(|port| *port > 0);
    let parts: Vec<&str> = inner.split('.').filter(|part| !part.is_empty()).collect();
    let joined = parts.join(".");
    Some(match (is_name(inner), port) {
        (true, Some(port)) => fault.help(format!(
            "write `{inner}`; the port is that of the health check: `port: {port}`"
        )),
        (true, None) if path.is_empty() => fault.help(format!("write `{inner}`")),
        (true, None) => {
            let (_, path) = meant(&format!("/{path}"));
            fault.help(format!(
                "write `{inner}`; the path has a separate key: `path: {}`",
                Form::word(path)
            ))
        }
        (false, _) if is_name(&joined) => fault.help(format!("write `{joined}`")),
        (false, _) => {
            fault.help("letters, digits and `-`, with `.` between the parts: `www.example.org`")
        }
    })
}

/// The most characters of a text, and the most that the pattern of it may have.
const LONGEST_TEXT: usize = 256;
const LONGEST_PATTERN: usize = 800;

/// The text that a page must hold. It becomes a part of configuration files.
pub(super) fn text(answer: &HttpAnswer) -> Option<Fault> {
    let text = answer.text.as_deref()?;
    unfit_text(text)
        .or_else(|| no_body(text))
        .or_else(|| text_without_body(answer))
}

/// Bytes of a character in the pattern that looks for it (`view/body.rs`).
fn width(c: char) -> usize {
    match c {
        '^' => 14,
        '.' | '+' | '*' | '?' | '(' | ')' | '[' | '|' | '$' | '{' | '}' => 3,
        c => c.len_utf8(),
    }
}

/// In double quotes keepalived takes all as it is but these two (alloc_strvec_quoted_escaped, lib/parser.c): seen with
/// 2.2.7, of each character alone and between others.
fn unfit_text(text: &str) -> Option<Fault> {
    let bad = |c: char| matches!(c, '"' | '\\') || c.is_control();
    if let Some(found) = text.chars().find(|c| bad(*c)) {
        let name = match found {
            '"' => "`\"`".to_owned(),
            '\\' => "`\\`".to_owned(),
            '\n' | '\r' => "an end of line".to_owned(),
            '\t' => "a tab".to_owned(),
            _ => "a control character".to_owned(),
        };
        let part = text.split(bad).map(str::trim).max_by_key(|part| part.len());
        let help = match part.filter(|part| !part.is_empty()) {
            Some(part) => format!(
                "write a part of the text without it, such as `{}`",
                Form::word(part)
            ),
            None => "write another text that the page holds, such as `OK`".to_owned(),
        };
        return Some(
            Fault::new(format!(
                "{} has {name}, which keepalived.conf cannot hold",
                shown(text)
            ))
            .help(help),
        );
    }
    if text.trim().is_empty() {
        return Some(
            Fault::new("the `text` to look for in a page is empty")
                .help("write a text that the page holds, or delete `text`"),
        );
    }
    let length = text.chars().count();
    let pattern: usize = text.chars().map(width).sum();
    (length > LONGEST_TEXT || pattern > LONGEST_PATTERN).then(|| {
        Fault::new(format!("{} is too long to look for in a page", shown(text)))
            .help(format!("write a part of it, of at most {LONGEST_TEXT} characters, and fewer where they are none of ASCII"))
    })
}

/// A text cannot stand in an answer that has no body.
fn text_without_body(answer: &HttpAnswer) -> Option<Fault> {
    let impossible = answer.status.has_no_body();
    impossible.then(|| {
        Fault::new(format!(
            "an answer with status {} has no body, so it cannot hold the `text`",
            answer.status
        ))
        .help("delete `text`, or write the `status` of an answer with a body, such as 200")
    })
}

/// A text that stands in a status line or a header, where it is not looked for.
fn no_body(text: &str) -> Option<Fault> {
    const HEADERS: &[&str] = &[
        "server",
        "date",
        "content-type",
        "content-length",
        "content-encoding",
        "connection",
        "location",
        "set-cookie",
        "cache-control",
        "etag",
        "last-modified",
        "expires",
        "transfer-encoding",
        "via",
    ];
    let mut words = text.split_whitespace();
    let version = words.next().and_then(|word| word.strip_prefix("HTTP/"));
    if let Some(version) = version
        && version.starts_with(|c: char| c.is_ascii_digit())
    {
        let code = words.next().and_then(|word| StatusCodes::parse(word).ok());
        let code = code.unwrap_or_else(|| StatusCodes::one(200));
        let fault = Fault::new(format!(
            "{} looks like a status line, and `text` is looked for in the page's body alone",
            shown(text)
        ));
        return Some(
            fault
                .help(format!("write `status: {code}` in the place of `text`"))
                .warning(),
        );
    }
    let (header, _) = text.split_once(':')?;
    HEADERS
        .contains(&header.trim().to_lowercase().as_str())
        .then(|| {
            Fault::new(format!(
                "{} looks like a header, and `text` is looked for in the page's body alone",
                shown(text)
            ))
            .help("delete `text`, or write a text that the page itself holds")
            .warning()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (text, name, proposed) in [
            ("/", None, None),
            ("/.health.html", None, None),
            ("/a?b=c&d=%20", None, None),
            ("/a!b", None, None),
            ("/it's", None, None),
            ("/x?q={1}", None, None),
            ("/a;b@c~d%20|e^f", None, None),
            ("/a$b", None, None),
            ("health", None, Some("/health")),
            ("", None, Some("/")),
            ("/a b", None, Some("/a%20b")),
            ("/a\nb", None, Some("/a%0Ab")),
            ("/a\"b", None, Some("/a%22b")),
            ("/a$_PWD", None, Some("/a%24_PWD")),
            ("/a${b}", None, Some("/a%24{b}")),
            ("/a\\b", None, Some("/a%5Cb")),
            ("/a#b", None, Some("/a")),
            ("/ä", None, Some("/%C3%A4")),
            ("GET /health HTTP/1.1", None, Some("/health")),
            ("http://a/health", Some("a"), Some("/health")),
            ("https://a:8080/h?x#y", Some("a"), Some("/h?x")),
            ("http://a", Some("a"), Some("/")),
            ("http://a b/c", None, Some("/c")),
        ] {
            let fault = path(text, true);
            assert_eq!(fault.is_some(), proposed.is_some(), "{text}");
            let Some(proposed) = proposed else { continue };
            assert_eq!(meant(text), (name, proposed.to_owned()), "{text}");
            assert_eq!(path(proposed, true), None, "{text}");
        }
    }

    #[test]
    fn hosts() {
        for (name, help) in [
            ("www.example.org", None),
            ("www.example.org.", None),
            ("192.168.100.1", None),
            ("a_b.example.org", None),
            ("xn--4ca.example", None),
            ("a..b", Some("write `a.b`")),
            (".a", Some("write `a`")),
            (
                "a:8080",
                Some("write `a`; the port is that of the health check: `port: 8080`"),
            ),
            ("http://a", Some("write `a`")),
            (
                "http://a/b",
                Some("write `a`; the path has a separate key: `path: /b`"),
            ),
            ("http://a:80/b", Some("write `a`; the port")),
            ("-a", Some("letters, digits")),
            ("a.b-", Some("letters, digits")),
            ("", Some("letters, digits")),
            ("a b", Some("letters, digits")),
            ("::1", Some("letters, digits")),
            ("ä.de", Some("letters, digits")),
        ] {
            let found = host(name).and_then(|fault| fault.help);
            match help {
                None => assert_eq!(found, None, "{name}"),
                Some(help) => assert!(
                    found
                        .as_ref()
                        .is_some_and(|found| found.text.starts_with(help)),
                    "{name}: {found:?}"
                ),
            }
        }
        assert!(host(&"a".repeat(63)).is_none());
        assert!(host(&"a".repeat(64)).is_some());
    }

    #[test]
    fn texts() {
        for (text, says, help) in [
            ("It works!", None, ""),
            ("<html>", None, ""),
            ("läuft", None, ""),
            ("{status: up}", None, ""),
            ("it's 50% a@b #1 ^x$ $_y ${z} [1] (2) a|b *? ~ &", None, ""),
            ("a \"b\" c", Some("has `\"`"), "such as `c`"),
            ("say \\o", Some("has `\\`"), "such as `say`"),
            ("a\nbc", Some("an end of line"), "such as `bc`"),
            ("\t", Some("a tab"), "such as `OK`"),
            ("\u{7}", Some("a control character"), "such as `OK`"),
            ("", Some("is empty"), "delete `text`"),
            ("  ", Some("is empty"), "delete `text`"),
        ] {
            let found = unfit_text(text);
            assert_eq!(found.is_some(), says.is_some(), "{text}");
            let Some(fault) = found else { continue };
            assert!(
                says.is_some_and(|says| fault.message().contains(says)),
                "{fault:?}"
            );
            assert!(fault.help.is_some_and(|h| h.text.contains(help)), "{text}");
        }
        for (text, good) in [
            ("a".repeat(256), true),
            ("a".repeat(257), false),
            ("ä".repeat(256), true),
            ("日".repeat(256), true),
            ("🙂".repeat(256), false),
            ("^".repeat(256), false),
        ] {
            assert_eq!(unfit_text(&text).is_none(), good, "{text}");
        }
    }
}
