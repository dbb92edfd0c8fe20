//! A table of what directors have and what a command takes away: what is refused.

use super::*;
use crate::fact::ipvs::Served;
use crate::inventory::{self, BUILT_IN_ROLES};

const TEXT: &str = "cluster: t\nnetworks: 10.0.0.0/24\nhosts:\n  lb1: { role: director, address: 10.0.0.1 }\n  \
                    lb2: { role: backup, address: 10.0.0.2 }\nHOSTSvrrp: { virtual_router_id: 1 }\n\
                    services: { web: { vip: 10.0.0.9, port: 80, real_servers: [REAL] } }\n";

fn serving(real_servers: &str) -> Cluster {
    let hosts = ["rs1", "rs2", "rs3"].map(|name| {
        let role = if real_servers.contains(name) {
            "realserver"
        } else {
            "web"
        };
        format!("  {name}: {{ role: {role}, address: {} }}\n", rip(name))
    });
    let text = TEXT.replace("HOSTS", &hosts.concat());
    let text = text.replace("REAL", real_servers);
    let loaded = inventory::parse("t.yaml", &text, BUILT_IN_ROLES);
    loaded
        .unwrap_or_else(|e| panic!("{}", e.render(100, false)))
        .cluster
}

fn rip(name: &str) -> IpAddr {
    let number = name.trim_start_matches("rs");
    format!("10.0.0.1{number}").parse().expect("an address")
}

/// `rs1 rs2=0`: weights in the kernel; `-` is a director without the service.
fn table(has: &str) -> Table {
    let mut table = Table::default();
    if has == "-" {
        return table;
    }
    let [ipvs] = view::ipvs(&serving("rs1, rs2, rs3"))
        .try_into()
        .expect("one service");
    let mut real_servers = std::collections::BTreeMap::new();
    for word in has.split_whitespace() {
        let (name, weight) = word.split_once('=').unwrap_or((word, "1"));
        let all = ipvs.real_servers.iter();
        let mut rs = all
            .clone()
            .find(|rs| rs.address.ip() == rip(name))
            .expect("one")
            .clone();
        rs.weight = weight.parse().expect("a weight");
        real_servers.insert(rs.address, rs);
    }
    table.services.push(Served {
        definition: ipvs.service,
        real_servers,
    });
    table
}

#[test]
fn a_share_is_a_number_or_a_percentage() {
    for (text, of_three) in [
        ("1", Some(1)),
        ("0", Some(0)),
        ("9", Some(3)),
        ("50%", Some(2)),
        ("34%", Some(2)),
        ("33%", Some(1)),
        ("100%", Some(3)),
        ("0%", Some(0)),
        ("101%", None),
        ("-1", None),
        ("all", None),
        ("%", None),
    ] {
        let share = text.parse::<Share>().ok();
        assert_eq!(share.map(|share| share.of(3)), of_three, "{text}");
    }
}

/// What it is; what stops; the share; what both directors have (nothing: not reached); what is refused.
type Stop = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const STOPS: &[Stop] = &[
    (
        "a real server of three",
        "rs1",
        "1",
        "rs1 rs2 rs3",
        "rs1 rs2 rs3",
        "",
    ),
    (
        "all real servers",
        "rs1 rs2 rs3",
        "1",
        "rs1 rs2 rs3",
        "rs1 rs2 rs3",
        "0 of 3",
    ),
    (
        "two of three, two must stay",
        "rs1 rs2",
        "2",
        "rs1 rs2 rs3",
        "rs1 rs2 rs3",
        "1 of 3",
    ),
    (
        "one of three, half must stay",
        "rs1",
        "50%",
        "rs1 rs2 rs3",
        "rs1 rs2 rs3",
        "",
    ),
    (
        "two of three, half must stay",
        "rs1 rs2",
        "50%",
        "rs1 rs2 rs3",
        "rs1 rs2 rs3",
        "1 of 3",
    ),
    (
        "the last that is not drained",
        "rs1",
        "1",
        "rs1 rs2=0 rs3=0",
        "rs1 rs2 rs3",
        "0 of 1",
    ),
    (
        "the last that is healthy",
        "rs1",
        "1",
        "rs1",
        "rs1",
        "0 of 1",
    ),
    (
        "the last that the other director has",
        "rs1",
        "1",
        "rs1 rs2",
        "rs1",
        "0 of 1",
    ),
    (
        "one that gets nothing",
        "rs2",
        "1",
        "rs1=0 rs2=0",
        "rs1=0 rs2=0",
        "",
    ),
    (
        "both directors",
        "lb1 lb2",
        "1",
        "rs1 rs2 rs3",
        "rs1 rs2 rs3",
        "director",
    ),
    ("a director", "lb1", "1", "rs1 rs2 rs3", "rs1 rs2 rs3", ""),
    (
        "a director, the other serves nothing",
        "lb1",
        "1",
        "rs1 rs2 rs3",
        "-",
        "director",
    ),
    (
        "a director, the other was not reached",
        "lb1",
        "1",
        "rs1 rs2 rs3",
        "",
        "director",
    ),
    (
        "a director, the other has no real server",
        "lb1",
        "1",
        "rs1 rs2",
        "rs1=0",
        "0 of 2",
    ),
    (
        "what never served",
        "lb1 lb2 rs1 rs2 rs3",
        "1",
        "-",
        "-",
        "",
    ),
    (
        "nothing is asked for",
        "rs1 rs2 rs3",
        "0",
        "rs1 rs2 rs3",
        "rs1 rs2 rs3",
        "",
    ),
    (
        "nothing is asked for but a director",
        "lb1 lb2",
        "0",
        "rs1",
        "rs1",
        "director",
    ),
];

#[test]
fn what_stops_leaves_each_service_its_share_and_a_director() {
    let cluster = serving("rs1, rs2, rs3");
    for (what, stops, share, lb1, lb2, refused) in STOPS {
        let stops = |name: &str| stops.split(' ').any(|stop| stop == name);
        let tables = [("lb1", *lb1), ("lb2", *lb2)];
        let tables: Vec<(&str, Table)> = tables
            .into_iter()
            .filter(|(_, has)| !has.is_empty())
            .map(|(name, has)| (name, table(has)))
            .collect();
        let directors = tables.iter().map(|(name, table)| Director {
            name,
            table,
            active: true,
            stays: !stops(name),
            recorded: &[],
            after: None,
        });
        let directors: Vec<Director> = directors.collect();
        let leaves = ["rs1", "rs2", "rs3"].into_iter().filter(|name| stops(name));
        let leaves = leaves.map(rip).collect();
        let share = share.parse().expect("a share");
        let found = losses(&cluster, share, &directors, &leaves);
        assert_eq!(said(&found), *refused, "{what}");
    }
}

fn said(losses: &[Loss]) -> String {
    let all = losses.iter().map(|loss| match loss {
        Loss::Director { .. } => "director".to_owned(),
        Loss::RealServers { before, after, .. } => format!("{after} of {before}"),
    });
    all.collect::<Vec<_>>().join(" ")
}

#[test]
fn what_apply_makes_leaves_each_service_its_share() {
    for (what, now, desired, refused) in [
        ("one leaves", "rs1 rs2 rs3", "rs1, rs2", ""),
        ("all others leave", "rs1 rs2 rs3", "rs1", ""),
        (
            "the last that is not drained leaves",
            "rs1=0 rs2",
            "rs1, rs3: { weight: 0 }",
            "0 of 1",
        ),
        (
            "the last that is not drained is drained",
            "rs1 rs2=0",
            "rs1: { weight: 0 }, rs2",
            "0 of 1",
        ),
        (
            "the last that is healthy leaves, another comes",
            "rs2",
            "rs3",
            "",
        ),
        ("one that is drained leaves", "rs1=0 rs2", "rs2", ""),
        ("nothing was served", "rs1=0", "rs1", ""),
    ] {
        let desired = desired.split(", ").map(|one| match one.split_once(": ") {
            Some(_) => format!("{{ {one} }}"),
            None => one.to_owned(),
        });
        let cluster = serving(&desired.collect::<Vec<_>>().join(", "));
        let table = table(now);
        let recorded = view::ipvs(&serving("rs1, rs2"));
        let after = view::ipvs(&cluster);
        let director = Director {
            name: "lb1",
            table: &table,
            active: true,
            stays: true,
            recorded: &recorded,
            after: Some(&after),
        };
        let found = losses(&cluster, Share::default(), &[director], &BTreeSet::new());
        assert_eq!(said(&found), refused, "{what}");
    }
}
