//! Faults of undefined names, with the nearest defined names. Finding the places of names in a text belongs in
//! [`super::strict`].

use std::cell::{Cell, RefCell};

use tera::{Kwargs, State, TeraResult, Value};

use super::engine::type_of;
use super::strict::{INDEX, Name, Strict};
use super::{NO_TEMPLATE, Scope, TemplateError, TemplateFault, TemplateFaultKind};
use crate::diagnostic::{choices, shown};

thread_local! {
    /// Whether this thread has met what [`known`] or [`printed`] would note.
    static WRONG: Cell<bool> = const { Cell::new(false) };
    /// The undefined names that were met while this thread renders.
    static MET: RefCell<Vec<TemplateFault>> = const { RefCell::new(Vec::new()) };
}

/// The filter that every name goes through. An undefined one is noted, and rendering goes on, so that all of them are
/// found at once.
pub(super) fn known(value: Value, kwargs: Kwargs, state: &State) -> TeraResult<Value> {
    if !value.is_undefined() {
        return Ok(value);
    }
    let of = kwargs.must_get::<&str>("of")?;
    let at: usize = kwargs.must_get("at")?;
    let length: usize = kwargs.must_get("length")?;
    let path = kwargs.must_get::<&str>("path")?;
    let path: Vec<&str> = path.split('\u{1}').collect();
    let root = path.first().copied().unwrap_or_default();
    let root: Option<Value> = state.get(root)?;
    let mut fault = explain(&path, root.as_ref());
    fault.template = Some(of.to_owned()).filter(|of| of != NO_TEMPLATE);
    fault.at = Some(at..at + length);
    MET.with_borrow_mut(|met| met.push(fault));
    Ok(Value::none())
}

/// The filter for every value that becomes text: refuses lists and maps, whose spelling by the engine is useless in a file.
pub(super) fn printed(value: Value, kwargs: Kwargs, _: &State) -> TeraResult<Value> {
    if !value.is_map() && !value.is_array() {
        return Ok(value);
    }
    let of = kwargs.must_get::<&str>("of")?;
    let at: usize = kwargs.must_get("at")?;
    let length: usize = kwargs.must_get("length")?;
    let message = format!("{} cannot stand in a text", type_of(value.name()));
    let mut fault = TemplateFault::new(Some(of).filter(|of| *of != NO_TEMPLATE), message);
    fault.at = Some(at..at + length);
    let written = kwargs.must_get::<&str>("written")?;
    fault.help = Some(match value.as_map() {
        Some(map) => {
            let keys: Vec<&str> = map.keys().filter_map(tera::value::Key::as_str).collect();
            let one = keys.iter().find(|key| **key == "name").or(keys.first());
            match one {
                Some(one) => {
                    let part = if written.starts_with('(') {
                        format!("{written} | get(key='{one}')")
                    } else {
                        format!("{written}.{one}")
                    };
                    let all = sorted(keys.clone()).join(", ");
                    format!(
                        "write one of its parts, such as `{part}`, or `{written} | json`; it has {all}"
                    )
                }
                None => format!("write `{written} | json`"),
            }
        }
        None => format!("write `{written} | join(sep=', ')`, or `{written} | json`"),
    });
    MET.with_borrow_mut(|met| met.push(fault));
    Ok(Value::none())
}

/// As [`known`], where it is enough that something is wrong.
pub(super) fn known_fast(value: Value, _: Kwargs, _: &State) -> Value {
    if value.is_undefined() {
        WRONG.set(true);
        return Value::none();
    }
    value
}

/// As [`printed`], where it is enough that something is wrong.
pub(super) fn printed_fast(value: Value, _: Kwargs, _: &State) -> Value {
    if value.is_map() || value.is_array() || value.is_undefined() {
        WRONG.set(true);
    }
    value
}

/// The rendered text, where nothing is wrong.
pub(super) fn fast(render: impl FnOnce() -> TeraResult<String>) -> Option<String> {
    WRONG.set(false);
    let rendered = render().ok()?;
    (!WRONG.get()).then_some(rendered)
}

/// A path as it is written: `services[0].name`.
fn written(path: &[&str]) -> String {
    let mut out = String::new();
    for (number, step) in path.iter().enumerate() {
        match step.strip_prefix(INDEX) {
            Some(index) => out.push_str(&format!("[{index}]")),
            None if number == 0 => out.push_str(step),
            None => out.push_str(&format!(".{step}")),
        }
    }
    out
}

/// The values that a step leads to. An index that is computed may lead to any part.
fn follow<'v>(value: &'v Value, step: &str) -> Vec<&'v Value> {
    let Some(index) = step.strip_prefix(INDEX) else {
        return part(value, step).into_iter().collect();
    };
    if let Some(map) = value.as_map() {
        return map.values().collect();
    }
    let all = value.as_array().into_iter().flatten();
    match index.parse::<usize>() {
        Ok(number) => all.skip(number).take(1).collect(),
        Err(_) => all.collect(),
    }
}

/// The undefined part of a path whose variable has this value.
fn explain(path: &[&str], root: Option<&Value>) -> TemplateFault {
    let name = path.first().copied().unwrap_or_default();
    let Some(root) = root else {
        let mut fault = TemplateFault::new(None, format!("there is no variable {}", shown(name)));
        fault.kind = TemplateFaultKind::UnknownVariable(name.to_owned());
        return fault;
    };
    let mut values = vec![root];
    for (index, step) in path.iter().enumerate().skip(1) {
        let above = path.get(..index).unwrap_or_default();
        let inner: Vec<&Value> = values.iter().flat_map(|v| follow(v, step)).collect();
        if inner.is_empty() {
            return lacking(above, step, &values);
        }
        values = inner;
    }
    let name = written(path);
    let mut fault = TemplateFault::new(None, format!("{} is not defined here", shown(&name)));
    fault.help = Some(ask_first(&name));
    fault
}

/// How to write a name that may be missing.
fn ask_first(name: &str) -> String {
    format!(
        "where it may be missing, write `{name} | default(value='...')`, or ask first: `{name} is defined and ...`"
    )
}

/// The fault of values that all lack a part.
fn lacking(above: &[&str], step: &str, values: &[&Value]) -> TemplateFault {
    let name = written(above);
    let map = values.iter().find_map(|value| value.as_map());
    if let Some(index) = step.strip_prefix(INDEX) {
        let message = match values.first().and_then(|value| value.as_array()) {
            Some([]) => format!("{} is an empty list here", shown(&name)),
            Some(list) => format!(
                "{} has no entry `{index}`: it has {}, counted from 0",
                shown(&name),
                list.len()
            ),
            None => {
                let found = values.first().map_or("none", |value| value.name());
                format!("{} has no entries: it is {}", shown(&name), type_of(found))
            }
        };
        let mut fault = TemplateFault::new(None, message);
        fault.help = Some(format!(
            "ask first how many there are: `{name} | length > {index} and ...`, or go through all: `for_each: {name}`"
        ));
        if values
            .first()
            .is_some_and(|value| value.as_array().is_none())
        {
            fault.help = Some(format!("write {} without the brackets", shown(&name)));
        }
        return fault;
    }
    let Some(map) = map else {
        let found = values.first().map_or("none", |value| value.name());
        let found = if found == "none" {
            "none here".to_owned()
        } else {
            type_of(found)
        };
        let message = format!("{} has no {}: it is {found}", shown(&name), shown(step));
        let mut fault = TemplateFault::new(None, message);
        let list = values.first().is_some_and(|value| value.is_array());
        fault.help = Some(if list {
            format!("take one of its values, `{name}[0].{step}`, or go through all of them")
        } else {
            format!(
                "compare {} itself; where it may be none, ask first: `{name} and {name}.{step} == ...`",
                shown(&name)
            )
        });
        return fault;
    };
    let keys: Vec<&str> = map.keys().filter_map(tera::value::Key::as_str).collect();
    let message = format!("{} has no {}", shown(&name), shown(step));
    let mut fault = TemplateFault::new(None, message);
    let ask = ask_first(&format!("{name}.{step}"));
    let free = above.contains(&"vars");
    fault.help = Some(match (keys.is_empty(), free) {
        (true, _) => ask,
        (false, true) => format!("{}; {ask}", choices(step, &sorted(keys))),
        (false, false) => choices(step, &sorted(keys)),
    });
    fault
}

pub(super) fn part<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    let mut parts = value.as_map()?.iter();
    parts
        .find(|(name, _)| name.as_str() == Some(key))
        .map(|(_, part)| part)
}

fn sorted(mut keys: Vec<&str>) -> Vec<&str> {
    keys.sort_unstable();
    keys
}

/// Undefined names that are found without rendering: also where a condition leaves them out.
pub(super) fn known_before(
    strict: &Strict,
    scope: &Scope,
    template: Option<&str>,
) -> Vec<TemplateFault> {
    let own = |name: &&Name| {
        let root = name.path.first().map_or("", String::as_str);
        !strict.bound.iter().any(|bound| bound == root)
            && !root.starts_with("__tera")
            && !scope.is_element(root)
            && !strict.is_guarded(&name.path)
    };
    let found = strict.names.iter().filter(own).filter_map(|name| {
        let path: Vec<&str> = name.path.iter().map(String::as_str).collect();
        let root = scope.context.get(path.first()?);
        if root.is_some_and(|root| !is_surely_missing(root, path.get(1..).unwrap_or_default())) {
            return None;
        }
        let mut fault = explain(&path, root);
        fault.template = template.map(str::to_owned);
        fault.at = Some(name.range.clone());
        Some(fault)
    });
    found.collect()
}

/// Whether the parts of a value are the same whatever the inventory says, and this is none of them. Free values and
/// what may be none are looked at when they are rendered.
fn is_surely_missing(root: &Value, steps: &[&str]) -> bool {
    let mut values = vec![root];
    for step in steps {
        let index = step.starts_with(INDEX);
        let known = |value: &&Value| value.as_map().is_some() && !index;
        if *step == "vars" || !(values.iter().all(known) || index) {
            return false;
        }
        let inner: Vec<&Value> = values.iter().flat_map(|v| follow(v, step)).collect();
        if inner.is_empty() {
            // A list may have no entries on one host, and some on another.
            return !index;
        }
        values = inner;
    }
    false
}

/// A part of something that is not defined, with what is not: the engine stops at it.
pub(super) fn named(strict: &Strict, scope: &Scope, fault: TemplateFault) -> TemplateFault {
    if fault.kind != TemplateFaultKind::UndefinedPart {
        return fault;
    }
    let at = fault.at.clone().unwrap_or_default();
    let mut names = strict.names.iter();
    let name = names.find(|name| name.range.start <= at.start && at.end <= name.range.end);
    let explained = name.and_then(|name| {
        let path: Vec<&str> = name.path.iter().map(String::as_str).collect();
        let root = scope.context.get(path.first()?)?;
        let mut found = explain(&path, Some(root));
        found.template.clone_from(&fault.template);
        found.at = Some(name.range.clone());
        Some(found)
    });
    explained.unwrap_or(fault)
}

/// The faults that [`known_before`] finds.
pub(super) fn only(
    strict: &Strict,
    scope: &Scope,
    template: Option<&str>,
) -> Option<TemplateError> {
    let faults = known_before(strict, scope, template);
    finish(faults, scope, || Ok(String::new())).err()
}

/// Renders, and gives either the text or all that is wrong; nothing where that has been said.
pub(super) fn finish(
    mut faults: Vec<TemplateFault>,
    scope: &Scope,
    render: impl FnOnce() -> Result<String, Option<TemplateFault>>,
) -> Result<String, TemplateError> {
    MET.take();
    let rendered = render();
    for fault in MET.take() {
        let again = |f: &TemplateFault| f.template == fault.template && f.at == fault.at;
        if !faults.iter().any(again) {
            faults.push(fault);
        }
    }
    if faults.is_empty() {
        return rendered.map_err(|fault| TemplateError {
            faults: fault.into_iter().collect(),
        });
    }
    let known = scope.names();
    for fault in &mut faults {
        if fault.help.is_none()
            && let TemplateFaultKind::UnknownVariable(name) = &fault.kind
        {
            let help = choices(name, &known);
            fault.help = Some(format!("{help}; a text needs quotes: `\"text\"`"));
        }
    }
    faults.sort_by_key(|fault| (fault.template.clone(), fault.at.as_ref().map(|at| at.start)));
    Err(TemplateError { faults })
}
