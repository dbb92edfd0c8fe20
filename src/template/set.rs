//! Faults of templates that the engine refuses, each by itself and all together.

use std::collections::BTreeMap;

use tera::ErrorKind;

use super::engine::{engine, explained};
use super::{TemplateError, TemplateFault, slip, tags};
use crate::diagnostic::shown;

/// The slips and unknown words of a text that the engine refused; what it says itself where none is known.
pub(super) fn found(
    slips: Vec<TemplateFault>,
    unknown: Vec<TemplateFault>,
    error: &tera::Error,
    template: Option<&str>,
    text: &str,
) -> Option<TemplateError> {
    let mut faults = slips;
    faults.extend(unknown);
    if faults.is_empty() {
        return Some(explained(error, template, text).into());
    }
    for fault in &mut faults {
        fault.template = template.map(str::to_owned);
    }
    Some(TemplateError { faults })
}

/// Whether a template is there, and cannot be read.
pub(super) fn lost(
    sources: &BTreeMap<String, String>,
    faults: &[TemplateFault],
    name: &str,
) -> bool {
    sources.contains_key(name) && faults.iter().any(|f| f.template.as_deref() == Some(name))
}

/// Faults of all templates; the engine itself stops at the first. Each fault has its template.
pub(super) fn faults_of_set(
    good: &BTreeMap<&str, &str>,
    sources: &BTreeMap<String, String>,
    all: &tera::Error,
) -> Vec<TemplateFault> {
    let known: Vec<&str> = sources.keys().map(String::as_str).collect();
    let each = good.iter().flat_map(|(name, text)| {
        let unknown = slip::unknown(text, &known);
        let alone = engine(std::iter::once((*name, *text))).err();
        // Alone, a template lacks those that it includes.
        let alone = alone.filter(|error| matches!(error.kind(), ErrorKind::SyntaxError(_)));
        let slips = if alone.is_some() {
            slip::of_text(text)
        } else {
            Vec::new()
        };
        let error = match (alone, unknown.is_empty()) {
            (None, true) => return Vec::new(),
            (Some(error), _) => error,
            (None, false) => tera::Error::message(""),
        };
        found(slips, unknown, &error, Some(name), text).map_or_else(Vec::new, |e| e.faults)
    });
    let faults: Vec<TemplateFault> = each.collect();
    if !faults.is_empty() {
        return faults;
    }
    // Templates that are right by themselves, and do not fit together.
    let (name, message, help) = match all.kind() {
        ErrorKind::CircularExtend { tpl, .. } | ErrorKind::CircularInclude { tpl, .. } => {
            let help = "take one `include` or `extends` of the circle out";
            (
                tpl.clone(),
                "this template includes itself, by others or at once".to_owned(),
                help,
            )
        }
        _ => {
            let said = all.to_string();
            let named = good.keys().find(|name| {
                said.contains(&format!("--> {name}:")) || said.contains(&format!("`{name}`"))
            });
            let name = named.map_or_else(String::new, |name| (*name).to_owned());
            let block = said
                .split("Block `")
                .nth(1)
                .and_then(|rest| rest.split('`').next());
            let component = said
                .split("omponent `")
                .nth(1)
                .and_then(|rest| rest.split('`').next());
            match (block, component) {
                (Some(block), _) => (
                    name,
                    format!(
                        "the block {} is in none of the templates that this one extends",
                        shown(block)
                    ),
                    "name a block of that template, or add this one there",
                ),
                (_, Some(component)) => (
                    name,
                    format!(
                        "the component {} is not there, or is there twice",
                        shown(component)
                    ),
                    "define it once, in one template",
                ),
                _ => (
                    name,
                    "this template does not fit to the others".to_owned(),
                    "take its `include`, `extends` and `block` tags out, one by one",
                ),
            }
        }
    };
    let name = if good.contains_key(name.as_str()) {
        name
    } else {
        good.keys()
            .next()
            .map_or_else(String::new, |n| (*n).to_owned())
    };
    let mut fault = TemplateFault::new(Some(&name), message);
    fault.at = Some(tags::first_tag(
        good.get(name.as_str()).copied().unwrap_or_default(),
    ));
    fault.help = Some(help.to_owned());
    vec![fault]
}
