//! Templates and expressions over a cluster and a host. The only user of tera; an undefined variable is an error.

use std::collections::BTreeMap;

use serde_json::Value;
use tera::{Context, ErrorKind, Tera};

use crate::secret::SecretSource;

#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    #[error("no template {name:?}; there are {known}")]
    Unknown { name: String, known: String },
    #[error("{place}: {message}")]
    Render { place: String, message: String },
}

/// A set of templates, ready to render.
pub struct Templates {
    tera: Tera,
}

/// Values that templates and expressions see.
#[derive(Clone)]
pub struct Scope {
    context: Context,
}

impl Scope {
    pub fn new(values: &Value) -> Self {
        let context = Context::new();
        Self { context }.and(values)
    }

    /// With more values. What is there already is shared, not copied.
    #[must_use]
    pub fn and(&self, values: &Value) -> Self {
        let mut context = self.context.clone();
        if let Value::Object(map) = values {
            for (key, value) in map {
                context.insert(key.clone(), value);
            }
        }
        Self { context }
    }

    #[must_use]
    pub fn with(&self, name: &str, value: &Value) -> Self {
        let mut context = self.context.clone();
        context.insert(name.to_owned(), value);
        Self { context }
    }
}

/// The name that tera gives to a text that is no template of the set.
const NO_TEMPLATE: &str = "__tera_one_off";

/// The place in a template of the set, `NAME:LINE:COLUMN`, where the error has one, and what is wrong.
fn full_message(error: &tera::Error) -> (Option<String>, String) {
    let (place, mut message) = match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => {
            let (at, name) = (report.span(), report.filename());
            let place = format!("{name}:{}:{}", at.start_line, at.start_col + 1);
            (
                Some(place).filter(|_| name != NO_TEMPLATE),
                report.message().to_owned(),
            )
        }
        _ => (None, error.to_string()),
    };
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        message.push_str(": ");
        message.push_str(&cause.to_string());
        source = cause.source();
    }
    (place, uncapitalized(&message))
}

fn of_template(name: &str, error: &tera::Error) -> TemplateError {
    let (place, message) = full_message(error);
    TemplateError::Render {
        place: format!("template {}", place.as_deref().unwrap_or(name)),
        message,
    }
}

fn of_expression(expression: &str, error: &tera::Error) -> TemplateError {
    let (place, message) = full_message(error);
    TemplateError::Render {
        place: format!("expression {expression:?}"),
        message: place.map_or(message.clone(), |place| format!("{place}: {message}")),
    }
}

fn uncapitalized(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

impl Templates {
    pub fn new(sources: &BTreeMap<String, String>) -> Result<Self, TemplateError> {
        let mut tera = Tera::default();
        // Configuration files are not HTML.
        tera.autoescape_on(Vec::<&str>::new());
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
        tera.add_raw_templates(
            sources
                .iter()
                .map(|(name, text)| (name.as_str(), text.as_str())),
        )
        .map_err(|e| of_template("set", &e))?;
        Ok(Self { tera })
    }

    /// Renders a template of the set.
    pub fn render(&self, name: &str, scope: &Scope) -> Result<String, TemplateError> {
        if !self.tera.contains_template(name) {
            let known: Vec<&str> = self.tera.get_template_names().collect();
            return Err(TemplateError::Unknown {
                name: name.to_owned(),
                known: known.join(", "),
            });
        }
        self.tera
            .render(name, &scope.context)
            .map_err(|e| of_template(name, &e))
    }

    /// Renders a text that stands in a role.
    pub fn text(&self, text: &str, scope: &Scope) -> Result<String, TemplateError> {
        self.text_of(text, text, scope)
    }

    /// `expression` is what the text was made of, for messages.
    fn text_of(
        &self,
        text: &str,
        expression: &str,
        scope: &Scope,
    ) -> Result<String, TemplateError> {
        self.tera
            .render_str(text, &scope.context, false)
            .map_err(|e| of_expression(expression, &e))
    }

    /// The value of an expression, with its type.
    pub fn value(&self, expression: &str, scope: &Scope) -> Result<Value, TemplateError> {
        let text = format!("{{{{ ({expression}) | json }}}}");
        let json = self.text_of(&text, expression, scope)?;
        serde_json::from_str(&json).map_err(|e| TemplateError::Render {
            place: format!("expression {expression:?}"),
            message: e.to_string(),
        })
    }

    /// A value of a role: a text that is one expression keeps that expression's type; other texts are rendered.
    pub fn expand(&self, value: &Value, scope: &Scope) -> Result<Value, TemplateError> {
        match value {
            Value::String(text) => match whole_expression(text) {
                Some(expression) => self.value(expression, scope),
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
