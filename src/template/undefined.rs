//! Undefined names: what is wrong with each, and the names that are nearest. Where names stand in a text is known by
//! [`super::strict`].

use std::cell::RefCell;

use tera::{Kwargs, State, TeraResult, Value};

use super::strict::{Name, Strict};
use super::{NO_TEMPLATE, Scope, TemplateError, TemplateFault};
use crate::inventory::{choices, shown};

thread_local! {
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

/// What is undefined about a path whose variable has this value.
fn explain(path: &[&str], root: Option<&Value>) -> TemplateFault {
    let name = path.first().copied().unwrap_or_default();
    let Some(mut value) = root else {
        return TemplateFault::new(None, format!("there is no variable {}", shown(name)));
    };
    for (index, step) in path.iter().enumerate().skip(1) {
        let above = path.get(..index).unwrap_or_default().join(".");
        if let Some(inner) = part(value, step) {
            value = inner;
            continue;
        }
        return match value.as_map() {
            Some(map) => {
                let keys: Vec<&str> = map.keys().filter_map(tera::value::Key::as_str).collect();
                let message = format!("{} has no {}", shown(&above), shown(step));
                let mut fault = TemplateFault::new(None, message);
                fault.help = Some(choices(step, &sorted(keys)));
                fault
            }
            None => {
                let message = format!(
                    "{} has no {}: it is {}",
                    shown(&above),
                    shown(step),
                    kind(value)
                );
                let mut fault = TemplateFault::new(None, message);
                fault.help = Some(format!(
                    "compare {} itself; where it may be none, ask first: `{above} and {above}.{step} == ...`",
                    shown(&above)
                ));
                fault
            }
        };
    }
    let message = format!("{} with this index is not defined", shown(&path.join(".")));
    TemplateFault::new(None, message)
}

fn part<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    let mut parts = value.as_map()?.iter();
    parts
        .find(|(name, _)| name.as_str() == Some(key))
        .map(|(_, part)| part)
}

fn sorted(mut keys: Vec<&str>) -> Vec<&str> {
    keys.sort_unstable();
    keys
}

fn kind(value: &Value) -> String {
    match value.name() {
        "none" => "none here".to_owned(),
        "string" => "a text".to_owned(),
        "array" => "a list".to_owned(),
        name => format!("a {name}"),
    }
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
    let mut value = root;
    for step in steps {
        if value.as_map().is_none() {
            return false;
        }
        match part(value, step) {
            Some(_) if *step == "vars" => return false,
            Some(inner) => value = inner,
            None => return true,
        }
    }
    false
}

/// What [`known_before`] finds.
pub(super) fn only(
    strict: &Strict,
    scope: &Scope,
    template: Option<&str>,
) -> Option<TemplateError> {
    let faults = known_before(strict, scope, template);
    finish(faults, scope, || Ok(String::new())).err()
}

/// Renders, and gives either the text or all that is wrong.
pub(super) fn finish(
    mut faults: Vec<TemplateFault>,
    scope: &Scope,
    render: impl FnOnce() -> Result<String, TemplateFault>,
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
        return rendered.map_err(Into::into);
    }
    let known = scope.names();
    for fault in &mut faults {
        if fault.help.is_none()
            && let Some((_, name)) = fault.message.split_once("variable `")
        {
            let help = choices(name.trim_end_matches('`'), &known);
            fault.help = Some(format!("{help}; a text needs quotes: `\"text\"`"));
        }
    }
    faults.sort_by_key(|fault| (fault.template.clone(), fault.at.as_ref().map(|at| at.start)));
    Err(TemplateError { faults })
}
