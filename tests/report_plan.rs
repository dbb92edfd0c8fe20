//! Plans as they are shown: with and without colour, short and whole, and as JSON.

use std::io::{self, Write};

use lvsctl::plan::HostPlan;
use lvsctl::report::plan::{json, text};
use lvsctl::report::{Level, Style};
use lvsctl::resource::change::TextChange;
use lvsctl::resource::{Action, Change};

fn host(name: &str) -> HostPlan {
    HostPlan {
        host: name.into(),
        changes: Vec::new(),
        adopts: Vec::new(),
        notes: Vec::new(),
        refusals: Vec::new(),
        steps: Vec::new(),
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
    text(&mut bytes, plans, style).unwrap();
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
    json(&mut bytes, &cluster()).unwrap();
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
        "rs1:\n  = as wanted already, and ours from now on: sysctl net.ipv4.ip_forward\n\n\
         1 host: nothing to change, 1 to take over as they are\n"
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
fn a_long_new_file_is_cut_unless_all_is_asked_for() {
    let new = |lines| {
        vec![with(
            "web1",
            vec![file("/etc/long", Action::Create, "", &numbered(0..lines))],
        )]
    };
    let text = shown(&new(60), Style::plain());
    assert!(
        text.contains("+line 39\n      ... 20 more lines; -v shows all 60\n"),
        "{text}"
    );
    let whole = shown(&new(60), Style::plain().at(Level::Verbose));
    assert!(whole.contains("+line 59\n"), "{whole}");
    let text = shown(&new(42), Style::plain());
    assert!(text.contains("+line 41\n"), "{text}");
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
    text(&mut bytes, &[plan], Style::plain().at(Level::Verbose)).unwrap();
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
    let started = std::time::Instant::now();
    let text = shown(&plans, Style::plain());
    assert!(text.contains("+b 39999"));
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}

#[test]
fn only_hosts_with_the_same_changes_are_told_together() {
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
    text(&mut bytes, &plans, Style::plain().at(Level::Verbose)).unwrap();
    json(&mut bytes, &plans).unwrap();
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
    assert_eq!(kind(text(&mut Gone, &cluster(), Style::plain())), gone);
    assert_eq!(kind(json(&mut Gone, &cluster())), gone);
}
