//! Words of nft(8), and those of iptables that mean the same. What statements mean is known by [`super::translate`].

/// Braces, commas and brackets are words of their own. What stands in quotes stays.
pub(super) fn spaced(line: &str) -> String {
    let mut text = String::with_capacity(line.len() + 16);
    let mut quoted = false;
    let mut before = ' ';
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        quoted ^= c == '"';
        let colon = c == ':' && before == ' ' && rest.peek().is_none_or(|c| c.is_whitespace());
        if !quoted && (matches!(c, '{' | '}' | ',' | '(' | ')' | '|') || colon) {
            text.push(' ');
            text.push(c);
            text.push(' ');
        } else {
            text.push(c);
        }
        before = c;
    }
    text
}

pub(super) fn interface(name: &str) -> String {
    match name.strip_suffix('*') {
        Some(start) => format!("{start}+"),
        None => name.to_owned(),
    }
}

pub(super) fn family(word: &str) -> String {
    match word {
        "ipv4" | "ip" | "0x0800" => "4".to_owned(),
        "ipv6" | "ip6" | "0x86dd" => "6".to_owned(),
        other => other.to_owned(),
    }
}

pub(super) fn ports(word: &str) -> String {
    match word {
        "ssh" => "22".to_owned(),
        "domain" => "53".to_owned(),
        "http" => "80".to_owned(),
        "https" => "443".to_owned(),
        other => other.replace('-', ":"),
    }
}
