//! Jump hosts as an inventory and ssh_config name them.

/// A jump host as it is written: `host`, `user@host:port` or `ssh://user@host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JumpHost {
    pub user: Option<String>,
    pub host: String,
    pub port: Option<u16>,
}

impl JumpHost {
    /// None: it is no name of a jump host.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("ssh://").unwrap_or(text);
        let rest = match (rest == text, rest.strip_suffix('/')) {
            (false, Some(rest)) => rest,
            _ => rest,
        };
        let (user, rest) = match rest.rsplit_once('@') {
            Some((user, rest)) => (Some(user), rest),
            None => (None, rest),
        };
        let (host, port) = match rest.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']')?;
                (
                    host,
                    port.strip_prefix(':').or((!port.is_empty()).then_some("")),
                )
            }
            None => match rest.split_once(':') {
                // An IPv6 address alone.
                Some((_, port)) if port.contains(':') => (rest, None),
                Some((host, port)) => (host, Some(port)),
                None => (rest, None),
            },
        };
        let port = match port {
            Some(port) if !port.chars().all(|c| c.is_ascii_digit()) => return None,
            Some(port) => Some(port.parse().ok().filter(|port| *port != 0)?),
            None => None,
        };
        if !is_ssh_word(host) || !user.is_none_or(is_ssh_word) {
            return None;
        }
        Some(Self {
            user: user.map(str::to_owned),
            host: host.to_owned(),
            port,
        })
    }
}

/// Whether a name, an address or a user is made of the usual characters, and is no option of a program. No shell acts on any
/// of these.
pub fn is_ssh_word(text: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || "._:%+-@".contains(c);
    !text.is_empty() && !text.starts_with('-') && text.chars().all(good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_jump_hosts() {
        for (text, expected) in [
            ("bastion", Some((None, "bastion", None))),
            ("ops@bastion", Some((Some("ops"), "bastion", None))),
            (
                "ops@bastion:2222",
                Some((Some("ops"), "bastion", Some(2222))),
            ),
            ("bastion:22", Some((None, "bastion", Some(22)))),
            (
                "ssh://ops@bastion:2222",
                Some((Some("ops"), "bastion", Some(2222))),
            ),
            ("ssh://bastion/", Some((None, "bastion", None))),
            ("192.0.2.1:2222", Some((None, "192.0.2.1", Some(2222)))),
            ("fd00::1", Some((None, "fd00::1", None))),
            ("[fd00::1]", Some((None, "fd00::1", None))),
            (
                "ops@[fd00::1]:2222",
                Some((Some("ops"), "fd00::1", Some(2222))),
            ),
            (
                "a@example.net@bastion",
                Some((Some("a@example.net"), "bastion", None)),
            ),
            ("", None),
            ("@bastion", None),
            ("bastion:", None),
            ("bastion:0", None),
            ("bastion:65536", None),
            ("bastion:+22", None),
            ("bastion:ssh", None),
            ("[fd00::1]2222", None),
            ("[fd00::1", None),
            ("-oProxyCommand=x", None),
            ("-l@bastion", None),
            ("two words", None),
            ("a;reboot", None),
            ("$(reboot)", None),
            ("bastion/x", None),
            ("h\nh", None),
        ] {
            let expected = expected.map(|(user, host, port)| JumpHost {
                user: user.map(str::to_owned),
                host: host.to_owned(),
                port,
            });
            assert_eq!(JumpHost::parse(text), expected, "{text:?}");
        }
    }
}
