//! Finds the names in a template's text and makes undefined ones known: each name is handed through a filter that
//! sees its value, as the engine itself takes a comparison with an undefined name for false. What the names stand for
//! is not decided here.

use std::ops::Range;

/// The filter that looks at each name's value.
pub(super) const FILTER: &str = "lvsctl_known";

/// A name as it is written: `host.name`, in the text's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub range: Range<usize>,
    /// The variable and its attributes, up to the first index that is computed.
    pub path: Vec<String>,
}

/// A text whose names are looked at when it is rendered.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Strict {
    pub text: String,
    pub names: Vec<Name>,
    /// Variables that the text itself sets.
    pub bound: Vec<String>,
    /// Names that the text asks about (`is defined`), or has a default for.
    pub guarded: Vec<Vec<String>>,
}

impl Strict {
    /// Whether the text asks first whether a name, or what holds it, is defined.
    pub fn is_guarded(&self, path: &[String]) -> bool {
        self.guarded.iter().any(|guard| path.starts_with(guard))
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Token<'a> {
    Name(&'a str),
    Text(&'a str),
    Number,
    /// Two characters where the language has them: `==`, `?.`, ...
    Sign(&'a str),
}

type Tokens<'a> = Vec<(Token<'a>, Range<usize>)>;

/// `text` is a template; `of` names it for the filter.
pub(super) fn strict(text: &str, of: &str) -> Strict {
    let mut out = Strict::default();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(start) = start_marker(rest) else {
            break;
        };
        let (open, inside) = (at + start, at + start + 2);
        push(&mut out.text, text, at..inside);
        let marker = text.get(open..inside).unwrap_or_default();
        if marker == "{#" {
            let end = text.get(inside..).and_then(|rest| rest.find("#}"));
            at = end.map_or(text.len(), |end| inside + end + 2);
            push(&mut out.text, text, inside..at);
            continue;
        }
        let close = if marker == "{{" { "}}" } else { "%}" };
        let (tokens, end) = tokens(text, inside, close);
        if marker == "{%" && word(&tokens, 0) == Some("raw") {
            let body = text.get(end..).unwrap_or_default();
            at = end_of_raw(body).map_or(text.len(), |raw| end + raw);
            push(&mut out.text, text, inside..at);
            continue;
        }
        let mut writer = Writer {
            source: text,
            of,
            tokens: &tokens,
            copied: inside,
            out: &mut out,
        };
        if marker == "{%" {
            writer.tag();
        } else if !matches!(tokens.first(), Some((Token::Sign("<"), _))) {
            writer.expression(0, tokens.len());
        }
        writer.copy(end);
        at = end;
    }
    push(&mut out.text, text, at..text.len());
    out
}

fn push(into: &mut String, text: &str, range: Range<usize>) {
    into.push_str(text.get(range).unwrap_or_default());
}

fn start_marker(text: &str) -> Option<usize> {
    let found = ["{{", "{%", "{#"].iter().filter_map(|m| text.find(m));
    found.min()
}

/// Behind the tag that ends a `raw` block.
fn end_of_raw(body: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        let start = at + body.get(at..)?.find("{%")?;
        let end = start + body.get(start..)?.find("%}")? + 2;
        let inner = body.get(start + 2..end - 2)?;
        if inner.trim_matches(['-', ' ', '\t', '\n']) == "endraw" {
            return Some(end);
        }
        at = start + 2;
    }
}

fn word<'a>(tokens: &Tokens<'a>, index: usize) -> Option<&'a str> {
    // A tag may begin with `-`, which takes away the blanks before it.
    let skip = usize::from(matches!(tokens.first(), Some((Token::Sign("-"), _))));
    match tokens.get(index + skip) {
        Some((Token::Name(name), _)) => Some(name),
        _ => None,
    }
}

/// The tokens from a place up to the closing marker, and the place behind that.
fn tokens<'a>(text: &'a str, from: usize, close: &str) -> (Tokens<'a>, usize) {
    let mut found = Tokens::new();
    let mut at = from;
    let mut braces = 0_usize;
    while let Some(rest) = text.get(at..)
        && let Some(first) = rest.chars().next()
    {
        if braces == 0 && rest.starts_with(close) {
            return (found, at + close.len());
        }
        let length = match first {
            c if c.is_ascii_whitespace() => c.len_utf8(),
            '"' | '\'' | '`' => {
                let length = text_length(rest, first);
                let range = at..at + length;
                let inner = text.get(at + 1..(at + length).saturating_sub(1));
                found.push((Token::Text(inner.unwrap_or_default()), range));
                length
            }
            c if c.is_ascii_digit() => {
                let end = rest.find(|c: char| !c.is_ascii_digit());
                let length = end.unwrap_or(rest.len());
                found.push((Token::Number, at..at + length));
                length
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
                let length = end.unwrap_or(rest.len());
                let name = rest.get(..length).unwrap_or_default();
                found.push((Token::Name(name), at..at + length));
                length
            }
            c => {
                let two = ["==", "!=", "<=", ">=", "?.", "?[", "//", "**"];
                let sign = two.iter().find(|sign| rest.starts_with(**sign));
                let length = sign.map_or(c.len_utf8(), |sign| sign.len());
                let sign = rest.get(..length).unwrap_or_default();
                match sign {
                    "{" => braces += 1,
                    "}" => braces = braces.saturating_sub(1),
                    _ => {}
                }
                found.push((Token::Sign(sign), at..at + length));
                length
            }
        };
        at += length;
    }
    (found, text.len())
}

/// Of a text in quotes, these included.
fn text_length(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return at + c.len_utf8();
        }
    }
    rest.len()
}

/// Writes one tag or expression, its names handed through the filter.
struct Writer<'a, 'o> {
    source: &'a str,
    of: &'a str,
    tokens: &'a Tokens<'a>,
    /// What stands before this in the source is written.
    copied: usize,
    out: &'o mut Strict,
}

impl<'a> Writer<'a, '_> {
    fn token(&self, index: usize) -> Option<Token<'a>> {
        self.tokens.get(index).map(|(token, _)| *token)
    }

    fn is(&self, index: usize, sign: &str) -> bool {
        matches!(self.token(index), Some(Token::Sign(s)) if s == sign)
    }

    fn is_word(&self, index: usize, words: &[&str]) -> bool {
        matches!(self.token(index), Some(Token::Name(name)) if words.contains(&name))
    }

    fn start(&self, index: usize) -> usize {
        self.tokens
            .get(index)
            .map_or(self.source.len(), |(_, range)| range.start)
    }

    fn end(&self, index: usize) -> usize {
        self.tokens
            .get(index)
            .map_or(self.source.len(), |(_, range)| range.end)
    }

    fn copy(&mut self, to: usize) {
        push(&mut self.out.text, self.source, self.copied..to);
        self.copied = self.copied.max(to);
    }

    fn bind(&mut self, index: usize) {
        if let Some(Token::Name(name)) = self.token(index) {
            self.out.bound.push(name.to_owned());
        }
    }

    fn tag(&mut self) {
        let end = self.tokens.len();
        let first = usize::from(self.is(0, "-"));
        let Some(Token::Name(tag)) = self.token(first) else {
            return;
        };
        match tag {
            "if" | "elif" => self.expression(first + 1, end),
            "for" => self.loop_over(first, end),
            "set" | "set_global" => {
                self.bind(first + 1);
                if let Some(sign) = (first..end).find(|i| self.is(*i, "=")) {
                    self.expression(sign + 1, end);
                }
            }
            // Its arguments are names of this text.
            "component" => {
                for index in first + 1..end {
                    self.bind(index);
                }
                self.out.bound.push("body".to_owned());
            }
            _ => {}
        }
    }

    /// From the word `for`: what is behind `in` is an expression.
    fn loop_over(&mut self, from: usize, end: usize) {
        let Some(within) = (from..end).find(|i| self.is_word(*i, &["in"])) else {
            return;
        };
        for index in from + 1..within {
            self.bind(index);
        }
        self.out.bound.push("loop".to_owned());
        self.expression(within + 1, end);
    }

    fn expression(&mut self, from: usize, end: usize) {
        let mut at = from;
        while at < end {
            at = self.piece(at, end);
        }
    }

    /// Goes on behind what is written from one token on.
    fn piece(&mut self, at: usize, end: usize) -> usize {
        const WORDS: &[&str] = &[
            "and", "or", "not", "in", "if", "else", "true", "false", "True", "False", "none",
            "None", "null",
        ];
        if self.is(at, "|") {
            // The filter's name; its arguments are an expression as any other.
            return at + 2;
        }
        if self.is_word(at, &["is"]) {
            return at + 2 + usize::from(self.is_word(at + 1, &["not"]));
        }
        if self.is_word(at, &["for"]) {
            let within = (at..end).find(|i| self.is_word(*i, &["in"]));
            for index in at + 1..within.unwrap_or(at) {
                self.bind(index);
            }
            return within.unwrap_or(at) + 1;
        }
        let Some(Token::Name(name)) = self.token(at) else {
            return at + 1;
        };
        let called = self.is(at + 1, "(") || self.is(at + 1, "=") || self.is(at + 1, ":");
        if WORDS.contains(&name) || called || self.is(at.wrapping_sub(1), ".") {
            return at + 1;
        }
        self.name(at, end)
    }

    fn name(&mut self, from: usize, end: usize) -> usize {
        let mut path = Vec::new();
        if let Some(Token::Name(name)) = self.token(from) {
            path.push(name.to_owned());
        }
        let (mut at, mut plain, mut optional) = (from + 1, true, false);
        let mut inner = Vec::new();
        while at < end {
            optional |= self.is(at, "?.") || self.is(at, "?[");
            if self.is(at, ".") || self.is(at, "?.") {
                match self.token(at + 1) {
                    Some(Token::Name(name)) if plain && !optional => path.push(name.to_owned()),
                    _ => plain = false,
                }
                at += 2;
            } else if self.is(at, "[") || self.is(at, "?[") {
                let close = self.closing(at, end);
                match (self.token(at + 1), close == at + 2) {
                    (Some(Token::Text(key)), true) if plain && !optional => {
                        path.push(key.to_owned());
                    }
                    _ => {
                        plain = false;
                        inner.push((at + 1, close));
                    }
                }
                at = close + 1;
            } else {
                break;
            }
        }
        let at = at.min(end);
        let asked = |s: &Self, at: usize| {
            let behind = at + 1 + usize::from(s.is_word(at + 1, &["not"]));
            s.is_word(at, &["is"]) && s.is_word(behind, &["defined", "undefined"])
        };
        let mut last = at;
        while self.is(last, "|") && self.is_word(last + 1, &["default"]) {
            let open = last + 2;
            last = if self.is(open, "(") {
                self.closing(open, end) + 1
            } else {
                open
            };
            // The default itself may be looked at only where it is taken.
            inner.clear();
        }
        if asked(self, last) || last > at || optional {
            self.out.guarded.push(path.clone());
        }
        if asked(self, last) || optional {
            return last;
        }
        let range = self.start(from)..self.end(last.saturating_sub(1));
        self.copy(range.start);
        self.out.text.push('(');
        for (from, to) in inner {
            self.expression(from, to);
        }
        self.copy(range.end);
        let (of, start, length) = (self.of, range.start, range.end - range.start);
        // Strings of the engine know few escapes; names of files with others are left out.
        let of = of.replace(['"', '\\', '\n', '\r'], "?");
        let steps = path.join("\u{1}").replace(['"', '\\'], "?");
        self.out.text.push_str(&format!(
            " | {FILTER}(of=\"{of}\", at={start}, length={length}, path=\"{steps}\"))"
        ));
        self.out.names.push(Name { range, path });
        last
    }

    /// The token that closes the bracket at `open`.
    fn closing(&self, open: usize, end: usize) -> usize {
        let mut depth = 0_usize;
        for at in open..end {
            match self.token(at) {
                Some(Token::Sign("[" | "?[" | "(" | "{")) => depth += 1,
                Some(Token::Sign("]" | ")" | "}")) => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return at;
                    }
                }
                _ => {}
            }
        }
        end.saturating_sub(1).max(open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with `<name>` for each name that is looked at.
    fn marked(text: &str) -> String {
        let made = strict(text, "t");
        let mut out = String::new();
        let mut rest = made.text.as_str();
        while let Some(at) = rest.find(" | lvsctl_known(") {
            let (before, behind) = rest.split_at(at);
            out.push_str(before);
            out.push('>');
            rest = behind.split_once("))").map_or("", |(_, rest)| rest);
        }
        out + rest
    }

    #[test]
    fn each_name_is_looked_at() {
        for (text, want) in [
            ("a.b", "a.b"),
            ("{{ a.b }}", "{{ (a.b> }}"),
            ("{{ a.b == \"c\" }}", "{{ (a.b> == \"c\" }}"),
            ("{{ not a and b[c.d].e }}", "{{ not (a> and (b[(c.d>].e> }}"),
            ("{{ a[\"b c\"] }}", "{{ (a[\"b c\"]> }}"),
            ("{{ a | length > 0 }}", "{{ (a> | length > 0 }}"),
            ("{{ a | join(sep=b) }}", "{{ (a> | join(sep=(b>) }}"),
            ("{{ range(end=n) }}", "{{ range(end=(n>) }}"),
            ("{{ a is defined and a.b }}", "{{ a is defined and (a.b> }}"),
            ("{{ a is not defined }}", "{{ a is not defined }}"),
            (
                "{{ a is containing(pat=b) }}",
                "{{ (a> is containing(pat=(b>) }}",
            ),
            (
                "{{ a.b | default(value=c.d) }}",
                "{{ (a.b | default(value=c.d)> }}",
            ),
            ("{{ a?.b == 1 }}", "{{ a?.b == 1 }}"),
            ("{{ a if b else c }}", "{{ (a> if (b> else (c> }}"),
            ("{{ [a, 1, \"x.y\"] }}", "{{ [(a>, 1, \"x.y\"] }}"),
            (
                "{{ [x.a for x in l if x.b] }}",
                "{{ [(x.a> for x in (l> if (x.b>] }}",
            ),
            ("{{ {\"k\": a} }}", "{{ {\"k\": (a>} }}"),
            (
                "{% if a.b -%}x{% elif c %}{% endif %}",
                "{% if (a.b> -%}x{% elif (c> %}{% endif %}",
            ),
            (
                "{%- for k, v in a.b %}{{ v }}{% endfor %}",
                "{%- for k, v in (a.b> %}{{ (v> }}{% endfor %}",
            ),
            ("{% set x = a.b %}{{x}}", "{% set x = (a.b> %}{{(x>}}"),
            ("{# {{ a }} #}{{ b }}", "{# {{ a }} #}{{ (b> }}"),
            (
                "{% raw %}{{ a }}{% endraw %}{{ b }}",
                "{% raw %}{{ a }}{% endraw %}{{ (b> }}",
            ),
            ("{% include \"a.b\" %}", "{% include \"a.b\" %}"),
            ("{{ true and none }}", "{{ true and none }}"),
            ("{{ \"}} a\" ~ b }}", "{{ \"}} a\" ~ (b> }}"),
            ("{{ a", "{{ (a>"),
            ("{{ é.b }}", "{{ é.b }}"),
        ] {
            assert_eq!(marked(text), want, "{text}");
        }
    }

    #[test]
    fn names_have_their_place() {
        let made = strict("x {{ host.name }}{% for a in b[\"c\"] %}{% endfor %}", "t");
        let names: Vec<(Range<usize>, String)> = made
            .names
            .iter()
            .map(|name| (name.range.clone(), name.path.join(".")))
            .collect();
        assert_eq!(
            names,
            [(5..14, "host.name".to_owned()), (29..35, "b.c".to_owned())]
        );
        assert_eq!(made.bound, ["a", "loop"]);
    }
}
