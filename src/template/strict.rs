//! Rewrites a template so that undefined names are detected: each name passes a filter that sees its value. The engine itself
//! evaluates a comparison with an undefined name as false. The names' values are not known here.

use std::ops::Range;

use super::tokens::{Token, Tokens, close_of, parts};

/// The filter that looks at each name's value.
pub(super) const FILTER: &str = "lvsctl_known";

/// The filter that looks at each value that becomes text.
pub(super) const PRINTED: &str = "lvsctl_text";

/// The same in the fast text.
pub(super) const FAST_FILTER: &str = "lvsctl_known_fast";
pub(super) const FAST_PRINTED: &str = "lvsctl_text_fast";

/// The begin of a step of a path that is an index; the text between the brackets follows.
pub(super) const INDEX: char = '\u{2}';

/// A name as it is written: `host.name`, in the text's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub range: Range<usize>,
    /// The variable, its attributes and indices.
    pub path: Vec<String>,
}

/// A text whose names are looked at when it is rendered.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Strict {
    pub text: String,
    /// The same by filters that have no arguments, which are many times as fast: these see that something is wrong, and
    /// not where.
    pub fast: String,
    /// As the user wrote it.
    pub written: String,
    pub names: Vec<Name>,
    /// Variables that the text itself sets.
    pub bound: Vec<String>,
    /// Names that the text asks about (`is defined`), or has a default for.
    pub guarded: Vec<Vec<String>>,
}

impl Strict {
    /// Whether the text asks first whether a name, or what holds it, is defined.
    pub(super) fn is_guarded(&self, path: &[String]) -> bool {
        self.guarded.iter().any(|guard| path.starts_with(guard))
    }
}

/// `text` is a template; `of` names it for the filters.
pub(super) fn strict(text: &str, of: &str) -> Strict {
    let mut out = Strict {
        written: text.to_owned(),
        ..Strict::default()
    };
    let mut copied = 0;
    for part in parts(text) {
        let mut writer = Writer {
            source: text,
            of,
            tokens: &part.tokens,
            copied,
            out: &mut out,
        };
        if part.tag {
            writer.tag();
        } else {
            writer.printed();
        }
        writer.copy(part.end);
        copied = part.end;
    }
    push(&mut out.text, text, copied..text.len());
    push(&mut out.fast, text, copied..text.len());
    out
}

/// Texts of the engine know few escapes; names of files with others are left out.
fn named(of: &str) -> String {
    of.replace(['"', '\\', '\n', '\r'], "?")
}

/// An expression as a hint repeats it; within a text that has `"` around it, too.
fn repeated(written: &str) -> String {
    let odd = |c: char| c.is_control() || "\\`".contains(c);
    if written.len() > 80
        || written.contains(odd)
        || (written.contains('"') && written.contains('\''))
    {
        return "...".to_owned();
    }
    let written = written.replace('"', "'");
    if written.contains([' ', '(']) {
        return format!("({written})");
    }
    written
}

fn push(into: &mut String, text: &str, range: Range<usize>) {
    into.push_str(text.get(range).unwrap_or_default());
}

/// Writes one tag or expression, its names handed through the filter.
struct Writer<'a, 'o> {
    source: &'a str,
    of: &'a str,
    tokens: &'a Tokens<'a>,
    /// The source is written up to here.
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
        push(&mut self.out.fast, self.source, self.copied..to);
        self.copied = self.copied.max(to);
    }

    fn bind(&mut self, index: usize) {
        if let Some(Token::Name(name)) = self.token(index) {
            self.out.bound.push(name.to_owned());
        }
    }

    /// An expression whose value becomes text: it is handed through a separate filter.
    fn printed(&mut self) {
        let sign = |at: usize| usize::from(self.is(at, "-"));
        let (first, end) = (sign(0), self.tokens.len());
        let last = end.saturating_sub(if end > 0 { sign(end - 1) } else { 0 });
        // A component writes its text itself.
        if first >= last || self.is(first, "<") {
            return;
        }
        let range = self.start(first)..self.end(last - 1);
        self.copy(range.start);
        let begin = self.out.fast.len();
        self.out.text.push('(');
        self.out.fast.push('(');
        self.expression(first, last);
        self.copy(range.end);
        // One filter sees what two would of a name alone.
        let name = self.source.get(range.clone()).unwrap_or_default();
        if self.out.fast.get(begin..) == Some(&format!("(({name} | {FAST_FILTER})")) {
            self.out.fast.truncate(begin);
            self.out.fast.push_str(&format!("({name}"));
        }
        let (of, start, length) = (named(self.of), range.start, range.end - range.start);
        let written = self.source.get(range).unwrap_or_default();
        let written = repeated(written);
        self.out.fast.push_str(&format!(") | {FAST_PRINTED}"));
        self.out.text.push_str(&format!(
            ") | {PRINTED}(of=\"{of}\", at={start}, length={length}, written=\"{written}\")"
        ));
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
        // `AND` is no name either, which is reported where the text cannot be read.
        let word = WORDS.contains(&name) || WORDS.contains(&name.to_lowercase().as_str());
        if word || called || self.is(at.wrapping_sub(1), ".") {
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
                let slice = (at..close).any(|at| self.is(at, ":"));
                match (self.token(at + 1), close == at + 2) {
                    _ if !plain || optional || slice => plain = false,
                    (Some(Token::Text(key)), true) => path.push(key.to_owned()),
                    _ => path.push(self.index(at, close)),
                }
                if !matches!(self.token(at + 1), Some(Token::Text(_) | Token::Number))
                    || close != at + 2
                {
                    inner.push((at + 1, close));
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
        self.out.fast.push('(');
        for (from, to) in inner {
            self.expression(from, to);
        }
        self.copy(range.end);
        let (of, start, length) = (self.of, range.start, range.end - range.start);
        let of = named(of);
        let steps = path.join("\u{1}").replace(['"', '\\', '\n', '\r'], "?");
        self.out.fast.push_str(&format!(" | {FAST_FILTER})"));
        self.out.text.push_str(&format!(
            " | {FILTER}(of=\"{of}\", at={start}, length={length}, path=\"{steps}\"))"
        ));
        self.out.names.push(Name { range, path });
        last
    }

    /// The text between two brackets, as a step of a path.
    fn index(&self, open: usize, close: usize) -> String {
        let inside = self.source.get(self.end(open)..self.start(close));
        format!("{INDEX}{}", inside.unwrap_or_default().trim())
    }

    /// The token that closes the bracket at `open`; the last one where none does.
    fn closing(&self, open: usize, end: usize) -> usize {
        let last = || end.saturating_sub(1).max(open);
        close_of(self.tokens, open, end).unwrap_or_else(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with `<name>` for each name that is looked at.
    fn marked(text: &str) -> String {
        let made = unprinted(&strict(text, "t").text);
        let mut out = String::new();
        let mut rest = made.as_str();
        while let Some(at) = rest.find(" | lvsctl_known(") {
            let (before, behind) = rest.split_at(at);
            out.push_str(before);
            out.push('>');
            rest = behind.split_once("))").map_or("", |(_, rest)| rest);
        }
        out + rest
    }

    /// Without the filter of what becomes text.
    fn unprinted(text: &str) -> String {
        let mut text = text.to_owned();
        while let Some(at) = text.find(") | lvsctl_text(") {
            let end = at + 2 + text[at + 2..].find("\")").expect("its end") + 1;
            text.replace_range(at..=end, "");
            let open = text[..at].rfind("{{").expect("its beginning");
            let bracket = open + text[open..].find('(').expect("its bracket");
            text.remove(bracket);
        }
        text
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
