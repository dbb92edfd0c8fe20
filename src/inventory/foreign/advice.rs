//! Advice for an unknown key: keys to write, to add elsewhere or to delete, as values; and the text of the hint.

use super::adapt_value::adapted;
use super::{Hint, health_check, name_of};
use crate::inventory::form::{Form, pair};
use crate::inventory::location::{Location, MapType, find, scalar};
use crate::yaml::{Entry, Value};

pub(super) type Pairs = Vec<(String, Form)>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Advice {
    /// These keys in its place, and a note behind them.
    Write(Pairs, String),
    /// Another name for the key; its value stays.
    Rename(&'static str),
    /// Delete it, and add these keys to another map.
    Add { to: String, pairs: Pairs },
    /// Delete it, and write the long form of a key beside it.
    InFull {
        place: String,
        key: String,
        form: Form,
    },
    /// Delete it; the reason.
    Delete(String),
    /// A label and a help that propose no text.
    Say(String, String),
}

impl Advice {
    pub(super) fn write(key: &str, form: Form) -> Self {
        Self::Write(vec![(key.to_owned(), form)], String::new())
    }

    pub(super) fn delete(why: impl Into<String>) -> Self {
        Self::Delete(why.into())
    }

    pub(super) fn say(help: impl Into<String>) -> Self {
        Self::labelled("not known here", help)
    }

    pub(super) fn labelled(label: &str, help: impl Into<String>) -> Self {
        Self::Say(label.to_owned(), help.into())
    }

    /// With keys that only make sense beside it, where they are not given.
    pub(super) fn with(mut self, site: &Location<'_>, more: &[(&str, &str)]) -> Self {
        if let Self::Write(pairs, note) = &mut self {
            for (key, value) in more {
                match site.given(key).map(|given| scalar(&given.value)) {
                    None => pairs.push(((*key).to_owned(), Form::word(value))),
                    Some(given) if given.is_some_and(|given| given.eq_ignore_ascii_case(value)) => {
                    }
                    Some(given) => {
                        *note = format!(
                            ", and `{key}: {value}` in the place of `{key}: {}`",
                            given.unwrap_or("...")
                        );
                    }
                }
            }
        }
        self
    }

    /// With a note behind it.
    pub(super) fn noting(mut self, more: impl Into<String>) -> Self {
        if let Self::Write(_, note) = &mut self {
            *note = more.into();
        }
        self
    }

    /// The advice for this key beside those for all keys of the map: keys that belong together are written once.
    pub(super) fn beside<'e>(
        self,
        entry: &Entry,
        all: impl Iterator<Item = (&'e Entry, Self)>,
    ) -> Self {
        match self {
            Self::Write(pairs, note) => {
                let all: Vec<(&Entry, Pairs)> = all
                    .filter_map(|(other, advice)| match advice {
                        Self::Write(pairs, _) => Some((other, pairs)),
                        _ => None,
                    })
                    .collect();
                let mut elsewhere = None;
                let pairs: Pairs = pairs
                    .into_iter()
                    .filter_map(|(key, own)| {
                        let mut forms = all.iter().filter_map(|(other, pairs)| {
                            let found = pairs.iter().find(|(k, _)| *k == key)?;
                            Some((*other, found.1.clone()))
                        });
                        let (first, form) = forms.next()?;
                        let all = together(&key, form, forms.map(|(_, form)| form));
                        if first.key_span != entry.key_span {
                            let lost =
                                matches!((&all, &own), (Form::Word(a), Form::Word(b)) if a != b);
                            elsewhere = Some((key, first, lost));
                            return None;
                        }
                        Some((key, all))
                    })
                    .collect();
                match elsewhere {
                    Some((key, first, true)) if pairs.is_empty() => Self::Delete(format!(
                        "there is one `{key}`, which {} says otherwise",
                        name_of(first)
                    )),
                    Some((key, first, false)) if pairs.is_empty() => Self::Delete(format!(
                        "the `{key}` to write for {} has its value",
                        name_of(first)
                    )),
                    _ => Self::Write(pairs, note),
                }
            }
            Self::Rename(key) => {
                let mut all = all.filter(|(_, advice)| match advice {
                    Self::Rename(other) => *other == key,
                    Self::Write(pairs, _) => pairs.iter().any(|(k, _)| k == key),
                    _ => false,
                });
                match all.next() {
                    Some((first, _)) if first.key_span != entry.key_span => Self::Delete(format!(
                        "what stands below it belongs below the `{key}` to write for {}",
                        name_of(first)
                    )),
                    _ => self,
                }
            }
            Self::InFull { place, key, form } => {
                let mut same = all.filter_map(|(other, advice)| match advice {
                    Self::InFull { key: k, form, .. } if k == key => Some((other, form)),
                    _ => None,
                });
                match same.next() {
                    Some((first, _)) if first.key_span != entry.key_span => Self::Delete(format!(
                        "the `{key}` to write for {} has its value",
                        name_of(first)
                    )),
                    _ => {
                        let form = same.fold(form, |all, (_, form)| all.merged(form));
                        Self::InFull { place, key, form }
                    }
                }
            }
            Self::Add { to, pairs } => {
                let [(key, _)] = pairs.as_slice() else {
                    return Self::Add { to, pairs };
                };
                let mut same = all.filter_map(|(other, advice)| match advice {
                    Self::Add { to: t, pairs: p } if t == to => match p.as_slice() {
                        [(k, form)] if k == key => Some((other, form.clone())),
                        _ => None,
                    },
                    _ => None,
                });
                match same.next() {
                    Some((first, _)) if first.key_span != entry.key_span => {
                        Self::Delete(format!("{to} gets it for {}", name_of(first)))
                    }
                    Some((_, form)) => {
                        let form = together(key, form, same.map(|(_, form)| form));
                        let pairs = vec![(key.clone(), form)];
                        Self::Add { to, pairs }
                    }
                    None => Self::Add { to, pairs },
                }
            }
            other => other,
        }
    }

    pub(super) fn hint(self, entry: &Entry) -> Hint {
        let (label, help) = match self {
            Self::Write(pairs, note) => {
                let (pairs, example) = adapted(pairs);
                let name = pairs.first().map_or("", |(key, _)| key);
                let label = format!("here it is `{name}`");
                let tidy = pairs.into_iter().map(|(key, form)| {
                    let form = tidy(&key, form);
                    (key, form)
                });
                (
                    label,
                    format!("write {}{note}{example}", quoted(&tidy.collect::<Pairs>())),
                )
            }
            Self::Rename(key) => (
                format!("here it is `{key}`"),
                format!("write `{key}` in the place of {}", name_of(entry)),
            ),
            Self::Add { to, pairs } => {
                let (pairs, example) = adapted(pairs);
                (
                    format!("it belongs to {to}"),
                    format!("delete it, and add {} to {to}{example}", quoted(&pairs)),
                )
            }
            Self::InFull { place, key, form } => {
                let form = tidy(&key, form);
                let (pairs, example) = adapted(vec![(key.clone(), form)]);
                (
                    format!("it belongs below `{key}`"),
                    format!("delete it, and write {}{place}{example}", quoted(&pairs)),
                )
            }
            Self::Delete(why) => {
                let colon = if why.starts_with("lvsctl ") {
                    ", as"
                } else {
                    ":"
                };
                (
                    "not known here".to_owned(),
                    format!("delete it{colon} {why}"),
                )
            }
            Self::Say(label, help) => (label, help),
        };
        Hint { label, help }
    }
}

/// `a: 1`, `b: 2` and `c: 3`.
pub(in crate::inventory) fn quoted(pairs: &[(String, Form)]) -> String {
    let all: Vec<String> = pairs.iter().map(|p| format!("`{}`", pair(p))).collect();
    match all.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} and {last}", first.join(", ")),
        None => String::new(),
    }
}

/// Several values that are advised for one key.
fn together(key: &str, first: Form, more: impl Iterator<Item = Form>) -> Form {
    const LISTS: &[&str] = &[
        "vip",
        "vips",
        "port",
        "identity_files",
        "members",
        "role",
        "scheduler_flags",
    ];
    let mut more = more.peekable();
    if more.peek().is_none() {
        return first;
    }
    if !LISTS.contains(&key) {
        return more.fold(long(key, first), |a, b| a.merged(long(key, b)));
    }
    let each = |form: Form| match form {
        Form::List(list) => list,
        one => vec![one],
    };
    let mut all = each(first);
    for form in more.flat_map(each) {
        if !all.contains(&form) {
            all.push(form);
        }
    }
    match all.as_slice() {
        [one] if key != "identity_files" => one.clone(),
        _ => Form::List(all),
    }
}

/// The long form of a key that has a short one.
fn long(key: &str, form: Form) -> Form {
    let Form::Word(word) = &form else { return form };
    match (key, word.as_str()) {
        ("persistence" | "health_check", "true" | "false") => Form::empty(),
        ("persistence", _) => Form::below(&["timeout"], form),
        ("health_check", _) => Form::below(&[word], Form::empty()),
        ("ssh", _) => Form::empty(),
        _ => form,
    }
}

/// Keeps one type of health check.
fn tidy(key: &str, form: Form) -> Form {
    let Form::Map(pairs) = form else { return form };
    let given = |kind: &str| pairs.iter().any(|(key, _)| key == kind);
    let kinds = ["script", "https", "http", "tcp"];
    let Some(best) = kinds.into_iter().find(|kind| given(kind)) else {
        return Form::Map(pairs);
    };
    if key != "health_check" {
        return Form::Map(pairs);
    }
    let http = Form::Map(pairs.clone()).get("http").cloned();
    let kept = pairs
        .into_iter()
        .filter_map(|(key, form)| match key.as_str() {
            "https" if best == "https" => {
                Some((key, form.merged(http.clone().unwrap_or_else(Form::empty))))
            }
            kind if kinds.contains(&kind) && kind != best => None,
            _ => Some((key, form)),
        });
    Form::Map(kept.collect())
}

/// The name of a map in messages.
pub(super) fn place(site: &Location<'_>, level: usize) -> String {
    let name = site.name_at(level);
    match site.type_at(level) {
        MapType::Service => format!("the service `{name}`"),
        MapType::Host => format!("the host `{name}`"),
        MapType::Vrrp if name != "vrrp" => format!("the instance `{name}`"),
        MapType::Inventory => "the inventory".to_owned(),
        _ => format!("`{name}`"),
    }
}

/// The keys of a health check that say how it asks.
pub(super) const KINDS: [&str; 4] = ["tcp", "http", "https", "script"];

/// The way that a health check asks, where a word says it: `type: https`.
pub(super) fn said_kind(entries: &[Entry]) -> Option<&'static str> {
    let words = ["type", "kind", "protocol"].into_iter();
    let mut said = words.filter_map(|word| scalar(&find(entries, word)?.value));
    said.find_map(health_check)
}

/// A value below these keys of a map: that of the key itself (level 0), or one above it.
pub(super) fn put(site: &Location<'_>, level: usize, path: &[&str], form: Form) -> Advice {
    let Some((first, rest)) = path.split_first() else {
        return Advice::delete("it sets nothing");
    };
    let has_https = find(site.map_at(level), "https").is_some();
    let said_https = site.type_at(level) == MapType::LongHealthCheck
        && said_kind(site.map_at(level)) == Some("https");
    let first = &if *first == "http" && (has_https || said_https) {
        "https"
    } else {
        first
    };
    if site.type_at(level) == MapType::LongHealthCheck
        && let Some(other) = other_kind(site.map_at(level), first)
    {
        return instead(first, rest, form, other);
    }
    let Some(given) = find(site.map_at(level), first) else {
        let pairs = vec![((*first).to_owned(), Form::below(rest, form))];
        if level == 0 {
            return Advice::Write(pairs, String::new());
        }
        let to = place(site, level);
        return Advice::Add { to, pairs };
    };
    let above = place(site, level);
    let in_place = if level == 0 {
        String::new()
    } else {
        format!(" in {above}")
    };
    below(given, &above, &in_place, rest, form)
}

/// Another program's word for a key, where it is given.
pub(super) fn foreign_for<'e>(entries: &'e [Entry], key: &str) -> Option<&'e str> {
    let mut all = entries.iter().take(super::MOST_SIBLINGS);
    let other = all.find(|entry| super::is_word_for(&entry.key, key))?;
    Some(&other.key)
}

/// The way that a health check asks, where it is another one than this.
fn other_kind(entries: &[Entry], kind: &str) -> Option<&'static str> {
    let same = find(entries, kind).is_some();
    let mut others = KINDS
        .into_iter()
        .filter(|other| find(entries, other).is_some());
    others.next().filter(|_| KINDS.contains(&kind) && !same)
}

fn instead(kind: &str, path: &[&str], form: Form, other: &str) -> Advice {
    let pair = pair(&(kind.to_owned(), Form::below(path, form)));
    Advice::say(format!(
        "delete it, and write `{pair}` in the place of `{other}`"
    ))
}

fn below(given: &Entry, above: &str, in_place: &str, path: &[&str], form: Form) -> Advice {
    let Some((first, rest)) = path.split_first() else {
        return Advice::delete(format!("{above} has its `{}` already", given.key));
    };
    let own = format!("`{}`", given.key);
    let add = |key: &str, form| Advice::Add {
        to: own.clone(),
        pairs: vec![(key.to_owned(), Form::below(rest, form))],
    };
    match &given.value.value {
        Value::Map(entries) => {
            let first = match *first {
                "http" if find(entries, "https").is_some() => "https",
                other => other,
            };
            match (find(entries, first), other_kind(entries, first)) {
                (Some(next), _) => below(next, &own, in_place, rest, form),
                (None, Some(kind)) => instead(first, rest, form, kind),
                (None, None) => match foreign_for(entries, first) {
                    Some(other) => Advice::delete(format!("{own} has it as `{other}`")),
                    None => add(first, form),
                },
            }
        }
        Value::Null => add(first, form),
        // `ssh` has no short form, so its value is reported as well.
        _ if given.key == "ssh" => add(first, form),
        Value::List(_) => Advice::say(format!("it belongs below `{}`, which is a map", given.key)),
        _ => {
            let short = Form::of(&given.value).unwrap_or_else(Form::empty);
            Advice::InFull {
                place: in_place.to_owned(),
                key: given.key.clone(),
                // The new keys win: they say more about the check.
                form: Form::below(path, form).merged(long(&given.key, short)),
            }
        }
    }
}

/// A source for a secret, which never stands in the inventory itself.
pub(super) fn source(key: &str) -> Form {
    let variable = match key {
        "auth_pass" => "LVSCTL_AUTH_PASS",
        "sudo_password" => "LVSCTL_SUDO_PASSWORD",
        "passphrase" => "LVSCTL_PASSPHRASE",
        _ => "LVSCTL_PASSWORD",
    };
    Form::below(&["env"], Form::word(variable))
}
