//! The way to a host that is not reached directly: jump hosts and ProxyCommand, as an inventory and the user's SSH
//! configuration write them. Pure; who takes the way is `ssh/`.

use ssh2_config::SshConfig;

use super::said_words;
use crate::model::is_ssh_word;

/// What one source says of the way to a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    Nothing,
    Direct,
    Jump(Vec<String>),
    Command(String),
}

/// The first block that speaks of ProxyJump or ProxyCommand decides, as in OpenSSH; `none` is a decision, too.
pub(super) fn of_config(config: &SshConfig, name: &str) -> Result<Said, String> {
    for block in config.intersecting_hosts(name) {
        let jump = block.params.proxy_jump.as_ref();
        let command = said_words(&block.params, "proxycommand");
        let is_none = |words: &[String]| words.iter().all(|word| word.eq_ignore_ascii_case("none"));
        return match (jump, command) {
            (None, None) => continue,
            (Some(_), Some(_)) => Err(format!(
                "one block has both ProxyJump and ProxyCommand for {name}: delete one of the two"
            )),
            (Some(hops), None) if is_none(hops) => Ok(Said::Direct),
            (Some(hops), None) => Ok(Said::Jump(hops.clone())),
            (None, Some(words)) if is_none(words) => Ok(Said::Direct),
            (None, Some(words)) => Ok(Said::Command(joined(words))),
        };
    }
    Ok(Said::Nothing)
}

/// The words are as written, with their quotes, but for one alone, which has lost them.
fn joined(words: &[String]) -> String {
    match words {
        [one] => crate::shell::quote(one),
        words => words.join(" "),
    }
}

/// Puts the host into a ProxyCommand: `%h`, `%p`, `%r`, `%n` and `%%` (TOKENS in ssh_config(5)).
pub(super) fn expand(
    command: &str,
    host: &str,
    port: u16,
    user: &str,
    name: &str,
) -> Result<String, String> {
    let mut out = String::new();
    let mut chars = command.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let (what, value) = match chars.next() {
            Some('%') => {
                out.push('%');
                continue;
            }
            Some('p') => {
                out.push_str(&port.to_string());
                continue;
            }
            Some('h') => ("host", host),
            Some('r') => ("user", user),
            Some('n') => ("name", name),
            other => {
                let other = other.map_or_else(String::new, String::from);
                return Err(format!(
                    "the ProxyCommand of {name} has %{other}, and only %h, %n, %p, %r and %% are known"
                ));
            }
        };
        // It may stand in quotes or not, so only what is no shell syntax in either is put there.
        if !is_ssh_word(value) {
            return Err(format!(
                "the {what} {value:?} cannot be put into a ProxyCommand: expected letters, digits and `._:%+-@`"
            ));
        }
        out.push_str(value);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_a_command() {
        let of = |command: &str, host: &str, user: &str| expand(command, host, 2222, user, "rs1");
        for (command, expected) in [
            ("nc %h %p", "nc 192.0.2.7 2222"),
            (
                "ssh -W '%h:%p' %r@\"%n\"",
                "ssh -W '192.0.2.7:2222' ops@\"rs1\"",
            ),
            ("printf 100%% %%h", "printf 100% %h"),
            ("nc", "nc"),
        ] {
            assert_eq!(
                of(command, "192.0.2.7", "ops"),
                Ok(expected.to_owned()),
                "{command}"
            );
        }
        for (command, host, user, says) in [
            ("nc %x", "h", "u", "%x"),
            ("nc %", "h", "u", "has %,"),
            ("nc %h", "h;reboot", "u", "the host \"h;reboot\""),
            ("nc %h", "-oProxyCommand=x", "u", "the host"),
            ("nc %h", "a b", "u", "the host"),
            ("nc %h", "", "u", "the host"),
            ("nc %r", "h", "$(id)", "the user"),
            ("nc %r", "h", "`id`", "the user"),
            ("nc %r", "h", "u'", "the user"),
        ] {
            let error = of(command, host, user).expect_err(command);
            assert!(error.contains(says), "{command}: {error}");
        }
        // A token that is not used does not matter.
        assert!(of("nc x", "a b", "$(id)").is_ok());
    }
}
