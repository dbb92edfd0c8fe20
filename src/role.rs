//! Roles: ordered lists of resources, as data. Built in, or from a folder beside the inventory, which overrides
//! and adds. Expands the roles of a host into its wanted resources; what a resource is, is not known here.

use std::collections::BTreeMap;
use std::path::Path;

use include_dir::{Dir, include_dir};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::inventory::model::{Cluster, Host, directs};
use crate::persist;
use crate::resource::{Distribution, Resource};
use crate::template::{Scope, TemplateError, Templates};
use crate::view;

static BUILT_IN_ROLES: Dir = include_dir!("$CARGO_MANIFEST_DIR/roles");
static BUILT_IN_TEMPLATES: Dir = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// The most that a role or template of the user's may hold.
const FILE_LIMIT: u64 = 1024 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    #[error("cannot read {path}")]
    Read {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} has more than {FILE_LIMIT} bytes")]
    TooLarge { path: String },
    #[error("role {role}: {message}")]
    Yaml { role: String, message: String },
    #[error("role {role}, resource {number}: {message}")]
    Resource {
        role: String,
        number: usize,
        message: String,
    },
    #[error("role {role}, resource {number}")]
    Expression {
        role: String,
        number: usize,
        #[source]
        source: TemplateError,
    },
    #[error(
        "no role {name:?}; there are {known}. a file roles/{name}.yaml beside the inventory adds one"
    )]
    Unknown { name: String, known: String },
    #[error("role {name} includes itself")]
    Circle { name: String },
    #[error(transparent)]
    Template(#[from] TemplateError),
}

/// A role as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Role {
    #[serde(default)]
    #[expect(dead_code, reason = "for readers of the role")]
    description: String,
    /// Roles whose resources come first.
    #[serde(default)]
    include: Vec<String>,
    #[serde(default)]
    resources: Vec<Map<String, Value>>,
}

/// All roles and templates that an inventory may use.
pub struct Roles {
    roles: BTreeMap<String, Role>,
    templates: Templates,
}

impl Roles {
    /// The built-in ones, and over them those in `roles/` and `templates/` of a folder.
    pub fn load(folder: Option<&Path>) -> Result<Self, RoleError> {
        let mut roles = built_in(&BUILT_IN_ROLES);
        let mut templates = built_in(&BUILT_IN_TEMPLATES);
        if let Some(folder) = folder {
            read_folder(&folder.join("roles"), &mut roles)?;
            read_folder(&folder.join("templates"), &mut templates)?;
        }
        let parse = |(file, text): (String, String)| {
            let name = file.trim_end_matches(".yaml").to_owned();
            serde_yaml::from_str(&text)
                .map(|role| (name.clone(), role))
                .map_err(|e| RoleError::Yaml {
                    role: name,
                    message: e.to_string().trim_start_matches("error: ").to_owned(),
                })
        };
        let roles = roles
            .into_iter()
            .filter(|(file, _)| file.ends_with(".yaml"))
            .map(parse)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            roles,
            templates: Templates::new(&templates)?,
        })
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.roles.keys().map(String::as_str)
    }

    pub fn has(&self, name: &str) -> bool {
        self.roles.contains_key(name)
    }

    /// Everything that a host shall be, in the order in which it is made.
    pub fn expand(
        &self,
        cluster: &Cluster,
        host: &Host,
        os: &Distribution,
    ) -> Result<Vec<Resource>, RoleError> {
        let scope = Scope::new(&view::of(cluster, host, os));
        let mut resources = Vec::new();
        // As with hosts, what serves comes before what sends traffic to it.
        let (directing, serving): (Vec<_>, Vec<_>) =
            host.roles.iter().partition(|role| directs(role));
        for role in serving.into_iter().chain(directing) {
            self.expand_role(role, &scope, &mut Vec::new(), &mut resources)?;
        }
        // Two roles of one host may ask for the same.
        let mut seen = std::collections::BTreeSet::new();
        resources.retain(|r: &Resource| seen.insert((r.kind(), r.key())));
        if host.persist {
            persist::add(&mut resources, &self.templates, &scope, cluster, os)?;
        }
        Ok(resources)
    }

    fn expand_role(
        &self,
        name: &str,
        scope: &Scope,
        above: &mut Vec<String>,
        into: &mut Vec<Resource>,
    ) -> Result<(), RoleError> {
        let role = self.roles.get(name).ok_or_else(|| RoleError::Unknown {
            name: name.to_owned(),
            known: self.names().collect::<Vec<_>>().join(", "),
        })?;
        if above.iter().any(|n| n == name) {
            return Err(RoleError::Circle {
                name: name.to_owned(),
            });
        }
        above.push(name.to_owned());
        for included in &role.include {
            self.expand_role(included, scope, above, into)?;
        }
        above.pop();
        for (index, entry) in role.resources.iter().enumerate() {
            let at = Place {
                role: name,
                number: index + 1,
            };
            self.expand_entry(entry, scope, &at, into)?;
        }
        Ok(())
    }

    fn expand_entry(
        &self,
        entry: &Map<String, Value>,
        scope: &Scope,
        at: &Place,
        into: &mut Vec<Resource>,
    ) -> Result<(), RoleError> {
        let word = |key: &str| entry.get(key).and_then(Value::as_str);
        let items = match word("for_each") {
            None => vec![None],
            Some(expression) => match self
                .templates
                .value(expression, scope)
                .map_err(|e| at.expression(e))?
            {
                Value::Array(items) => items.into_iter().map(Some).collect(),
                other => return Err(at.error(format!("for_each: expected a list, found {other}"))),
            },
        };
        for item in items {
            let inner = match &item {
                Some(item) => scope.with(word("as").unwrap_or("item"), item),
                None => scope.clone(),
            };
            if let Some(when) = word("when") {
                match self
                    .templates
                    .value(when, &inner)
                    .map_err(|e| at.expression(e))?
                {
                    Value::Bool(true) => {}
                    Value::Bool(false) => continue,
                    other => {
                        return Err(
                            at.error(format!("when: expected true or false, found {other}"))
                        );
                    }
                }
            }
            into.push(self.resource(entry, &inner, at)?);
        }
        Ok(())
    }

    fn resource(
        &self,
        entry: &Map<String, Value>,
        scope: &Scope,
        at: &Place,
    ) -> Result<Resource, RoleError> {
        let mut kinds = entry
            .iter()
            .filter(|(key, _)| !["when", "for_each", "as"].contains(&key.as_str()));
        let (Some((kind, body)), None) = (kinds.next(), kinds.next()) else {
            return Err(at.error("expected one kind of resource".to_owned()));
        };
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
        serde_json::from_value(Value::Object(Map::from_iter([(kind.clone(), body)])))
            .map_err(|e| at.error(e.to_string()))
    }
}

struct Place<'a> {
    role: &'a str,
    number: usize,
}

impl Place<'_> {
    fn error(&self, message: String) -> RoleError {
        RoleError::Resource {
            role: self.role.to_owned(),
            number: self.number,
            message,
        }
    }

    fn expression(&self, source: TemplateError) -> RoleError {
        RoleError::Expression {
            role: self.role.to_owned(),
            number: self.number,
            source,
        }
    }
}

fn built_in(dir: &Dir) -> BTreeMap<String, String> {
    dir.files()
        .filter_map(|file| {
            Some((
                file.path().to_str()?.to_owned(),
                file.contents_utf8()?.to_owned(),
            ))
        })
        .collect()
}

fn read_folder(folder: &Path, into: &mut BTreeMap<String, String>) -> Result<(), RoleError> {
    let fail = |path: &Path| {
        let path = path.display().to_string();
        move |source| RoleError::Read { path, source }
    };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(fail(folder)(e)),
    };
    for entry in entries {
        let path = entry.map_err(fail(folder))?.path();
        let metadata = path.metadata().map_err(fail(&path))?;
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        if !metadata.is_file() || name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        if metadata.len() > FILE_LIMIT {
            return Err(RoleError::TooLarge {
                path: path.display().to_string(),
            });
        }
        into.insert(
            name.to_owned(),
            std::fs::read_to_string(&path).map_err(fail(&path))?,
        );
    }
    Ok(())
}
