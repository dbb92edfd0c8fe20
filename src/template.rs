//! Templates and expressions over a cluster and a host. The only user of tera; an undefined variable is an error.

mod strict;
mod undefined;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;
use tera::{Context, ErrorKind, Tera};

use crate::inventory::choices;
use crate::secret::SecretSource;
use strict::Strict;

/// Why a template or an expression has no value: everything that is wrong with it.
#[derive(Debug, thiserror::Error)]
pub struct TemplateError {
    pub faults: Vec<TemplateFault>,
}

/// One thing that is wrong with a template or an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateFault {
    /// The template of the set; none for a text that stands in a role.
    pub template: Option<String>,
    /// Where in its text, in bytes.
    pub at: Option<Range<usize>>,
    pub message: String,
    pub help: Option<String>,
}

impl TemplateFault {
    fn new(template: Option<&str>, message: impl Into<String>) -> Self {
        Self {
            template: template.map(str::to_owned),
            at: None,
            message: message.into(),
            help: None,
        }
    }
}

/// On one line, for where no excerpt can be shown.
impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            f.write_str(if index > 0 { "; " } else { "" })?;
            if let Some(template) = &fault.template {
                write!(f, "template {template}: ")?;
            }
            f.write_str(&fault.message)?;
        }
        Ok(())
    }
}

impl From<TemplateFault> for TemplateError {
    fn from(fault: TemplateFault) -> Self {
        Self {
            faults: vec![fault],
        }
    }
}

/// A set of templates, ready to render.
pub struct Templates {
    /// With every name looked at.
    tera: Tera,
    /// As they are written, for the places of other errors.
    plain: Tera,
    sources: BTreeMap<String, Strict>,
}

/// Values that templates and expressions see.
#[derive(Clone)]
pub struct Scope {
    context: Context,
    names: Arc<Vec<String>>,
    /// Names whose value may have other parts the next time: an element of a list.
    elements: Vec<String>,
}

impl Scope {
    pub fn new(values: &Value) -> Self {
        let none = Self {
            context: Context::new(),
            names: Arc::default(),
            elements: Vec::new(),
        };
        none.and(values)
    }

    /// With more values. What is there already is shared, not copied.
    #[must_use]
    pub fn and(&self, values: &Value) -> Self {
        let mut made = self.clone();
        let mut names = self.names.to_vec();
        if let Value::Object(map) = values {
            for (key, value) in map {
                made.context.insert(key.clone(), value);
                names.push(key.clone());
            }
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

/// What the engine says, with its place in the text.
fn of_engine(error: &tera::Error, template: Option<&str>) -> TemplateFault {
    let (place, message) = match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => (
            Some((report.filename().to_owned(), report.span().range.clone())),
            report.message().to_owned(),
        ),
        _ => {
            let all = error.to_string();
            (None, first_report(&all).to_owned())
        }
    };
    let mut message = message;
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        message.push_str(": ");
        message.push_str(first_report(&cause.to_string()));
        source = cause.source();
    }
    let mut fault = TemplateFault::new(template, uncapitalized(&message));
    if let Some((name, at)) = place {
        if name != NO_TEMPLATE {
            fault.template = Some(name);
        }
        fault.at = Some(at);
    }
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

fn uncapitalized(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

impl Templates {
    /// Without a template, for expressions.
    pub fn none() -> Self {
        let engine = engine(std::iter::empty()).unwrap_or_default();
        Self {
            tera: engine.clone(),
            plain: engine,
            sources: BTreeMap::new(),
        }
    }

    pub fn new(sources: &BTreeMap<String, String>) -> Result<Self, TemplateError> {
        let strict: BTreeMap<String, Strict> = sources
            .iter()
            .map(|(name, text)| (name.clone(), strict::strict(text, name)))
            .collect();
        let plain = engine(sources.iter().map(|(n, t)| (n.as_str(), t.as_str())));
        let plain = plain.map_err(|error| faults_of_set(sources, &error))?;
        let looked_at = strict.iter().map(|(n, s)| (n.as_str(), s.text.as_str()));
        Ok(Self {
            tera: engine(looked_at).unwrap_or_else(|_| plain.clone()),
            plain,
            sources: strict,
        })
    }

    /// Renders a template of the set.
    pub fn render(&self, name: &str, scope: &Scope) -> Result<String, TemplateError> {
        let Some(strict) = self.sources.get(name) else {
            let known: Vec<&str> = self.plain.get_template_names().collect();
            let mut fault = TemplateFault::new(None, format!("there is no template {name:?}"));
            fault.help = Some(choices(name, &known));
            return Err(fault.into());
        };
        let asked = undefined::known_before(strict, scope, Some(name));
        undefined::finish(asked, scope, || {
            self.tera.render(name, &scope.context).or_else(|_| {
                let rendered = self.plain.render(name, &scope.context);
                rendered.map_err(|e| of_engine(&e, Some(name)))
            })
        })
    }

    /// Renders a text that stands in a role.
    pub fn text(&self, text: &str, scope: &Scope) -> Result<String, TemplateError> {
        let strict = strict::strict(text, NO_TEMPLATE);
        let asked = undefined::known_before(&strict, scope, None);
        undefined::finish(asked, scope, || {
            self.tera
                .render_str(&strict.text, &scope.context, false)
                .or_else(|_| {
                    let rendered = self.plain.render_str(text, &scope.context, false);
                    rendered.map_err(|e| of_engine(&e, None))
                })
        })
    }

    /// The value of an expression, with its type.
    pub fn value(&self, expression: &str, scope: &Scope) -> Result<Value, TemplateError> {
        let json = self.text(&whole(expression), scope);
        let json = json.map_err(|error| moved(error, expression))?;
        serde_json::from_str(&json)
            .map_err(|e| TemplateFault::new(None, format!("the value cannot be read: {e}")).into())
    }

    /// What is wrong with a text whatever its variables are.
    pub fn syntax(&self, text: &str) -> Option<TemplateError> {
        let mut tera = self.plain.clone();
        let added = tera.add_raw_template(NO_TEMPLATE, text);
        added.err().map(|error| of_engine(&error, None).into())
    }

    pub fn syntax_of_expression(&self, expression: &str) -> Option<TemplateError> {
        let error = self.syntax(&whole(expression));
        error.map(|error| moved(error, expression))
    }

    /// The names of a text that are not defined, whichever parts of it are left out. `condition` is asked before.
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

fn whole_expression(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("{{")?.strip_suffix("}}")?;
    (!inner.contains("}}")).then_some(inner.trim())
}

/// What stands before an expression that is asked for its value.
const BEFORE: &str = "{{ (";

fn whole(expression: &str) -> String {
    format!("{BEFORE}{expression}) | json }}}}")
}

/// With places in the expression itself.
fn moved(mut error: TemplateError, expression: &str) -> TemplateError {
    let inside = |at: usize| at.saturating_sub(BEFORE.len()).min(expression.len());
    for fault in error.faults.iter_mut().filter(|f| f.template.is_none()) {
        if let Some(at) = &mut fault.at {
            *at = inside(at.start)..inside(at.end);
        }
    }
    error
}

/// An engine with our filters and these templates.
fn engine<'a>(sources: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Tera, tera::Error> {
    let mut tera = Tera::default();
    // Configuration files are not HTML.
    tera.autoescape_on(Vec::<&str>::new());
    tera.register_filter(strict::FILTER, undefined::known);
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

/// What is wrong with each template; the engine itself stops at the first.
fn faults_of_set(sources: &BTreeMap<String, String>, all: &tera::Error) -> TemplateError {
    let alone = sources.iter().filter_map(|(name, text)| {
        let error = engine(std::iter::once((name.as_str(), text.as_str()))).err()?;
        // Alone, a template lacks those that it includes.
        let placed = matches!(error.kind(), ErrorKind::SyntaxError(_));
        placed.then(|| of_engine(&error, Some(name)))
    });
    let faults: Vec<TemplateFault> = alone.collect();
    if faults.is_empty() {
        return of_engine(all, None).into();
    }
    TemplateError { faults }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn expressions_keep_their_type() {
        let templates = Templates::new(&BTreeMap::new()).unwrap();
        let scope = Scope::new(
            &json!({"port": 80, "names": ["a", "b"], "on": false, "host": {"name": "rs1"}}),
        );
        for (text, want) in [
            (json!("{{ port }}"), json!(80)),
            (json!("{{ names }}"), json!(["a", "b"])),
            (json!("{{ on }}"), json!(false)),
            (json!("p{{ port }}"), json!("p80")),
            (json!("{{ port }}{{ port }}"), json!("8080")),
            (json!(["{{ host.name }}", 1]), json!(["rs1", 1])),
            (json!({"a": "{{ not on }}"}), json!({"a": true})),
        ] {
            assert_eq!(templates.expand(&text, &scope).unwrap(), want, "{text}");
        }
    }

    #[test]
    fn an_undefined_variable_is_an_error() {
        let templates = Templates::new(&BTreeMap::from([(
            "a".to_owned(),
            "{{ nothing }}".to_owned(),
        )]))
        .unwrap();
        let scope = Scope::new(&json!({"host": {}}));
        assert!(
            templates
                .render("a", &scope)
                .unwrap_err()
                .to_string()
                .contains("nothing")
        );
        assert!(templates.value("host.nothing", &scope).is_err());
        assert!(
            templates
                .render("b", &scope)
                .unwrap_err()
                .to_string()
                .contains("no template")
        );
    }
}
