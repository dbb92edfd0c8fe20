//! Members of VRRP instances: who takes part, and who is master.

use super::View;
use crate::diagnostic::{Fault, listed, shown};
use crate::model::{Host, VrrpInstance, VrrpMember};

/// A fault at a member's priority, or where it would be written.
fn at_priority(
    view: View<'_>,
    instance: &VrrpInstance,
    member: &VrrpMember,
    fault: Fault,
) -> Fault {
    let own = ["hosts", member.host.as_str(), "priority"];
    let in_members = ["members", member.host.as_str(), "priority"];
    if view.places.is_given(&view.vrrp_path(instance, &in_members)) {
        view.of_vrrp(instance, &in_members, fault)
    } else {
        view.at(&own, fault)
    }
}

pub(super) fn priorities(view: View<'_>, faults: &mut Vec<Fault>) {
    for instance in &view.cluster.vrrp {
        for pair in instance.members.windows(2) {
            let [one, other] = pair else { continue };
            if one.host == other.host {
                let fault = Fault::new(format!("{} is a member twice", shown(&one.host)))
                    .help("delete one of them");
                faults.push(view.of_vrrp(instance, &["members"], fault));
            } else if one.priority == other.priority {
                let fault = Fault::new(format!(
                    "{} and {} have the same priority {}",
                    shown(&one.host),
                    shown(&other.host),
                    one.priority
                ))
                .help("give each director a different priority, the master the highest");
                faults.push(at_priority(view, instance, other, fault));
            }
        }
    }
}

/// Puts a fault at the named member, in a list or a map, else at all members.
fn at_member(view: View<'_>, instance: &VrrpInstance, name: &str, fault: Fault) -> Fault {
    let in_map = view.vrrp_path(instance, &["members", name]);
    if view.places.is_given(&in_map) {
        return view.at_key(&in_map, fault);
    }
    let index = (0..instance.members.len())
        .map(|index| index.to_string())
        .find(|index| {
            let path = view.vrrp_path(instance, &["members", index]);
            view.places.text(&path) == Some(name)
        });
    match index {
        Some(index) => view.of_vrrp(instance, &["members", &index], fault),
        None => view.of_vrrp(instance, &["members"], fault),
    }
}

/// `members` with all directors, as it may be written.
fn with_all(view: View<'_>) -> String {
    const MOST: usize = 8;
    let names: Vec<&str> = view.cluster.directors().map(|h| h.name.as_str()).collect();
    if names.len() > MOST {
        return "delete `members`: every director and backup takes part then".to_owned();
    }
    format!(
        "write `members: [{}]`, or delete `members`: every director and backup takes part then",
        names.join(", ")
    )
}

/// Members of VRRP hold VIPs, and so need IPVS, which only the roles `director` and `backup` set up.
pub(super) fn are_directors(view: View<'_>, faults: &mut Vec<Fault>) {
    for instance in &view.cluster.vrrp {
        let is_director = |name: &str| view.cluster.directors().any(|h| h.name == name);
        let good = instance.members.iter();
        let good = good.filter(|m| is_director(&m.host)).count();
        for member in instance.members.iter().filter(|m| !is_director(&m.host)) {
            let name = shown(&member.host);
            let help = if good > 1 || view.cluster.directors().count() < 2 {
                format!(
                    "delete {name} from `members`: hosts with the role `director` or `backup` take part"
                )
            } else {
                with_all(view)
            };
            let fault = Fault::new(format!(
                "{name} is a member of VRRP, but no director: no keepalived and no IPVS run there"
            ))
            .help(help);
            faults.push(at_member(view, instance, &member.host, fault));
        }
    }
}

pub(super) fn are_enough(view: View<'_>, faults: &mut Vec<Fault>) {
    let all = &view.cluster.vrrp;
    let outside: Vec<&Host> = view
        .cluster
        .directors()
        .filter(|host| !all.iter().any(|instance| instance.member(host).is_some()))
        .collect();
    for instance in all {
        let members = instance.members.as_slice();
        // That there is no director is a separate fault.
        if members.is_empty() && view.cluster.directors().next().is_none() {
            continue;
        }
        if members.is_empty() {
            let fault = Fault::new("no host takes part in VRRP")
                .help("give hosts the roles `director` and `backup`");
            faults.push(view.of_vrrp(instance, &["members"], fault));
        } else if let [only] = members {
            let others: Vec<&str> = view
                .cluster
                .directors()
                .map(|h| h.name.as_str())
                .filter(|name| *name != only.host)
                .collect();
            let fault = if others.is_empty() {
                Fault::new("VRRP has one member, so no other takes its VIPs over")
                    .help("add a host with the role `backup`")
            } else {
                Fault::new(format!(
                    "`members` names {} alone, so {} cannot take its VIPs over",
                    shown(&only.host),
                    listed(&others)
                ))
                .help(with_all(view))
            };
            faults.push(view.of_vrrp(instance, &["members"], fault.warning()));
        }
    }
    // The fault of an instance with one member names the others already.
    let reported = all.iter().any(|instance| instance.members.len() < 2);
    for host in outside.into_iter().filter(|_| !reported && !all.is_empty()) {
        let name = host.name.as_str();
        let role = if host.has_role("director") {
            "director"
        } else {
            "backup"
        };
        let entry = match all.as_slice() {
            [only]
                if view
                    .places
                    .keys(&view.vrrp_path(only, &["members"]))
                    .next()
                    .is_some() =>
            {
                format!("{name}: {{}}")
            }
            _ => name.to_owned(),
        };
        let fault = Fault::new(format!(
            "{} is a {role}, but a member of no VRRP instance, so it never holds the VIPs",
            shown(name)
        ))
        .help(format!(
            "add `{entry}` to `members`, or delete `members`: every director and backup takes part then"
        ))
        .warning();
        faults.push(view.at(&["hosts", name, "role"], fault));
    }
}

/// A host of the role `backup` must not be the master of the only instance, or of all instances.
pub(super) fn master_is_a_director(view: View<'_>, faults: &mut Vec<Fault>) {
    let find = |name: &str| view.cluster.hosts.iter().find(|h| h.name == name);
    let is_backup = |host: &Host| host.has_role("backup") && !host.has_role("director");
    let mut before: Option<(&VrrpInstance, &VrrpMember, &VrrpMember)> = None;
    for instance in &view.cluster.vrrp {
        let mut members = instance.members.iter();
        let Some(first) = members.next() else { return };
        // If a director is master of an instance, the instances share the work.
        if !find(&first.host).is_some_and(is_backup) {
            return;
        }
        let Some(director) =
            members.find(|m| find(&m.host).is_some_and(|h| h.has_role("director")))
        else {
            return;
        };
        before.get_or_insert((instance, first, director));
    }
    let Some((instance, first, director)) = before else {
        return;
    };
    let swap = format!(
        "write `role: director` for {} and `role: backup` for {}",
        shown(&first.host),
        shown(&director.host)
    );
    let fault = Fault::new(format!(
        "backup {} has priority {}, and director {} only {}: {} is the master",
        shown(&first.host),
        first.priority,
        shown(&director.host),
        director.priority,
        shown(&first.host)
    ))
    .help(if first.priority < 254 {
        format!(
            "give {} a priority above {}, or {swap}",
            shown(&director.host),
            first.priority
        )
    } else {
        swap
    })
    .warning();
    faults.push(at_priority(view, instance, first, fault));
}
