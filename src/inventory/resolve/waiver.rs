//! Waivers: their checks and hosts exist.

use super::{Context, MOST_WAIVERS};
use crate::check::registry;
use crate::diagnostic::{Fault, choices, shown};
use crate::inventory::field::Opt;
use crate::inventory::raw::Inventory;
use crate::inventory::raw::waiver::Waiver as RawWaiver;
use crate::model::{Host, Waiver};

pub(super) fn waivers(raw: &Inventory, hosts: &[Host], cx: &mut Context<'_>) -> Vec<Waiver> {
    let Some(written) = raw.waive.get() else {
        return Vec::new();
    };
    if !cx.at_most(&["waive"], "waivers", written.0.len(), MOST_WAIVERS) {
        return Vec::new();
    }
    let all = written.iter();
    all.filter_map(|(index, raw)| {
        let index = index.to_string();
        // One alone may stand without a list.
        let listed = cx.places.is_given(&["waive", &index]);
        let path = if listed {
            vec!["waive", index.as_str()]
        } else {
            vec!["waive"]
        };
        waiver(&path, raw, hosts, cx)
    })
    .collect()
}

fn waiver(path: &[&str], raw: &RawWaiver, hosts: &[Host], cx: &mut Context<'_>) -> Option<Waiver> {
    let at = |key| [path, &[key]].concat();
    let check = cx.required(
        &at("check"),
        &raw.check,
        "name the check: `check: lro`; `lvsctl explain` lists them",
    );
    let reason = cx.required(
        &at("reason"),
        &raw.reason,
        "say why it is accepted: `reason: \"text\"`",
    );
    if reason.is_some_and(|reason| reason.trim().is_empty()) {
        let fault =
            Fault::new("the reason of a waiver is empty").help("say why the finding is accepted");
        cx.fault(&at("reason"), fault);
    }
    let known = check.is_some_and(|check| exists(check, &at("check"), cx));
    let host = match &raw.host {
        Opt::Given(host) => Some(cx.host(&at("host"), hosts, host)?.name.clone()),
        Opt::Broken => return None,
        Opt::Absent => None,
    };
    Some(Waiver {
        check: check.filter(|_| known)?.clone(),
        host,
        what: raw.what.get().cloned(),
        until: raw.until.copied().map(|day| day.0.0),
        reason: reason?.trim().to_owned(),
    })
}

/// Checks that a check has this id; an unknown id is a fault.
fn exists(check: &str, path: &[&str], cx: &mut Context<'_>) -> bool {
    let found = registry::find(check).is_some();
    if !found {
        let ids: Vec<&str> = registry::ALL.iter().map(|check| check.id).collect();
        let fault = Fault::new(format!("there is no check named {}", shown(check)));
        cx.fault(path, fault.help(choices(check, &ids)));
    }
    found
}
