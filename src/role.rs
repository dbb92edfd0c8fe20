//! Roles: ordered lists of resources, as data. Built in, or from a folder beside the inventory, which overrides
//! and adds. Expands the roles of a host into its wanted resources; what is right for a resource, its kind knows.

mod distinct;
mod error;
mod source;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::OnceLock;

use include_dir::{Dir, include_dir};
use serde_json::{Map, Value};

use crate::inventory::choices;
use crate::inventory::model::{Cluster, Host, directs};
use crate::persist;
use crate::resource::registry::KINDS;
use crate::resource::{Distribution, Resource};
use crate::template::{Scope, TemplateError, Templates};
use crate::view;
pub use error::RoleError;
use source::Role;

static BUILT_IN_ROLES: Dir = include_dir!("$CARGO_MANIFEST_DIR/roles");
static BUILT_IN_TEMPLATES: Dir = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// All roles and templates that an inventory may use.
pub struct Roles {
    roles: BTreeMap<String, Role>,
    templates: Templates,
    /// What is said of the user's files that stand in for built-in ones.
    replaced: Vec<String>,
}

impl Roles {
    /// The built-in ones, and over them those in `roles/` and `templates/` of a folder.
    pub fn load(folder: Option<&Path>) -> Result<Self, RoleError> {
        let mut roles = source::built_in(&BUILT_IN_ROLES);
        let mut templates = source::built_in(&BUILT_IN_TEMPLATES);
        let mut replaced = Vec::new();
        if let Some(folder) = folder {
            source::read_folder(&folder.join("roles"), "role", &mut roles, &mut replaced)?;
            source::read_folder(
                &folder.join("templates"),
                "template",
                &mut templates,
                &mut replaced,
            )?;
        }
        let named = roles.into_iter().filter_map(|(file, text)| {
            let name = file.strip_suffix(".yaml")?.to_owned();
            Some(source::parse(&name, text).map(|role| (name, role)))
        });
        let texts = templates.into_iter().map(|(name, file)| (name, file.text));
        Ok(Self {
            roles: named.collect::<Result<_, _>>()?,
            templates: Templates::new(&texts.collect())?,
            replaced,
        })
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.roles.keys().map(String::as_str)
    }

    pub fn has(&self, name: &str) -> bool {
        self.roles.contains_key(name)
    }

    /// The user's roles and templates that replace a built-in one of the same name.
    pub fn replaced(&self) -> &[String] {
        &self.replaced
    }

    /// These roles over the hosts of a cluster.
    pub fn over<'a>(&'a self, cluster: &'a Cluster) -> Expansion<'a> {
        Expansion {
            roles: self,
            cluster,
            common: OnceLock::new(),
        }
    }

    fn expand(
        &self,
        scope: &Scope,
        cluster: &Cluster,
        host: &Host,
        os: &Distribution,
    ) -> Result<Vec<Resource>, RoleError> {
        let mut made = Vec::new();
        // As with hosts, what serves comes before what sends traffic to it.
        let (directing, serving): (Vec<_>, Vec<_>) =
            host.roles.iter().partition(|role| directs(role));
        for role in serving.into_iter().chain(directing) {
            self.expand_role(role, scope, &mut Vec::new(), &mut made)?;
        }
        let mut resources = distinct::distinct(made)?;
        if host.persist {
            persist::add(&mut resources, &self.templates, scope, cluster, os)?;
        }
        Ok(resources)
    }

    fn expand_role<'r>(
        &'r self,
        name: &'r str,
        scope: &Scope,
        above: &mut Vec<&'r str>,
        into: &mut Vec<(Place<'r>, Resource)>,
    ) -> Result<(), RoleError> {
        let by = || {
            let role = above
                .last()
                .and_then(|name| Some((*name, self.roles.get(*name)?)));
            role.map_or_else(|| "role".to_owned(), |(name, role)| role.place(name))
        };
        let role = self.roles.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.names().collect();
            let message = format!(
                "there is no role named `{name}`; {}; a file roles/{name}.yaml beside the inventory adds one",
                choices(name, &known)
            );
            RoleError::at(by(), message)
        })?;
        if above.contains(&name) {
            let message = format!("role {name} includes itself: take it out of `include`");
            return Err(RoleError::at(by(), message));
        }
        above.push(name);
        for included in &role.include {
            self.expand_role(included, scope, above, into)?;
        }
        above.pop();
        for index in 0..role.resources.len() {
            let at = Place { role, name, index };
            self.expand_entry(scope, at, into)?;
        }
        Ok(())
    }

    fn expand_entry<'r>(
        &self,
        scope: &Scope,
        at: Place<'r>,
        into: &mut Vec<(Place<'r>, Resource)>,
    ) -> Result<(), RoleError> {
        let Some(entry) = at.role.resources.get(at.index).map(|entry| &entry.value) else {
            return Ok(());
        };
        let word = |key: &str| entry.get(key).and_then(Value::as_str);
        // An expression, or the value itself.
        let value = |key: &str, scope: &Scope| match entry.get(key) {
            Some(Value::String(expression)) => self
                .templates
                .value(expression, scope)
                .map(Some)
                .map_err(|e| at.expression(e)),
            plain => Ok(plain.cloned()),
        };
        let items = match value("for_each", scope)? {
            None => vec![None],
            Some(Value::Array(items)) => items.into_iter().map(Some).collect(),
            Some(other) => {
                return Err(at.error(format!("for_each: expected a list, found {other}")));
            }
        };
        for item in items {
            let inner = match &item {
                Some(item) => scope.with(word("as").unwrap_or("item"), item),
                None => scope.clone(),
            };
            match value("when", &inner)? {
                None | Some(Value::Bool(true)) => {}
                Some(Value::Bool(false)) => continue,
                Some(other) => {
                    return Err(at.error(format!("when: expected true or false, found {other}")));
                }
            }
            into.push((at, self.resource(entry, &inner, at)?));
        }
        Ok(())
    }

    fn resource(
        &self,
        entry: &Map<String, Value>,
        scope: &Scope,
        at: Place,
    ) -> Result<Resource, RoleError> {
        let mut kinds = entry
            .iter()
            .filter(|(key, _)| !["when", "for_each", "as"].contains(&key.as_str()));
        let (Some((kind, body)), None) = (kinds.next(), kinds.next()) else {
            let keys: Vec<&str> = entry.keys().map(String::as_str).collect();
            return Err(at.error(format!(
                "expected one kind of resource (with `when`, `for_each` and `as`), found {}; known: {}",
                keys.join(", "),
                KINDS.join(", ")
            )));
        };
        if !KINDS.contains(&kind.as_str()) {
            let choices = choices(kind, KINDS);
            return Err(at.error(format!("unknown kind `{kind}`; {choices}")));
        }
        let mut body = self
            .templates
            .expand(body, scope)
            .map_err(|e| at.expression(e))?;
        if let Value::Object(map) = &mut body
            && let Some(template) = map.remove("template")
        {
            let name = template.as_str().unwrap_or_default();
            let content = self
                .templates
                .render(name, scope)
                .map_err(|e| at.expression(e))?;
            map.insert("content".to_owned(), Value::String(content));
        }
        let resource: Resource =
            serde_json::from_value(Value::Object(Map::from_iter([(kind.clone(), body)])))
                .map_err(|e| at.error(format!("{kind}: {e}")))?;
        match resource.fault() {
            Some(fault) => Err(at.error(format!("{kind} {}: {fault}", resource.key()))),
            None => Ok(resource),
        }
    }
}

/// Roles over the hosts of a cluster. What all of them see is made once.
pub struct Expansion<'a> {
    roles: &'a Roles,
    cluster: &'a Cluster,
    common: OnceLock<Scope>,
}

impl Expansion<'_> {
    /// Everything that a host shall be, in the order in which it is made.
    pub fn of(&self, host: &Host, os: &Distribution) -> Result<Vec<Resource>, RoleError> {
        let common = || Scope::new(&view::of_cluster(self.cluster));
        let scope = self
            .common
            .get_or_init(common)
            .and(&view::of_host(self.cluster, host, os));
        self.roles.expand(&scope, self.cluster, host, os)
    }
}

impl Role {
    /// For messages.
    fn place(&self, name: &str) -> String {
        let file = self.file.clone();
        file.unwrap_or_else(|| source::built_in_role(name))
    }
}

/// An entry of a role.
#[derive(Clone, Copy)]
struct Place<'a> {
    role: &'a Role,
    name: &'a str,
    index: usize,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.role.place(self.name))?;
        let entry = self.role.resources.get(self.index);
        if let Some(entry) = entry.filter(|_| self.is_own()) {
            write!(f, ":{}:{}", entry.defined.line(), entry.defined.column())?;
        }
        write!(f, ", resource {}", self.index + 1)
    }
}

impl Place<'_> {
    /// Whether the user wrote it.
    fn is_own(&self) -> bool {
        self.role.file.is_some()
    }

    fn error(&self, message: impl Into<String>) -> RoleError {
        RoleError::at(self.to_string(), message)
    }

    fn expression(&self, source: TemplateError) -> RoleError {
        RoleError::Expression {
            place: self.to_string(),
            source,
        }
    }
}
