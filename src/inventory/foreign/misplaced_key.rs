//! Hints for keys of lvsctl at a wrong place: one level too deep or too high, or in another part of the inventory.

use super::advice::{Advice, KINDS, foreign_for, place, put, said_kind, source};
use super::convert_health::program_of;
use super::value_of;
use crate::fields;
use crate::inventory::form::Form;
use crate::inventory::location::{Location, MapType, entries_of, find};
use crate::inventory::raw::Inventory;
use crate::inventory::raw::health::{HttpCheck, LongHealthCheck, ScriptCheck};
use crate::inventory::raw::host::{Defaults, Host};
use crate::inventory::raw::service::{EndToEnd, LongPersistence, RealServer, Service};
use crate::inventory::raw::vrrp::{Member, TrackScript, Vrrp};
use crate::inventory::raw::waiver::Waiver;
use crate::inventory::scalar::is_odd_blank;
use crate::model::{LabOptions, SshOptions};
use crate::yaml::{Entry, Value};

/// The keys of a type, by the name of its `Deserialize`.
fn keys(of: MapType) -> &'static [&'static str] {
    match of {
        MapType::Inventory => fields::of::<Inventory>(),
        MapType::Defaults => fields::of::<Defaults>(),
        MapType::Host => fields::of::<Host>(),
        MapType::SshOptions => fields::of::<SshOptions>(),
        MapType::LabOptions => fields::of::<LabOptions>(),
        MapType::Vrrp => fields::of::<Vrrp>(),
        MapType::Member => fields::of::<Member>(),
        MapType::TrackScript => fields::of::<TrackScript>(),
        MapType::Service => fields::of::<Service>(),
        MapType::RealServer => fields::of::<RealServer>(),
        MapType::LongPersistence => fields::of::<LongPersistence>(),
        MapType::LongHealthCheck => fields::of::<LongHealthCheck>(),
        MapType::HttpCheck => fields::of::<HttpCheck>(),
        MapType::ScriptCheck => fields::of::<ScriptCheck>(),
        MapType::Waiver => fields::of::<Waiver>(),
        MapType::EndToEnd => fields::of::<EndToEnd>(),
        _ => &[],
    }
}

/// A key of a type.
pub(super) fn known(of: MapType, key: &str) -> Option<&'static str> {
    keys(of).iter().copied().find(|known| *known == key)
}

/// Keys of a type whose values are maps of another.
fn below(of: MapType) -> &'static [(&'static str, MapType)] {
    match of {
        MapType::Inventory => &[("defaults", MapType::Defaults), ("vrrp", MapType::Vrrp)],
        MapType::Defaults | MapType::Host => {
            &[("ssh", MapType::SshOptions), ("lab", MapType::LabOptions)]
        }
        MapType::Service => &[
            ("health_check", MapType::LongHealthCheck),
            ("persistence", MapType::LongPersistence),
            ("check", MapType::EndToEnd),
        ],
        MapType::LongHealthCheck => &[
            ("https", MapType::HttpCheck),
            ("script", MapType::ScriptCheck),
            ("http", MapType::HttpCheck),
        ],
        _ => &[],
    }
}

/// Advice for a key that another map takes.
pub(super) fn of_key(entry: &Entry, site: &Location<'_>) -> Option<Advice> {
    let (key, of) = (entry.key.as_str(), site.of());
    if of == MapType::Inventory
        && let Some(advice) = anchored(entry, site).or_else(|| outdented(entry, site))
    {
        return Some(advice);
    }
    let takes = |of: MapType| keys(of).contains(&key);
    if let Some(above) = child(key, site) {
        return Some(in_child(entry, site, above));
    }
    // There are many hosts and services; their keys are searched below.
    let outer = (1..4).find(|level| takes(site.type_at(*level)));
    if let Some(level) = outer.filter(|level| site.type_at(*level) != MapType::Inventory) {
        return Some(moved(entry, &place(site, level), |form| {
            put(site, level, &[key], form)
        }));
    }
    if takes(MapType::Service) && of != MapType::Service {
        return Some(in_service(entry, site));
    }
    if takes(MapType::Host) && matches!(of, MapType::RealServer | MapType::Member) {
        let host = site.host(site.name())?;
        let inside = site.inside(&host.key, MapType::Host, entries_of(&host.value));
        return Some(put_there(entry, &inside));
    }
    if takes(MapType::Vrrp) && !matches!(of, MapType::Vrrp | MapType::Member | MapType::TrackScript)
    {
        let vrrp = site.all("vrrp");
        let one = !vrrp.is_empty() && find(vrrp, "virtual_router_id").is_some();
        let inside = site.inside("vrrp", MapType::Vrrp, vrrp);
        return Some(if one {
            put_there(entry, &inside)
        } else {
            Advice::say(format!(
                "it belongs to `vrrp`: `vrrp: {{ virtual_router_id: 51 }}` has the key `{key}`"
            ))
        });
    }
    None
}

/// The key below which another takes this one.
fn child(key: &str, site: &Location<'_>) -> Option<&'static str> {
    let fits = |(_, of): &&(&str, MapType)| keys(*of).contains(&key);
    let all = below(site.of()).iter();
    let fitting: Vec<&'static str> = all.filter(fits).map(|(above, _)| *above).collect();
    let given = fitting.iter().find(|above| site.given(above).is_some());
    let only_script = |above: &&&str| **above == "script" && key == "timeout";
    let usual = fitting.iter().find(only_script).or(match site.of() {
        // A health check asks by HTTP, where nothing says otherwise.
        MapType::LongHealthCheck => {
            let said = said_kind(site.map()).unwrap_or("http");
            let said = fitting.iter().find(|above| **above == said);
            said.or(fitting.iter().find(|above| **above == "http"))
        }
        _ => fitting.first(),
    });
    given.or(usual).copied()
}

fn in_child(entry: &Entry, site: &Location<'_>, above: &str) -> Advice {
    let several = above == "vrrp" && {
        let all = site.all("vrrp");
        !all.is_empty()
            && all
                .iter()
                .all(|entry| matches!(entry.value.value, Value::Map(_)))
    };
    if several {
        return Advice::say(format!("set `{}` in each instance below `vrrp`", entry.key));
    }
    moved(entry, &format!("`{above}`"), |form| {
        let form = match form {
            Form::Word(text) if above == "health_check" && KINDS.contains(&entry.key.as_str()) => {
                short_check(&entry.key, &text)
            }
            form => form,
        };
        let advice = put(site, 0, &[above, &entry.key], form);
        let id = "virtual_router_id";
        match advice {
            // An instance needs an identifier.
            Advice::Write(pairs, note)
                if above == "vrrp" && entry.key != id && site.given(id).is_none() =>
            {
                let with_id = |(key, form): (String, Form)| {
                    (key, Form::below(&[id], Form::word(51)).merged(form))
                };
                Advice::Write(pairs.into_iter().map(with_id).collect(), note)
            }
            advice => advice,
        }
    })
}

/// `http: /health` or `tcp: true`, as a health check has them.
fn short_check(kind: &str, text: &str) -> Form {
    match kind {
        "script" => Form::below(&["path"], program_of(Form::word(text))),
        "http" | "https" if text.contains('/') => {
            Form::below(&["path"], value_of("path", Form::word(text)))
        }
        _ => Form::empty(),
    }
}

/// The value as it can be written elsewhere; a secret is replaced by where to read it.
fn moved(entry: &Entry, to: &str, advice: impl FnOnce(Form) -> Advice) -> Advice {
    let is_map = matches!(entry.value.value, Value::Map(_));
    let form = if crate::inventory::secret_masking::is_secret(&entry.key) && !is_map {
        Some(source(&entry.key))
    } else {
        Form::of(&entry.value)
    };
    match form {
        Some(form) => advice(value_of(&entry.key, form)),
        None => Advice::labelled(&format!("it belongs to {to}"), format!("move it to {to}")),
    }
}

/// To a map elsewhere.
fn put_there(entry: &Entry, inside: &Location<'_>) -> Advice {
    let to = place(inside, 0);
    if inside.given(&entry.key).is_some() {
        return Advice::delete(format!("{to} has its `{}` already", entry.key));
    }
    if let Some(other) = foreign_for(inside.map(), &entry.key) {
        return Advice::delete(format!("{to} has it as `{other}`"));
    }
    moved(entry, &to, |form| Advice::Add {
        to: to.clone(),
        pairs: vec![(entry.key.clone(), form)],
    })
}

/// A value below keys of the only service, or of those that it is meant for.
pub(super) fn to_service(path: &[&str], form: Form, site: &Location<'_>) -> Advice {
    let Some((key, rest)) = path.split_first() else {
        return Advice::delete("it sets nothing");
    };
    let form = Form::below(rest, form);
    let services = site.all("services");
    let given = |service: &&Entry| find(entries_of(&service.value), key).is_some();
    let to = match services {
        [only] if given(&only) => {
            let name = &only.key;
            return Advice::delete(format!("the service `{name}` has its `{key}` already"));
        }
        [only] => format!("the service `{}`", only.key),
        all if all
            .iter()
            .take(super::MOST_SIBLINGS)
            .any(|service| given(&service)) =>
        {
            let pair = crate::inventory::form::pair(&((*key).to_owned(), form));
            return Advice::say(format!("set it in each service: `{pair}`"));
        }
        _ => EACH_SERVICE.to_owned(),
    };
    Advice::Add {
        to,
        pairs: vec![((*key).to_owned(), form)],
    }
}

const EACH_SERVICE: &str = "each service that it is meant for";

fn in_service(entry: &Entry, site: &Location<'_>) -> Advice {
    // The first of several places is moved; the others are deleted.
    let outer = [entries_of(site.root), site.all("defaults")];
    let before = outer.iter().filter_map(|map| find(map, &entry.key));
    let mut before = before.filter(|other| other.key_span.offset() < entry.key_span.offset());
    if before.next().is_some() {
        return Advice::delete(format!("the other `{}` goes to the service", entry.key));
    }
    match site.all("services") {
        [only] => put_there(
            entry,
            &site.inside(&only.key, MapType::Service, entries_of(&only.value)),
        ),
        _ => moved(entry, EACH_SERVICE, |form| Advice::Add {
            to: EACH_SERVICE.to_owned(),
            pairs: vec![(entry.key.clone(), form)],
        }),
    }
}

/// A value that is only referred to: `x-web: &web { ... }`.
fn anchored(entry: &Entry, site: &Location<'_>) -> Option<Advice> {
    const WORDS: &[&str] = &[
        "anchors",
        "templates",
        "common",
        "shared",
        "base",
        "aliases",
    ];
    let prefixed = entry.key.starts_with(['.', '_']) || entry.key.starts_with("x-");
    if !prefixed && entry.anchor.is_none() && !WORDS.contains(&entry.key.as_str()) {
        return None;
    }
    let vars = site.given("vars").is_some();
    if entry.anchor.is_none() && matches!(entry.value.value, Value::Map(_)) && !vars {
        return Some(Advice::Rename("vars"));
    }
    let name = entry.anchor.clone().unwrap_or_else(|| {
        let name = entry.key.trim_start_matches("x-");
        name.trim_start_matches(['.', '_']).to_owned()
    });
    let form = Form::of(&entry.value).filter(|_| !has_anchors(entry))?;
    let form = match &entry.anchor {
        Some(anchor) => Form::Anchor(anchor.clone(), Box::new(form)),
        None => form,
    };
    Some(put(site, 0, &["vars", &name], form))
}

/// Whether something within is referred to.
fn has_anchors(entry: &Entry) -> bool {
    let inner = entries_of(&entry.value);
    inner
        .iter()
        .any(|inner| inner.anchor.is_some() || has_anchors(inner))
}

/// A service or a host that stands beside `services:` in the place of below it.
fn outdented(entry: &Entry, site: &Location<'_>) -> Option<Advice> {
    let map = entries_of(&entry.value);
    let has = |keys: &[&str]| keys.iter().any(|key| find(map, key).is_some());
    let above = if has(&["vip", "port", "real_servers"]) {
        "services"
    } else if has(&["role", "address", "interfaces"]) {
        "hosts"
    } else {
        return None;
    };
    let label = format!("it belongs below `{above}`");
    if entry.key.starts_with(is_odd_blank) {
        let name = entry.key.trim_start_matches(is_odd_blank);
        let help =
            format!("indent `{name}` by plain blanks: what stands before it only looks like them");
        return Some(Advice::labelled(&label, help));
    }
    Some(match site.given(above).map(|given| &given.value.value) {
        Some(Value::Null) => Advice::labelled(
            &label,
            format!(
                "indent it, and what stands below it, by two blanks: it belongs below `{above}`"
            ),
        ),
        _ => match Form::of(&entry.value) {
            Some(form) => put(site, 0, &[above, &entry.key], form),
            None => Advice::labelled(&label, format!("move it there, below `{above}`")),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_the_types() {
        for (of, key) in [
            (MapType::Inventory, "cluster"),
            (MapType::Host, "role"),
            (MapType::SshOptions, "user"),
            (MapType::Service, "vip"),
            (MapType::LongHealthCheck, "retry"),
            (MapType::HttpCheck, "path"),
            (MapType::LongPersistence, "granularity"),
        ] {
            assert!(keys(of).contains(&key), "{of:?}: {key}");
            for (_, child) in below(of) {
                assert!(!keys(*child).is_empty(), "{child:?}");
            }
        }
    }
}
