//! The template engine with lvsctl's filters, and the translation of its errors, whose texts name types and parser of the
//! engine.

use std::ops::Range;

use tera::{ErrorKind, Tera};

use super::tokens::{Token, bare};
use super::words::{FILTERS, TESTS, called, find};
use super::{NO_TEMPLATE, TemplateFault, TemplateFaultKind, strict, undefined};
use crate::diagnostic::shown;
use crate::secret::SecretSource;

/// An engine with our filters and these templates.
pub(super) fn engine<'a>(
    sources: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<Tera, tera::Error> {
    let mut tera = Tera::default();
    // Configuration files are not HTML.
    tera.autoescape_on(Vec::<&str>::new());
    tera.register_filter(strict::FILTER, undefined::known);
    tera.register_filter(strict::PRINTED, undefined::printed);
    tera.register_filter(strict::FAST_FILTER, undefined::known_fast);
    tera.register_filter(strict::FAST_PRINTED, undefined::printed_fast);
    tera.register_filter(
        "json",
        |value: tera::Value, _: tera::Kwargs, _: &tera::State| -> tera::TeraResult<String> {
            if value.is_undefined() {
                return Err(tera::Error::message("the variable is undefined"));
            }
            serde_json::to_string(&value).map_err(|e| tera::Error::message(e.to_string()))
        },
    );
    tera.register_filter(
        "secret",
        |value: tera::Value, _: tera::Kwargs, _: &tera::State| -> tera::TeraResult<String> {
            serde_json::to_value(&value)
                .and_then(serde_json::from_value::<SecretSource>)
                .map(|source| source.placeholder())
                .map_err(|_| {
                    tera::Error::message("the filter `secret` takes a secret of the inventory")
                })
        },
    );
    tera.register_filter(
        "quote",
        |text: &str, _: tera::Kwargs, _: &tera::State| -> String { crate::shell::quote(text) },
    );
    // An interface's name as a part of a sysctl's: the dot of a VLAN is no separator.
    tera.register_filter(
        "sysctl",
        |name: &str, _: tera::Kwargs, _: &tera::State| -> String { name.replace('.', "/") },
    );
    tera.add_raw_templates(sources)?;
    Ok(tera)
}

/// The engine's error with its place. `text` is the text that it read.
pub(super) fn explained(error: &tera::Error, template: Option<&str>, text: &str) -> TemplateFault {
    let (place, message) = match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => (
            Some((report.filename().to_owned(), report.span().range.clone())),
            report.message().to_owned(),
        ),
        _ => (None, first_report(&error.to_string()).to_owned()),
    };
    let mut message = message;
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        message.push_str(": ");
        message.push_str(first_report(&cause.to_string()));
        source = cause.source();
    }
    let (name, at) = match place {
        Some((name, at)) if name != NO_TEMPLATE && !name.is_empty() => (Some(name), Some(at)),
        Some((_, at)) => (template.map(str::to_owned), Some(at)),
        None => (template.map(str::to_owned), None),
    };
    // The fault is in an included template, whose text is not available here.
    let text = if name.as_deref() == template {
        text
    } else {
        ""
    };
    let marked = at.clone().and_then(|at| text.get(at)).unwrap_or_default();
    let syntax = matches!(error.kind(), ErrorKind::SyntaxError(_));
    let mut kind = TemplateFaultKind::Other;
    let (message, help) = if syntax {
        of_syntax(&message, marked)
    } else if let Some(said) = of_undefined(&message, marked) {
        kind = TemplateFaultKind::UndefinedPart;
        said
    } else {
        let from = at.as_ref().and_then(|at| text.get(at.start..));
        let behind = from.unwrap_or_default();
        of_value(&message, marked, behind)
    };
    let mut fault = TemplateFault::new(name.as_deref(), message);
    fault.at = at;
    fault.help = help;
    fault.kind = kind;
    fault
}

/// The sentence of a report that the engine has laid out over several lines.
fn first_report(text: &str) -> &str {
    let first = text.lines().find(|line| line.contains("error: "));
    match first.and_then(|line| line.split_once("error: ")) {
        Some((_, said)) => said,
        None => text.lines().next().unwrap_or_default(),
    }
}

/// The message and the fix of a text that ends too early.
pub(super) const EARLY: (&str, &str) = (
    "this ends too early",
    "write what is missing before the end, or delete what asks for it",
);

const OPERATORS: &str =
    "between two values stands a sign or a word: `==`, `!=`, `<`, `and`, `or`, `in`, `~`, `|`";

/// A text that cannot be read, where it is none of the known slips.
fn of_syntax(message: &str, marked: &str) -> (String, Option<String>) {
    let lower = message.to_lowercase();
    let (message, help) = if lower.contains("end of input") || marked.starts_with(['}', '%']) {
        EARLY
    } else if lower.contains("too complex")
        || lower.contains("too deep")
        || lower.contains("maximum")
        || lower.contains("nested")
    {
        (
            "this is too much for one expression",
            "divide it: `{% set name = ... %}` in a template, or two entries in a role",
        )
    } else if lower.contains("reserved") {
        ("this name is a word of the language", "take another name")
    } else if lower.contains("more than once") || lower.contains("already") {
        ("this stands twice", "delete one of them")
    } else if lower.contains("for loop") && !lower.contains("block") {
        (
            "this stands outside of a `for`",
            "delete it, or put it into `{% for ... %}`",
        )
    } else if lower.contains("field of `loop`") {
        (
            "`loop` has no such part",
            "its parts are `index`, `index0`, `first`, `last` and `length`",
        )
    } else if lower.contains("blocks cannot")
        || lower.contains("extends")
        || lower.contains("block")
    {
        (
            "this tag cannot stand here",
            "`extends` comes first in a template, and a `block` stands in no other tag but a `block`",
        )
    } else if lower.contains("consecutively") {
        (
            "two signs stand before one value",
            "put the second in brackets: `not (not a)`",
        )
    } else if lower.contains("invalid integer") || lower.contains("invalid float") {
        (
            "this number cannot be read",
            "write a smaller one, or put it in quotes as a text",
        )
    } else if marked.is_empty() {
        ("this cannot be read", OPERATORS)
    } else {
        return (
            format!("{} cannot stand here", shown(marked)),
            Some(OPERATORS.to_owned()),
        );
    };
    (message.to_owned(), Some(help.to_owned()))
}

/// A type of the engine's, or of Rust.
pub(super) fn type_of(name: &str) -> String {
    let ours = match name.trim_start_matches('&').trim_matches('`') {
        "string" | "str" | "String" | "StringInput" => "a text",
        "bool" => "true or false",
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" | "i8" | "i16" | "i32" | "i64" | "i128"
        | "isize" | "f32" | "f64" | "Number" | "integer" | "float" | "number" => "a number",
        "array" | "Vec<Value>" | "[Value]" => "a list",
        "map/struct" | "map" | "struct" | "Map" => "a map",
        "none" => "none",
        "undefined" => "a name that is not defined",
        "bytes" => "bytes",
        other => return shown(other),
    };
    ours.to_owned()
}

/// The words in backticks.
fn quoted(message: &str) -> Vec<&str> {
    message.split('`').skip(1).step_by(2).collect()
}

/// A message, and what to do.
type Said = (String, Option<String>);

fn said(message: impl Into<String>, help: impl Into<String>) -> Option<Said> {
    Some((message.into(), Some(help.into())))
}

/// A value that does not fit. `marked` is what it is made of, `behind` that and what follows.
fn of_value(message: &str, marked: &str, behind: &str) -> Said {
    of_operator(message, marked)
        .or_else(|| of_filter(message, marked, behind))
        .or_else(|| of_part(message))
        .unwrap_or_else(|| (plain(message), None))
}

/// Values between which a sign stands.
fn of_operator(message: &str, marked: &str) -> Option<Said> {
    let words = quoted(message);
    let typed = |number: usize| type_of(words.get(number).unwrap_or(&""));
    let last = type_of(words.last().unwrap_or(&""));
    if message.starts_with("Cannot compare") || message.starts_with("Cannot sort") {
        let (one, other) = (typed(0), typed(1));
        let help = compared(marked, &one, &other);
        return said(format!("cannot compare {one} with {other}"), help);
    }
    if message.starts_with("`+` requires") {
        let message = format!("cannot add {} and {}", typed(1), typed(2));
        return said(message, joined(marked));
    }
    if ["arithmetic", "Math operations", "negated"]
        .iter()
        .any(|word| message.contains(word))
    {
        return said(
            format!("cannot calculate with {last}"),
            "calculate with numbers; `| int` makes one of a text such as `\"3\"`, and `~` joins texts",
        );
    }
    if let Some((_, found)) = message.split_once(" container of type ") {
        let found = found.split(['`', '.']).find(|part| !part.is_empty());
        let found = type_of(found.unwrap_or_default());
        return said(
            format!("`in` looks into a list, a map or a text, found {found}"),
            "write what is looked for before `in`, and the list behind it: `\"web\" in host.roles`",
        );
    }
    if message.contains("divide by 0") {
        return said("cannot divide by 0", "ask first: `A / B if B != 0 else 0`");
    }
    None
}

/// Values that are handed to a filter, a test or a function.
fn of_filter(message: &str, marked: &str, behind: &str) -> Option<Said> {
    let words = quoted(message);
    let first = words.first().copied().unwrap_or_default();
    if message.starts_with("Invalid type for the value") {
        let (due, found) = (type_of(first), type_of(words.get(1).unwrap_or(&"")));
        let what =
            filter_behind(behind).map_or_else(|| "this".to_owned(), |word| format!("`{word}`"));
        return said(format!("{what} takes {due}, found {found}"), made(&due));
    }
    if message.starts_with("Missing keyword argument") {
        let Some(word) = word_in(marked) else {
            let help = format!("write it in brackets: `({first}=...)`");
            return said(format!("the argument `{first}` is missing"), help);
        };
        let known = find(word, FILTERS).or_else(|| find(word, TESTS))?;
        let help = format!("write it like `{}`", called(known));
        return said(format!("`{word}` lacks its argument `{first}`"), help);
    }
    if message.contains("is out of range for") {
        let message = format!("{} is too large or too small here", shown(first));
        return said(message, "write a whole number from 0 on");
    }
    if message.contains("cannot be converted to a") {
        let value = if first.is_empty() { marked } else { first };
        return said(
            format!("{} is no number", shown(value)),
            "`| int` and `| float` take a text of digits; `| int` a whole number",
        );
    }
    if message.contains("does not have an attribute") {
        return said(
            "an entry of the list has no part of this name",
            "write the name of a part that all entries have: `sort(attribute=\"name\")`",
        );
    }
    None
}

/// A part of a value that is not defined.
fn of_undefined(message: &str, marked: &str) -> Option<Said> {
    if !message.starts_with("Field `") && !message.contains("undefined") {
        return None;
    }
    if of_operator(message, marked)
        .or_else(|| of_part(message))
        .is_some()
    {
        return None;
    }
    let part = quoted(message).first().copied().unwrap_or(marked);
    said(
        format!("the value before {} is not defined here", shown(part)),
        "where the value may be missing, write `?.` for the dot before it",
    )
}

/// Values that have no parts, or not these.
fn of_part(message: &str) -> Option<Said> {
    let words = quoted(message);
    let first = words.first().copied().unwrap_or_default();
    if message.starts_with("Iteration not possible") {
        return said(
            format!("cannot go through {}", type_of(first)),
            "`for` takes a list: `{% for nic in host.interfaces %}`",
        );
    }
    if message.starts_with("Key/value iteration") {
        return said(
            format!("cannot go through {} by key and value", type_of(first)),
            "for a list write one name: `{% for nic in host.interfaces %}`",
        );
    }
    if message.contains("index must be an integer") || message.starts_with("Map keys must") {
        return said(
            format!("an index cannot be {}", type_of(first)),
            "a list takes a number, `[0]`; a map a text, `[\"name\"]`",
        );
    }
    let sized = ["Slicing", "has no length", "can only be used on a number"];
    if sized.iter().any(|word| message.contains(word)) {
        let behind = message
            .split_once("type ")
            .and_then(|(_, rest)| rest.split(' ').next());
        let found = behind.or(words.last().copied()).unwrap_or_default();
        return said(
            format!("cannot be done with {}", type_of(found)),
            "lists and texts have a length and parts, numbers a size",
        );
    }
    None
}

/// How to compare both.
fn compared(marked: &str, one: &str, other: &str) -> String {
    let literal = |text: &str| {
        let inner = text
            .trim()
            .strip_prefix(['"', '\''])?
            .strip_suffix(['"', '\''])?;
        inner.parse::<f64>().is_ok().then(|| inner.to_owned())
    };
    let sides = marked
        .split(['<', '>', '='])
        .filter(|side| !side.trim().is_empty());
    let sides: Vec<&str> = sides.collect();
    if let Some(number) = sides.iter().find_map(|side| literal(side)) {
        return format!("write the number without quotes: `{number}`");
    }
    if [one, other].contains(&"none") {
        return "ask first whether it is none: `name != none and name > 3`".to_owned();
    }
    let texts = [one, other].contains(&"a text") && [one, other].contains(&"a number");
    if texts {
        return "a text is compared with a text: `== \"web1\"`; a number with a number: `name | length > 3`".to_owned();
    }
    "`<` and `>` compare numbers with numbers, and texts with texts; a list has a length: `name | length > 3`".to_owned()
}

/// `a ~ b` in the place of `a + b`.
fn joined(marked: &str) -> String {
    match marked.split_once('+') {
        Some((one, other)) if !other.contains('+') && !marked.contains(['"', '\'']) => {
            format!("`~` joins texts: write `{} ~ {}`", one.trim(), other.trim())
        }
        _ => "`~` joins texts: write it in the place of `+`".to_owned(),
    }
}

fn made(due: &str) -> String {
    match due {
        "a number" => {
            "take a number, such as `services | length`; `| int` makes one of a text of digits"
        }
        "a text" => "`| str` makes a text of another value, and `| join(sep=', ')` of a list",
        "a list" => {
            "take a list, such as `host.interfaces`; `| split(pat=\",\")` makes one of a text"
        }
        "a map" => "take a map, such as `host`; a list has its entries by number: `[0]`",
        _ => "write `true` or `false`, without quotes",
    }
    .to_owned()
}

/// The filter or test that a value is handed to, with which a text begins.
fn filter_behind(text: &str) -> Option<&str> {
    let tokens = bare(text);
    let at = |n: usize| tokens.get(n).map(|(token, _)| *token);
    let sign = |n: &usize| matches!(at(*n), Some(Token::Sign("|") | Token::Name("is")));
    let sign = (0..tokens.len()).find(sign)?;
    match (at(sign + 1), at(sign + 2)) {
        (Some(Token::Name("not")), Some(Token::Name(word))) => Some(word),
        (Some(Token::Name(word)), _) => Some(word),
        _ => None,
    }
}

/// The word of a marked filter or function.
fn word_in(marked: &str) -> Option<&str> {
    let tokens = bare(marked);
    let words = tokens.iter().filter_map(|(token, _)| match token {
        Token::Name(word) => Some(*word),
        _ => None,
    });
    words
        .into_iter()
        .find(|word| find(word, FILTERS).is_some() || find(word, TESTS).is_some())
}

/// Any other message, without the engine's words.
fn plain(message: &str) -> String {
    const WORDS: &[(&str, &str)] = &[
        ("strings", "texts"),
        ("string", "text"),
        ("arrays", "lists"),
        ("array", "list"),
        ("integer", "whole number"),
        ("float", "number"),
        ("map/struct", "map"),
        ("Errored while", "failed"),
        ("Function ", ""),
        ("Value of type", "a value of type"),
        ("map/structs", "maps"),
        ("identifier", "name"),
    ];
    let message = message.split(" Available ").next().unwrap_or_default();
    let mut parts: Vec<String> = Vec::new();
    for (number, part) in message.split('`').enumerate() {
        if number % 2 == 1 {
            let ours = type_of(part);
            parts.push(ours);
            continue;
        }
        let mut part = part.to_owned();
        for (theirs, ours) in WORDS {
            part = part.replace(theirs, ours);
        }
        parts.push(part);
    }
    let all = parts.concat();
    let mut letters = all.trim_end_matches('.').chars();
    let first = letters.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

/// The place within what stands around an expression.
pub(super) fn inside(at: &Range<usize>, before: usize, length: usize) -> Range<usize> {
    let within = |at: usize| at.saturating_sub(before).min(length);
    within(at.start)..within(at.end)
}
