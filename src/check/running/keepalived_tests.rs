use super::*;

const GROUP: &str = "/system.slice/keepalived.service";
const BY_HAND: &str = "/user.slice/user-0.slice/session-3.scope";

fn process(pid: u32, parent: u32) -> Process {
    Process {
        pid,
        parent,
        name: "keepalived".to_owned(),
        state: 'S',
        group: GROUP.to_owned(),
        on_host: true,
        arguments: vec!["/usr/sbin/keepalived".to_owned(), "--dont-fork".to_owned()],
        ..Process::default()
    }
}

fn main() -> Process {
    process(10, 1)
}

fn checkers() -> Process {
    process(11, 10)
}

fn vrrp() -> Process {
    process(12, 10)
}

fn by_hand(pid: u32, arguments: &[&str]) -> Process {
    Process {
        group: BY_HAND.to_owned(),
        arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
        ..process(pid, 5)
    }
}

fn with(arguments: &[&str]) -> Process {
    let mut main = main();
    main.arguments
        .extend(arguments.iter().map(|word| (*word).to_owned()));
    main
}

fn state(process: Process, state: char) -> Process {
    Process { state, ..process }
}

fn active() -> unit::State {
    unit::State {
        loaded: true,
        enabled: true,
        active: true,
        main_pid: Some(10),
        ..unit::State::default()
    }
}

fn log() -> fact::Log {
    fact::Log {
        checkers: Some(11),
        vrrp: Some(12),
        ..fact::Log::default()
    }
}

/// What is wrong, and the fix.
fn found(unit: unit::State, processes: &[Process], sockets: usize, log: &fact::Log) -> Vec<String> {
    let seen = Seen {
        unit,
        processes: processes.iter().collect(),
        configured: Parts {
            vrrp: true,
            checkers: true,
            bfd: false,
        },
        sockets: Some(sockets),
        log,
        manager: ServiceManager::Systemd,
    };
    let faults = seen.faults();
    faults
        .iter()
        .map(|fault| format!("{}: {}: {}", fault.what, fault.found, fault.fix))
        .collect()
}

#[test]
fn what_is_as_it_should_be() {
    let script = Process {
        name: "keepalived".to_owned(),
        ..process(30, 12)
    };
    let container = Process {
        on_host: false,
        group: "/system.slice/docker-1.scope".to_owned(),
        ..process(90, 80)
    };
    let renamed = |name: &str, process: Process| Process {
        name: name.to_owned(),
        ..process
    };
    let cases: Vec<(&str, Vec<Process>)> = vec![
        ("three processes", vec![main(), checkers(), vrrp()]),
        (
            "one begins a program",
            vec![main(), checkers(), vrrp(), script],
        ),
        (
            "a container has another",
            vec![main(), checkers(), vrrp(), container],
        ),
        (
            "names of `process_names`",
            vec![
                main(),
                renamed("keepalived_ipvs", checkers()),
                renamed("keepalived_vrrp", vrrp()),
            ],
        ),
        (
            "arguments of the log",
            vec![with(&["-D", "-S", "1", "-l"]), checkers(), vrrp()],
        ),
        (
            "the file by its name",
            vec![with(&["-f", CONFIGURATION]), checkers(), vrrp()],
        ),
        (
            "... in long form",
            vec![
                with(&[&format!("--use-file={CONFIGURATION}")]),
                checkers(),
                vrrp(),
            ],
        ),
        (
            "... and in two words",
            vec![with(&["--use-file", CONFIGURATION]), checkers(), vrrp()],
        ),
        (
            "names of pid files",
            vec![
                with(&["-p", "/run/P", "-r", "/run/C", "-c", "/run/V"]),
                checkers(),
                vrrp(),
            ],
        ),
        (
            "a test of a configuration",
            vec![
                main(),
                checkers(),
                vrrp(),
                by_hand(60, &["keepalived", "-t", "-f", "/tmp/x"]),
            ],
        ),
        (
            "one that is just over",
            vec![main(), checkers(), vrrp(), by_hand(60, &[])],
        ),
        ("not running at all is drift", vec![]),
    ];
    for (about, processes) in cases {
        assert_eq!(
            found(active(), &processes, 2, &log()),
            Vec::<String>::new(),
            "{about}"
        );
    }
}

#[test]
fn a_process_that_is_held_up() {
    let frozen = Process {
        frozen: true,
        ..main()
    };
    for (about, processes, want) in [
        (
            "the parent is stopped",
            vec![state(main(), 'T'), checkers(), vrrp()],
            "`kill -CONT 10`",
        ),
        (
            "the health checkers are stopped",
            vec![main(), state(checkers(), 'T'), vrrp()],
            "`kill -CONT 11`",
        ),
        (
            "VRRP is stopped",
            vec![main(), checkers(), state(vrrp(), 'T')],
            "`kill -CONT 12`",
        ),
        (
            "all are stopped",
            vec![
                state(main(), 'T'),
                state(checkers(), 'T'),
                state(vrrp(), 'T'),
            ],
            "`kill -CONT 10 11 12`",
        ),
        (
            "a program that VRRP runs is stopped",
            vec![
                main(),
                checkers(),
                vrrp(),
                state(
                    Process {
                        name: "check.sh".to_owned(),
                        ..process(30, 12)
                    },
                    'T',
                ),
            ],
            "`kill -CONT 30`",
        ),
        (
            "a debugger holds VRRP",
            vec![main(), checkers(), state(vrrp(), 't')],
            "end the debugger: `kill \"$(awk '/^TracerPid/ { print $2 }' /proc/12/status)\"`",
        ),
        (
            "its control group is frozen",
            vec![frozen, checkers(), vrrp()],
            "`systemctl thaw keepalived; echo 0 >/sys/fs/cgroup/system.slice/keepalived.service/cgroup.freeze`",
        ),
        (
            "the kernel does not let it go on",
            vec![main(), checkers(), state(vrrp(), 'D')],
            "see what it waits for: `cat /proc/12/stack`",
        ),
    ] {
        let found = found(active(), &processes, 2, &log());
        assert_eq!(found.len(), 1, "{about}: {found:?}");
        assert!(found[0].contains(want), "{about}: {found:?}");
    }
}

#[test]
fn one_that_the_unit_does_not_run() {
    let tree = |arguments: &[&str]| {
        let child = |pid| Process {
            group: BY_HAND.to_owned(),
            ..process(pid, 50)
        };
        vec![by_hand(50, arguments), child(51), child(52)]
    };
    let stopped = unit::State {
        active: false,
        main_pid: None,
        ..active()
    };
    let wait = "while kill -0 50 2>/dev/null; do sleep 1; done";
    for (about, unit, want) in [
        (
            "the unit is stopped",
            stopped.clone(),
            format!("`kill 50; {wait}; systemctl start keepalived.service`"),
        ),
        (
            "the unit is masked",
            unit::State {
                masked: true,
                ..stopped.clone()
            },
            format!(
                "`kill 50; {wait}; systemctl unmask keepalived; systemctl start keepalived.service`"
            ),
        ),
        (
            "the unit is masked until the next boot",
            unit::State {
                masked_until_boot: true,
                ..stopped.clone()
            },
            format!(
                "`kill 50; {wait}; systemctl unmask --runtime keepalived; systemctl start keepalived.service`"
            ),
        ),
    ] {
        let found = found(unit, &tree(&["keepalived", "-n"]), 2, &fact::Log::default());
        assert_eq!(found.len(), 1, "{about}: {found:?}");
        assert!(found[0].ends_with(&want), "{about}: {found:?}");
        assert!(
            found[0].contains("pid 50, which the unit does not run: `keepalived -n`"),
            "{found:?}"
        );
    }
    // A process of the unit that outlived it.
    let found = found(stopped, &[main(), checkers(), vrrp()], 2, &log());
    assert!(found[0].starts_with("its unit: pid 10"), "{found:?}");
}

#[test]
fn a_second_one() {
    let all = |other: Process| vec![main(), checkers(), vrrp(), other];
    let of_unit = Process {
        group: "/system.slice/keepalived-b.service".to_owned(),
        ..by_hand(50, &["keepalived", "-f", "/etc/b.conf"])
    };
    // A login without a separate session leaves it in the unit of sshd.
    let by_ssh = Process {
        group: "/system.slice/ssh.service".to_owned(),
        ..by_hand(50, &["keepalived", "-f", "/etc/b.conf"])
    };
    for (about, processes, want) in [
        (
            "by hand",
            all(by_hand(50, &["keepalived", "-n", "-f", "/tmp/x"])),
            "`kill 50`, then `lvsctl apply`",
        ),
        (
            "by hand, over SSH",
            all(by_ssh),
            "`kill 50`, then `lvsctl apply`",
        ),
        (
            "of another unit",
            all(of_unit),
            "`systemctl disable --now keepalived-b.service`, then `lvsctl apply`",
        ),
    ] {
        let found = found(active(), &processes, 4, &log());
        assert_eq!(found.len(), 1, "{about}: {found:?}");
        assert!(
            found[0].starts_with("a second keepalived: another, pid 50"),
            "{found:?}"
        );
        assert!(found[0].contains(want), "{about}: {found:?}");
    }
}

#[test]
fn arguments_that_change_what_it_does() {
    for (arguments, want) in [
        (
            &["-f", "/tmp/x.conf"][..],
            "`-f /tmp/x.conf`: it reads another file",
        ),
        (
            &["-f/tmp/x.conf"],
            "`-f /tmp/x.conf`: it reads another file",
        ),
        (
            &["--use-file=/tmp/x.conf"],
            "`-f /tmp/x.conf`: it reads another file",
        ),
        (
            &["--use-file", "/tmp/x.conf"],
            "`-f /tmp/x.conf`: it reads another file",
        ),
        (&["-DPl"], "`-P`: it runs no health checks"),
        (&["--vrrp"], "`-P`: it runs no health checks"),
        (&["-C"], "`-C`: it runs no VRRP"),
        (&["--check"], "`-C`: it runs no VRRP"),
        (&["-V"], "`-V`: it keeps the VIPs when it stops"),
        (&["--dont-release-ipvs"], "`-I`: it leaves its services"),
        (&["-R"], "`-R`: it does not start a process again"),
        (
            &["-s", "blue"],
            "`-s blue`: it runs in another network namespace",
        ),
        (&["-S", "7", "-VI"], "`-V -I`: it keeps the VIPs"),
    ] {
        let found = found(active(), &[with(arguments), checkers(), vrrp()], 2, &log());
        assert_eq!(found.len(), 1, "{arguments:?}: {found:?}");
        assert!(found[0].contains(want), "{arguments:?}: {found:?}");
        assert!(
            found[0].ends_with("`systemctl daemon-reload; systemctl restart keepalived.service`"),
            "{found:?}"
        );
    }
}

#[test]
fn where_it_runs_and_with_what() {
    let place = |change: fn(&mut Process)| {
        let mut main = main();
        change(&mut main);
        [main, checkers(), vrrp()]
    };
    for (about, processes, want) in [
        (
            "another network",
            place(|main| main.on_host = false),
            "its network: pid 10 in another one",
        ),
        (
            "another file in its place",
            place(|main| main.other_file = true),
            "its file: pid 10 sees another file",
        ),
        (
            "an old program",
            place(|main| main.old_program = true),
            "its program: pid 10 runs another program file",
        ),
    ] {
        let found = found(active(), &processes, 2, &log());
        assert_eq!(found.len(), 1, "{about}: {found:?}");
        assert!(found[0].starts_with(want), "{about}: {found:?}");
    }
}

#[test]
fn a_process_that_is_missing() {
    let faulty = fact::Log {
        states: [("main".to_owned(), fact::State::Fault)].into(),
        ..log()
    };
    for (about, processes, sockets, log, want) in [
        (
            "VRRP ended",
            vec![main(), checkers()],
            0,
            log(),
            Some("1 (11); the one for VRRP is missing"),
        ),
        (
            "the health checkers ended",
            vec![main(), vrrp()],
            2,
            log(),
            Some("1 (12); the one for health checks is missing"),
        ),
        ("both ended", vec![main()], 0, log(), Some("0 ()")),
        (
            "one is a zombie",
            vec![main(), state(checkers(), 'Z'), vrrp()],
            2,
            log(),
            Some("the one for health checks is missing"),
        ),
        (
            "without a log",
            vec![main(), vrrp()],
            2,
            fact::Log::default(),
            Some("its processes: 1 (12): "),
        ),
        (
            "no socket for VRRP",
            vec![main(), checkers(), vrrp()],
            0,
            log(),
            Some("none of them has a socket for VRRP"),
        ),
        (
            "in FAULT there need be none",
            vec![main(), checkers(), vrrp()],
            0,
            faulty,
            None,
        ),
    ] {
        let found = found(active(), &processes, sockets, &log);
        match want {
            None => assert!(found.is_empty(), "{about}: {found:?}"),
            Some(want) => {
                assert_eq!(found.len(), 1, "{about}: {found:?}");
                assert!(found[0].contains(want), "{about}: {found:?}");
                assert!(
                    found[0].contains("`systemctl restart keepalived.service`"),
                    "{found:?}"
                );
            }
        }
    }
}
