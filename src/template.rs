//! Templates and expressions over a cluster and a host. The only user of tera; an undefined variable is an error.

mod engine;
mod fault;
mod html;
mod reads;
mod set;
mod slip;
mod strict;
mod tags;
mod tokens;
mod undefined;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use tera::{Context, Tera};

use crate::diagnostic::{choices, shown};
use crate::yaml;
use engine::{engine, explained};
pub(crate) use fault::TemplateFaultKind;
pub use fault::{TemplateError, TemplateFault};
pub(crate) use html::html;
pub use reads::Reads;
use set::{faults_of_set, found, lost};
use strict::Strict;

/// A set of templates, ready to render.
pub struct Templates {
    /// The templates with a filter at every name, which reports undefined names with their places.
    tera: Tera,
    /// As `tera`, with filters that are much faster but do not report places.
    fast: Tera,
    /// The templates as they are written, for the places of other errors.
    plain: Tera,
    sources: BTreeMap<String, Strict>,
    /// Templates that cannot be rendered and whose faults have been reported.
    faulty: BTreeSet<String>,
}

/// Values that templates and expressions see.
#[derive(Clone)]
pub struct Scope {
    context: Context,
    names: Arc<Vec<String>>,
    /// Names of list elements, whose parts may differ from element to element.
    elements: Vec<String>,
}

impl Scope {
    fn empty() -> Self {
        Self {
            context: Context::new(),
            names: Arc::default(),
            elements: Vec::new(),
        }
    }

    /// From a struct or a map, whose fields become the variables.
    pub fn new(values: &impl Serialize) -> Self {
        Self::empty().and(values)
    }

    /// With more values. What is there already is shared, not copied.
    #[must_use]
    pub fn and(&self, values: &impl Serialize) -> Self {
        // A value that is not a map has no variables.
        let values = tera::Value::try_from_serializable(values).ok();
        let values = values.and_then(tera::Value::into_map).unwrap_or_default();
        self.with_all(
            values
                .into_iter()
                .map(|(name, value)| (name.to_string(), value)),
        )
    }

    /// With all values of another scope; the names must be distinct.
    #[must_use]
    pub fn beside(mut self, other: Self) -> Self {
        self.context.extend(other.context);
        Arc::make_mut(&mut self.names).extend(other.names.iter().cloned());
        self
    }

    /// As [`Self::and`], but shares equal values with another scope.
    #[must_use]
    pub fn and_as(&self, values: &Value, other: Option<(&Value, &Self)>) -> Self {
        let pairs = values.as_object().into_iter().flatten();
        self.with_all(pairs.map(|(name, value)| {
            let shared = other
                .filter(|(other, _)| other.get(name) == Some(value))
                .and_then(|(_, scope)| scope.context.get(name));
            let made = || tera::Value::from_serializable(value);
            (name.clone(), shared.cloned().unwrap_or_else(made))
        }))
    }

    fn with_all(&self, values: impl Iterator<Item = (String, tera::Value)>) -> Self {
        let mut made = self.clone();
        let mut names = self.names.to_vec();
        for (name, value) in values {
            names.push(name.clone());
            made.context.insert_value(name, value);
        }
        made.names = Arc::new(names);
        made
    }

    #[must_use]
    pub fn with(&self, name: &str, value: &Value) -> Self {
        let mut made = self.clone();
        made.context.insert(name.to_owned(), value);
        made.elements.push(name.to_owned());
        made
    }

    /// The value of a variable or of a part of it, without the engine, which would print it as text to parse again.
    fn at(&self, expression: &str) -> Option<Value> {
        let mut steps = expression.trim().split('.');
        let mut value = self.context.get(steps.next()?)?;
        for step in steps {
            value = undefined::part(value, step)?;
        }
        serde_json::to_value(value).ok()
    }

    /// All names that have a value, in order.
    fn names(&self) -> Vec<&str> {
        let all = self.names.iter().chain(&self.elements);
        let mut names: Vec<&str> = all.map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn is_element(&self, name: &str) -> bool {
        self.elements.iter().any(|element| element == name)
    }
}

/// The name that tera gives to a text that is no template of the set.
const NO_TEMPLATE: &str = "__tera_one_off";

impl Templates {
    /// Without a template, for expressions.
    pub fn none() -> Self {
        Self::new(&BTreeMap::new()).0
    }

    /// The templates, and the faults of those that cannot be rendered.
    pub fn new(sources: &BTreeMap<String, String>) -> (Self, Vec<TemplateFault>) {
        let mut faults = Vec::new();
        let mut good: BTreeMap<&str, &str> = sources
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        let plain = loop {
            match engine(good.iter().map(|(name, text)| (*name, *text))) {
                Ok(tera) => break tera,
                Err(_) if good.is_empty() => break Tera::default(),
                Err(error) => {
                    let mut found = faults_of_set(&good, sources, &error);
                    for fault in &found {
                        let name = fault.template.as_deref().unwrap_or_default();
                        good.remove(name);
                    }
                    // A template that includes a faulty one cannot be rendered, but is not faulty itself.
                    good.retain(|_, text| {
                        !tags::includes(text).any(|name| lost(sources, &found, name))
                    });
                    if found.is_empty() {
                        good.clear();
                    }
                    faults.append(&mut found);
                }
            }
        };
        let strict: BTreeMap<String, Strict> = sources
            .iter()
            .map(|(name, text)| (name.clone(), strict::strict(text, name)))
            .collect();
        let looked_at = || {
            let all = strict.iter();
            all.filter(|(name, _)| good.contains_key(name.as_str()))
        };
        let fast = looked_at().map(|(name, strict)| (name.as_str(), strict.fast.as_str()));
        let fast = engine(fast).unwrap_or_default();
        let looked_at = looked_at().map(|(name, strict)| (name.as_str(), strict.text.as_str()));
        let faulty = sources
            .keys()
            .filter(|name| !good.contains_key(name.as_str()));
        let templates = Self {
            tera: engine(looked_at).unwrap_or_else(|_| plain.clone()),
            fast,
            plain,
            faulty: faulty.cloned().collect(),
            sources: strict,
        };
        (templates, faults)
    }

    /// Renders a template of the set.
    pub fn render(&self, name: &str, scope: &Scope) -> Result<String, TemplateError> {
        let Some(strict) = self.sources.get(name) else {
            let known: Vec<&str> = self.sources.keys().map(String::as_str).collect();
            let mut fault =
                TemplateFault::new(None, format!("there is no template {}", shown(name)));
            fault.help = Some(format!(
                "{}; a file in templates/ beside the inventory adds one",
                choices(name, &known)
            ));
            return Err(fault.into());
        };
        let asked = undefined::known_before(strict, scope, Some(name));
        if self.faulty.contains(name) {
            undefined::finish(asked, scope, || Ok(String::new()))?;
            return Err(TemplateError { faults: Vec::new() });
        }
        if asked.is_empty()
            && let Some(text) = undefined::fast(|| self.fast.render(name, &scope.context))
        {
            return Ok(text);
        }
        undefined::finish(asked, scope, || {
            self.tera.render(name, &scope.context).or_else(|_| {
                let rendered = self.plain.render(name, &scope.context);
                let text = strict.written.as_str();
                let fault = |e| undefined::named(strict, scope, explained(&e, Some(name), text));
                rendered.map_err(|e| Some(fault(e)))
            })
        })
    }

    /// Renders a text that stands in a role.
    pub fn text(&self, text: &str, scope: &Scope) -> Result<String, TemplateError> {
        let strict = strict::strict(text, NO_TEMPLATE);
        let asked = undefined::known_before(&strict, scope, None);
        let fast = || self.fast.render_str(&strict.fast, &scope.context, false);
        if asked.is_empty()
            && let Some(text) = undefined::fast(fast)
        {
            return Ok(text);
        }
        undefined::finish(asked, scope, || {
            self.tera
                .render_str(&strict.text, &scope.context, false)
                .or_else(|_| {
                    let rendered = self.plain.render_str(text, &scope.context, false);
                    // A syntax error was reported when the role was read.
                    rendered.map_err(|e| {
                        let read = self.refused(text).is_none();
                        read.then(|| undefined::named(&strict, scope, explained(&e, None, text)))
                    })
                })
        })
    }

    /// The value of an expression, with its type.
    pub fn value(&self, expression: &str, scope: &Scope) -> Result<Value, TemplateError> {
        if let Some(value) = scope.at(expression) {
            return Ok(value);
        }
        let json = self.text(&whole(expression), scope);
        let json = json.map_err(|error| moved(error, expression))?;
        serde_json::from_str(&json)
            .map_err(|e| TemplateFault::new(None, format!("the value cannot be read: {e}")).into())
    }

    /// The fault of a text with any variables.
    pub fn syntax(&self, text: &str) -> Option<TemplateError> {
        let error = self.refused(text)?;
        let known: Vec<&str> = self.sources.keys().map(String::as_str).collect();
        found(
            slip::of_text(text),
            slip::unknown(text, &known),
            &error,
            None,
            text,
        )
    }

    /// The syntax fault of an expression. `key`: the key to which it belongs.
    pub fn syntax_of_expression(&self, expression: &str, key: &str) -> Option<TemplateError> {
        let whole = whole(expression);
        let error = self.refused(&whole)?;
        if expression.trim().is_empty() {
            let mut fault = TemplateFault::new(None, "expected an expression, found an empty text");
            fault.help = Some(format!(
                "write one, such as `{}`, or delete the key",
                example(key)
            ));
            return Some(fault.into());
        }
        if let Some((mut fault, inner)) = slip::in_braces(expression) {
            let good = self.refused(&self::whole(&inner)).is_none();
            fault.help = Some(if good {
                format!("write it without braces: `{key}: {}`", yaml::quoted(&inner))
            } else {
                format!("write it without braces, such as `{}`", example(key))
            });
            return Some(fault.into());
        }
        let slips = slip::of_expression(expression);
        let unknown = slip::unknown_in_expression(expression);
        let own = !slips.is_empty() || !unknown.is_empty();
        let mut error = found(slips, unknown, &error, None, &whole)?;
        if own {
            return Some(error);
        }
        let end = BEFORE.len() + expression.len();
        for fault in &mut error.faults {
            // What stands behind it is not the user's.
            if fault.at.as_ref().is_none_or(|at| at.start >= end) {
                *fault = ended(expression.trim_end().len() + BEFORE.len());
            }
        }
        Some(moved(error, expression))
    }

    fn refused(&self, text: &str) -> Option<tera::Error> {
        let mut tera = self.plain.clone();
        tera.add_raw_template(NO_TEMPLATE, text).err()
    }

    /// The variables that a value of a role reads; None: not known from its texts.
    pub fn reads(&self, value: &Value) -> Option<Reads> {
        match value {
            Value::String(text) if text.contains("{{") || text.contains("{%") => {
                reads::of(&strict::strict(text, NO_TEMPLATE), &self.sources)
            }
            Value::Array(items) => self.reads_of_all(items.iter()),
            Value::Object(map) => self.reads_of_all(map.values()),
            _ => Some(Reads::new()),
        }
    }

    fn reads_of_all<'v>(&self, mut values: impl Iterator<Item = &'v Value>) -> Option<Reads> {
        values.try_fold(Reads::new(), |mut all, value| {
            all.append(&mut self.reads(value)?);
            Some(all)
        })
    }

    /// The same of an expression.
    pub fn reads_of_expression(&self, expression: &str) -> Option<Reads> {
        reads::of(
            &strict::strict(&whole(expression), NO_TEMPLATE),
            &self.sources,
        )
    }

    /// The same of a template of the set.
    pub fn reads_of_template(&self, name: &str) -> Option<Reads> {
        reads::of(self.sources.get(name)?, &self.sources)
    }

    /// The undefined names of a text, also in branches that are not taken. `condition` is evaluated before.
    pub fn names(&self, text: &str, scope: &Scope, condition: &str) -> Option<TemplateError> {
        let condition = strict::strict(condition, NO_TEMPLATE);
        let mut text = strict::strict(text, NO_TEMPLATE);
        text.guarded.extend(condition.guarded);
        undefined::only(&text, scope, None)
    }

    pub fn names_of_expression(&self, expression: &str, scope: &Scope) -> Option<TemplateError> {
        let error = self.names(&whole(expression), scope, "");
        error.map(|error| moved(error, expression))
    }

    /// The same for a template of the set.
    pub fn names_of(&self, name: &str, scope: &Scope, condition: &str) -> Option<TemplateError> {
        let condition = strict::strict(condition, NO_TEMPLATE);
        let mut text = self.sources.get(name)?.clone();
        text.guarded.extend(condition.guarded);
        undefined::only(&text, scope, Some(name))
    }

    /// A value of a role: a text that is one expression keeps that expression's type; other texts are rendered.
    pub fn expand(&self, value: &Value, scope: &Scope) -> Result<Value, TemplateError> {
        match value {
            Value::String(text) => match whole_expression(text) {
                Some(expression) => self.value(expression, scope).map_err(|mut error| {
                    let before = text.find(expression).unwrap_or(0);
                    for fault in &mut error.faults {
                        if let Some(at) = fault.at.as_mut().filter(|_| fault.template.is_none()) {
                            *at = at.start + before..at.end + before;
                        }
                    }
                    error
                }),
                None if text.contains("{{") || text.contains("{%") => {
                    Ok(Value::String(self.text(text, scope)?))
                }
                None => Ok(value.clone()),
            },
            Value::Array(items) => items.iter().map(|item| self.expand(item, scope)).collect(),
            Value::Object(map) => map
                .iter()
                .map(|(key, item)| Ok((key.clone(), self.expand(item, scope)?)))
                .collect::<Result<_, _>>()
                .map(Value::Object),
            _ => Ok(value.clone()),
        }
    }
}

/// An expression that ends too early, behind this place.
fn ended(at: usize) -> TemplateFault {
    let mut fault = TemplateFault::new(None, engine::EARLY.0);
    fault.at = Some(at.saturating_sub(1)..at);
    fault.help = Some(engine::EARLY.1.to_owned());
    fault
}

/// How a `when` or a `for_each` looks.
fn example(key: &str) -> &'static str {
    match key {
        "for_each" => "for_each: host.interfaces",
        _ => "when: host.name == \"web1\"",
    }
}

/// Whether a text is one variable and nothing else.
pub fn is_variable(text: &str, name: &str) -> bool {
    whole_expression(text) == Some(name)
}

fn whole_expression(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("{{")?.strip_suffix("}}")?;
    (!inner.contains("}}")).then_some(inner.trim())
}

/// The text before an expression whose value is asked for.
const BEFORE: &str = "{{ (";

fn whole(expression: &str) -> String {
    format!("{BEFORE}{expression}) | json }}}}")
}

/// With places in the expression itself.
fn moved(mut error: TemplateError, expression: &str) -> TemplateError {
    for fault in error.faults.iter_mut().filter(|f| f.template.is_none()) {
        if let Some(at) = &mut fault.at {
            *at = engine::inside(at, BEFORE.len(), expression.len());
        }
    }
    error
}

#[cfg(test)]
mod tests;
