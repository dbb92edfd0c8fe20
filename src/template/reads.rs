//! The variables that a text reads: its result is the same whenever these have the same values. Comparing values belongs in
//! `role::expansion_cache`.

use std::collections::{BTreeMap, BTreeSet};

use super::strict::{INDEX, Strict};
use super::tags;
use super::tokens::{Token, parts};

/// Variables and their parts: `host.name` as `["host", "name"]`.
pub type Reads = BTreeSet<Vec<String>>;

/// All variables that a text reads; None: not known from the text.
pub(super) fn of(strict: &Strict, templates: &BTreeMap<String, Strict>) -> Option<Reads> {
    let mut found = Reads::new();
    let mut seen = Vec::new();
    let mut open = vec![strict];
    while let Some(strict) = open.pop() {
        of_text(strict, &mut found)?;
        for name in tags::includes(&strict.written) {
            // One that is not there is a fault, and what is faulty is never taken for another's.
            let included = templates.get(name)?;
            if !seen.contains(&name) {
                seen.push(name);
                open.push(included);
            }
        }
    }
    Some(found)
}

fn of_text(strict: &Strict, found: &mut Reads) -> Option<()> {
    for name in &strict.names {
        let plain = name.path.iter().take_while(|step| !step.starts_with(INDEX));
        found.insert(plain.cloned().collect());
    }
    for part in parts(&strict.written) {
        let word = part.word().map_or("", |(word, _)| word);
        let tokens = part.tokens.iter().map(|(token, _)| token);
        let named = tokens.filter(|token| matches!(token, Token::Text(_)));
        let unknown = match word {
            "extends" | "block" | "component" => true,
            // Its name must be a text for its contents to be known.
            "include" => named.count() != 1,
            _ => {
                let mut signs = part.tokens.iter().map(|(token, _)| token);
                matches!(
                    signs.find(|t| **t != Token::Sign("-")),
                    Some(Token::Sign("<"))
                )
            }
        };
        if unknown {
            return None;
        }
        for (at, (token, range)) in part.tokens.iter().enumerate() {
            let Token::Name(root) = token else {
                continue;
            };
            if root.starts_with("__tera") {
                return None;
            }
            // Names that the text asks about (`is defined`), and those within a `default`, have no place there: they count
            // whole.
            let mut names = strict.names.iter();
            let known = names.any(|name| name.range.start == range.start);
            let before = at.checked_sub(1).and_then(|at| part.tokens.get(at));
            let is_part = matches!(before, Some((Token::Sign("." | "?."), _)));
            if !is_part && !known {
                found.insert(vec![(*root).to_owned()]);
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::super::strict::strict;
    use super::*;

    #[test]
    fn all_that_a_text_may_look_at_is_found() {
        let templates = [
            ("inner", "{{ d.e }}"),
            ("outer", "{% include \"inner\" %}{{ f }}"),
        ];
        let templates: BTreeMap<String, Strict> = templates
            .iter()
            .map(|(name, text)| ((*name).to_owned(), strict(text, name)))
            .collect();
        for (text, want) in [
            ("plain", Some("")),
            ("{{ a.b }} {{ a.c }}", Some("a.b a.c")),
            ("{{ a }}", Some("a")),
            // An index may lead to any part.
            ("{{ a[b.c].d }}", Some("a b.c")),
            ("{{ a[0].d }}", Some("a")),
            ("{{ a[\"b\"].d }}", Some("a.b.d")),
            ("{{ a?.b }}", Some("a")),
            ("{{ a.b is defined }}", Some("a defined is")),
            (
                "{{ a.b | default(value=c.d) }}",
                Some("a.b c default value"),
            ),
            ("{{ a[b:c] }}", Some("a b c")),
            (
                "{% for x in a.b %}{{ x.c }}{% endfor %}",
                Some("a.b endfor for in x x.c"),
            ),
            ("{% if a.b %}{{ c }}{% endif %}", Some("a.b c endif if")),
            ("{% set x = a.b %}{{ x }}", Some("a.b set x")),
            ("{% include \"outer\" %}", Some("d.e f include")),
            ("{% include \"missing\" %}", None),
            ("{% include a.b %}", None),
            ("{% extends \"outer\" %}", None),
            ("{{ __tera_context }}", None),
            ("{{ <card title={a.b}/> }}", None),
            ("{# {{ a }} #}{% raw %}{{ b }}{% endraw %}", Some("")),
        ] {
            let found = of(&strict(text, "t"), &templates);
            let found = found.map(|all| {
                let all: Vec<String> = all.iter().map(|path| path.join(".")).collect();
                all.join(" ")
            });
            let words = |text: &str| {
                let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
                words.sort();
                words.retain(|word| !["in", "if", "for", "is", "set"].contains(&word.as_str()));
                words.join(" ")
            };
            assert_eq!(found.as_deref().map(words), want.map(words), "{text}");
        }
    }
}
