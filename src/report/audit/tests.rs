//! Each format is what its readers expect, whatever hosts say.

use std::collections::BTreeSet;

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;

use super::*;
use crate::check::State;
use sample::{HOSTILE, clean, report, with};

fn shown(kind: Kind, report: &AuditReport) -> String {
    let mut bytes = Vec::new();
    write(&mut bytes, kind, report, Style::plain()).unwrap();
    String::from_utf8(bytes).unwrap()
}

const ALL: [Kind; 8] = [
    Kind::Text,
    Kind::Json,
    Kind::Junit,
    Kind::Sarif,
    Kind::Prometheus,
    Kind::Nagios,
    Kind::Markdown,
    Kind::Html,
];

#[test]
fn no_format_has_characters_that_act_on_a_terminal() {
    for kind in ALL {
        for report in [report(), clean()] {
            let text = shown(kind, &report);
            assert!(text.ends_with('\n'), "{kind:?}");
            let odd = text.chars().find(|c| c.is_control() && *c != '\n');
            assert_eq!(odd, None, "{kind:?}: {text}");
        }
    }
}

/// The structure that the common JUnit schemas share: suites with counts, cases with a name and a class name, and at most one
/// outcome for each.
#[test]
fn junit_is_suites_of_cases() {
    let text = shown(Kind::Junit, &report());
    let mut reader = Reader::from_str(&text);
    let mut open: Vec<String> = Vec::new();
    let mut outcomes: Vec<String> = Vec::new();
    let mut names = BTreeSet::new();
    let (mut cases, mut tests) = (0, 0);
    loop {
        let event = reader.read_event().unwrap();
        let (element, empty) = match &event {
            Event::Start(element) => (element, false),
            Event::Empty(element) => (element, true),
            Event::End(_) => {
                open.pop();
                continue;
            }
            Event::Eof => break,
            _ => continue,
        };
        let name = String::from_utf8(element.name().as_ref().to_vec()).unwrap();
        let attribute = |key: &str| {
            let found = element.attributes().map(Result::unwrap);
            let mut found = found.filter(|a| a.key.as_ref() == key.as_bytes());
            found
                .next()
                .map(|a| String::from_utf8(a.value.to_vec()).unwrap())
        };
        let above = open.last().map_or("", String::as_str);
        match name.as_str() {
            "testsuites" => assert_eq!(above, ""),
            "testsuite" => {
                assert_eq!(above, "testsuites");
                tests += attribute("tests").unwrap().parse::<usize>().unwrap();
                for key in ["name", "failures", "errors"] {
                    assert!(attribute(key).is_some(), "{key}");
                }
            }
            "testcase" => {
                assert_eq!(above, "testsuite");
                cases += 1;
                let key = (attribute("classname").unwrap(), attribute("name").unwrap());
                assert!(names.insert(key.clone()), "twice: {key:?}");
            }
            "failure" | "error" | "skipped" => {
                assert_eq!(above, "testcase");
                outcomes.push(name.clone());
            }
            "system-out" => assert_eq!(above, "testcase"),
            other => panic!("{other} in {above}"),
        }
        if !empty {
            open.push(name);
        }
    }
    assert_eq!((cases, tests), (10, 10));
    let number = |name: &str| outcomes.iter().filter(|o| *o == name).count();
    assert_eq!(
        (number("failure"), number("error"), number("skipped")),
        (3, 2, 2),
        "{text}"
    );
    assert!(
        text.contains("waived: the driver &amp; its &lt;firmware&gt;"),
        "{text}"
    );
    assert!(!text.contains("<script"), "{text}");
}

fn valid(schema: &str, document: &str) -> Value {
    let schema: Value = serde_json::from_str(schema).unwrap();
    let value: Value = serde_json::from_str(document).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(errors, Vec::<String>::new(), "{document}");
    value
}

#[test]
fn sarif_is_by_its_schema() {
    const SCHEMA: &str = include_str!("../../../tests/cases/report/sarif.schema.json");
    let value = valid(SCHEMA, &shown(Kind::Sarif, &report()));
    valid(SCHEMA, &shown(Kind::Sarif, &clean()));
    let run = &value["runs"][0];
    let results = run["results"].as_array().unwrap();
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for result in results {
        let index = result["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(rules[index]["id"], result["ruleId"]);
        let fault = result["kind"] == "fail";
        assert_eq!(result["level"] != "none", fault, "{result}");
    }
    let suppressed = results.iter().filter(|r| r.get("suppressions").is_some());
    assert_eq!(suppressed.count(), 1);
    let place = &results[0]["locations"][0]["physicalLocation"];
    assert_eq!(
        place["artifactLocation"]["uri"],
        "inventories/my%20web.yaml"
    );
    // Another schema of the same document fails on it: the one above looks.
    let other = SCHEMA.replace("\"2.1.0\"", "\"2.0.0\"");
    let other: Value = serde_json::from_str(&other).unwrap();
    assert!(!jsonschema::is_valid(&other, &value));
}

#[test]
fn json_is_by_its_schema() {
    const SCHEMA: &str = include_str!("../../../docs/verify.schema.json");
    for report in [report(), clean()] {
        valid(SCHEMA, &shown(Kind::Json, &report));
    }
    let bad = r#"{"format": 2}"#;
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let bad: Value = serde_json::from_str(bad).unwrap();
    assert!(!jsonschema::is_valid(&schema, &bad));
}

type Labels = Vec<(String, String)>;

/// One sample: a name, labels in quotes with the three escapes, and a number.
fn sample_of(line: &str) -> Option<(String, Labels, f64)> {
    let (name, rest) = line.split_once('{')?;
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    if name.is_empty() || !name.chars().all(good) || name.starts_with(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    let mut chars = rest.chars().peekable();
    let mut labels = Vec::new();
    loop {
        let mut label = String::new();
        while let Some(c) = chars.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
            label.push(c);
        }
        if label.is_empty() || chars.next() != Some('=') || chars.next() != Some('"') {
            return None;
        }
        let mut value = String::new();
        loop {
            match chars.next()? {
                '"' => break,
                '\\' => value.push(match chars.next()? {
                    'n' => '\n',
                    c @ ('\\' | '"') => c,
                    _ => return None,
                }),
                '\n' => return None,
                c => value.push(c),
            }
        }
        labels.push((label, value));
        match chars.next()? {
            ',' => {}
            '}' => break,
            _ => return None,
        }
    }
    let number: String = chars.collect();
    let number = number.strip_prefix(' ')?.parse().ok()?;
    Some((name.to_owned(), labels, number))
}

#[test]
fn metrics_are_by_the_text_format() {
    let mut odd = report();
    odd.cluster = "a\"b\\c\nd".to_owned();
    for report in [report(), clean(), odd] {
        let text = shown(Kind::Prometheus, &report);
        let mut typed = BTreeSet::new();
        let mut series = BTreeSet::new();
        let mut family = "";
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                family = rest.split_once(' ').unwrap().0;
                assert!(typed.insert(family), "{family} twice");
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                assert_eq!(rest, format!("{family} gauge"));
            } else {
                let (name, labels, _) = sample_of(line).unwrap_or_else(|| panic!("{line}"));
                assert_eq!(name, family);
                assert!(labels.contains(&("cluster".to_owned(), report.cluster.clone())));
                assert!(series.insert((name, labels)), "twice: {line}");
            }
        }
        assert_eq!(typed.len(), 6, "{text}");
    }
    for bad in [
        "a 1",
        "a{b=\"c} 1",
        "a{b=\"c\"} x",
        "1a{b=\"c\"} 1",
        "a{b=\"\\x\"} 1",
        "a{b=c} 1",
    ] {
        assert_eq!(sample_of(bad), None, "{bad}");
    }
    let text = shown(Kind::Prometheus, &report());
    for line in [
        "lvsctl_verify_findings{cluster=\"web\",severity=\"error\"} 2",
        "lvsctl_verify_findings{cluster=\"web\",severity=\"warning\"} 1",
        "lvsctl_check_result{cluster=\"web\",host=\"lb1\",check=\"lro\"} 3",
        "lvsctl_check_result{cluster=\"web\",host=\"lb2\",check=\"lro\"} 0",
        "lvsctl_check_result{cluster=\"web\",host=\"rs2\",check=\"firewall-vip\"} 1",
        "lvsctl_verify_timestamp_seconds{cluster=\"web\"} 1798761600",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}\n{text}");
    }
}

#[test]
fn a_plugin_says_one_line_and_its_status() {
    use nagios::Status;
    for (about, report, strict, status, text) in [
        (
            "clean",
            clean(),
            true,
            Status::Ok,
            "LVS OK - web: 1 check passed | errors=0;;0 warnings=0;0 unknown=0 waived=0 passed=1 time=3.250s\n",
        ),
        (
            "warning",
            with(&[State::Warning]),
            false,
            Status::Warning,
            "LVS WARNING - web: 0 errors, 1 warning: the cluster: ipvs-timeouts: tcp tcpfin udp: expected off, found others | errors=0;;0 warnings=1;0 unknown=0 waived=0 passed=1 time=3.250s\n",
        ),
        (
            "unknown",
            with(&[State::Unknown]),
            false,
            Status::Ok,
            "LVS OK - web: 1 check passed, 2 not proven | errors=0;;0 warnings=0;0 unknown=2 waived=0 passed=1 time=3.250s\n",
        ),
    ] {
        let mut bytes = Vec::new();
        nagios::line(&mut bytes, &report, strict).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), text, "{about}");
        assert_eq!(Status::of(&report.findings, strict), status, "{about}");
    }
    let strict = Status::of(&with(&[State::Unknown]).findings, true);
    assert_eq!(strict, Status::Unknown);
    let text = shown(Kind::Nagios, &report());
    assert!(
        text.starts_with("LVS CRITICAL - web: 2 errors, 1 warning"),
        "{text}"
    );
    assert_eq!(
        (text.lines().count(), text.matches('|').count()),
        (1, 1),
        "{text}"
    );
    assert_eq!(
        nagios::failure("error: a\nb | c\n"),
        "LVS UNKNOWN - a; b / c"
    );
}

#[test]
fn markdown_shows_what_hosts_say_as_text() {
    let text = shown(Kind::Markdown, &report());
    assert!(!text.contains("<script"), "{text}");
    assert!(text.contains("### Error: lro on lb1: eth0"), "{text}");
    assert!(
        text.contains("- Brings: client: end-to-end: 192.168.100.200:80"),
        "{text}"
    );
    for table in text.split("\n\n").filter(|block| block.starts_with('|')) {
        let cells = |line: &str| line.replace("\\|", "").matches('|').count();
        let first = cells(table.lines().next().unwrap());
        for line in table.lines() {
            assert_eq!(cells(line), first, "{line}");
        }
    }
    assert!(shown(Kind::Markdown, &clean()).contains("## Findings\n\nNone."));
}

#[test]
fn the_page_is_whole_in_itself_and_escapes_what_hosts_say() {
    let text = shown(Kind::Html, &report());
    assert!(
        !text.contains("<script") && !text.contains(HOSTILE),
        "{text}"
    );
    assert!(text.contains("&lt;script&gt;alert(1)"), "{text}");
    for outside in [
        "http:", "https:", "src=", "href=", "url(", "@import", "<link", "<iframe", "<img",
    ] {
        assert!(!text.contains(outside), "{outside}");
    }
    // Findings come before the drawing, and that before the hosts.
    let at = |needle: &str| text.find(needle).unwrap_or_else(|| panic!("{needle}"));
    assert!(at("<h2>Findings") < at("<svg") && at("<svg") < at("<h2>Hosts"));
    for part in [
        "<details>",
        "prefers-color-scheme: dark",
        "@media print",
        "67 %",
        "mark 7",
        "on no director",
        "answered in 0.42 s",
    ] {
        at(part);
    }
    let open = text.matches("<details>").count();
    assert_eq!(open, report().hosts.len() + 1);
    assert_eq!(open, text.matches("</details>").count());
    assert!(shown(Kind::Html, &clean()).contains("<p>None.</p>"));
}

/// With LVSCTL_WRITE_SAMPLES=FOLDER the reports are there to be looked at.
#[test]
fn samples_are_written_where_asked() {
    let Some(folder) = std::env::var_os("LVSCTL_WRITE_SAMPLES") else {
        return;
    };
    for (kind, name) in ALL.into_iter().zip([
        "txt", "json", "xml", "sarif", "prom", "nagios", "md", "html",
    ]) {
        let path = std::path::Path::new(&folder).join(format!("sample.{name}"));
        std::fs::write(path, shown(kind, &report())).unwrap();
    }
}

#[test]
fn a_large_cluster_is_drawn_in_bounds() {
    let mut report = report();
    let many = (0..300).map(|index| {
        let mut service = report.services[0].clone();
        service.name = format!("s{index}");
        service
    });
    report.services = many.collect();
    let drawing = topology::draw(&report);
    assert!(drawing.left_out > 200);
    for node in &drawing.nodes {
        assert!(node.x + node.width <= drawing.width && node.y + node.height <= drawing.height);
    }
    report.services.clear();
    let empty = topology::draw(&report);
    assert!(empty.height > 0 && !empty.nodes.is_empty());
}
