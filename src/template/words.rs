//! The filters, tests, functions and tags that the engine knows, with their arguments. The messages about others are
//! elsewhere.

use crate::diagnostic::choices;

/// A word and an example of its arguments; none where it needs none.
pub(super) type Word = (&'static str, &'static str);

pub(super) const FILTERS: &[Word] = &[
    ("abs", ""),
    ("capitalize", ""),
    ("default", "value=\"...\""),
    ("escape", ""),
    ("escape_html", ""),
    ("escape_xml", ""),
    ("first", ""),
    ("float", ""),
    ("get", "key=\"name\""),
    ("group_by", "attribute=\"name\""),
    ("indent", "width=4"),
    ("int", ""),
    ("join", "sep=\", \""),
    ("json", ""),
    ("keys", ""),
    ("last", ""),
    ("length", ""),
    ("lower", ""),
    ("newlines_to_br", ""),
    ("nth", "n=0"),
    ("pairs", ""),
    ("pluralize", ""),
    ("quote", ""),
    ("replace", "from=\"a\", to=\"b\""),
    ("reverse", ""),
    ("round", "precision=1"),
    ("safe", ""),
    ("secret", ""),
    ("sort", "attribute=\"name\""),
    ("split", "pat=\",\""),
    ("str", ""),
    ("sysctl", ""),
    ("title", ""),
    ("trim", "pat=\"/\""),
    ("trim_end", "pat=\"/\""),
    ("trim_start", "pat=\"/\""),
    ("truncate", "length=8"),
    ("unique", ""),
    ("upper", ""),
    ("values", ""),
    ("wordcount", ""),
];

pub(super) const TESTS: &[Word] = &[
    ("array", ""),
    ("bool", ""),
    ("containing", "pat=\"a\""),
    ("defined", ""),
    ("divisible_by", "divisor=2"),
    ("ending_with", "pat=\"a\""),
    ("even", ""),
    ("float", ""),
    ("integer", ""),
    ("iterable", ""),
    ("map", ""),
    ("none", ""),
    ("number", ""),
    ("odd", ""),
    ("starting_with", "pat=\"a\""),
    ("string", ""),
    ("undefined", ""),
];

pub(super) const FUNCTIONS: &[Word] = &[
    ("range", "end=3"),
    ("super", ""),
    ("throw", "message=\"...\""),
];

/// Tags, and what ends those that have a body.
pub(super) const TAGS: &[Word] = &[
    ("block", "endblock"),
    ("break", ""),
    ("component", "endcomponent"),
    ("continue", ""),
    ("elif", ""),
    ("else", ""),
    ("endblock", ""),
    ("endcomponent", ""),
    ("endfilter", ""),
    ("endfor", ""),
    ("endif", ""),
    ("endraw", ""),
    ("endset", ""),
    ("extends", ""),
    ("filter", "endfilter"),
    ("for", "endfor"),
    ("if", "endif"),
    ("include", ""),
    ("raw", "endraw"),
    ("set", ""),
    ("set_global", ""),
];

/// Words of other languages, and ours: filters and tests.
const FOREIGN: &[(&str, &str)] = &[
    ("startswith", "`is starting_with(pat=\"a\")`"),
    ("endswith", "`is ending_with(pat=\"a\")`"),
    ("contains", "`is containing(pat=\"a\")`"),
    ("search", "`is containing(pat=\"a\")`"),
    ("match", "`is starting_with(pat=\"a\")`"),
    ("matching", "`is starting_with(pat=\"a\")`"),
    ("divisibleby", "`is divisible_by(divisor=2)`"),
    ("equalto", "`==`"),
    ("mapping", "`is map`"),
    ("sequence", "`is array`"),
    ("list", "`is array`"),
    ("null", "`is none`"),
    ("empty", "`| length == 0`"),
    ("count", "`| length`"),
    ("len", "`| length`"),
    ("size", "`| length`"),
    ("strip", "`| trim`"),
    ("lstrip", "`| trim_start`"),
    ("rstrip", "`| trim_end`"),
    ("tojson", "`| json`"),
    ("to_json", "`| json`"),
    ("json_encode", "`| json`"),
    ("to_upper", "`| upper`"),
    ("toupper", "`| upper`"),
    ("to_lower", "`| lower`"),
    ("tolower", "`| lower`"),
    ("string", "`| str`"),
    ("to_s", "`| str`"),
    ("items", "`for key, value in ...`"),
    ("d", "`| default(value=\"...\")`"),
];

pub(super) fn find(word: &str, among: &[Word]) -> Option<Word> {
    among.iter().find(|(known, _)| *known == word).copied()
}

/// The fix for a word that is not known.
pub(super) fn meant(word: &str, among: &[Word]) -> String {
    let lower = word.to_lowercase();
    if let Some((_, ours)) = FOREIGN.iter().find(|(known, _)| *known == lower) {
        return format!("write {ours}");
    }
    let known: Vec<&str> = among.iter().map(|(word, _)| *word).collect();
    choices(word, &known)
}

/// A filter, test or function as it is called.
pub(super) fn called((word, arguments): Word) -> String {
    if arguments.is_empty() {
        word.to_owned()
    } else {
        format!("{word}({arguments})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The engine knows each word of the table.
    #[test]
    fn the_engine_knows_them() {
        let values = ["\"a\"", "[1]", "{\"name\": 1}", "3", "[{\"name\": \"a\"}]"];
        for (words, how) in [(FILTERS, "|"), (TESTS, "is")] {
            for word in words {
                let templates = crate::template::Templates::none();
                let text =
                    |value: &str| format!("{{{{ ({value} {how} {}) | json }}}}", called(*word));
                assert!(
                    values
                        .iter()
                        .all(|value| templates.syntax(&text(value)).is_none()),
                    "{word:?}"
                );
                let scope = crate::template::Scope::new(&serde_json::json!({}));
                assert!(
                    word.0 == "secret"
                        || values
                            .iter()
                            .any(|v| templates.text(&text(v), &scope).is_ok()),
                    "{word:?}"
                );
            }
        }
    }
}
