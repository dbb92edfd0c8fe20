//! `lab up`: from a specification to hosts that answer SSH.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use nix::sched::{CloneFlags, setns};
use sysctl::Sysctl;

use super::check::check;
use super::choice::choose;
use super::down::clear;
use super::error::LabError;
use super::hostfiles::{HostFile, HostKeys, host_files};
use super::kernel::Kernel;
use super::keys::{known_hosts, make_pair, ssh_config};
use super::layout::{Layout, NetworkLayout, QemuLayout, Setting, layout};
use super::netns::{bridge_line, make_tap};
use super::options::{LabEvent, UpOptions, own_program};
use super::process::{INIT_COMMAND, ProcessRecord};
use super::requirements::requirements;
use super::rootfs;
use super::spec::LabSpec;
use super::state::{StateDir, write_json, write_private};
use super::tool::ip_batch;
use super::wait::wait_all;
use super::{qemu, trial, uml};

/// Makes the lab and waits until every host answers SSH. What it made is taken away again when it fails.
pub fn up(
    spec: &LabSpec,
    options: &UpOptions,
    report: &mut dyn FnMut(LabEvent),
) -> Result<(), LabError> {
    let state = StateDir::of(&spec.name)?;
    // Refuses a bad specification before anything is looked for or built.
    check(spec).map_err(LabError::Spec)?;
    let (kernel, reason) = choose(spec, options, report)?;
    layout(spec, &setting(kernel, options))?;
    // Before what is missing is named, which depends on it.
    report(LabEvent::KernelChosen { kernel, reason });
    let missing = requirements(kernel);
    if !missing.is_empty() {
        return Err(LabError::Missing(missing));
    }
    let lock = state.lock()?;
    if state.running() {
        return Err(LabError::AlreadyUp(spec.name.clone()));
    }
    if clear(&state)? {
        report(LabEvent::Cleared);
    }
    let result = make(&state, spec, kernel, options, report);
    match result {
        Ok(()) => Ok(()),
        Err(error) if options.keep_failed => Err(error),
        Err(error) => {
            let error = error.with_log_kept(&options.cache, &spec.name);
            match clear(&state) {
                Ok(_) => lock.remove(),
                // The first failure is the one to report.
                Err(left) => report(LabEvent::Warning(format!(
                    "not all of the lab is removed: {left}"
                ))),
            }
            Err(error)
        }
    }
}

fn make(
    state: &StateDir,
    spec: &LabSpec,
    kernel: Kernel,
    options: &UpOptions,
    report: &mut dyn FnMut(LabEvent),
) -> Result<(), LabError> {
    let mut layout = layout(spec, &setting(kernel, options))?;
    build(&mut layout, options, report)?;
    warn_of_memory(&layout, report);
    write_state(state, &layout, options.program.as_deref())?;
    super::wait::check(&options.cancel)?;
    make_namespace(state, &layout)?;
    start_guard(state, options.program.as_deref())?;
    report(LabEvent::Booting {
        hosts: layout.hosts.len(),
    });
    let hosts: Vec<_> = layout.hosts.iter().collect();
    let none = BTreeMap::new();
    wait_all(
        state,
        &layout,
        &hosts,
        &none,
        options.timeout,
        &options.cancel,
        &mut |host| {
            report(LabEvent::HostReady {
                host: host.to_owned(),
            });
        },
    )
}

fn setting(kernel: Kernel, options: &UpOptions) -> Setting {
    Setting {
        kernel,
        memory_mib: options.memory_mib,
        suite: options.suite,
        cache: options.cache.clone(),
    }
}

/// What the hosts and their kernel are made of, where the cache does not have it yet.
fn build(
    layout: &mut Layout,
    options: &UpOptions,
    report: &mut dyn FnMut(LabEvent),
) -> Result<(), LabError> {
    let UpOptions { cache, cancel, .. } = options;
    let mut say = |step: &str| report(LabEvent::RootFs(step.to_owned()));
    let name = |folder: PathBuf| {
        let name = folder.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    };
    for host in &mut layout.hosts {
        host.image = name(rootfs::ensure(cache, host.suite, cancel, &mut say)?);
    }
    if layout.kernel == Kernel::Qemu {
        let kernel = qemu::ensure(cache, cancel, &mut say)?;
        let kvm = trial::kvm(cache, &kernel, cancel)?;
        layout.qemu = Some(QemuLayout {
            kernel: name(kernel),
            kvm,
        });
    }
    Ok(())
}

fn warn_of_memory(layout: &Layout, report: &mut dyn FnMut(LabEvent)) {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    if layout.kernel.is_guest()
        && let Some(free) = available_mib(&text)
        && free < u64::from(layout.memory_mib)
    {
        report(LabEvent::Warning(format!(
            "the lab may take {} MiB of memory, and this machine has {free} MiB left; \
             ask for less, or end something else",
            layout.memory_mib
        )));
    }
}

fn available_mib(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|l| l.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib / 1024)
}

fn write_state(state: &StateDir, layout: &Layout, program: Option<&Path>) -> Result<(), LabError> {
    let dir = state.dir().display().to_string();
    let what = || LabError::io(format!("{dir}: cannot be written"));
    state.create().map_err(what())?;
    write_json(&state.layout_file(), layout).map_err(what())?;
    copy_program(state, program)?;
    fs::write(state.preload(), uml::PRELOAD).map_err(what())?;
    for folder in [state.uml(), state.memory()] {
        fs::create_dir(folder).map_err(what())?;
    }
    let comment = format!("lab {}", layout.name);
    let (_, authorized) = make_pair(&state.identity(), &comment)?;
    let mut publics = Vec::new();
    for host in &layout.hosts {
        let layer = state.host_layer(&host.name);
        fs::create_dir_all(&layer).map_err(what())?;
        let (private, public) = make_pair(&state.host(&host.name).join("key"), &host.name)?;
        let keys = HostKeys {
            private,
            public: public.clone(),
            authorized: authorized.clone(),
        };
        for file in host_files(layout, host, &keys) {
            write_host_file(&layer, &file).map_err(what())?;
        }
        publics.push(public);
    }
    let pairs: Vec<_> = layout
        .hosts
        .iter()
        .zip(publics.iter().map(String::as_str))
        .collect();
    fs::write(state.known_hosts(), known_hosts(&pairs)).map_err(what())?;
    fs::write(state.ssh_config(), ssh_config(layout, state)).map_err(what())
}

/// A copy, so that the program may be rebuilt while the lab lives.
fn copy_program(state: &StateDir, program: Option<&Path>) -> Result<(), LabError> {
    let from = own_program(program)?;
    let what = || LabError::io(format!("{}: cannot be copied", from.display()));
    fs::copy(&from, state.program()).map_err(what())?;
    fs::set_permissions(state.program(), fs::Permissions::from_mode(0o755)).map_err(what())
}

fn write_host_file(layer: &Path, file: &HostFile) -> std::io::Result<()> {
    let path = layer.join(&file.path);
    match &file.content {
        None => fs::DirBuilder::new().mode(file.mode).create(&path)?,
        Some(content) => write_private(&path, content)?,
    }
    // Whatever the caller's umask.
    fs::set_permissions(&path, fs::Permissions::from_mode(file.mode))?;
    std::os::unix::fs::chown(&path, Some(file.uid), Some(file.uid))
}

/// The lab's network namespace, with this machine's end of each attached network.
fn make_namespace(state: &StateDir, layout: &Layout) -> Result<(), LabError> {
    let netns = state.netns();
    let what = || LabError::io("the lab's network namespace cannot be made");
    netns.create().map_err(what())?;
    let attached: Vec<_> = layout.networks.iter().filter(|n| n.attached).collect();
    netns
        .inside(|| {
            quiet_sysctls()?;
            if layout.kernel.is_guest() {
                for network in &attached {
                    make_tap(&network.link)?;
                }
            }
            Ok(())
        })
        .map_err(what())?;
    let mut lines = vec!["link set lo up".to_owned()];
    if layout.kernel == Kernel::Native {
        lines.extend(layout.networks.iter().map(|n| bridge_line(&n.link)));
    }
    for network in attached {
        lines.extend(machine_end(network));
    }
    ip_batch(Some(&netns), &lines)
}

fn machine_end(network: &NetworkLayout) -> Vec<String> {
    let link = &network.link;
    let mut lines = vec![format!("link set {link} up")];
    for address in &network.machine {
        let nodad = if address.addr().is_ipv6() {
            " nodad"
        } else {
            ""
        };
        lines.push(format!("address add {address} dev {link}{nodad}"));
    }
    lines
}

/// This machine's end is a client and nothing else: it forwards nothing, and takes answers by whatever way they come.
fn quiet_sysctls() -> std::io::Result<()> {
    for (name, value) in [
        ("net.ipv4.ip_forward", "0"),
        ("net.ipv4.conf.all.rp_filter", "0"),
        ("net.ipv4.conf.default.rp_filter", "0"),
        ("net.ipv6.conf.all.forwarding", "0"),
        ("net.ipv6.conf.default.accept_ra", "0"),
        ("net.bridge.bridge-nf-call-iptables", "0"),
        ("net.bridge.bridge-nf-call-ip6tables", "0"),
        ("net.bridge.bridge-nf-call-arptables", "0"),
    ] {
        // A kernel without IPv6 or bridge filters has no such parameter, and no need of it.
        if let Ok(parameter) = sysctl::Ctl::new(name) {
            parameter
                .set_value_string(value)
                .map_err(std::io::Error::other)?;
        }
    }
    Ok(())
}

/// Starts the process that all others of the lab belong to. It does nothing until its record is written.
/// From the program itself and not its copy, since /run may be mounted noexec.
fn start_guard(state: &StateDir, program: Option<&Path>) -> Result<(), LabError> {
    use std::io::Write;
    use std::os::unix::process::CommandExt;
    let what = || LabError::io("the lab's guard process cannot be started");
    let netns = state.netns().open().map_err(what())?;
    let console = fs::File::create(state.console()).map_err(what())?;
    let mut command = std::process::Command::new(own_program(program)?);
    command
        .args([INIT_COMMAND, "guard"])
        .arg(state.dir())
        .env_clear()
        .env("PATH", super::requirements::SYSTEM_PATH)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(console.try_clone().map_err(what())?)
        .stderr(console);
    // SAFETY: between fork and exec there are two system calls, on a descriptor that the closure owns.
    unsafe {
        command.pre_exec(move || {
            // Away from the terminal: its signals are for us, and we end the guard ourselves.
            nix::unistd::setsid()?;
            Ok(setns(&netns, CloneFlags::CLONE_NEWNET)?)
        });
    }
    let mut child = command.spawn().map_err(what())?;
    let pid = i32::try_from(child.id()).map_err(|e| what()(std::io::Error::other(e)))?;
    let record = ProcessRecord::of(pid).map_err(what())?;
    write_json(&state.guard(), &record).map_err(what())?;
    let mut stdin = child
        .stdin
        .take()
        .ok_or_else(|| what()(std::io::Error::other("no pipe")))?;
    stdin.write_all(b"\n").map_err(what())
}
