//! The status of a cluster as it is shown.

use lvsctl::fact::ipvs::Rates;
use lvsctl::model::Drain;
use lvsctl::probe::Earlier;
use lvsctl::report::Style;
use lvsctl::report::status::{
    Director, DirectorState, Drained, Guarded, Out, RealServer, Service, State, StatusView, json,
    text,
};

fn director(host: &str, state: DirectorState, vips: &[&str], note: Option<&str>) -> Director {
    Director {
        host: host.into(),
        state,
        vips: vips.iter().map(|&vip| vip.to_owned()).collect(),
        instances: Default::default(),
        note: note.map(str::to_owned),
    }
}

fn server(host: Option<&str>, last: u8, desired: Option<u32>, weight: Option<u32>) -> RealServer {
    RealServer {
        host: host.map(str::to_owned),
        address: format!("192.168.100.{last}:80"),
        mode: "dr".into(),
        state: State::of(desired, weight, (last == 23).then_some(false)),
        weight,
        desired_weight: desired,
        wanted_weight: desired,
        active: 12_345,
        inactive: 7,
        rates: weight.map(|_| Rates {
            connections: 1_200,
            packets_in: 5,
            packets_out: 0,
            bytes_in: 1_234_567,
            bytes_out: 0,
        }),
        totals: None,
        out: (last == 23).then(|| Out {
            check: Some("http check of /, port 80".into()),
            since: Some(1_795_828_853.3),
            seconds: Some(185),
            when: None,
            error: Some(
                "HTTP_CHECK on service [192.168.100.23]:tcp:80 failed after 1 retries".into(),
            ),
            answers: Some(false),
        }),
    }
}

fn view() -> StatusView {
    let web = Service {
        name: "web".into(),
        at: "tcp 192.168.100.200:80".into(),
        scheduler: "wrr".into(),
        scheduler_flags: vec!["sh-port".into()],
        one_packet: false,
        persistence: Some(300),
        director: "director1".into(),
        present: true,
        rates: Some(Rates {
            connections: 3,
            packets_in: 30,
            packets_out: 0,
            bytes_in: 4_500,
            bytes_out: 0,
        }),
        totals: None,
        real_servers: vec![
            server(Some("rs1"), 21, Some(1), Some(1)),
            server(Some("rs2"), 22, Some(3), Some(0)),
            server(Some("rs3"), 23, Some(1), None),
            server(Some("realserver4"), 24, Some(2), None),
            server(None, 99, None, Some(1)),
        ],
    };
    let mail = Service {
        name: "mail".into(),
        at: "mark 10 of 192.168.100.201 ports 25, 110".into(),
        scheduler: "rr".into(),
        scheduler_flags: Vec::new(),
        one_packet: true,
        persistence: None,
        director: "director1".into(),
        present: false,
        rates: None,
        totals: None,
        real_servers: Vec::new(),
    };
    StatusView {
        cluster: "shop".into(),
        directors: vec![
            director(
                "director1",
                DirectorState::Master,
                &["192.168.100.200", "192.168.100.201"],
                None,
            ),
            director("director2", DirectorState::Backup, &[], None),
            director(
                "d3",
                DirectorState::Unreached,
                &[],
                Some("connection \u{1b}[1mrefused"),
            ),
        ],
        services: vec![web, mail],
        maintenance: vec![
            Drained {
                drain: Drain {
                    host: "rs2".into(),
                    service: None,
                    by: "ann@desk".into(),
                    since: 1_790_000_000,
                    until: Some(1_790_003_600),
                    reason: Some("a new disk".into()),
                },
                overdue: true,
            },
            Drained {
                drain: Drain {
                    host: "rs1".into(),
                    service: Some("web".into()),
                    by: "ann@desk".into(),
                    since: 1_790_000_000,
                    until: None,
                    reason: None,
                },
                overdue: false,
            },
        ],
        guards: vec![
            Guarded {
                host: "director1".into(),
                guard: Earlier::Armed {
                    until: 1_790_000_120,
                    who: "ann@desk process 7".into(),
                },
            },
            Guarded {
                host: "director2".into(),
                guard: Earlier::Fired {
                    at: 1_790_000_120,
                    well: false,
                },
            },
        ],
        connections: None,
    }
}

fn shown(view: &StatusView, style: Style) -> String {
    let mut bytes = Vec::new();
    text(&mut bytes, view, style).unwrap();
    String::from_utf8(bytes).unwrap().replace('\u{1b}', "␛")
}

#[test]
fn status_is_a_table() {
    insta::assert_snapshot!("status_text", shown(&view(), Style::plain()));
}

#[test]
fn status_in_colour_stands_in_the_same_columns() {
    let coloured = shown(&view(), Style::coloured());
    assert!(coloured.contains("␛[32mup␛[0m\n"), "{coloured}");
    assert!(coloured.contains("␛[31munhealthy␛[0m\n"), "{coloured}");
    let mut bare = coloured;
    for code in ["[0m", "[1m", "[31m", "[32m", "[33m", "[36m"] {
        bare = bare.replace(&format!("␛{code}"), "");
    }
    assert_eq!(bare, shown(&view(), Style::plain()));
}

#[test]
fn an_empty_cluster_says_so() {
    let view = StatusView {
        cluster: "empty".into(),
        directors: Vec::new(),
        services: Vec::new(),
        maintenance: Vec::new(),
        guards: Vec::new(),
        connections: None,
    };
    assert_eq!(
        shown(&view, Style::plain()),
        "cluster empty\n\nno services\n"
    );
}

#[test]
fn status_is_one_json_document() {
    let mut bytes = Vec::new();
    json(&mut bytes, &view(), false).unwrap();
    let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(value["directors"][0]["state"], "master");
    let first = &value["services"][0]["real_servers"][0];
    assert_eq!(first["state"], "up");
    assert_eq!(first["rates"]["bytes_in"], 1_234_567);
    let missing = &value["services"][0]["real_servers"][3];
    assert_eq!(missing["weight"], serde_json::Value::Null);
}

#[test]
fn status_fits_the_terminal() {
    let lengths = |text: &str| text.lines().map(|line| line.chars().count()).max();
    for width in [80, 100, 60] {
        let mut view = view();
        view.services[0].real_servers[0].state = State::Unhealthy;
        view.directors[2].note =
            Some("cannot reach the host: connection refused by 192.168.100.16, port 22".into());
        let style = Style {
            width: Some(width),
            ..Style::plain()
        };
        let text = shown(&view, style);
        assert!(lengths(&text) <= Some(width), "{width}\n{text}");
        for word in [
            "director1",
            "rs1",
            "192.168.100.22:80",
            "(not",
            "unhealthy",
            "refused",
        ] {
            assert!(text.contains(word), "{width}: {word}\n{text}");
        }
    }
    let narrow = Style {
        width: Some(80),
        ..Style::plain()
    };
    insta::assert_snapshot!("status_text_narrow", shown(&view(), narrow));
}

/// What is piped is one line a row, for grep.
#[test]
fn status_that_is_piped_is_not_folded() {
    let text = shown(&view(), Style::plain());
    assert!(
        text.lines().any(|line| line.chars().count() > 100),
        "{text}"
    );
}
