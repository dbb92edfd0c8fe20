//! Plans as they are shown: with and without colour, short and whole, and as JSON.

use std::io::{self, Write};

use lvsctl::fact::Facts;
use lvsctl::inventory::{self, BUILT_IN_ROLES};
use lvsctl::model::Host;
use lvsctl::plan::manifest::Manifest;
use lvsctl::plan::{Basis, HostPlan};
use lvsctl::report::plan::{Names, json, replaced, text};
use lvsctl::report::{Level, Style};
use lvsctl::resource::change::TextChange;
use lvsctl::resource::{Action, Change, Distribution};
use lvsctl::secret::Secrets;

use crate::support::cpu;
use crate::support::roles::built_in;

fn host(name: &str) -> HostPlan {
    HostPlan {
        host: name.into(),
        changes: Vec::new(),
        adopts: Vec::new(),
        notes: Vec::new(),
        refusals: Vec::new(),
        replaces: Vec::new(),
        steps: Vec::new(),
        load: None,
    }
}

/// A host whose steps are those of its changes.
fn with(name: &str, changes: Vec<Change>) -> HostPlan {
    let steps = changes.iter().flat_map(|c| c.steps.clone()).collect();
    HostPlan {
        changes,
        steps,
        ..host(name)
    }
}

fn address() -> Change {
    Change::new(
        "address",
        "192.168.100.200/32 dev lo label lo:0",
        Action::Create,
    )
    .field(
        "address",
        None::<&str>,
        Some("192.168.100.200/32 dev lo label lo:0"),
    )
    .step("add 192.168.100.200/32 to lo", "ip addr add")
}

fn sysctl(name: &str, from: &str, to: &str) -> Change {
    Change::new("sysctl", name, Action::Update)
        .field("value", Some(from), Some(to))
        .step(format!("set {name} to {to}"), "echo")
}

fn file(path: &str, action: Action, from: &str, to: &str) -> Change {
    let mut change = Change::new("file", path, action);
    change.text = Some(TextChange {
        from: from.into(),
        to: to.into(),
    });
    change.step(format!("write {path}"), "cat")
}

fn numbered(range: std::ops::Range<u32>) -> String {
    range.map(|n| format!("line {n}\n")).collect()
}

fn cluster() -> Vec<HostPlan> {
    let old = "vrrp_instance VI_1 {\n    state MASTER\n    priority 100\n    advert_int 1\n    auth_pass ********\n    unicast_peer {\n        192.168.100.12\n    }\n}\n";
    let new = old.replace("priority 100", "priority 150").replace(
        "        192.168.100.12\n",
        "        192.168.100.12\n        192.168.100.13\n",
    );
    let mut keepalived = file(
        "/etc/keepalived/keepalived.conf",
        Action::Update,
        old,
        new.trim_end(),
    );
    keepalived = keepalived.field("mode", Some("644"), Some("0600"));
    let service = Change::new("ipvs", "-t 192.168.100.200:80", Action::Update)
        .field("service", Some("-s rr"), Some("-s wrr -p 300"))
        .field(
            "real server 192.168.100.21:80",
            None::<&str>,
            Some("-g -w 1"),
        )
        .field(
            "real server 192.168.100.29:80",
            Some("-g -w 1"),
            None::<&str>,
        )
        .step("edit service", "ipvsadm");
    let route = Change::new("route", "10.9.0.0/16", Action::Remove)
        .field("route", Some("via 192.168.100.1 dev eth0"), None::<&str>)
        .step("remove route 10.9.0.0/16", "ip route del");
    let mut director = with("director1", vec![keepalived, service, route]);
    director.adopts = vec!["sysctl net.ipv4.ip_forward".into(), "module ip_vs".into()];
    director.notes = vec!["net.ipv4.vs.conntrack is 1, which costs speed".into()];

    let real_server = |name: &str| {
        with(
            name,
            vec![
                sysctl("net.ipv4.conf.all.arp_ignore", "0", "1"),
                address(),
                file(
                    "/etc/sysctl.d/90-lvsctl.conf",
                    Action::Create,
                    "",
                    "net.ipv4.conf.all.arp_ignore = 1\n",
                ),
            ],
        )
    };
    let mut refused = host("rs3");
    refused.refusals =
        vec!["expected systemd for keepalived.service, found another service manager".into()];
    let mut noted = host("web1");
    noted.notes = vec!["nginx is older than its file".into()];
    vec![
        real_server("rs1"),
        real_server("rs2"),
        director,
        host("rs5"),
        host("rs6"),
        refused,
        noted,
    ]
}

fn shown(plans: &[HostPlan], style: Style) -> String {
    let mut bytes = Vec::new();
    text(&mut bytes, plans, &Names::default(), style).unwrap();
    String::from_utf8(bytes).unwrap().replace('\u{1b}', "␛")
}

#[test]
fn a_plan_says_what_changes_where() {
    insta::assert_snapshot!("plan_text", shown(&cluster(), Style::plain()));
}

#[test]
fn a_verbose_plan_keeps_hosts_apart_and_lists_steps() {
    let style = Style::plain().at(Level::Verbose);
    insta::assert_snapshot!("plan_text_verbose", shown(&cluster(), style));
}

#[test]
fn a_plan_in_colour_says_the_same() {
    let coloured = shown(&cluster(), Style::coloured());
    insta::assert_snapshot!("plan_text_coloured", coloured);
    let mut bare = coloured;
    for code in ["[0m", "[1m", "[2m", "[31m", "[32m", "[33m", "[36m"] {
        bare = bare.replace(&format!("␛{code}"), "");
    }
    assert_eq!(bare, shown(&cluster(), Style::plain()));
}

#[test]
fn a_plan_is_one_json_document() {
    let mut bytes = Vec::new();
    json(&mut bytes, &cluster(), &[], &[], &[]).unwrap();
    insta::assert_snapshot!("plan_json", String::from_utf8(bytes).unwrap());
}

#[test]
fn no_changes_are_said_in_these_words() {
    let text = shown(&[host("rs1"), host("rs2")], Style::plain());
    assert_eq!(text, "rs1, rs2: no changes\n2 hosts: 0 changes\n");
    assert_eq!(shown(&[], Style::plain()), "0 hosts: 0 changes\n");
}

#[test]
fn what_is_only_taken_over_is_no_change_and_not_nothing() {
    let record = address().steps.remove(0);
    let mut adopts = host("rs1");
    adopts.adopts = vec!["sysctl net.ipv4.ip_forward".into()];
    adopts.steps = vec![record.clone()];
    assert_eq!(
        shown(&[adopts], Style::plain()),
        "rs1:\n  = in the desired state already, managed by lvsctl from now on: sysctl net.ipv4.ip_forward\n\n\
         1 host: nothing to change, 1 to adopt unchanged\n"
    );
    let mut forgets = host("rs1");
    forgets.steps = vec![record];
    assert_eq!(
        shown(&[forgets], Style::plain()),
        "rs1:\n  ~ the record of what is ours: brought up to date\n\n\
         1 host: nothing to change, 1 record to bring up to date\n"
    );
}

#[test]
fn many_idle_hosts_take_one_short_line() {
    let plans: Vec<HostPlan> = (1..=50).map(|n| host(&format!("rs{n}"))).collect();
    let text = shown(&plans, Style::plain());
    assert!(
        text.starts_with("rs1, rs2, rs3, rs4, rs5, rs6, rs7, rs8, rs9, rs10 and 40 more: no"),
        "{text}"
    );
    let text = shown(&plans, Style::plain().at(Level::Verbose));
    assert!(text.contains("rs49, rs50: no changes"), "{text}");
}

#[test]
fn a_new_file_is_counted_unless_all_is_asked_for() {
    let new = |lines| {
        vec![with(
            "web1",
            vec![file("/etc/long", Action::Create, "", &numbered(0..lines))],
        )]
    };
    let text = shown(&new(60), Style::plain());
    assert!(text.contains("  + file /etc/long: 60 lines\n"), "{text}");
    assert!(!text.contains("+line"), "{text}");
    let whole = shown(&new(60), Style::plain().at(Level::Verbose));
    assert!(whole.contains("+line 59\n"), "{whole}");
}

#[test]
fn a_long_diff_is_cut_unless_all_is_asked_for() {
    let old = numbered(0..400);
    let new = old.replace("5\n", "5 and more\n");
    let plans = [with(
        "web1",
        vec![file("/etc/long", Action::Update, &old, &new)],
    )];
    let text = shown(&plans, Style::plain());
    assert!(text.contains("more lines; -v shows all\n"), "{text}");
    assert!(text.lines().count() < 60, "{text}");
    let whole = shown(&plans, Style::plain().at(Level::Verbose));
    assert!(whole.contains("+line 395 and more\n"), "{whole}");
}

#[test]
fn a_diff_keeps_three_lines_around_a_change() {
    let old = numbered(0..30);
    let new = old.replace("line 9\n", "line nine\n");
    let plans = [with(
        "web1",
        vec![file("/etc/f", Action::Update, &old, &new)],
    )];
    assert_eq!(
        shown(&plans, Style::plain()),
        "web1:\n  ~ file /etc/f\n      @@ -7,7 +7,7 @@\n       line 6\n       line 7\n       line 8\n      \
         -line 9\n      +line nine\n       line 10\n       line 11\n       line 12\n\n\
         1 host: 0 to create, 1 to change, 0 to remove\n"
    );
}

#[test]
fn nothing_that_a_host_holds_steers_the_terminal() {
    let evil = "\u{1b}[2J\u{1b}]0;title\u{7}\rforged";
    let mut plan = with(
        evil,
        vec![
            sysctl(evil, evil, evil),
            file(evil, Action::Create, "", evil),
            file(evil, Action::Update, evil, "b\n"),
        ],
    );
    plan.adopts = vec![evil.into()];
    plan.notes = vec![evil.into()];
    plan.refusals = vec![evil.into()];
    let mut bytes = Vec::new();
    let verbose = Style::plain().at(Level::Verbose);
    text(&mut bytes, &[plan], &Names::default(), verbose).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains("\\u{1b}[2J"), "{text}");
    assert!(
        !text.chars().any(|c| c.is_control() && c != '\n'),
        "{text:?}"
    );
}

#[test]
fn large_texts_that_share_nothing_do_not_take_long() {
    let texts = |word: &str| -> String { (0..40_000).map(|n| format!("{word} {n}\n")).collect() };
    let plans = [with(
        "web1",
        vec![file("/f", Action::Update, &texts("a"), &texts("b"))],
    )];
    let before = cpu::of_thread();
    let text = shown(&plans, Style::plain().at(Level::Verbose));
    assert!(text.contains("+b 39999"));
    let used = cpu::of_thread() - before;
    assert!(used.as_secs() < 10, "{used:?}");
}

#[test]
fn only_hosts_with_the_same_changes_are_shown_together() {
    let plan = |name, to| with(name, vec![sysctl("net.ipv4.ip_forward", "9", to)]);
    let plans = [plan("rs1", "1"), plan("rs2", "0"), plan("rs3", "1")];
    assert_eq!(
        shown(&plans, Style::plain()),
        "rs1, rs3:\n  ~ sysctl net.ipv4.ip_forward: 9 -> 1\n\n\
         rs2:\n  ~ sysctl net.ipv4.ip_forward: 9 -> 0\n\n\
         3 hosts: 0 to create, 3 to change, 0 to remove\n"
    );
}

#[test]
fn what_steps_run_is_never_shown() {
    let mut change = file(
        "/etc/f",
        Action::Update,
        "auth_pass ********\n",
        "auth_pass ********\nx\n",
    );
    change = change.step("write it", "echo hunter2");
    let plans = [with("rs1", vec![change])];
    let mut bytes = Vec::new();
    text(
        &mut bytes,
        &plans,
        &Names::default(),
        Style::plain().at(Level::Verbose),
    )
    .unwrap();
    json(&mut bytes, &plans, &[], &[], &[]).unwrap();
    let all = String::from_utf8(bytes).unwrap();
    assert!(all.contains("write it") && all.contains("auth_pass ********"));
    assert!(!all.contains("hunter2"), "{all}");
}

struct Gone;

impl Write for Gone {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_went_away_is_an_error_of_its_kind() {
    let gone = Some(io::ErrorKind::BrokenPipe);
    let kind = |result: io::Result<()>| result.err().map(|error| error.kind());
    assert_eq!(
        kind(text(
            &mut Gone,
            &cluster(),
            &Names::default(),
            Style::plain()
        )),
        gone
    );
    assert_eq!(kind(json(&mut Gone, &cluster(), &[], &[], &[])), gone);
}

fn named() -> Names {
    let virtual_service = "-t 192.168.100.200:80".to_owned();
    let hosts = [("192.168.100.12", "rs1"), ("192.168.100.13", "rs2")];
    Names {
        services: [(virtual_service, "web".to_owned())].into(),
        hosts: hosts
            .map(|(address, name)| (address.parse().unwrap(), name.to_owned()))
            .into(),
    }
}

fn with_names(plans: &[HostPlan]) -> String {
    let mut bytes = Vec::new();
    text(&mut bytes, plans, &named(), Style::plain()).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// A service that stays, of which real servers come, change and go.
fn service(fields: &[(&str, Option<&str>, Option<&str>)]) -> Change {
    let change = Change::new("ipvs", "-t 192.168.100.200:80", Action::Update);
    let change = fields.iter().fold(change, |change, (name, from, to)| {
        change.field(name, *from, *to)
    });
    change.step("edit", "ipvsadm")
}

/// What the plan says of one service on two directors, and how it is counted.
#[test]
fn real_servers_that_leave_have_their_minus() {
    let leaves = ("real server 192.168.100.13:80", Some("-g weight 1"), None);
    let joins = ("real server 192.168.100.12:80", None, Some("-g weight 1"));
    let weighs = (
        "real server 192.168.100.12:80",
        Some("-g weight 1"),
        Some("-g weight 2"),
    );
    let scheduler = ("service", Some("-s rr"), Some("-s wrr"));
    for (fields, lines, total) in [
        (
            vec![leaves],
            vec!["- real server rs2 192.168.100.13:80: -g weight 1"],
            "0 to create, 0 to change, 2 to remove",
        ),
        (
            vec![joins],
            vec!["+ real server rs1 192.168.100.12:80: -g weight 1"],
            "2 to create, 0 to change, 0 to remove",
        ),
        (
            vec![weighs],
            vec!["~ real server rs1 192.168.100.12:80: -g weight 1 -> -g weight 2"],
            "0 to create, 2 to change, 0 to remove",
        ),
        (
            vec![joins, leaves],
            vec!["+ real server rs1", "- real server rs2"],
            "2 to create, 0 to change, 2 to remove",
        ),
        (
            vec![scheduler, weighs, leaves],
            vec![
                "~ service web, -t 192.168.100.200:80: -s rr -> -s wrr, on lb1, lb2",
                "~ real server rs1",
                "- real server rs2",
            ],
            "0 to create, 2 to change, 2 to remove",
        ),
    ] {
        let plans = ["lb1", "lb2"].map(|host| with(host, vec![service(&fields)]));
        let text = with_names(&plans);
        for line in lines {
            let found = text.lines().any(|found| found.trim().starts_with(line));
            assert!(found, "{line}\n{text}");
        }
        assert!(text.contains(total), "{total}\n{text}");
    }
}

const BY_HAND: &str = "! by hand\nvrrp_instance VI_1 {\n  virtual_ipaddress {\n    192.168.100.99/24 dev eth0\n    192.168.100.200\n  }\n}\n\
    virtual_server 192.168.100.99 25 {\n  real_server 192.168.100.12 25 {\n  }\n}\n\
    virtual_server 192.168.100.200 80 {\n}\n";
const OURS: &str = "vrrp_instance main {\n    virtual_ipaddress {\n        192.168.100.200/32 dev eth0\n    }\n}\n\
    virtual_server 192.168.100.200 80 {\n}\n";

/// A file that was written by hand is replaced: what ends with it is named and counted.
#[test]
fn what_ends_with_a_hand_made_file_is_named() {
    const PATH: &str = "/etc/keepalived/keepalived.conf";
    let mut plan = with("lb1", vec![file(PATH, Action::Update, BY_HAND, OURS)]);
    plan.replaces = vec![PATH.to_owned()];
    let text = with_names(std::slice::from_ref(&plan));
    for line in [
        "- VIP 192.168.100.99, on lb1\n",
        "- service 192.168.100.99:25 of the keepalived.conf that is there, on lb1\n",
        "in place of one that lvsctl did not make",
        "1 host: 0 to create, 1 to change, 2 to remove\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("- VIP 192.168.100.200"), "{text}");
    assert_eq!(
        replaced(std::slice::from_ref(&plan)),
        [
            "lb1: /etc/keepalived/keepalived.conf is not lvsctl's; with it end VIP 192.168.100.99, service 192.168.100.99:25"
        ]
    );
    // Nothing ends with a file that makes nothing else.
    plan.changes = vec![file(PATH, Action::Update, "! empty\n", OURS)];
    assert_eq!(replaced(&[plan]), Vec::<String>::new());
}

/// A VIP that leaves the inventory leaves keepalived's file, which is ours.
#[test]
fn a_vip_that_leaves_has_its_minus() {
    let two = OURS.replace(
        "        192.168.100.200/32",
        "        192.168.100.201/32 dev eth0\n        192.168.100.200/32",
    );
    let plan = with(
        "lb1",
        vec![file(
            "/etc/keepalived/keepalived.conf",
            Action::Update,
            &two,
            OURS,
        )],
    );
    let text = with_names(&[plan]);
    assert!(
        text.starts_with("- VIP 192.168.100.201, on lb1\n"),
        "{text}"
    );
    assert!(
        text.contains("0 to create, 1 to change, 1 to remove"),
        "{text}"
    );
}

/// A service of a mark that ends is one removal: in the table, not in keepalived's file as well.
#[test]
fn a_marked_service_that_ends_is_counted_once() {
    const PATH: &str = "/etc/keepalived/keepalived.conf";
    let marked = format!("{OURS}virtual_server fwmark 7 {{\n}}\n");
    for key in ["-f 7", "-f 7 -6"] {
        let gone = Change::new("ipvs", key, Action::Remove);
        let plan = with("lb1", vec![gone, file(PATH, Action::Update, &marked, OURS)]);
        let text = with_names(&[plan]);
        assert!(
            text.contains("0 to create, 1 to change, 1 to remove"),
            "{text}"
        );
        assert!(!text.contains("that is there"), "{text}");
    }
}

/// Two directors, four real servers and a client, none of which has anything yet.
fn first_plan() -> (Vec<HostPlan>, usize) {
    const INVENTORY: &str = "cluster: shop\nnetworks: 10.2.0.0/24\nhosts:\n  lb1: { role: director, address: 10.2.0.11 }\n  \
        lb2: { role: backup, address: 10.2.0.12 }\n  rs1: { role: [realserver, web], address: 10.2.0.21 }\n  \
        rs2: { role: [realserver, web], address: 10.2.0.22 }\n  rs3: { role: [realserver, web], address: 10.2.0.23 }\n  \
        rs4: { role: [realserver, web], address: 10.2.0.24 }\n  client: { role: client, address: 10.2.0.90 }\n\
        vrrp: { virtual_router_id: 10 }\nservices:\n  web: { vip: 10.2.0.80, port: [80, 443], fwmark: 1 }\n  \
        mail: { vip: 10.2.0.81, port: 25 }\n";
    let loaded = inventory::parse("t.yaml", INVENTORY, BUILT_IN_ROLES)
        .unwrap_or_else(|e| panic!("{}", e.render(100, false)));
    let cluster = &loaded.cluster;
    let roles = built_in();
    let (facts, secrets) = (Facts::default(), Secrets::new());
    let manifest = Manifest::new(&cluster.name);
    let plan = |host: &Host| {
        let desired = roles.over(cluster).of(host, &Distribution::assumed());
        let basis = Basis {
            desired: &desired.unwrap_or_else(|e| panic!("{e}")),
            manifest: &manifest,
            others: &[],
            facts: &facts,
            secrets: &secrets,
            scope: None,
        };
        HostPlan {
            refusals: Vec::new(),
            ..lvsctl::plan::host(&host.name, &basis)
        }
    };
    let plans: Vec<HostPlan> = cluster.hosts.iter().map(plan).collect();
    let changes = plans.iter().map(|plan| plan.changes.len()).sum();
    (plans, changes)
}

/// What comes for clients stands first, hosts that are alike are one, and new files are counted.
#[test]
fn a_first_plan_is_read_at_a_glance() {
    let (plans, changes) = first_plan();
    let short = shown(&plans, Style::plain());
    let lines = short.lines().count();
    assert!(lines < 80, "{lines} lines for {changes} changes\n{short}");
    assert!(
        short.starts_with("+ VIP 10.2.0.80, on lb1, lb2\n"),
        "{short}"
    );
    for line in [
        "+ service -f 1: -s rr",
        "+ real server 10.2.0.21:25",
        "\nlb1, lb2:\n",
        "\nrs1, rs2, rs3, rs4:\n",
    ] {
        assert!(short.contains(line), "{line:?}\n{short}");
    }
    let whole = shown(&plans, Style::plain().at(Level::Verbose));
    for change in plans.iter().flat_map(|plan| &plan.changes) {
        assert!(whole.contains(&change.key), "{}", change.key);
    }
    assert!(
        whole.lines().count() > 5 * lines,
        "{}",
        whole.lines().count()
    );
    let mut bytes = Vec::new();
    json(&mut bytes, &plans, &[], &[], &[]).unwrap();
    let whole: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let hosts = whole["hosts"].as_array().unwrap();
    let all = hosts
        .iter()
        .map(|host| host["changes"].as_array().unwrap().len());
    assert_eq!(all.sum::<usize>(), changes);
}

/// Removals are never folded away, however many.
#[test]
fn every_removal_is_named() {
    let gone = |n: u8| {
        Change::new("address", format!("10.0.0.{n}/32 dev lo"), Action::Remove)
            .field("address", Some("there"), None::<&str>)
            .step("remove", "ip addr del")
    };
    let text = shown(&[with("rs1", (1..=9).map(gone).collect())], Style::plain());
    for n in 1..=9 {
        assert!(
            text.contains(&format!("- address 10.0.0.{n}/32 dev lo")),
            "{text}"
        );
    }
}

#[test]
fn many_small_changes_share_a_line() {
    let set = |n: u8| sysctl(&format!("net.ipv4.conf.eth{n}.arp_ignore"), "0", "1");
    let plans = [with("rs1", (1..=9).map(set).collect())];
    let text = shown(&plans, Style::plain());
    assert!(
        text.contains("~ 9 sysctl: net.ipv4.conf.eth1.arp_ignore 0 -> 1, net.ipv4.conf.eth2.arp_ignore 0 -> 1, net.ipv4.conf.eth3.arp_ignore 0 -> 1 and 6 more\n"),
        "{text}"
    );
    assert!(text.contains("9 to change"), "{text}");
    let whole = shown(&plans, Style::plain().at(Level::Verbose));
    assert!(
        whole.contains("~ sysctl net.ipv4.conf.eth9.arp_ignore: 0 -> 1\n"),
        "{whole}"
    );
}
