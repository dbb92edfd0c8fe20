//! The configuration with which a director runs, as its adverts show it, compared with its file.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::definition::{Check, Judge};
use super::findings::{Findings, Mismatch};
use super::traffic::Traffic;
use super::vrrp_adverts::{self, Advert};
use super::{Cause, HostAudit};
use crate::fact::Needs;
use crate::keepalived::{self, CONFIGURATION, Instance};
use crate::model::{Cluster, Host};
use crate::resource::ipvs::KEEPALIVED;
use crate::resource::service_manager::ServiceManager;

pub(super) static VRRP_RUNNING: Check = Check {
    id: "vrrp-running",
    summary: "The IPv4 adverts of a director have the VRID, priority, interval, password and VIPs of its configuration file.",
    reason: "keepalived runs with the configuration that it loaded; if the file has changed since, another director may \
             become master at the next reload, or two directors may.",
    source: "RFC 3768 5.3, RFC 9568 5.2",
    fix: "`systemctl reload keepalived`",
    needs,
    judge: Judge::Traffic(judge),
};

fn needs(cluster: &Cluster, host: &Host, needs: &mut Needs) {
    if host.is_director() && cluster.keepalived {
        needs
            .file
            .get_or_insert_default()
            .insert(CONFIGURATION.to_owned());
    }
}

/// The last advert of each sender and VRID that any director received, without the priority 0 of a master that gives up.
fn heard<'t>(traffic: &'t Traffic) -> Vec<&'t Advert> {
    let mut last: Vec<&Advert> = Vec::new();
    for (_, listened) in vrrp_adverts::listeners(traffic) {
        for advert in listened
            .adverts
            .iter()
            .filter(|advert| advert.priority != 0)
        {
            let same = |other: &&Advert| (other.from, other.id) == (advert.from, advert.id);
            last.retain(|other| !same(other));
            last.push(advert);
        }
    }
    last
}

fn judge(traffic: &Traffic, findings: &mut Findings) {
    for advert in heard(traffic) {
        let sends = |audit: &&HostAudit| {
            let mut members = traffic
                .cluster
                .vrrp
                .iter()
                .flat_map(|instance| &instance.members);
            members.any(|member| member.host == audit.host.name && member.address == advert.from)
        };
        let directors = traffic
            .hosts
            .iter()
            .filter(|audit| audit.host.is_director());
        let Some(sender) = directors.into_iter().find(sends) else {
            continue;
        };
        let Some(file) = sender.facts().file.get(CONFIGURATION) else {
            continue;
        };
        let odd = differences(&file.content, advert);
        let manager = ServiceManager::of(&sender.facts().system);
        let mismatch = (!odd.is_empty()).then(|| {
            let expected: Vec<String> = odd
                .iter()
                .map(|(key, file, _)| format!("{key} {file}"))
                .collect();
            let found: Vec<String> = odd
                .iter()
                .map(|(key, _, runs)| format!("{key} {runs}"))
                .collect();
            Mismatch::new(
                format!("adverts as {CONFIGURATION} says: {}", expected.join(", ")),
                found.join(", "),
                format!("`{}`", manager.reload(KEEPALIVED)),
            )
            .because(Some(Cause::Unit(KEEPALIVED.to_owned())))
        });
        let what = format!("adverts with virtual_router_id {}", advert.id);
        findings.judge(sender.name(), &VRRP_RUNNING, what, mismatch);
    }
}

/// What differs: a keyword, the file's value, and the advert's.
fn differences(file: &str, advert: &Advert) -> Vec<(&'static str, String, String)> {
    let instances = keepalived::instances(file);
    let v4 = |instance: &&Instance| !instance.vips.iter().any(|vip| vip.contains(':'));
    let id = |instance: &&Instance| instance.virtual_router_id.parse() == Ok(advert.id);
    let Some(instance) = instances.iter().filter(v4).find(id) else {
        let ids: Vec<&str> = instances
            .iter()
            .map(|instance| instance.virtual_router_id.as_str())
            .collect();
        return vec![("virtual_router_id", ids.join(" or "), advert.id.to_string())];
    };
    let mut odd = Vec::new();
    let possible = possible(&instance.priority, &keepalived::weights(file));
    if possible.is_some_and(|all| !all.contains(&i32::from(advert.priority))) {
        odd.push((
            "priority",
            instance.priority.clone(),
            advert.priority.to_string(),
        ));
    }
    let Some(said) = &advert.said else {
        return odd;
    };
    if let Ok(seconds) = instance.advert_int.parse::<f64>() {
        let runs = f64::from(said.interval) / 100.0;
        // VRRPv2 adverts have whole seconds only.
        if (runs - seconds).abs() > 0.005 && said.version != 2 || (runs - seconds).abs() >= 1.0 {
            odd.push(("advert_int", instance.advert_int.clone(), runs.to_string()));
        }
    }
    let vips: BTreeSet<IpAddr> = instance
        .advertised
        .iter()
        .filter_map(|word| keepalived::address(word))
        .collect();
    if vips != said.vips {
        odd.push(("virtual_ipaddress", list(&vips), list(&said.vips)));
    }
    if said.version == 2 && (said.auth, said.sum) != password(instance) {
        odd.push((
            "authentication",
            "of the file".to_owned(),
            "another".to_owned(),
        ));
    }
    odd
}

fn list(vips: &BTreeSet<IpAddr>) -> String {
    let all: Vec<String> = vips.iter().map(ToString::to_string).collect();
    all.join(" ")
}

/// The priorities that trackers can make of the configured one; none where there are too many, or it is no number.
fn possible(priority: &str, weights: &[i32]) -> Option<BTreeSet<i32>> {
    let base: i32 = priority.parse().ok()?;
    if weights.len() > 10 {
        return None;
    }
    let mut sums = BTreeSet::from([base]);
    for weight in weights {
        let more: Vec<i32> = sums.iter().map(|sum| sum + weight).collect();
        sums.extend(more);
    }
    Some(
        sums.into_iter()
            .map(|sum| sum.clamp(1, 254.max(base)))
            .collect(),
    )
}

/// The kind of authentication in an advert, and the sum of its data that `vrrp_adverts.pl` prints.
fn password(instance: &Instance) -> (u8, u32) {
    let value = |name: &str| {
        instance
            .auth
            .iter()
            .find_map(|line| line.strip_prefix(name))
    };
    let Some(pass) = value("auth_pass ")
        .filter(|_| value("auth_type ").is_some_and(|kind| kind.trim() == "PASS"))
    else {
        return (0, 0);
    };
    let mut data = [0u8; 8];
    for (to, from) in data.iter_mut().zip(pass.bytes()) {
        *to = from;
    }
    let word = |at: usize| {
        data.iter()
            .skip(at)
            .take(4)
            .fold(0u32, |all, byte| (all << 8) | u32::from(*byte))
    };
    (1, word(0).wrapping_mul(31).wrapping_add(word(4)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::vrrp_adverts::Said;

    const FILE: &str = "vrrp_instance main {\n virtual_router_id 10\n priority 100\n advert_int 1\n\
        authentication {\n auth_type PASS\n auth_pass \"s3cret-x\"\n }\n virtual_ipaddress {\n 10.0.0.100/24 dev eth0\n }\n}\n";

    fn advert(change: impl Fn(&mut Advert, &mut Said)) -> Advert {
        let (_, sum) = password(&keepalived::instances(FILE)[0]);
        let mut said = Said {
            version: 2,
            interval: 100,
            auth: 1,
            sum,
            vips: ["10.0.0.100".parse().unwrap()].into(),
        };
        let mut advert = Advert {
            from: "10.0.0.1".parse().unwrap(),
            id: 10,
            priority: 100,
            said: None,
        };
        change(&mut advert, &mut said);
        advert.said = Some(said);
        advert
    }

    #[test]
    fn the_sum_is_that_of_the_script() {
        // `perl -e 'my ($a, $b) = unpack("N2", "s3cret-x"); print(($a * 31 + $b) % 4294967296)'`
        assert_eq!(
            password(&keepalived::instances(FILE)[0]),
            (1, 1_487_747_142)
        );
        let short = FILE.replace("s3cret-x", "abc");
        assert_eq!(password(&keepalived::instances(&short)[0]).0, 1);
        let without = FILE.replace(" auth_pass \"s3cret-x\"\n", "");
        assert_eq!(password(&keepalived::instances(&without)[0]), (0, 0));
    }

    #[test]
    fn adverts_against_the_file() {
        let tracked = FILE.replace(
            "vrrp_instance",
            "vrrp_script a {\n weight -30\n}\nvrrp_script b {\n weight 10\n}\nvrrp_instance",
        );
        type Change = fn(&mut Advert, &mut Said);
        let cases: &[(&str, &str, Change, &str)] = &[
            ("as the file says", FILE, |_, _| {}, ""),
            (
                "another priority",
                FILE,
                |advert, _| advert.priority = 200,
                "priority 100 200",
            ),
            (
                "another VRID",
                FILE,
                |advert, _| advert.id = 11,
                "virtual_router_id 10 11",
            ),
            (
                "another interval",
                FILE,
                |_, said| said.interval = 500,
                "advert_int 1 5",
            ),
            (
                "another VIP",
                FILE,
                |_, said| said.vips = ["10.0.0.101".parse().unwrap()].into(),
                "virtual_ipaddress 10.0.0.100 10.0.0.101",
            ),
            (
                "one VIP more",
                FILE,
                |_, said| said.vips.extend(["10.0.0.101".parse::<IpAddr>().unwrap()]),
                "virtual_ipaddress 10.0.0.100 10.0.0.100 10.0.0.101",
            ),
            (
                "another password",
                FILE,
                |_, said| said.sum = 7,
                "authentication of the file another",
            ),
            (
                "no password",
                FILE,
                |_, said| (said.auth, said.sum) = (0, 0),
                "authentication of the file another",
            ),
            (
                "a tracker fails",
                &tracked,
                |advert, _| advert.priority = 70,
                "",
            ),
            (
                "another succeeds",
                &tracked,
                |advert, _| advert.priority = 110,
                "",
            ),
            ("both", &tracked, |advert, _| advert.priority = 80, ""),
            (
                "what no tracker makes",
                &tracked,
                |advert, _| advert.priority = 90,
                "priority 100 90",
            ),
            (
                "VRRPv3 has centiseconds",
                FILE,
                |_, said| (said.version, said.interval) = (3, 20),
                "advert_int 1 0.2",
            ),
        ];
        for (about, file, change, want) in cases {
            let odd = differences(file, &advert(change));
            let odd: Vec<String> = odd
                .iter()
                .map(|(key, file, runs)| format!("{key} {file} {runs}"))
                .collect();
            assert_eq!(odd.join("; "), *want, "{about}");
        }
    }

    #[test]
    fn an_old_recording_has_its_priority_alone() {
        let short = Advert {
            said: None,
            ..advert(|_, _| {})
        };
        assert!(differences(FILE, &short).is_empty());
    }
}
