use super::*;
use crate::inventory::{self, BUILT_IN_ROLES};
use crate::plan::load;
use crate::resource::change::Step;
use crate::resource::{Action, Change};

/// Two directors, five real servers of which one exports files.
const DR: &str = "cluster: t\nnetworks: 10.0.0.0/24\nhosts:\n  lb1: { role: director, address: 10.0.0.1 }\n  \
    lb2: { role: backup, address: 10.0.0.2 }\n  \
    nfs: { role: nfs, address: 10.0.0.20, exports: [{ path: /srv/www, to: rs1, at: /var/www }] }\n  \
    rs1: { role: [realserver, nfs-client], address: 10.0.0.11 }\n  rs2: { role: realserver, address: 10.0.0.12 }\n  \
    rs3: { role: realserver, address: 10.0.0.13 }\n  rs4: { role: realserver, address: 10.0.0.14 }\n\
    vrrp: { virtual_router_id: 1 }\nservices: { web: { vip: 10.0.0.9, port: 80 } }\n";

/// Real servers whose way out is the director, and one that has another.
const NAT: &str = "cluster: t\nnetworks: { out: 10.0.0.0/24, in: 10.1.0.0/24 }\nhosts:\n  \
    lb1: { role: director, interfaces: { eth0: 10.0.0.1, eth1: 10.1.0.1 } }\n  \
    rs1: { role: realserver, address: 10.1.0.3 }\n  rs2: { role: realserver, address: 10.1.0.4 }\n  \
    rs3: { role: realserver, address: 10.1.0.5, gateway: 10.1.0.254 }\n\
    services: { web: { vip: 10.0.0.9, port: 80, mode: nat } }\n";

const STILL: Way = Way {
    comes: false,
    goes: false,
};

fn cluster(text: &str) -> Cluster {
    let loaded = inventory::parse("t.yaml", text, BUILT_IN_ROLES);
    let loaded = loaded.unwrap_or_else(|e| panic!("{}\n{text}", e.render(100, false)));
    loaded.cluster
}

/// A plan by a word: `make`, `remove`, `both`, `record` (what is ours alone), `load` (with the others), `vip` (given up).
fn plan(host: &str, word: &str) -> HostPlan {
    let change = |kind: &'static str, action| {
        Change::new(kind, word, action).step(format!("{action:?}"), "true")
    };
    let changes = match word {
        "make" | "load" => vec![change("file", Action::Update)],
        "remove" => vec![change("address", Action::Remove)],
        "both" => vec![
            change("file", Action::Update),
            change("address", Action::Remove),
        ],
        "vip" => vec![
            change("ipvs", Action::Remove),
            change("address", Action::Remove),
        ],
        _ => Vec::new(),
    };
    let mut steps: Vec<Step> = changes.iter().flat_map(|c| c.steps.clone()).collect();
    if word != "none" {
        let record = Step::new("record what is ours", "", Phase::Main);
        steps.insert(0, record);
    }
    HostPlan {
        host: host.to_owned(),
        changes,
        adopts: Vec::new(),
        notes: Vec::new(),
        refusals: Vec::new(),
        replaces: Vec::new(),
        steps,
        load: (word == "load").then_some(load::Steps { first: 1, last: 1 }),
    }
}

/// Plans of hosts, such as `rs1 make, lb1 load`; other hosts have nothing to do.
fn grouped(text: &str, plans: &str, way: Way, reshaped: &[&str]) -> Vec<Group> {
    let cluster = cluster(text);
    let word = |host: &Host| {
        let all = plans.split(", ").filter_map(|one| one.split_once(' '));
        let mut all = all.filter(|(name, _)| *name == host.name);
        all.next().map_or("none", |(_, word)| word)
    };
    let plans: Vec<HostPlan> = cluster
        .hosts
        .iter()
        .map(|host| plan(&host.name, word(host)))
        .collect();
    let planned: Vec<Planned> = cluster.hosts.iter().zip(&plans).collect();
    let reshaped = reshaped.iter().map(|name| (*name).to_owned()).collect();
    groups(&cluster, &planned, way, &reshaped)
}

/// `rs1 rs2`, `[lb2 lb1]` as a whole, `-rs1` in what goes.
fn shown(group: &Group) -> String {
    let sign = match group.pass {
        Pass::Make => "",
        Pass::Remove => "-",
    };
    let names = group.hosts.join(" ");
    if group.whole {
        format!("{sign}[{names}]")
    } else {
        format!("{sign}{names}")
    }
}

/// What it is about, the inventory, plans, the way, hosts that are reshaped, and the groups.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    Way,
    &'static [&'static str],
    &'static str,
);

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn groups_keep_the_order_of_stages() {
    let comes = Way {
        comes: true,
        ..STILL
    };
    let goes = Way {
        goes: true,
        ..STILL
    };
    let cases: &[Case] = &[
        ("nothing to do", DR, "", STILL, &[], ""),
        (
            "real servers before directors, the master last",
            DR,
            "lb1 make, lb2 make, rs1 make, rs3 make",
            STILL,
            &[],
            "rs1 rs3, lb2, lb1",
        ),
        (
            "exports before those who mount",
            DR,
            "rs1 make, nfs make",
            STILL,
            &[],
            "nfs, rs1",
        ),
        (
            "a real server that leaves goes after all directors",
            DR,
            "rs1 remove, lb1 make, lb2 make",
            STILL,
            &[],
            "lb2, lb1, -rs1",
        ),
        (
            "one that joins and leaves comes twice",
            DR,
            "rs1 both, rs2 make, lb1 make, lb2 make",
            STILL,
            &[],
            "rs1 rs2, lb2, lb1, -rs1",
        ),
        (
            "directors take away before real servers do",
            DR,
            "rs1 remove, lb1 remove, lb2 both",
            STILL,
            &[],
            "lb2, -lb1, -lb2, -rs1",
        ),
        (
            "a record alone is made",
            DR,
            "rs1 record, lb1 record",
            STILL,
            &[],
            "rs1, lb1",
        ),
        (
            "adverts change on all directors at once",
            DR,
            "rs1 make, lb1 load, lb2 load",
            STILL,
            &[],
            "rs1, [lb2 lb1]",
        ),
        (
            "a VIP moves from one director to another",
            DR,
            "lb1 vip, lb2 make",
            STILL,
            &[],
            "[lb2 lb1]",
        ),
        (
            "another mode comes with the directors",
            DR,
            "rs1 both, rs2 make, rs3 make, nfs make, lb1 both, lb2 make",
            STILL,
            &["rs1", "rs3"],
            "nfs, rs2, [rs1 rs3 lb2 lb1], -[lb1], -rs1",
        ),
        (
            "the way out comes with the directors",
            NAT,
            "rs1 make, rs2 make, rs3 make, lb1 make",
            comes,
            &[],
            "rs3, [lb1 rs1 rs2]",
        ),
        (
            "and is there already",
            NAT,
            "rs1 make, rs2 make, rs3 make, lb1 make",
            STILL,
            &[],
            "rs1 rs2 rs3, lb1",
        ),
        (
            "what is behind directors goes before the way out does",
            NAT,
            "rs1 remove, rs3 remove, lb1 remove",
            goes,
            &[],
            "-rs1, -[lb1], -rs3",
        ),
    ];
    for (about, text, plans, way, reshaped, expected) in cases {
        let groups = grouped(text, plans, *way, reshaped);
        let groups: Vec<String> = groups.iter().map(shown).collect();
        assert_eq!(groups.join(", "), *expected, "{about}");
    }
}

/// From the form of [`shown`].
fn group(text: &str) -> Group {
    let (pass, text) = match text.strip_prefix('-') {
        Some(text) => (Pass::Remove, text),
        None => (Pass::Make, text),
    };
    Group {
        pass,
        whole: text.starts_with('['),
        hosts: text
            .trim_matches(['[', ']'])
            .split(' ')
            .map(str::to_owned)
            .collect(),
    }
}

#[test]
fn groups_are_cut_into_batches() {
    let ten = "1 2 3 4 5 6 7 8 9 10";
    for (about, groups, sizes, expected) in [
        ("no group", "", "1", ""),
        ("one at a time", "a b c", "1", "a, b, c"),
        ("the last size repeats", "a b c d e", "1,2", "a, b c, d e"),
        ("more than there are", "a b", "5", "a b"),
        ("all", "a b c", "100%", "a b c"),
        (
            "a canary, a share, the rest",
            ten,
            "1,25%,100%",
            "1, 2 3, 4 5 6 7 8 9 10",
        ),
        ("a share is one host at least", "a b c", "10%", "a, b, c"),
        (
            "a batch ends with its stage",
            "a b c, d, e",
            "2",
            "a b, c, d, e",
        ),
        (
            "each batch takes the next size",
            "a b, c d e f",
            "1,1,3",
            "a, b, c d e, f",
        ),
        (
            "what changes together is one batch",
            "a b, [c d e], f",
            "1",
            "a, b, c d e, f",
        ),
        (
            "a host that comes twice counts once for shares",
            "a b c, d, -a b",
            "50%",
            "a b, c, d, -a b",
        ),
    ] {
        let groups = groups.split(", ").filter(|text| !text.is_empty());
        let groups: Vec<Group> = groups.map(group).collect();
        let sizes: Result<Vec<Size>, String> = sizes.split(',').map(str::parse).collect();
        let batches = batches(&groups, &sizes.expect("sizes"));
        let shown: Vec<String> = batches
            .into_iter()
            .map(|Batch { pass, hosts }| {
                shown(&Group {
                    pass,
                    whole: false,
                    hosts,
                })
            })
            .collect();
        assert_eq!(shown.join(", "), expected, "{about}");
    }
}

#[test]
fn a_size_is_a_number_or_a_share_of_one_host_or_more() {
    for (text, shown) in [
        ("1", Some("1")),
        (" 25% ", Some("25%")),
        ("100%", Some("100%")),
        ("0", None),
        ("0%", None),
        ("101%", None),
        ("-1", None),
        ("", None),
        ("half", None),
    ] {
        let size = text.parse::<Size>().ok().map(|size| size.to_string());
        assert_eq!(size.as_deref(), shown, "{text:?}");
    }
}

#[test]
fn a_batch_has_the_stages_of_its_hosts() {
    let cluster = cluster(DR);
    let hosts: Vec<&Host> = cluster.hosts.iter().collect();
    let all = stages::all(&cluster, &hosts, STILL, &["lb1".to_owned()]);
    for (about, batch, made, expected) in [
        ("a real server", "rs1", "", "Make rs1"),
        (
            "directors",
            "lb2 lb1",
            "rs1",
            "Make lb2, Make lb1, GiveUp lb1, GiveUp lb2, Load lb1, Load lb2, Finish lb2, Finish lb1",
        ),
        ("what goes, after it was made", "-rs1", "rs1", "Remove rs1"),
        (
            "what goes alone, with its record",
            "-rs1",
            "",
            "Make rs1, Remove rs1",
        ),
    ] {
        let Group { pass, hosts, .. } = group(batch);
        let made = made.split(' ').map(str::to_owned).collect();
        let stages = stages_of(&all, &Batch { pass, hosts }, &made);
        let shown: Vec<String> = stages
            .iter()
            .flat_map(|(part, stage)| stage.iter().map(move |host| (part, host)))
            .map(|(part, host)| format!("{part:?} {}", host.name))
            .collect();
        assert_eq!(shown.join(", "), expected, "{about}");
    }
}

#[test]
fn too_many_failures_end_a_run() {
    let cluster = cluster(DR);
    for (about, allowed, failures, in_part, expected) in [
        ("none", "0", "", false, None),
        ("the first", "0", "rs1", false, Some("max-failures")),
        ("as many as may", "2", "rs1 rs2", false, None),
        ("one more", "2", "rs1 rs2 rs3", false, Some("max-failures")),
        ("a share, rounded down", "29%", "rs1 rs2", false, None),
        (
            "a share that is none",
            "9%",
            "rs1",
            false,
            Some("max-failures"),
        ),
        ("all may fail", "100%", "rs1 rs2 rs3 rs4", false, None),
        (
            "a director",
            "100%",
            "rs1 lb2",
            false,
            Some("essential-host-failed"),
        ),
        (
            "an NFS server",
            "100%",
            "nfs",
            false,
            Some("essential-host-failed"),
        ),
        (
            "what changes together",
            "100%",
            "rs1",
            true,
            Some("batch-in-part"),
        ),
        ("the cluster as a whole", "1", "", false, None),
    ] {
        let failures = failures.split(' ').filter(|name| !name.is_empty());
        let failures = failures.map(str::to_owned).collect();
        let allowed = allowed.parse().expect("a share");
        let stop = stop(&cluster, allowed, 7, &failures, in_part);
        assert_eq!(stop.as_ref().map(Stop::kind), expected, "{about}");
    }
}
