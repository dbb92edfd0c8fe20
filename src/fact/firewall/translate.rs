//! Translates a rule of nft(8) into words of iptables, so that the same code follows both. A match without an equivalent
//! becomes an unknown option: the rule then may or may not match.

use super::nft_words::{family, interface, ports, spaced};
use super::rules::split_words;

/// Words of one statement, such as `! -s 10.0.0.0/8`.
type Words = Vec<String>;

/// The rules that a line of a chain stands for: a verdict map is one rule for each of its elements.
pub(super) fn rules(family: &str, line: &str) -> Vec<Words> {
    let mut reader = Reader::new(family, line);
    reader.read();
    reader.done()
}

/// Statements that may follow a `log` or a `limit` with separate options.
const VERDICTS: &[&str] = &[
    "accept",
    "drop",
    "reject",
    "return",
    "jump",
    "goto",
    "continue",
    "queue",
    "dnat",
    "snat",
    "masquerade",
    "redirect",
    "tproxy",
    "notrack",
    "counter",
    "log",
    "meta",
    "ip",
    "ip6",
    "tcp",
    "udp",
    "icmpv6",
    "ct",
    "comment",
    "limit",
    "iifname",
    "oifname",
    "iif",
    "oif",
];

struct Reader<'a> {
    family: &'a str,
    tokens: Vec<String>,
    at: usize,
    matches: Words,
    all: Vec<Words>,
    ended: bool,
}

impl<'a> Reader<'a> {
    fn new(family: &'a str, line: &str) -> Self {
        let spaced = spaced(line);
        Self {
            family,
            tokens: split_words(&spaced),
            at: 0,
            matches: Vec::new(),
            all: Vec::new(),
            ended: false,
        }
    }

    fn peek(&self) -> &str {
        self.tokens.get(self.at).map_or("", String::as_str)
    }

    fn next(&mut self) -> String {
        let token = self.peek().to_owned();
        self.at += 1;
        token
    }

    fn take(&mut self, word: &str) -> bool {
        let is = self.peek() == word;
        if is {
            self.at += 1;
        }
        is
    }

    fn done(mut self) -> Vec<Words> {
        if !self.ended && !self.matches.is_empty() {
            self.all.push(self.matches.clone());
        }
        self.all
    }

    fn read(&mut self) {
        while self.at < self.tokens.len() {
            let token = self.next();
            self.statement(&token);
        }
    }

    fn statement(&mut self, token: &str) {
        match token {
            "meta" => {
                let key = self.next();
                self.meta(&key);
            }
            "iifname" | "iif" | "oifname" | "oif" | "mark" | "l4proto" | "nfproto" | "pkttype"
            | "skuid" | "skgid" => self.meta(token),
            "ip" | "ip6" => self.ip(token),
            "arp" => self.arp(),
            "ether" => self.ether(),
            "tcp" | "udp" | "th" | "sctp" => self.transport(token),
            "icmpv6" if self.peek() == "type" => {
                self.at += 1;
                self.push("-p", "icmpv6");
                self.compare("--icmpv6-type", str::to_owned);
            }
            "ct" => self.conntrack(),
            "icmp" | "icmpv6" => {
                self.push("-p", token);
                self.unknown("--icmp-type");
            }
            "limit" | "quota" => self.until_verdict("--limit"),
            "numgen" => self.until_verdict("--probability"),
            "add" | "update" => self.until_verdict("--hashlimit"),
            "log" => self.skip_to_verdict(),
            "counter" => {
                while ["packets", "bytes", "name"].contains(&self.peek()) {
                    self.at += 2;
                }
            }
            "comment" => self.at += 1,
            "fib" => self.fib(),
            verdict => self.verdict(verdict),
        }
    }

    fn push(&mut self, option: &str, value: &str) {
        self.matches.extend([option.to_owned(), value.to_owned()]);
    }

    /// A match that cannot be decided: skips its operands.
    fn unknown(&mut self, option: &str) {
        self.matches.push(option.to_owned());
        self.skip_to_verdict();
    }

    /// Values that are looked up together, such as `ip saddr . tcp dport { 10.0.0.1 . 80 }`.
    fn concatenation(&mut self) {
        self.matches.push("--nft".to_owned());
        while self.at < self.tokens.len() {
            let token = self.next();
            if token == "{" {
                while self.at < self.tokens.len() && !self.take("}") {
                    self.at += 1;
                }
                return;
            }
            if token.starts_with('@') {
                return;
            }
        }
    }

    fn until_verdict(&mut self, option: &str) {
        self.matches.push(option.to_owned());
        self.skip_to_verdict();
    }

    fn skip_to_verdict(&mut self) {
        let mut depth = 0usize;
        while self.at < self.tokens.len() {
            match self.peek() {
                "{" => depth += 1,
                "}" => depth = depth.saturating_sub(1),
                word if depth == 0 && VERDICTS.contains(&word) => return,
                _ => {}
            }
            self.at += 1;
        }
    }

    /// A comparison: pushes an option with its value, or one rule each of a verdict map.
    fn compare(&mut self, option: &str, map: impl Fn(&str) -> String) {
        let negated = self.take("!=");
        self.take("==");
        if self.take("vmap") {
            return self.verdict_map(option, map);
        }
        if self.peek() == "." {
            return self.concatenation();
        }
        if self.peek() == "&" {
            return self.unknown("--nft");
        }
        if negated {
            self.matches.push("!".to_owned());
        }
        let mut values = Vec::new();
        if self.take("{") {
            while self.at < self.tokens.len() && !self.take("}") {
                let value = self.next();
                if value != "," {
                    values.push(map(&value));
                }
            }
        } else {
            values.push(map(&self.next()));
            // `ct state established,related`: a list without braces.
            while self.take(",") {
                values.push(map(&self.next()));
            }
        }
        match values.as_slice() {
            [one] if one.starts_with('@') => self.named(option, one),
            _ => self.push(option, &values.join(",")),
        }
    }

    /// A set of the table.
    fn named(&mut self, option: &str, name: &str) {
        let name = name.trim_start_matches('@').to_owned();
        match option {
            "-s" => self.push("--match-set", &name),
            "-d" => self.push("--match-set", &name),
            _ => return self.matches.push("--nft".to_owned()),
        }
        let side = if option == "-s" { "src" } else { "dst" };
        self.matches.push(side.to_owned());
    }

    fn verdict_map(&mut self, option: &str, map: impl Fn(&str) -> String) {
        if !self.take("{") {
            self.at += 1;
            self.matches.push("--nft".to_owned());
            self.ended = true;
            let mut words = self.matches.clone();
            words.extend(["-j".to_owned(), "DROP".to_owned()]);
            self.all.push(words);
            return;
        }
        while self.at < self.tokens.len() && !self.take("}") {
            let key = map(&self.next());
            self.take(":");
            let mut words = self.matches.clone();
            words.extend([option.to_owned(), key]);
            let verdict = self.next();
            words.extend(match verdict.as_str() {
                "jump" => ["-j".to_owned(), self.next()],
                "goto" => ["-g".to_owned(), self.next()],
                other => ["-j".to_owned(), other.to_uppercase()],
            });
            self.all.push(words);
            self.take(",");
        }
        self.ended = true;
    }

    fn meta(&mut self, key: &str) {
        match key {
            "iifname" | "iif" => self.compare("-i", interface),
            "oifname" | "oif" => self.compare("-o", interface),
            "l4proto" => self.compare("-p", str::to_owned),
            "nfproto" => self.compare("--family", family),
            "protocol" => self.compare("--family", family),
            "mark" if self.take("set") => {
                let value = self.next();
                let mut words = self.matches.clone();
                words.extend(["-j".to_owned(), "MARK".to_owned()]);
                let whole = value.starts_with("0x") || value.parse::<u32>().is_ok();
                let more = ["|", "&", "^", "and", "or", "xor"].contains(&self.peek());
                if whole && !more {
                    words.extend(["--set-mark".to_owned(), value]);
                } else {
                    self.skip_to_verdict();
                }
                self.all.push(words);
                self.ended = true;
            }
            "skuid" | "skgid" => self.unknown("--uid-owner"),
            "length" => self.unknown("--length"),
            "time" | "day" | "hour" => self.unknown("--timestart"),
            _ => self.unknown("--nft"),
        }
    }

    fn ip(&mut self, family: &str) {
        let six = family == "ip6";
        let key = self.next();
        if ["inet", "bridge", "netdev"].contains(&self.family) {
            self.push("--family", if six { "6" } else { "4" });
        }
        match key.as_str() {
            "saddr" | "daddr" if self.peek() == "." => self.concatenation(),
            "saddr" => self.compare("-s", str::to_owned),
            "daddr" => self.compare("-d", str::to_owned),
            "protocol" | "nexthdr" => self.compare("-p", str::to_owned),
            "length" => self.unknown("--length"),
            "hoplimit" => self.compare("--hl-eq", str::to_owned),
            "ttl" => self.unknown("--ttl"),
            _ => self.unknown("--nft"),
        }
    }

    fn arp(&mut self) {
        let key = self.next();
        match (key.as_str(), self.peek()) {
            ("saddr" | "daddr", "ip") => {
                self.at += 1;
                let option = if key == "saddr" { "-s" } else { "-d" };
                self.compare(option, str::to_owned);
            }
            ("operation", _) => self.compare("--opcode", |word| match word {
                "request" => "1".to_owned(),
                "reply" => "2".to_owned(),
                other => other.to_owned(),
            }),
            ("htype" | "ptype" | "hlen" | "plen", _) => self.at += 1,
            _ => self.unknown("--nft"),
        }
    }

    fn ether(&mut self) {
        match self.next().as_str() {
            "type" => self.compare("--family", family),
            _ => self.unknown("--mac-source"),
        }
    }

    fn transport(&mut self, protocol: &str) {
        if protocol != "th" {
            self.push("-p", protocol);
        }
        match self.next().as_str() {
            "dport" => self.compare("--dports", ports),
            "sport" => self.compare("--sports", ports),
            "flags" => self.flags(),
            _ => self.unknown("--nft"),
        }
    }

    /// `flags syn`, `flags & (fin | syn) == syn`, `flags syn / fin,syn,rst,ack`.
    fn flags(&mut self) {
        let mut groups: Vec<Vec<String>> = vec![Vec::new()];
        let (mut negated, mut slash) = (false, false);
        while self.at < self.tokens.len() {
            match self.peek() {
                "&" | "(" | ")" | "|" | "," => {}
                "==" => groups.push(Vec::new()),
                "!=" => {
                    negated = true;
                    groups.push(Vec::new());
                }
                "/" => {
                    slash = true;
                    groups.push(Vec::new());
                }
                flag @ ("fin" | "syn" | "rst" | "psh" | "ack" | "urg" | "ecn" | "cwr" | "0x0") => {
                    if let Some(group) = groups.last_mut() {
                        group.push(flag.to_uppercase());
                    }
                }
                _ => break,
            }
            self.at += 1;
        }
        let shown = |group: &[String]| match group {
            [] => "NONE".to_owned(),
            group if group == ["0X0"] => "NONE".to_owned(),
            group => group.join(","),
        };
        if slash {
            groups.reverse();
        }
        if negated {
            self.matches.push("!".to_owned());
        }
        match groups.as_slice() {
            [any] => self.push("--flags-any", &shown(any)),
            [mask, desired] => {
                self.push("--tcp-flags", &shown(mask));
                self.matches.push(shown(desired));
            }
            _ => self.matches.push("--nft".to_owned()),
        }
    }

    fn conntrack(&mut self) {
        match self.next().as_str() {
            "state" => self.compare("--ctstate", str::to_uppercase),
            "count" => self.until_verdict("--connlimit-above"),
            _ => self.unknown("--ctstatus"),
        }
    }

    /// `fib daddr type local`, and reverse path filters such as `fib saddr . iif oif missing`.
    fn fib(&mut self) {
        let of = if self.next() == "saddr" {
            "--src-type"
        } else {
            "--dst-type"
        };
        while self.at < self.tokens.len() {
            match self.next().as_str() {
                "type" => return self.compare(of, str::to_uppercase),
                "oif" | "oifname" => {
                    self.take("!=");
                    self.take("==");
                    self.at += 1;
                    self.matches.push("--rpfilter".to_owned());
                    return;
                }
                _ => {}
            }
        }
    }

    fn verdict(&mut self, token: &str) {
        let mut words = self.matches.clone();
        let target: &[&str] = match token {
            "accept" => &["-j", "ACCEPT"],
            "drop" => &["-j", "DROP"],
            "reject" => {
                self.skip_to_verdict();
                &["-j", "REJECT"]
            }
            "return" => &["-j", "RETURN"],
            "queue" => &["-j", "NFQUEUE"],
            "notrack" => &["-j", "NOTRACK"],
            "continue" => return,
            "jump" => &["-j"],
            "goto" => &["-g"],
            "redirect" | "dnat" | "tproxy" | "snat" | "masquerade" => {
                return self.rewrite(token, words);
            }
            // An operand of a statement that is not known.
            _ => {
                if token.chars().next().is_some_and(char::is_alphabetic) {
                    self.matches.push(format!("--nft-{token}"));
                    self.skip_to_verdict();
                }
                return;
            }
        };
        words.extend(target.iter().map(|word| (*word).to_owned()));
        if ["jump", "goto"].contains(&token) {
            words.push(self.next());
        }
        self.all.push(words);
        self.ended = true;
    }

    /// `dnat to 10.0.0.1:80`, `dnat ip to ...`, `redirect to :8081`.
    fn rewrite(&mut self, token: &str, mut words: Words) {
        while ["ip", "ip6"].contains(&self.peek()) {
            self.at += 1;
        }
        let to = if self.take("to") {
            self.rest()
        } else {
            String::new()
        };
        words.extend(["-j".to_owned(), token.to_uppercase()]);
        let option = match token {
            "redirect" => "--to-ports",
            "dnat" => "--to-destination",
            "snat" => "--to-source",
            _ => "",
        };
        if !to.is_empty() && !option.is_empty() {
            let to = if token == "redirect" {
                to.trim_start_matches(':').to_owned()
            } else {
                to
            };
            words.extend([option.to_owned(), to]);
        }
        self.all.push(words);
        self.ended = true;
    }

    fn rest(&mut self) -> String {
        let mut text = String::new();
        while self.at < self.tokens.len() {
            if ["comment", "random", "persistent", "fully-random"].contains(&self.peek()) {
                break;
            }
            text.push_str(&self.next());
        }
        self.at = self.tokens.len();
        text
    }
}

#[cfg(test)]
#[path = "translate_tests.rs"]
mod tests;
