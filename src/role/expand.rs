//! Expands the entries of roles into the resources of one host. Continues after a fault, so that all faults are found.

use miette::SourceSpan;
use serde_json::{Map, Value};

use super::entry::{Entry, Given, Role, State, keys};
use super::expansion_cache::ExpansionCache;
use super::place::Place;
use super::{RoleFaults, Roles, field_errors};
use crate::diagnostic::{Fault, shown};
use crate::resource::Resource;
use crate::template::{self, Reads, Scope, TemplateError, Templates};
use crate::yaml::{Entry as Pair, Node, Value as Yaml};

pub(super) const WHAT_TEMPLATES_SEE: &str =
    "docs/roles.md lists the variables, and shows what an expression looks like";

/// The texts of a value that the engine reads, with their places.
fn texts(given: &Given) -> Vec<Given> {
    let mut found = Vec::new();
    let mut open = vec![&given.node];
    while let Some(node) = open.pop() {
        match &node.value {
            Yaml::Text(text) if text.contains("{{") || text.contains("{%") => {
                found.push(Given::new(node));
            }
            Yaml::List(list) => open.extend(list),
            Yaml::Map(pairs) => open.extend(pairs.iter().map(|pair| &pair.value)),
            _ => {}
        }
    }
    found
}

/// Faults of an entry on every host: expressions that cannot be read, templates that are not there.
pub(super) fn check(roles: &Roles, role: &Role, entry: &Entry, faults: &mut RoleFaults) {
    let at = Place {
        role,
        entry,
        index: 0,
    };
    let conditions = entry.when.iter().map(|given| ("when", given));
    let lists = entry.for_each.iter().map(|given| ("for_each", given));
    for (key, given) in conditions.chain(lists) {
        if let Value::String(expression) = &given.value
            && let Some(error) = roles.templates.syntax_of_expression(expression, key)
        {
            at.add_all(roles, given, error, None, faults);
        }
    }
    for given in texts(&entry.body) {
        if let Value::String(text) = &given.value
            && let Some(error) = roles.templates.syntax(text)
        {
            at.add_all(roles, &given, error, None, faults);
        }
    }
}

/// The resources that each entry made of hosts, by the entry's place in memory.
pub(super) type OfEntries = ExpansionCache<usize, Vec<Resource>>;

/// The variables of one host, and the cached expansions of others.
#[derive(Clone, Copy)]
pub(super) struct Own<'s> {
    pub scope: &'s Scope,
    /// Those of `scope` that are the host's.
    pub values: &'s Map<String, Value>,
    pub host: &'s str,
    pub others: &'s OfEntries,
}

/// The roles of one host, while they become resources.
pub(super) struct Expanding<'r, 's> {
    roles: &'r Roles,
    scope: &'s Scope,
    host: &'s str,
    own: Own<'s>,
    /// The variables that the entry at hand reads; none where these are not known, or where it has a fault.
    reads: Option<Reads>,
    above: Vec<&'r str>,
    made: Vec<(Place<'r>, Resource)>,
    faults: RoleFaults,
}

impl<'r, 's> Expanding<'r, 's> {
    pub(super) fn new(roles: &'r Roles, own: Own<'s>) -> Self {
        Self {
            roles,
            scope: own.scope,
            host: own.host,
            own,
            reads: None,
            above: Vec::new(),
            made: Vec::new(),
            faults: RoleFaults::default(),
        }
    }

    pub(super) fn done(self) -> (Vec<(Place<'r>, Resource)>, RoleFaults) {
        (self.made, self.faults)
    }

    /// A role that is not there or includes itself has been refused when the roles were read.
    pub(super) fn role(&mut self, name: &str) {
        let Some((name, role)) = self.roles.roles.get_key_value(name) else {
            return;
        };
        if self.above.contains(&name.as_str()) {
            return;
        }
        self.above.push(name);
        for (included, _) in &role.include {
            self.role(included);
        }
        self.above.pop();
        for (index, entry) in role.resources.iter().enumerate() {
            self.entry_or_another_s(Place { role, entry, index });
        }
    }

    /// Expands an entry, or takes the cached resources of a host with the same variables.
    fn entry_or_another_s(&mut self, at: Place<'r>) {
        let key = std::ptr::from_ref(at.entry).addr();
        let own = self.own;
        let all = |made: &Vec<Resource>| Some(made.clone());
        if let Some(made) = own.others.find(&key, own.values, all) {
            self.made
                .extend(made.into_iter().map(|resource| (at, resource)));
            return;
        }
        let before = self.made.len();
        self.reads = (!own.others.is_full(&key)).then(Reads::new);
        self.entry(at);
        let Some(reads) = self.reads.take() else {
            return;
        };
        let made = self.made.iter().skip(before);
        let made = made.map(|(_, resource)| resource.clone()).collect();
        own.others.keep(key, &reads, own.values, made);
    }

    fn reads(&mut self, more: impl FnOnce(&Templates) -> Option<Reads>) {
        if let Some(reads) = &mut self.reads {
            match more(&self.roles.templates) {
                Some(mut more) => reads.append(&mut more),
                None => self.reads = None,
            }
        }
    }

    fn add(&mut self, at: Place<'_>, fault: Fault) {
        self.reads = None;
        at.add(fault, Some(self.host), &mut self.faults);
    }

    fn add_all(&mut self, at: Place<'_>, given: &Given, error: TemplateError) {
        self.reads = None;
        at.add_all(self.roles, given, error, Some(self.host), &mut self.faults);
    }

    /// An expression's value, or the value itself.
    fn value(&mut self, at: Place<'_>, given: &Given, scope: &Scope) -> Option<Value> {
        let Value::String(expression) = &given.value else {
            return Some(given.value.clone());
        };
        self.reads(|templates| templates.reads_of_expression(expression));
        match self.roles.templates.value(expression, scope) {
            Ok(value) => Some(value),
            Err(error) => {
                self.add_all(at, given, error);
                None
            }
        }
    }

    fn entry(&mut self, at: Place<'r>) {
        if at.entry.state == State::Names {
            return self.look(at);
        }
        let Entry {
            when,
            for_each,
            element,
            ..
        } = at.entry;
        let items = match for_each {
            None => vec![None],
            Some(given) => match self.value(at, given, self.scope) {
                Some(Value::Array(items)) => items.into_iter().map(Some).collect(),
                Some(other) => {
                    let fault = Fault::new(format!("expected a list, found {}", described(&other)))
                        .help("`for_each` takes a list: `host.interfaces`, or `[a, b]`")
                        .at(given.node.span);
                    return self.add(at, fault);
                }
                None => return,
            },
        };
        let mut made = false;
        // An element that is the resource itself needs no template.
        let is_item = |body: &str| template::is_variable(body, element);
        let is_whole = for_each.is_some()
            && when.is_none()
            && at.entry.kind != "file"
            && at.entry.body.value.as_str().is_some_and(is_item);
        for item in items {
            if let (true, Some(item)) = (is_whole, &item) {
                made = true;
                self.made_of(at, item, true);
                continue;
            }
            let inner = match &item {
                Some(item) => self.scope.with(element, item),
                None => self.scope.clone(),
            };
            if let Some(given) = when {
                match self.value(at, given, &inner) {
                    Some(Value::Bool(true)) => {}
                    // `host.gateway and ...` is none where there is none.
                    Some(Value::Bool(false) | Value::Null) => continue,
                    Some(other) => {
                        let found = described(&other);
                        let fault = Fault::new(format!("expected true or false, found {found}"))
                            .help(
                                "`when` takes a condition: `name == \"text\"`, `name != none`, `list | length > 0`",
                            )
                            .at(given.node.span);
                        self.add(at, fault);
                        made = true;
                        continue;
                    }
                    None => {
                        made = true;
                        continue;
                    }
                }
            }
            made = true;
            self.resource(at, &inner);
        }
        if !made && at.is_own() {
            self.look(at);
        }
    }

    /// Checks the names of an entry that has no resource on this host.
    fn look(&mut self, at: Place<'r>) {
        let mut scope = self.scope.clone();
        if at.entry.for_each.is_some() || at.entry.state == State::Names {
            scope = scope.with(&at.entry.element, &Value::Null);
        }
        let condition = at.entry.when.as_ref().and_then(|when| when.value.as_str());
        let condition = condition.map(|text| format!("{{{{ {text} }}}}"));
        let condition = condition.unwrap_or_default();
        self.reads(|templates| templates.reads(&condition.as_str().into()));
        self.reads(|templates| templates.reads(&at.entry.body.value));
        for given in texts(&at.entry.body) {
            let text = given.value.as_str().unwrap_or_default();
            if let Some(error) = self.roles.templates.names(text, &scope, &condition) {
                self.add_all(at, &given, error);
            }
        }
        if let Some(when) = &at.entry.when
            && let Some(text) = when.value.as_str()
            && let Some(error) = self.roles.templates.names_of_expression(text, &scope)
        {
            self.add_all(at, when, error);
        }
        let template = at.entry.body.value.get("template").and_then(Value::as_str);
        let template = template.filter(|name| !name.contains("{{"));
        if let Some(name) = template {
            self.reads(|templates| templates.reads_of_template(name));
        }
        if let Some(template) = template
            && let Some(error) = self.roles.templates.names_of(template, &scope, &condition)
        {
            self.add_all(at, &at.entry.body, error);
        }
    }

    fn resource(&mut self, at: Place<'r>, scope: &Scope) {
        if let Some((expanded, whole)) = self.fields(at, scope) {
            self.made_of(at, &expanded, whole);
        }
    }

    /// The resource that fields make; `whole`: all of them are there.
    fn made_of(&mut self, at: Place<'r>, expanded: &Value, whole: bool) {
        let whole = whole && at.entry.state == State::Whole;
        let resource = match field_errors::read(at.entry, expanded) {
            Ok(resource) => resource,
            Err(faults) => {
                let said = |fault: &Fault| whole || !fault.is_missing_key();
                for fault in faults.into_iter().filter(said) {
                    self.add(at, fault);
                }
                return;
            }
        };
        if !whole {
            return;
        }
        let Some(fault) = resource.fault() else {
            return self.made.push((at, resource));
        };
        let (kind, key) = (resource.kind(), resource.key());
        let span = field(&at.entry.body.node, expanded, &fault, &key);
        let span = span.or_else(|| first_field(&at.entry.body.node, kind));
        let what = if key.is_empty() {
            kind.to_owned()
        } else {
            format!("{kind} {key}")
        };
        let fault = Fault::new(format!("{what}: {fault}"));
        let keys = keys(kind).join(", ");
        let fault = field_errors::divided(fault).help_or(&format!("keys of `{kind}`: {keys}"));
        self.add(at, fault.at(span.unwrap_or(at.entry.kind_span)));
    }

    /// The fields with their values, and whether all are there: faults of the others are reported.
    fn fields(&mut self, at: Place<'r>, scope: &Scope) -> Option<(Value, bool)> {
        let body = &at.entry.body;
        self.reads(|templates| templates.reads(&body.value));
        let Value::Object(map) = &body.value else {
            let expanded = self.roles.templates.expand(&body.value, scope);
            let expanded = expanded
                .map_err(|error| self.add_all(at, body, error))
                .ok()?;
            return Some(self.with_template(at, expanded, scope));
        };
        let mut all = Map::new();
        let mut whole = true;
        for (key, value) in map {
            match self.roles.templates.expand(value, scope) {
                Ok(value) => drop(all.insert(key.clone(), value)),
                Err(error) => {
                    let given = self.texts_at(body, key);
                    self.expand_fault(at, &given, error, scope);
                    whole = false;
                }
            }
        }
        let (expanded, rendered) = self.with_template(at, Value::Object(all), scope);
        Some((expanded, whole && rendered))
    }

    fn texts_at(&self, body: &Given, key: &str) -> Given {
        let Yaml::Map(pairs) = &body.node.value else {
            return body.clone();
        };
        match pairs.iter().find(|pair| pair.key == key) {
            Some(pair) => Given::new(&pair.value),
            None => body.clone(),
        }
    }

    /// A value that holds several texts: each is asked again, so that its fault is at its place.
    fn expand_fault(&mut self, at: Place<'r>, given: &Given, error: TemplateError, scope: &Scope) {
        if given.value.is_string() {
            return self.add_all(at, given, error);
        }
        for text in texts(given) {
            if let Err(error) = self.roles.templates.expand(&text.value, scope) {
                self.add_all(at, &text, error);
            }
        }
    }

    /// The body with the rendered template as its content, and whether it could be rendered.
    fn with_template(&mut self, at: Place<'r>, mut body: Value, scope: &Scope) -> (Value, bool) {
        let Value::Object(map) = &mut body else {
            return (body, true);
        };
        let template = (at.entry.kind == "file").then(|| map.remove("template"));
        let Some(template) = template.flatten() else {
            return (body, true);
        };
        let given = self.texts_at(&at.entry.body, "template");
        let Some(name) = template.as_str() else {
            let found = described(&template);
            let fault = Fault::new(format!("expected the name of a template, found {found}"))
                .help("write the name of a file in templates/: `template: motd.tera`")
                .at(given.node.span);
            self.add(at, fault);
            return (body, false);
        };
        self.reads(|templates| templates.reads_of_template(name));
        match self.roles.templates.render(name, scope) {
            Ok(content) => drop(map.insert("content".to_owned(), Value::String(content))),
            Err(error) => {
                self.add_all(at, &given, error);
                return (body, false);
            }
        }
        (body, true)
    }
}

/// The field that a fault of the whole resource is about: the one whose value it names, else the one that names the
/// resource.
fn field(body: &Node, expanded: &Value, fault: &str, key: &str) -> Option<SourceSpan> {
    let Yaml::Map(pairs) = &body.value else {
        return None;
    };
    let is = |pair: &&Pair, test: &dyn Fn(&str) -> bool| {
        let good = |value: &Value| value.as_str().is_some_and(|v| !v.is_empty() && test(v));
        match expanded.get(&pair.key) {
            Some(Value::Array(all)) => all.iter().any(good),
            Some(value) => good(value),
            None => false,
        }
    };
    let named = |value: &str| fault.contains(&format!("`{value}`"));
    let named = pairs.iter().find(|pair| is(pair, &named));
    let found = named.or_else(|| pairs.iter().find(|pair| is(pair, &|value| value == key)))?;
    Some(found.value.span)
}

/// The field that a kind begins with.
fn first_field(body: &Node, kind: &str) -> Option<SourceSpan> {
    let Yaml::Map(pairs) = &body.value else {
        return None;
    };
    let first = keys(kind).first().copied()?;
    let pair = pairs.iter().find(|pair| pair.key == first)?;
    Some(pair.value.span)
}

/// A value as "found ..." says it.
fn described(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(b) => format!("`{b}`"),
        Value::Number(n) => format!("the number {n}"),
        Value::String(text) => format!("the text {}", shown(text)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a map".to_owned(),
    }
}
