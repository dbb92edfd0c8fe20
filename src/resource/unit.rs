//! A unit of systemd, or the OpenRC service with its name: enabled for the next boot, active now, and running with its
//! current configuration files.

use serde::{Deserialize, Serialize};

use super::change::Phase;
use super::ipvs::KEEPALIVED;
use super::service_manager::ServiceManager;
use super::undo::{Turn, Undo};
use super::{Action, Before, Change, Context, Effect, Kind};
use crate::fact::file::Found;
use crate::fact::unit::State;
use crate::fact::{Facts, Needs};
use crate::shell::command;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// With its suffix.
    pub name: String,
    #[serde(default = "yes")]
    pub enabled: bool,
    #[serde(default = "yes")]
    pub active: bool,
    /// Files that the unit reads when it starts or reloads. A file that changed later requires a reload.
    #[serde(default)]
    pub reads: Vec<String>,
    /// Whether a changed file requires an immediate reload, or a restart if the unit cannot reload.
    #[serde(default = "yes")]
    pub reloads: bool,
}

fn yes() -> bool {
    true
}

/// The suffixes of systemd.unit(5).
const SUFFIXES: &[&str] = &[
    "service",
    "socket",
    "device",
    "mount",
    "automount",
    "swap",
    "target",
    "path",
    "timer",
    "slice",
    "scope",
];

/// The field of a change that starts or stops a unit.
const NOW: &str = "now";
/// The name of the field about its start at boot.
pub(crate) const AT_BOOT: &str = "at boot";
/// The name of the field for files that changed since the unit read them.
pub(crate) const RUNS_WITH: &str = "runs with";

/// The state that a unit has after a plan.
#[derive(Debug, Clone, Copy)]
pub enum TargetState<'a> {
    /// The desired state.
    Desired,
    /// Its present state, since another cluster shares it.
    Shared,
    /// Its state before lvsctl's first change.
    Before(&'a Before),
}

impl Unit {
    /// The effect of a start or stop of the unit.
    fn begins(&self, active: bool) -> Option<Effect> {
        (self.name == KEEPALIVED).then_some(Effect::Vips(active))
    }

    /// The effect when the unit reads its files.
    fn loads(&self) -> Option<Effect> {
        (self.name == KEEPALIVED).then_some(Effect::LoadsKeepalived)
    }

    /// The files of `reads` that changed after the unit last read them.
    fn newer<'a>(&'a self, facts: &'a Facts, state: &'a State) -> impl Iterator<Item = &'a str> {
        self.reads.iter().map(String::as_str).filter(move |path| {
            let changed = |file: &Found| file.modified > state.changed.seconds(&facts.clock);
            self.reloads && state.active && facts.file.get(path).is_some_and(changed)
        })
    }

    /// The reload of a unit that continues to run after files that it reads were removed or restored. After an interrupted
    /// run, the next run does this too, since the manifest still lists the files.
    pub fn reread(&self, facts: &Facts, target: TargetState, gone: &[&str]) -> Option<Change> {
        let is_active = || facts.unit.is_active(&self.name);
        let runs_on = match target {
            TargetState::Desired => self.active,
            TargetState::Before(Before::Same) => self.active && is_active(),
            TargetState::Shared => is_active(),
            TargetState::Before(Before::Unit { active, .. }) => *active,
            TargetState::Before(_) => false,
        };
        let read = self.reads.iter().map(String::as_str);
        let read: Vec<&str> = read.filter(|path| gone.contains(path)).collect();
        if !(runs_on && self.reloads) || read.is_empty() {
            return None;
        }
        let manager = ServiceManager::of(&facts.system);
        let change = Change::new(Self::NAME, self.key(), Action::Update)
            .field(
                RUNS_WITH,
                Some(format!("our {}", read.join(", "))),
                Some("what is there without us"),
            )
            .effect(self.loads())
            .step_in(
                Phase::Remove,
                format!("reload {}", self.name),
                explained(&manager.reload(&self.name), &manager.log(&self.name)),
            );
        Some(change)
    }
}

impl Kind for Unit {
    const NAME: &'static str = "unit";
    const SHAREABLE: bool = true;

    fn key(&self) -> String {
        self.name.clone()
    }

    fn fault(&self) -> Option<String> {
        let stem_and_suffix = self.name.rsplit_once('.');
        let good = stem_and_suffix
            .is_some_and(|(stem, suffix)| !stem.is_empty() && SUFFIXES.contains(&suffix));
        (!good).then(|| {
            format!(
                "expected a unit's name with its suffix: write `{}.service`, or `.mount`, `.timer`, ...",
                self.name
            )
        })
    }

    fn needs(&self, needs: &mut Needs) {
        needs.clock.get_or_insert_default();
        needs.unit.get_or_insert_default().insert(self.name.clone());
        for path in &self.reads {
            needs.file.get_or_insert_default().insert(path.clone());
        }
    }

    fn diff(&self, facts: &Facts, cx: &Context) -> Option<Change> {
        let manager = ServiceManager::of(&facts.system);
        let absent = State::default();
        let state = facts.unit.units.get(&self.name).unwrap_or(&absent);
        let unit_file = cx.rewrites(&manager.definition(&self.name));
        let newer: Vec<&str> = self.newer(facts, state).collect();
        let touched: Vec<&str> = self
            .reads
            .iter()
            .map(String::as_str)
            .filter(|path| cx.rewrites(path))
            .collect();
        let reload = self.reloads && state.active && !(newer.is_empty() && touched.is_empty());
        let enable = state.enabled != self.enabled;
        let activate = state.active != self.active;
        let read_again = manager
            .read_again()
            .filter(|_| unit_file || state.needs_daemon_reload);
        if !(enable || activate || reload || read_again.is_some()) {
            return None;
        }
        let action = if state.loaded {
            Action::Update
        } else {
            Action::Create
        };
        let mut change = Change::new(Self::NAME, self.key(), action);
        let word = |on: bool, yes: &'static str, no: &'static str| Some(if on { yes } else { no });
        if let Some(read_again) = read_again {
            if state.loaded {
                change = change.field(
                    "definition",
                    Some("read before its file changed"),
                    Some("read again"),
                );
            }
            // `systemctl enable` reads the unit files again by itself.
            if !(enable && self.enabled) {
                change = change.step("read the unit files again", read_again);
            }
        }
        if enable {
            let (verb, script) = if self.enabled {
                ("enable", manager.enable(&self.name))
            } else {
                ("disable", manager.disable(&self.name))
            };
            change = change
                .field(
                    AT_BOOT,
                    word(state.enabled, "enabled", "disabled"),
                    word(self.enabled, "enabled", "disabled"),
                )
                .step(format!("{verb} {}", self.name), script);
        }
        if activate {
            let verb = if self.active { "start" } else { "stop" };
            let from = if state.active_state.is_empty() {
                "inactive"
            } else {
                &state.active_state
            };
            let act = manager.act(verb, &self.name);
            let start = if self.active && self.reloads && !touched.is_empty() {
                // A package may have started the unit since the probe, with other files.
                let (is_active, reload) =
                    (manager.is_active(&self.name), manager.reload(&self.name));
                format!("if {is_active}; then {reload}; else {act}; fi")
            } else {
                act
            };
            change = change
                .field(NOW, Some(from), word(self.active, "active", "inactive"))
                .effect(self.begins(self.active))
                .effect(self.loads().filter(|_| self.active))
                .step(
                    format!("{verb} {}", self.name),
                    explained(&start, &manager.log(&self.name)),
                );
        } else if reload {
            let mut why: Vec<&str> = newer;
            why.extend(touched);
            why.sort_unstable();
            why.dedup();
            change = change
                .field(
                    RUNS_WITH,
                    Some(format!("an older {}", why.join(", "))),
                    Some("the file as it is"),
                )
                .effect(self.loads())
                .step(
                    format!("reload {}", self.name),
                    explained(&manager.reload(&self.name), &manager.log(&self.name)),
                );
        }
        Some(change)
    }

    fn refuse(&self, facts: &Facts, _: &Context) -> Option<String> {
        if !ServiceManager::is_on(&facts.system) {
            return Some(format!(
                "expected systemd or OpenRC for {}, found another service manager",
                self.name
            ));
        }
        let state = facts.unit.units.get(&self.name)?;
        state.masked.then(|| {
            let runtime = if state.masked_until_boot {
                "--runtime "
            } else {
                ""
            };
            format!(
                "{} is masked; `systemctl unmask {runtime}{}` allows it",
                self.name, self.name
            )
        })
    }

    fn words(&self) -> String {
        let enabled = if self.enabled { "enabled" } else { "disabled" };
        let active = if self.active { "active" } else { "inactive" };
        let mut words = format!("{enabled} at boot, {active} now");
        if self.reloads && !self.reads.is_empty() {
            words.push_str(&format!(
                "; reloaded when {} changes",
                self.reads.join(" or ")
            ));
        }
        words
    }

    fn undo(&self, before: &Before, _: &str) -> Option<Undo> {
        let (enabled, active) = match before {
            Before::Same => (self.enabled, self.active),
            Before::Unit { enabled, active } => (*enabled, *active),
            _ => (false, false),
        };
        let word = |on: bool, yes: &'static str, no: &'static str| if on { yes } else { no };
        let reads = active && self.reloads && !self.reads.is_empty();
        let back = command([
            "put_unit",
            &self.name,
            word(enabled, "enabled", "disabled"),
            word(active, "active", "inactive"),
            word(reads, "reload", "no"),
        ]);
        let turn = if active { Turn::Start } else { Turn::Stop };
        Some(Undo::of_state(turn, back))
    }

    fn before(&self, facts: &Facts) -> Before {
        match facts
            .unit
            .units
            .get(&self.name)
            .filter(|state| state.loaded)
        {
            Some(state) if state.enabled == self.enabled && state.active == self.active => {
                Before::Same
            }
            Some(state) => Before::Unit {
                enabled: state.enabled,
                active: state.active,
            },
            None => Before::Absent,
        }
    }

    /// `true false`: enabled, and not active.
    fn before_of_text(&self, text: String) -> Before {
        let (enabled, active) = text.split_once(' ').unwrap_or_default();
        Before::Unit {
            enabled: enabled == "true",
            active: active == "true",
        }
    }

    fn remove(&self, facts: &Facts, before: &Before, _: &Context) -> Option<Change> {
        let manager = ServiceManager::of(&facts.system);
        let state = facts
            .unit
            .units
            .get(&self.name)
            .filter(|state| state.loaded)?;
        let (enabled, active) = match before {
            Before::Same => return None,
            Before::Unit { enabled, active } => (*enabled, *active),
            _ => (false, false),
        };
        let mut change = Change::new(Self::NAME, self.key(), Action::Remove);
        if state.active != active {
            let verb = if active { "start" } else { "stop" };
            change = change
                .field(
                    NOW,
                    Some(&state.active_state),
                    Some(if active { "active" } else { "inactive" }),
                )
                .effect(self.begins(active))
                .step(
                    format!("{verb} {}", self.name),
                    manager.act(verb, &self.name),
                );
        }
        if state.enabled != enabled {
            let (verb, script) = if enabled {
                ("enable", manager.enable(&self.name))
            } else {
                ("disable", manager.disable(&self.name))
            };
            let word = |on: bool| Some(if on { "enabled" } else { "disabled" });
            change = change
                .field(AT_BOOT, word(state.enabled), word(enabled))
                .step(format!("{verb} {}", self.name), script);
        }
        (!change.steps.is_empty()).then_some(change)
    }
}

/// Shell text that runs a command and prints the unit's log if the command fails.
fn explained(run: &str, log: &str) -> String {
    format!("{{ {run}; }} || {{ rc=$?; {log} >&2 2>/dev/null; exit $rc; }}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secrets;

    #[test]
    fn a_unit_is_named_with_its_suffix() {
        for (name, good) in [
            ("nginx.service", true),
            ("srv-web.mount", true),
            ("getty@tty1.service", true),
            ("nginx", false),
            (".service", false),
            ("php8.2", false),
            ("", false),
        ] {
            let unit: Unit = serde_json::from_value(serde_json::json!({ "name": name })).unwrap();
            assert_eq!(unit.fault().is_none(), good, "{name}");
        }
    }

    #[test]
    fn what_keepalived_does_is_declared() {
        use Effect::{LoadsKeepalived, Vips};
        let nothing = Secrets::default();
        let cx = Context {
            secrets: &nothing,
            earlier: &[],
            recorded: None,
        };
        let other = "nginx.service";
        for (about, name, runs, desired, effects) in [
            (
                "it starts",
                KEEPALIVED,
                false,
                true,
                vec![Vips(true), LoadsKeepalived],
            ),
            ("it stops", KEEPALIVED, true, false, vec![Vips(false)]),
            ("another unit starts", other, false, true, vec![]),
        ] {
            let mut facts = Facts::default();
            let state = State {
                loaded: true,
                enabled: true,
                active: runs,
                ..State::default()
            };
            facts.unit.units.insert(name.to_owned(), state);
            let unit = Unit {
                name: name.to_owned(),
                enabled: true,
                active: desired,
                reads: Vec::new(),
                reloads: true,
            };
            let change = unit.diff(&facts, &cx).expect("a change");
            assert_eq!(Vec::from_iter(change.effects), effects, "{about}");
            let before = Before::Unit {
                enabled: true,
                active: desired,
            };
            let change = unit.remove(&facts, &before, &cx).expect("a change");
            let left: Vec<Effect> = effects
                .into_iter()
                .filter(|e| *e != LoadsKeepalived)
                .collect();
            assert_eq!(Vec::from_iter(change.effects), left, "{about}, put back");
        }
    }
}
