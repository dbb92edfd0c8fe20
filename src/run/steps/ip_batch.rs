//! Several commands of ip(8) in one process, by `ip -batch`. It ends at the first that fails, and names its line.

use crate::shell::heredoc;

/// A command's line of a batch; None: not a single `ip` command whose words a batch and a shell split alike.
pub(super) fn line(script: &str) -> Option<&str> {
    let words = script.trim_end().strip_prefix("ip ")?;
    // A batch has no options; the family is that of the addresses.
    let words = words
        .strip_prefix("-4 ")
        .or(words.strip_prefix("-6 "))
        .unwrap_or(words);
    let plain = |b: u8| b.is_ascii_alphanumeric() || b" @%+=:,./_-".contains(&b);
    let is_batch = !words.starts_with('-') && words.bytes().all(plain);
    is_batch.then_some(words)
}

/// Shell text that runs commands, each of which has a [`line`].
pub(super) fn script<'a>(commands: impl Iterator<Item = &'a str>) -> String {
    let lines: Vec<&str> = commands.filter_map(line).collect();
    heredoc("ip -batch -", &format!("{}\n", lines.join("\n")))
}

/// How many commands of a failed batch were done, by what it printed.
pub(super) fn done(stderr: &str) -> usize {
    let mut lines = stderr.lines().rev();
    let number = lines.find_map(|line| line.trim().strip_prefix("Command failed -:"));
    let number = number.and_then(|number| number.trim().parse::<usize>().ok());
    number.map_or(0, |number| number.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_plain_words_have_a_line() {
        for (script, expected) in [
            (
                "ip addr add 10.0.0.9/32 dev lo label lo:0",
                Some("addr add 10.0.0.9/32 dev lo label lo:0"),
            ),
            (
                "ip -4 route replace 10.0.0.9/32 dev lo\n",
                Some("route replace 10.0.0.9/32 dev lo"),
            ),
            (
                "ip -6 route replace fd00::9/128 dev lo",
                Some("route replace fd00::9/128 dev lo"),
            ),
            ("ip -j addr show", None),
            (
                "ip addr del 10.0.0.9/32 dev lo\nip addr add 10.0.0.9/32 dev lo",
                None,
            ),
            ("ip neigh del 10.0.0.9 dev lo 2>/dev/null || :", None),
            ("ip link set 'a b' up", None),
            ("ip link set a#b up", None),
            ("ipvsadm -C", None),
            ("printf '%s\\n' 1 >/proc/sys/net/ipv4/ip_forward", None),
        ] {
            assert_eq!(line(script), expected, "{script}");
        }
    }

    #[test]
    fn the_line_that_failed_says_how_many_were_done() {
        for (stderr, expected) in [
            ("RTNETLINK answers: File exists\nCommand failed -:3\n", 2),
            ("Error: argument \"x\" is wrong\nCommand failed -:1\n", 0),
            ("Command failed -:1\nlater\nCommand failed -:2\n", 1),
            ("ip: not found\n", 0),
            ("Command failed -:0\nCommand failed -:x", 0),
        ] {
            assert_eq!(done(stderr), expected, "{stderr}");
        }
    }
}
