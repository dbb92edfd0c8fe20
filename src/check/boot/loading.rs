//! Commands that load saved packet filter rules from a file. Pure.

use super::shell;
use crate::fact::boot_source::places::Reader;

/// How a command loads a file of saved rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Loading {
    pub(super) reader: Reader,
    /// Whether it removes the present rules of the tables that it loads.
    pub(super) replaces: bool,
    /// The only table that it loads; None: all of the file.
    pub(super) table: Option<String>,
}

impl Loading {
    pub(super) fn all(reader: Reader) -> Self {
        Self {
            reader,
            replaces: true,
            table: None,
        }
    }

    /// Whether it removes rules of a table.
    pub(super) fn removes(&self, table: &str) -> bool {
        self.replaces && self.table.as_deref().is_none_or(|only| only == table)
    }
}

/// How a line of shell text loads the file.
pub(super) fn of(text: &str, path: &str) -> Option<Loading> {
    // Most lines name no file of rules, and need not be split.
    if !text.contains(path) {
        return None;
    }
    let commands = shell::commands(text);
    let reads = |words: &[String]| {
        words.iter().enumerate().any(|(at, word)| {
            let written = at > 0 && words[at - 1] == ">";
            word.trim_start_matches('<') == path && !written
        })
    };
    let at = commands.iter().position(|words| reads(words))?;
    // The command itself, or the next one of a pipeline, which names no file.
    let names_none = |words: &[String]| words.iter().all(|word| !word.contains('/'));
    let mut rest = commands.get(at..)?.iter();
    rest.next()
        .and_then(|words| restore(words))
        .or_else(|| restore(rest.next().filter(|words| names_none(words))?))
}

/// How one command loads rules; None if it loads none, as with `--test`.
fn restore(words: &[String]) -> Option<Loading> {
    let (program, words) = match words {
        [multi, program, rest @ ..]
            if multi.starts_with("xtables-") && multi.ends_with("-multi") =>
        {
            (program, rest)
        }
        [program, rest @ ..] => (program, rest),
        [] => return None,
    };
    let program = program
        .replacen("-legacy-", "-", 1)
        .replacen("-nft-", "-", 1);
    let reader = match program.as_str() {
        "iptables-apply" => return Some(Loading::all(Reader::Iptables)),
        "ip6tables-apply" => return Some(Loading::all(Reader::Ip6tables)),
        "nft" => {
            let loads = |word: &String| word == "--file" || is_short(word, 'f');
            return words
                .iter()
                .any(loads)
                .then(|| Loading::all(Reader::Nftables));
        }
        "iptables-restore" => Reader::Iptables,
        "ip6tables-restore" => Reader::Ip6tables,
        "arptables-restore" => Reader::Arptables,
        _ => return None,
    };
    let has = |long: &str, short| {
        words
            .iter()
            .any(|word| word == long || is_short(word, short))
    };
    if has("--test", 't') {
        return None;
    }
    let mut tables = words
        .iter()
        .enumerate()
        .filter_map(|(at, word)| match word.as_str() {
            "-T" | "--table" => words.get(at + 1).cloned(),
            other => other
                .strip_prefix("--table=")
                .or_else(|| other.strip_prefix("-T"))
                .map(str::to_owned),
        });
    Some(Loading {
        reader,
        replaces: !has("--noflush", 'n'),
        table: tables.next(),
    })
}

/// Whether a word is this short option, alone or among others.
fn is_short(word: &str, option: char) -> bool {
    word.strip_prefix('-')
        .is_some_and(|letters| !letters.starts_with(['-', 'T', 'M']) && letters.contains(option))
}

/// Whether a line of shell text starts or reloads one of the services.
pub(super) fn starts(text: &str, services: &[&str]) -> bool {
    const VERBS: [&str; 5] = [
        "start",
        "restart",
        "try-restart",
        "reload",
        "reload-or-restart",
    ];
    fn stem(name: &str) -> &str {
        name.strip_suffix(".service").unwrap_or(name)
    }
    if !services.iter().any(|service| text.contains(stem(service))) {
        return false;
    }
    let is_service = |word: &String| services.iter().any(|service| stem(service) == stem(word));
    shell::commands(text).iter().any(|words| {
        words.iter().any(is_service) && words.iter().any(|word| VERBS.contains(&word.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_load_files() {
        let all = |reader| Some(Loading::all(reader));
        let kept = Some(Loading {
            replaces: false,
            ..Loading::all(Reader::Iptables)
        });
        let of_filter = Some(Loading {
            table: Some("filter".to_owned()),
            ..Loading::all(Reader::Iptables)
        });
        for (text, expected) in [
            ("/sbin/iptables-restore /f", all(Reader::Iptables)),
            ("iptables-restore </f", all(Reader::Iptables)),
            ("iptables-restore < /f", all(Reader::Iptables)),
            ("cat /f | iptables-restore", all(Reader::Iptables)),
            ("sh -c 'iptables-restore </f'", all(Reader::Iptables)),
            ("iptables-legacy-restore /f", all(Reader::Iptables)),
            ("iptables-nft-restore /f", all(Reader::Iptables)),
            (
                "xtables-nft-multi iptables-restore /f",
                all(Reader::Iptables),
            ),
            ("iptables-apply -t 60 /f", all(Reader::Iptables)),
            ("ip6tables-restore -w 5 /f", all(Reader::Ip6tables)),
            (
                "iptables-restore </g; ip6tables-restore </f",
                all(Reader::Ip6tables),
            ),
            ("nft -f /f", all(Reader::Nftables)),
            ("nft --file /f", all(Reader::Nftables)),
            ("arptables-restore </f", all(Reader::Arptables)),
            ("iptables-restore -n /f", kept.clone()),
            ("iptables-restore -nv /f", kept.clone()),
            ("iptables-restore --noflush /f", kept),
            (
                "[ -n \"$IF\" ] && iptables-restore /f",
                all(Reader::Iptables),
            ),
            ("iptables-restore -T filter /f", of_filter.clone()),
            ("iptables-restore --table=filter /f", of_filter),
            ("iptables-restore --test /f", None),
            ("iptables-restore -t /f", None),
            ("iptables-save >/f", None),
            ("iptables-save > /f; iptables-restore /g", None),
            ("cat /f; iptables-restore /g", None),
            ("nft list ruleset >/f", None),
            ("/f", None),
        ] {
            assert_eq!(of(text, "/f"), expected, "{text}");
        }
    }

    #[test]
    fn commands_start_services() {
        const SERVICES: [&str; 2] = ["netfilter-persistent.service", "iptables.service"];
        for (text, expected) in [
            ("netfilter-persistent reload", true),
            ("systemctl restart netfilter-persistent", true),
            ("systemctl restart netfilter-persistent.service", true),
            ("service iptables restart", true),
            ("rc-service iptables reload", true),
            ("systemctl status iptables", false),
            ("systemctl restart nginx", false),
            ("iptables -A INPUT -j ACCEPT; systemctl start nginx", false),
        ] {
            assert_eq!(starts(text, &SERVICES), expected, "{text}");
        }
    }
}
