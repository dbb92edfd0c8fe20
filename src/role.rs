//! Roles: ordered lists of resources, as data. Built in, or from a folder beside the inventory, whose roles override and add.
//! Expands the roles of a host into its desired resources. Validating a resource belongs in its kind.

mod distinct;
mod entry;
mod error;
mod example;
mod expand;
mod expansion_cache;
mod field_errors;
mod foreign;
mod place;
mod source;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use include_dir::{Dir, include_dir};
use rayon::iter::{
    IndexedParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _,
};
use serde_json::{Map, Value, json};

use crate::diagnostic::{Fault, Help, Source, choices, shown};
use crate::model::{Cluster, Host, directs};
use crate::plan::{boot, maintenance};
use crate::resource::{Distribution, Resource};
use crate::template::{Scope, TemplateError, TemplateFault, Templates};
use crate::view::{self, OfHosts};
use entry::Role;
pub use error::{RoleError, RoleFaults};
use expand::{Expanding, OfEntries, Own};
use expansion_cache::ExpansionCache;

static ROLES: Dir = include_dir!("$CARGO_MANIFEST_DIR/roles");
static TEMPLATES: Dir = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// All roles and templates that an inventory may use.
pub struct Roles {
    roles: BTreeMap<String, Role>,
    templates: Templates,
    /// The user's templates, for excerpts.
    sources: BTreeMap<String, Source>,
    /// Messages about the user's files that replace built-in ones.
    replaced: Vec<String>,
    /// Faults of the user's files with any inventory.
    faults: RoleFaults,
}

impl Roles {
    /// The built-in roles and templates, overridden by those in `roles/` and `templates/` of a folder. Faults of the latter
    /// are kept, and reported together with those of the expansion.
    pub fn load(folder: Option<&Path>) -> Result<Self, RoleError> {
        let mut roles = source::built_in(&ROLES);
        let mut templates = source::built_in(&TEMPLATES);
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
        let own = |(name, file): (&String, &source::Text)| {
            let path = file.path.as_deref()?;
            Some((name.clone(), Source::plain(path, &file.text)))
        };
        let sources = templates.iter().filter_map(own).collect();
        let texts = templates.into_iter().map(|(name, file)| (name, file.text));
        let (templates, found) = Templates::new(&texts.collect());
        let mut all = Self {
            roles: BTreeMap::new(),
            templates,
            sources,
            replaced,
            faults: RoleFaults::default(),
        };
        let mut faults = RoleFaults::default();
        for fault in found {
            all.of_template(fault, None, &mut faults);
        }
        for (file, text) in &roles {
            let Some(name) = file.strip_suffix(".yaml") else {
                continue;
            };
            let (role, found) = entry::read(name, &text.text, text.path.as_deref());
            for fault in found {
                faults.add(&role.source, fault, None);
            }
            all.roles.insert(name.to_owned(), role);
        }
        all.check(&mut faults);
        all.faults = faults;
        Ok(all)
    }

    /// Faults of the user's files with any inventory.
    pub fn faults(&self) -> &RoleFaults {
        &self.faults
    }

    /// Faults of the user's roles with any inventory.
    fn check(&self, faults: &mut RoleFaults) {
        let own = self.roles.iter().filter(|(_, role)| role.file.is_some());
        for (name, role) in own {
            for (included, span) in &role.include {
                let fault = if !self.has(included) {
                    self.unknown(included)
                } else if self.reaches(included, name) {
                    Fault::new(format!("role {} includes itself", shown(name)))
                        .help("take it out of `include`")
                } else {
                    continue;
                };
                faults.add(&role.source, fault.at(*span), None);
            }
            for entry in &role.resources {
                expand::check(self, role, entry, faults);
            }
        }
    }

    fn unknown(&self, name: &str) -> Fault {
        let known: Vec<&str> = self.names().collect();
        Fault::new(format!("there is no role named {}", shown(name))).help(format!(
            "{}; a file roles/{name}.yaml beside the inventory adds one",
            choices(name, &known)
        ))
    }

    /// Whether a role includes another, or is the same.
    fn reaches(&self, from: &str, to: &str) -> bool {
        let mut seen: Vec<&str> = Vec::new();
        let mut open = vec![from];
        while let Some(name) = open.pop() {
            if name == to {
                return true;
            }
            if seen.contains(&name) {
                continue;
            }
            seen.push(name);
            let role = self.roles.get(name).into_iter();
            open.extend(role.flat_map(|r| r.include.iter().map(|(name, _)| name.as_str())));
        }
        false
    }

    /// A template's fault at its place: in the user's file, or by name where it is built in.
    fn of_template(&self, fault: TemplateFault, host: Option<&str>, into: &mut RoleFaults) {
        let name = fault.template.clone().unwrap_or_default();
        let own = self.sources.contains_key(&name);
        let (source, at) = match self.sources.get(&name) {
            Some(source) => (source.clone(), fault.at.clone()),
            None => {
                let place = format!("built-in template {name}");
                (Source::plain(place, ""), None)
            }
        };
        let mut placed = Fault::new(fault.message);
        placed.help = fault.help.map(Help::from);
        let at = at.or_else(|| own.then_some(0..0));
        placed.span = at.map(|at| (at.start, at.end.saturating_sub(at.start)).into());
        into.add(&source, placed.help_or(expand::WHAT_TEMPLATES_SEE), host);
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
            of_hosts: OnceLock::new(),
            last: Mutex::default(),
            entries: OfEntries::default(),
            lasting: Lasting::default(),
        }
    }

    fn expand(
        &self,
        own: Own,
        lasting: &Lasting,
        cluster: &Cluster,
        host: &Host,
        os: &Distribution,
    ) -> Result<Vec<Resource>, RoleError> {
        let mut expanding = Expanding::new(self, own);
        // As with hosts, roles that serve come before roles that send requests to them.
        let (directing, serving): (Vec<_>, Vec<_>) =
            host.roles.iter().partition(|role| directs(role));
        // A sorry server needs the resources of a real server, although the inventory gives it no such role.
        let stands_in = cluster.stands_in(host) && !host.is_real_server();
        let real_server = stands_in.then(|| "realserver".to_owned());
        for role in real_server.iter().chain(serving).chain(directing) {
            expanding.role(role);
        }
        let (made, mut faults) = expanding.done();
        let mut resources = distinct::distinct(made, &host.name, &mut faults);
        if !faults.is_empty() || !self.faults.is_empty() {
            let mut all = self.faults.clone();
            all.join(faults);
            return Err(all.into());
        }
        if let Some(drains) = cluster.maintenance.as_ref().filter(|_| host.is_director()) {
            // First: if the run ends early, the next run applies the record.
            let record = maintenance::file(&cluster.name, drains);
            resources.insert(0, Resource::File(record));
        }
        if !host.persist {
            return Ok(resources);
        }
        match self.lasting(&resources, own, lasting, cluster, os) {
            Ok(files) => resources.extend(files),
            Err(error) => {
                for fault in error.faults {
                    self.of_template(fault, Some(&host.name), &mut faults);
                }
                return Err(faults.into());
            }
        }
        Ok(resources)
    }

    /// The resources that restore others when the host boots. Hosts that are alike have the same.
    fn lasting(
        &self,
        resources: &[Resource],
        own: Own,
        lasting: &Lasting,
        cluster: &Cluster,
        os: &Distribution,
    ) -> Result<Vec<Resource>, TemplateError> {
        let alike = |(of, files): &(Vec<Resource>, Vec<Resource>)| {
            boot::are_alike(of, resources).then(|| files.clone())
        };
        if let Some(files) = lasting.find(&(), own.values, alike) {
            return Ok(files);
        }
        let files = boot::files(resources, &self.templates, own.scope, cluster, os)?;
        if let Some(reads) = boot::reads(&self.templates) {
            let made = (resources.to_vec(), files.clone());
            lasting.keep((), &reads, own.values, made);
        }
        Ok(files)
    }
}

/// The resources that restore others at boot, with these.
type Lasting = ExpansionCache<(), (Vec<Resource>, Vec<Resource>)>;

/// The expansion of roles for the hosts of a cluster. Variables that all hosts share are computed once.
pub struct Expansion<'a> {
    roles: &'a Roles,
    cluster: &'a Cluster,
    common: OnceLock<Scope>,
    of_hosts: OnceLock<OfHosts<'a>>,
    /// The variables of the host before: most of them are the same for the next one.
    last: Mutex<Option<Arc<(Value, Scope)>>>,
    entries: OfEntries,
    lasting: Lasting,
}

impl<'a> Expansion<'a> {
    /// The same roles over another state of the cluster.
    pub fn with<'b>(&self, cluster: &'b Cluster) -> Expansion<'b>
    where
        'a: 'b,
    {
        self.roles.over(cluster)
    }
}

impl Expansion<'_> {
    fn common(&self) -> &Scope {
        let all = || self.of_cluster().beside(self.of_directors());
        self.common.get_or_init(all)
    }

    fn of_cluster(&self) -> Scope {
        Scope::new(&view::of_cluster(self.cluster))
    }

    fn of_directors(&self) -> Scope {
        Scope::new(&view::of_directors(self.cluster))
    }

    fn of_hosts(&self) -> &OfHosts<'_> {
        self.of_hosts.get_or_init(|| OfHosts::new(self.cluster))
    }

    /// The desired resources of a host, in the order in which they are made.
    pub fn of(&self, host: &Host, os: &Distribution) -> Result<Vec<Resource>, RoleError> {
        let (common, of_hosts) = (self.common(), self.of_hosts());
        let values = json!(of_hosts.of(host, os));
        let last = {
            let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            last.clone()
        };
        let like = last.as_deref().map(|(values, scope)| (values, scope));
        let scope = common.and_as(&values, like);
        let empty = Map::new();
        let own = Own {
            scope: &scope,
            values: values.as_object().unwrap_or(&empty),
            host: &host.name,
            others: &self.entries,
        };
        let made = self
            .roles
            .expand(own, &self.lasting, self.cluster, host, os);
        let this = Some(Arc::new((values, scope)));
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *last, this);
        drop(last);
        // Dropped outside of the lock, since it is large.
        drop(before);
        made
    }

    /// The desired resources of many hosts, in their order. Runs in parallel, since the expansion takes the most time of
    /// loading an inventory.
    pub fn of_all(
        &self,
        hosts: &[&Host],
        os: &Distribution,
    ) -> Vec<Result<Vec<Resource>, RoleError>> {
        // Once, before each host waits for it.
        let ((cluster, directors), _) = rayon::join(
            || rayon::join(|| self.of_cluster(), || self.of_directors()),
            || self.of_hosts(),
        );
        self.common.get_or_init(|| cluster.beside(directors));
        // One director takes as long as hundreds of real servers, and often stands beside another one.
        let hosts = hosts.par_iter().with_max_len(1);
        hosts.map(|host| self.of(host, os)).collect()
    }
}
