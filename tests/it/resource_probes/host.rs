//! A separate host on this machine: a thread in a network and a mount namespace, with the shells that hosts have.
//! What the thread starts is in there too, and nothing of it is seen outside. Needs root.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

use lvsctl::fact::clock::Clock;
use lvsctl::fact::{Facts, Needs, Section, System, section};
use lvsctl::resource::Resource;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

const NONCE: &str = "n0nce";

/// Where everything that a test makes is: a tmpfs that no other process sees.
pub(crate) const SCRATCH: &str = "/mnt";

/// How hosts call `sh`.
#[derive(Debug, Clone)]
pub(crate) struct Shell {
    pub name: &'static str,
    program: &'static str,
    /// A folder of tools that come before the machine's own.
    tools: Option<String>,
}

/// Runs a test in a separate host.
pub(crate) fn inside<T: Send + 'static>(test: impl FnOnce() -> T + Send + 'static) -> T {
    assert!(
        nix::unistd::geteuid().is_root(),
        "these tests make namespaces: run them as root"
    );
    let run = || {
        unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS).expect("namespaces");
        let none = None::<&str>;
        let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        mount(none, "/", none, private, none).expect("private mounts");
        let tmpfs = |place| mount(Some("tmpfs"), place, Some("tmpfs"), MsFlags::empty(), none);
        tmpfs(SCRATCH).expect("a tmpfs");
        for folder in ["upper", "work"] {
            fs::create_dir(Path::new(SCRATCH).join(folder)).expect("a folder");
        }
        // Where what stood in a file's place is kept.
        let layers = format!("lowerdir=/var/lib,upperdir={SCRATCH}/upper,workdir={SCRATCH}/work");
        mount(
            Some("overlay"),
            "/var/lib",
            Some("overlay"),
            MsFlags::empty(),
            Some(layers.as_str()),
        )
        .expect("an overlay");
        test()
    };
    match std::thread::spawn(run).join() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

pub(crate) fn shells() -> Vec<Shell> {
    let shell = |name, program| Shell {
        name,
        program,
        tools: None,
    };
    let shells = vec![
        shell("dash", "/usr/bin/dash"),
        shell("bash as sh", "/usr/bin/bash"),
        shell("busybox sh", "/usr/bin/busybox"),
    ];
    for shell in &shells {
        assert!(
            Path::new(shell.program).exists(),
            "{} is missing: apt-get install dash bash busybox",
            shell.program
        );
    }
    shells
}

/// busybox with its applets grep, stat, head and the like, as on a host that has no others.
pub(crate) fn busybox_alone() -> Shell {
    let tools = format!("{SCRATCH}/busybox");
    fs::create_dir_all(&tools).expect("a folder");
    let links = Command::new("busybox")
        .args(["--install", "-s", &tools])
        .status();
    assert!(links.expect("busybox").success());
    // Such a host has the real ones of these.
    for tool in ["ip", "rpm", "modprobe", "modinfo"] {
        fs::remove_file(Path::new(&tools).join(tool)).expect("a link");
    }
    Shell {
        name: "busybox with its applets",
        program: "/usr/bin/busybox",
        tools: Some(tools),
    }
}

impl Shell {
    /// The tools of this backend are what a host calls `iptables` and so on.
    #[must_use]
    pub(crate) fn with_iptables(&self, backend: &str) -> Self {
        assert!(self.tools.is_none(), "one folder of tools");
        let tools = format!("{SCRATCH}/iptables-{backend}");
        fs::create_dir_all(&tools).expect("a folder");
        for family in ["ip", "ip6"] {
            for tool in ["", "-save"] {
                let target = format!("/usr/sbin/{family}tables-{backend}{tool}");
                assert!(Path::new(&target).exists(), "apt-get install iptables");
                let link = Path::new(&tools).join(format!("{family}tables{tool}"));
                if !link.exists() {
                    std::os::unix::fs::symlink(target, link).expect("a link");
                }
            }
        }
        Self {
            tools: Some(tools),
            ..self.clone()
        }
    }

    fn output(&self, script: &str) -> Output {
        let tools = self.tools.iter().map(|tools| format!("{tools}:"));
        let path: String = tools
            .chain(["/usr/sbin:/usr/bin:/sbin:/bin".to_owned()])
            .collect();
        let output = Command::new(self.program)
            .arg0("sh")
            .args(["-c", script])
            .env_clear()
            .env("PATH", path)
            .env("LC_ALL", "C")
            .output();
        output.expect("a shell")
    }

    /// Runs a step as a host does; it must succeed.
    #[track_caller]
    pub(crate) fn run(&self, script: &str) {
        let output = self.output(&format!("set -eu\n{script}"));
        let error = String::from_utf8_lossy(&output.stderr);
        let what = format!("{}: {script}", self.name);
        assert!(
            output.status.success(),
            "{what}\n{}: {error}",
            output.status
        );
        assert!(error.is_empty(), "{what}\nsays on stderr: {error}");
    }

    /// What a probe for these resources finds. Nothing of it may appear on standard error.
    #[track_caller]
    pub(crate) fn probe(&self, resources: &[Resource]) -> Facts {
        let mut needs = Needs::default();
        for resource in resources {
            resource.needs(&mut needs);
        }
        let sections = self.sections(&needs.command());
        let facts = Facts::parse(&needs, &sections)
            .unwrap_or_else(|e| panic!("{}: {e}\n{sections:?}", self.name));
        Facts {
            system: System::assumed(),
            // It goes on between two probes.
            clock: Clock::default(),
            ..facts
        }
    }

    /// What a question answers. Nothing of it may appear on standard error.
    #[track_caller]
    pub(crate) fn sections(&self, question: &str) -> BTreeMap<String, Section> {
        let script = format!(
            "{}{question}section=end\npart end\n",
            section::prologue(NONCE)
        );
        let output = self.output(&script);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.is_empty(), "{}: {error}\n{script}", self.name);
        let text = String::from_utf8(output.stdout).expect("text");
        section::split(&text, NONCE)
    }

    /// Whether a step fails, and what it says.
    pub(crate) fn fails(&self, script: &str) -> Option<String> {
        // It may be longer than an argument.
        let file = format!("{SCRATCH}/script");
        fs::write(&file, script).expect("a script");
        let output = self.output(&format!("set -eu\n. {file}"));
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        (!output.status.success()).then_some(error)
    }

    pub(crate) fn says(&self, script: &str) -> String {
        String::from_utf8_lossy(&self.output(script).stdout).into_owned()
    }

    /// Whether a command succeeds.
    pub(crate) fn holds(&self, command: &str) -> bool {
        self.output(command).status.success()
    }
}
