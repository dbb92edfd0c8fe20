//! The only place that quotes and builds shell text for hosts. POSIX sh (dash, bash, busybox ash); no I/O here.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Quotes a word so that a POSIX shell reads it back byte for byte.
pub fn quote(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"@%+=:,./_-".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    // No process argument can contain a NUL, so it is removed.
    let word = word.replace('\0', "");
    shlex::try_quote(&word).map_or_else(|_| "''".to_owned(), Cow::into_owned)
}

/// Joins words into one command line, each quoted where it must be.
pub fn command<I, S>(words: I) -> String
where
    I: IntoIterator<Item = S>,
    S: AsRef<str>,
{
    let mut out = String::new();
    for word in words {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&quote(word.as_ref()));
    }
    out
}

/// A here-document redirection that carries `body` verbatim, with a delimiter that `body` does not contain.
/// The text goes over standard input of the remote shell, so it appears in no argument list.
/// A body that does not end in a newline cannot be carried: the caller ends text files with one.
pub fn heredoc(command: &str, body: &str) -> String {
    heredoc_line(command, "", body)
}

/// The same for a command that runs in the background.
pub fn heredoc_in_background(command: &str, body: &str) -> String {
    heredoc_line(command, " &", body)
}

fn heredoc_line(command: &str, after: &str, body: &str) -> String {
    let mut delimiter = String::from("LVSCTL_END");
    let mut n = 0u32;
    while body.lines().any(|line| line == delimiter) {
        n += 1;
        delimiter.clear();
        let _ = write!(delimiter, "LVSCTL_END_{n}");
    }
    let newline = if body.is_empty() || body.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    format!("{command} <<'{delimiter}'{after}\n{body}{newline}{delimiter}\n")
}

/// The folder of an absolute path.
pub fn folder(path: &str) -> &str {
    match path.rsplit_once('/') {
        None | Some(("", _)) => "/",
        Some((folder, _)) => folder,
    }
}

/// A file and the name under which it is staged: on the disk before the file is relied on, or not at all. `stage` is removed
/// where anything fails before, such as for want of space; what was in place stays. `write` may make `stage` a link: the file
/// that it leads to is not synced.
pub fn in_place(write: &str, stage: &str, path: &str) -> String {
    let quoted = quote(stage);
    renamed(
        &format!("{write}[ -L {quoted} ] || sync {quoted}\n"),
        stage,
        path,
    )
}

/// The same for a text, with fewer processes.
pub fn text_in_place(text: &str, stage: &str, path: &str) -> String {
    let write = format!("dd of={} conv=fsync status=none", quote(stage));
    renamed(&heredoc(&write, text), stage, path)
}

fn renamed(write: &str, stage: &str, path: &str) -> String {
    let (stage, path, folder) = (quote(stage), quote(path), quote(folder(path)));
    let removed = quote(&format!("rm -f {stage}"));
    format!(
        "trap {removed} EXIT\ntrap 'exit 129' HUP\ntrap 'exit 143' TERM\n{write}mv -f {stage} {path}\n\
         trap - EXIT HUP TERM\nsync {folder}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting() {
        for (word, want) in [
            ("", "''"),
            ("eth0", "eth0"),
            ("a b", "'a b'"),
            ("it's", "\"it's\""),
            ("it's $HOME", "\"it's \"'$HOME'"),
            ("$(reboot)", "'$(reboot)'"),
            ("~root", "'~root'"),
            ("a\nb", "'a\nb'"),
            ("-n", "-n"),
            ("é", "'é'"),
        ] {
            assert_eq!(quote(word), want);
        }
        assert_eq!(command(["ip", "addr", "add", "a b"]), "ip addr add 'a b'");
    }

    #[test]
    fn heredoc_avoids_its_own_delimiter() {
        let text = heredoc("cat", "x\nLVSCTL_END\n");
        assert!(text.starts_with("cat <<'LVSCTL_END_1'\n"));
        assert!(text.ends_with("LVSCTL_END_1\n"));
    }
}
