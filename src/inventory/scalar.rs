//! Texts that stand for another value: numbers with units, switches, addresses with ports, odd blanks and quotes.

use std::net::{IpAddr, Ipv4Addr};

/// The words of YAML 1.1.
pub(super) fn switch(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "yes" | "on" | "y" => Some(true),
        "false" | "no" | "off" | "n" => Some(false),
        _ => None,
    }
}

/// `2s`, `500ms`, `1.5 h`.
pub(super) fn seconds(text: &str) -> Option<f64> {
    let unit = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at_checked(unit)?;
    let number: f64 = number.trim().parse().ok()?;
    let factor = match unit.to_lowercase().as_str() {
        "ms" => 0.001,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return None,
    };
    Some(number * factor)
}

/// A number that starts with a zero which means nothing, or octal in YAML 1.1.
pub(super) fn without_zeros(text: &str) -> Option<&str> {
    let number = match text.trim_start_matches('0') {
        "" => text.get(..1)?,
        rest => rest,
    };
    let digits = number.chars().all(|c| c.is_ascii_digit());
    (digits && number.len() < text.len()).then_some(number)
}

/// Put in the place of a blank by an editor or a page.
pub(super) fn is_odd_blank(c: char) -> bool {
    matches!(
        c,
        '\u{a0}' | '\u{2000}'..='\u{200b}' | '\u{202f}' | '\u{2060}' | '\u{3000}' | '\u{feff}'
    )
}

/// Put in the place of a quote by an editor or a page.
pub(super) fn is_odd_quote(c: char) -> bool {
    matches!(c, '\u{2018}'..='\u{201f}' | '«' | '»')
}

/// The text without such characters around it.
pub(super) fn cleaned(text: &str) -> Option<&str> {
    let clean = text.trim_matches(|c| is_odd_blank(c) || is_odd_quote(c) || c == ' ');
    (clean != text && !clean.is_empty()).then_some(clean)
}

/// `"a, b"` or `a b` as a list.
pub(super) fn listed(text: &str) -> Option<Vec<&str>> {
    let parts = text.split([',', ' ', ';']).map(str::trim);
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    (parts.len() > 1).then_some(parts)
}

/// An address with a port: `10.0.0.1:80`, `[fd00::1]:80`, `10.0.0.1 80`; or in brackets without one.
pub(super) fn endpoint(text: &str) -> Option<(IpAddr, Option<u16>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (address, rest) = rest.split_once(']')?;
        let address = address.parse().ok()?;
        let port = rest.trim_start_matches([':', ' ']);
        let port = if port.is_empty() {
            None
        } else {
            Some(port.parse().ok()?)
        };
        return Some((address, port));
    }
    if let Some((address, port)) = text.split_once(' ') {
        return Some((address.parse().ok()?, Some(port.trim().parse().ok()?)));
    }
    let (address, port) = text.split_once(':')?;
    let address: Ipv4Addr = address.parse().ok()?;
    Some((address.into(), Some(port.parse().ok()?)))
}

/// `10.0.0.0/255.255.255.0` or `10.0.0.0 255.255.255.0` with the length of its prefix.
pub(super) fn netmask(text: &str) -> Option<String> {
    let (address, mask) = text.split_once(['/', ' '])?;
    let address: Ipv4Addr = address.trim().parse().ok()?;
    let mask = mask.trim().trim_start_matches("netmask ");
    let prefix = ipnet::ip_mask_to_prefix(mask.parse::<Ipv4Addr>().ok()?.into()).ok()?;
    Some(format!("{address}/{prefix}"))
}

/// The addresses of `10.0.0.1-10.0.0.5` or `10.0.0.1-5`, where they are few.
pub(super) fn addresses(text: &str) -> Option<Vec<Ipv4Addr>> {
    const MOST: u32 = 16;
    let (first, last) = text.split_once(['-', '–'])?;
    let first: Ipv4Addr = first.trim().parse().ok()?;
    let last = last.trim();
    let last = match last.parse::<Ipv4Addr>() {
        Ok(last) => last,
        Err(_) => {
            let [a, b, c, _] = first.octets();
            Ipv4Addr::new(a, b, c, last.parse().ok()?)
        }
    };
    let (low, high) = (u32::from(first), u32::from(last));
    let few = low < high && high - low < MOST;
    few.then(|| (low..=high).map(Ipv4Addr::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_blanks_quotes_and_lists() {
        assert_eq!(cleaned("\u{201c}10.0.0.1\u{201d}"), Some("10.0.0.1"));
        assert_eq!(cleaned("\u{a0}vip"), Some("vip"));
        assert_eq!(cleaned("vip"), None);
        assert_eq!(listed("rs1, rs2"), Some(vec!["rs1", "rs2"]));
        assert_eq!(listed("rs1"), None);
    }

    #[test]
    fn addresses_with_more_behind_them() {
        let v4: IpAddr = [10, 0, 0, 1].into();
        let v6: IpAddr = "fd00::1".parse().unwrap();
        for (text, found) in [
            ("10.0.0.1:80", Some((v4, Some(80)))),
            ("10.0.0.1 80", Some((v4, Some(80)))),
            ("[fd00::1]:80", Some((v6, Some(80)))),
            ("[fd00::1]", Some((v6, None))),
            ("fd00::1 80", Some((v6, Some(80)))),
            ("fd00::1", None),
            ("10.0.0.1", None),
            ("10.0.0.1:http", None),
        ] {
            assert_eq!(endpoint(text), found, "{text}");
        }
        assert_eq!(
            netmask("10.0.0.0/255.255.255.0").as_deref(),
            Some("10.0.0.0/24")
        );
        assert_eq!(netmask("10.0.0.0/255.0.255.0"), None);
        assert_eq!(netmask("10.0.0.0/24"), None);
        assert_eq!(addresses("10.0.0.1-10.0.0.3").unwrap().len(), 3);
        assert_eq!(addresses("10.0.0.1-3").unwrap().len(), 3);
        assert_eq!(addresses("10.0.0.1-10.9.0.3"), None);
        assert_eq!(addresses("10.0.0.3-10.0.0.1"), None);
    }
}
