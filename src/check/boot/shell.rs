//! Splits lines of shell text, crontab(5), units and udev(7) rules into commands and words. It does not expand variables or
//! substitutions, whose values only a shell has. Pure.

/// The commands of a line, each as words without quotes; a redirection is the word `>` and its target.
pub(super) fn commands(text: &str) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    let mut words = Vec::new();
    let mut word = String::new();
    let mut begun = false;
    let mut chars = text.chars().peekable();
    let end_word = |word: &mut String, begun: &mut bool, words: &mut Vec<String>| {
        if std::mem::take(begun) {
            words.push(std::mem::take(word));
        }
    };
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                begun = true;
                for c in chars.by_ref().take_while(|c| *c != '\'') {
                    word.push(c);
                }
            }
            '"' => {
                begun = true;
                while let Some(c) = chars.next().filter(|c| *c != '"') {
                    word.push(if c == '\\' {
                        chars.next().unwrap_or(c)
                    } else {
                        c
                    });
                }
            }
            '\\' => {
                begun = true;
                word.extend(chars.next());
            }
            '`' => {
                begun = true;
                for c in chars.by_ref().take_while(|c| *c != '`') {
                    word.push(c);
                }
            }
            '$' if chars.peek() == Some(&'(') => {
                begun = true;
                chars.next();
                for c in chars.by_ref().take_while(|c| *c != ')') {
                    word.push(c);
                }
            }
            '#' if !begun => break,
            '>' => {
                if word.chars().all(|c| c.is_ascii_digit() || c == '&') {
                    word.clear();
                    begun = false;
                }
                end_word(&mut word, &mut begun, &mut words);
                while chars.next_if(|c| matches!(c, '>' | '|')).is_some() {}
                words.push(">".to_owned());
            }
            ';' | '|' | '&' | '(' | ')' | '\n' => {
                if c == '&' && words.last().is_some_and(|w| w == ">") && !begun {
                    continue;
                }
                end_word(&mut word, &mut begun, &mut words);
                all.push(std::mem::take(&mut words));
            }
            c if c.is_whitespace() => end_word(&mut word, &mut begun, &mut words),
            c => {
                begun = true;
                word.push(c);
            }
        }
    }
    end_word(&mut word, &mut begun, &mut words);
    all.push(words);
    all.into_iter()
        .map(bare)
        .filter(|words| !words.is_empty())
        .flat_map(unfolded)
        .collect()
}

/// Words that stand before a command.
const BEFORE: &[&str] = &[
    "if",
    "then",
    "else",
    "elif",
    "do",
    "while",
    "until",
    "!",
    "{",
    "time",
    "exec",
    "sudo",
    "doas",
    "nohup",
    "nice",
    "ionice",
    "env",
    "timeout",
    "setsid",
    "command",
    "systemd-run",
    "chronic",
    "flock",
    "case",
    "in",
    "builtin",
    "eval",
    "busybox",
];

/// The command itself, by its name without a folder.
fn bare(words: Vec<String>) -> Vec<String> {
    let mut after_prefix = false;
    let mut rest = words.into_iter().skip_while(|word| {
        let is_before = BEFORE.contains(&name(word));
        let is_assignment = word.split_once('=').is_some_and(|(key, _)| {
            !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        });
        let is_option = after_prefix
            && (word.starts_with('-')
                || word.starts_with(|c: char| c.is_ascii_digit())
                || word.contains(".lock"));
        after_prefix |= is_before;
        is_before || is_assignment || is_option
    });
    let Some(first) = rest.next() else {
        return Vec::new();
    };
    let first = name(&first).to_owned();
    std::iter::once(first).chain(rest).collect()
}

fn name(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// The commands that `sh -c TEXT` and similar wrappers run.
fn unfolded(words: Vec<String>) -> Vec<Vec<String>> {
    let is_shell = matches!(
        words.first().map(String::as_str),
        Some("sh" | "bash" | "dash" | "ash" | "su" | "runuser" | "ksh")
    );
    let inner = words
        .iter()
        .position(|word| word.starts_with('-') && !word.starts_with("--") && word.ends_with('c'));
    match inner.and_then(|at| words.get(at + 1)).filter(|_| is_shell) {
        Some(text) => commands(text),
        None => vec![words],
    }
}

/// What a line of a unit runs.
pub(super) fn of_unit(line: &str) -> Option<&str> {
    let (key, value) = line.split_once('=')?;
    let runs = matches!(
        key.trim(),
        "ExecStart"
            | "ExecStartPre"
            | "ExecStartPost"
            | "ExecStop"
            | "ExecStopPost"
            | "ExecReload"
            | "ExecCondition"
    );
    runs.then(|| value.trim().trim_start_matches(['-', '@', ':', '+', '!']))
}

/// What a line of crontab(5) runs, and when; `system` has a user's name in it. Anacron's lines have a name of the job.
pub(super) fn of_crontab(line: &str, system: bool) -> Option<(String, &str)> {
    let line = line.trim();
    let first = line.split_whitespace().next()?;
    let assigns = |word: &str| word.contains('=') && !word.starts_with(['*', '@']);
    if assigns(first)
        || line
            .split_whitespace()
            .nth(1)
            .is_some_and(|w| w.starts_with('='))
    {
        return None;
    }
    let fields = match first {
        first if first.starts_with('@') => 1,
        first if first.chars().all(|c| c.is_ascii_digit()) && is_of_anacron(line) => 3,
        _ => 5,
    };
    let skip = fields + usize::from(system && fields != 3);
    let mut rest = line;
    for _ in 0..skip {
        rest = rest.trim_start();
        rest = rest.get(rest.find(char::is_whitespace)?..)?;
    }
    let when: Vec<&str> = line.split_whitespace().take(fields).collect();
    Some((when.join(" "), rest.trim_start()))
}

/// Period, delay, name of the job.
fn is_of_anacron(line: &str) -> bool {
    let third = line.split_whitespace().nth(2).unwrap_or_default();
    third.chars().any(|c| c.is_ascii_alphabetic())
}

/// The commands of a rule of udev(7), and units that it starts.
pub(super) fn of_udev(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for key in ["RUN", "PROGRAM", "IMPORT{program}"] {
        for (at, _) in line.match_indices(key) {
            let rest = line.get(at..).unwrap_or_default();
            let quoted = rest.split_once('=').and_then(|(before, after)| {
                let fits = before.trim_end_matches(['+', ':']).trim_start_matches(key);
                (fits.is_empty() || fits == "{program}").then_some(after)
            });
            if let Some(value) =
                quoted.and_then(|after| after.trim_start_matches(['=', 'e']).strip_prefix('"'))
            {
                found.push(value.split('"').next().unwrap_or_default());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_commands() {
        for (line, want) in [
            (
                "ip addr add 10.0.0.1/32 dev eth0",
                "ip addr add 10.0.0.1/32 dev eth0",
            ),
            (
                "/sbin/ip a; sleep 3 && /usr/sbin/ipvsadm -C",
                "ip a / sleep 3 / ipvsadm -C",
            ),
            (
                "if [ -e x ]; then exec /sbin/ip l; fi",
                "[ -e x ] / ip l / fi",
            ),
            (
                "echo 0 > /proc/sys/net/ipv4/ip_forward",
                "echo 0 > /proc/sys/net/ipv4/ip_forward",
            ),
            (
                "echo 0 >/proc/x 2>/dev/null",
                "echo 0 > /proc/x > /dev/null",
            ),
            (
                "sh -c 'sleep 1; ip link set eth0 down'",
                "sleep 1 / ip link set eth0 down",
            ),
            ("kill $(pidof keepalived)", "kill pidof keepalived"),
            (
                "kill -9 `cat /run/keepalived.pid`",
                "kill -9 cat /run/keepalived.pid",
            ),
            ("sudo -n timeout 5 ip r # no", "ip r"),
            ("A=1 B='x y' /bin/bash -lc \"ipvsadm -C\"", "ipvsadm -C"),
            ("a >/dev/null 2>&1 & b", "a > /dev/null > 1 / b"),
            ("", ""),
        ] {
            let got: Vec<String> = commands(line).iter().map(|words| words.join(" ")).collect();
            assert_eq!(got.join(" / "), want, "{line}");
        }
    }

    #[test]
    fn schedules() {
        for (line, system, want) in [
            (
                "17 *\t* * *\troot\tcd / && run-parts --report /etc/cron.hourly",
                true,
                Some(("17 * * * *", "cd / && run-parts --report /etc/cron.hourly")),
            ),
            ("@reboot root ip a", true, Some(("@reboot", "ip a"))),
            ("*/5 * * * * ip a", false, Some(("*/5 * * * *", "ip a"))),
            ("MAILTO=root", true, None),
            ("PATH = /bin", true, None),
            (
                "1\t5\tcron.daily\tnice run-parts /etc/cron.daily",
                true,
                Some(("1 5 cron.daily", "nice run-parts /etc/cron.daily")),
            ),
            ("1 2 3", true, None),
        ] {
            let got = of_crontab(line, system);
            let want = want.map(|(when, command): (&str, &str)| (when.to_owned(), command));
            assert_eq!(got, want, "{line}");
        }
    }

    #[test]
    fn rules_of_udev() {
        let line = r#"ACTION=="add", SUBSYSTEM=="net", KERNEL=="eth0", RUN+="/bin/sh -c 'ip addr add 10.0.0.1/32 dev eth0'""#;
        assert_eq!(
            of_udev(line),
            ["/bin/sh -c 'ip addr add 10.0.0.1/32 dev eth0'"]
        );
        assert!(of_udev(r#"KERNEL=="eth0", NAME="lan""#).is_empty());
    }
}
