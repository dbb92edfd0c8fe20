//! `lvsctl lab`: the inventory's hosts on this machine.

use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::cancel::CancelToken;
use crate::cli::{Format, Global, LabCommand, LabKernel, LabNameArgs, LabSuite, LabUpArgs};
use crate::exit::Exit;
use crate::lab::from_cluster::lab_spec;
use crate::lab::{self, Down, KernelChoice, LabError, LabEvent, UpOptions};
use crate::model::Suite;

use super::{Failure, Result, context, print};

/// How long a host may take to boot.
const START: Duration = Duration::from_secs(120);

fn failed(error: &LabError) -> Failure {
    match error {
        LabError::Interrupted => Failure::new(
            Exit::Interrupted,
            "interrupted: the lab was taken away again\n",
        ),
        error => Failure::of(Exit::Lab, error),
    }
}

pub(super) fn run(global: &Global, command: &LabCommand) -> Result<Exit> {
    match command {
        LabCommand::Up(args) => up(global, args),
        LabCommand::Down(args) => {
            let name = name(global, args)?;
            let line = match lab::down(&name).map_err(|e| failed(&e))? {
                Down::Ended => format!("lab {name} is down\n"),
                Down::Nothing => format!("no lab {name} was up\n"),
            };
            print(&line)?;
            Ok(Exit::Done)
        }
        LabCommand::Status(args) => {
            let status = lab::status(&name(global, &args.name)?).map_err(|e| failed(&e))?;
            let text = match args.format.format {
                Format::Json => {
                    serde_json::to_string_pretty(&status)
                        .map_err(|e| Failure::of(Exit::Failed, &e))?
                        + "\n"
                }
                Format::Text => table(&status),
            };
            print(&text)?;
            Ok(Exit::Done)
        }
        LabCommand::Start { name: lab, host } => {
            lab::start(&name(global, lab)?, host, START).map_err(|e| failed(&e))?;
            Ok(Exit::Done)
        }
        LabCommand::Ssh { name: lab, host } => finished(lab::ssh(&name(global, lab)?, host, &[])),
        LabCommand::Exec {
            name: lab,
            host,
            command,
        } => {
            let words: Vec<&str> = command.iter().map(String::as_str).collect();
            let host = (host != "-").then_some(host.as_str());
            finished(lab::exec(&name(global, lab)?, host, &words))
        }
    }
}

/// The name that was given, else the cluster's.
fn name(global: &Global, args: &LabNameArgs) -> Result<String> {
    match &args.name {
        Some(name) => Ok(name.clone()),
        None => Ok(context::load(global)?.cluster().name.clone()),
    }
}

fn up(global: &Global, args: &LabUpArgs) -> Result<Exit> {
    let context = context::load(global)?;
    let mut spec = lab_spec(context.cluster());
    if let Some(name) = &args.name.name {
        spec.name.clone_from(name);
    }
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&flag))
            .map_err(|e| Failure::of(Exit::Lab, &e))?;
    }
    let options = UpOptions {
        kernel: match args.kernel {
            LabKernel::Auto => KernelChoice::Auto,
            LabKernel::Native => KernelChoice::Native,
            LabKernel::Uml => KernelChoice::Uml,
            LabKernel::Qemu => KernelChoice::Qemu,
        },
        suite: match args.suite {
            LabSuite::Bookworm => Suite::Bookworm,
            LabSuite::Trixie => Suite::Trixie,
        },
        cancel: CancelToken::from_flag(flag),
        keep_failed: args.keep,
        timeout: Duration::from_secs(args.timeout),
        ..UpOptions::default()
    };
    let mut say = |event: LabEvent| {
        let line = match event {
            LabEvent::KernelChosen { kernel, reason } => format!("kernel: {kernel} ({reason})"),
            LabEvent::RootFs(step) => format!("root file system: {step}"),
            LabEvent::Cleared => "cleared what an earlier lab left".to_owned(),
            LabEvent::Booting { hosts } => format!("booting {hosts} hosts"),
            LabEvent::HostReady { host } => format!("{host}: ready"),
            LabEvent::Warning(text) => format!("warning: {text}"),
        };
        eprintln!("{line}");
    };
    lab::up(&spec, &options, &mut say).map_err(|error| match error {
        LabError::Interrupted if args.keep => Failure::new(
            Exit::Interrupted,
            format!(
                "interrupted: lab {0} is left as it is; end it with: lvsctl lab down --name {0}\n",
                spec.name
            ),
        ),
        error => failed(&error),
    })?;
    print(&format!("lab {} is up\n", spec.name))?;
    Ok(Exit::Done)
}

fn finished(status: std::result::Result<ExitStatus, LabError>) -> Result<Exit> {
    let status = status.map_err(|e| failed(&e))?;
    if status.success() {
        return Ok(Exit::Done);
    }
    // The command's own exit status is the answer.
    std::process::exit(status.code().unwrap_or(i32::from(Exit::Lab.code())));
}

fn kernel(status: &lab::LabStatus) -> String {
    match status.kvm {
        Some(true) => format!("{} with KVM", status.kernel),
        Some(false) => format!("{} without KVM", status.kernel),
        None => status.kernel.to_string(),
    }
}

fn table(status: &lab::LabStatus) -> String {
    let mut table = comfy_table::Table::new();
    table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
    table.set_header(["host", "power", "boots", "address", "system", "iptables"]);
    for host in &status.hosts {
        table.add_row([
            host.name.clone(),
            <&str>::from(host.power).to_owned(),
            host.boots.to_string(),
            host.address.to_string(),
            <&str>::from(host.suite).to_owned(),
            <&str>::from(host.iptables).to_owned(),
        ]);
    }
    let state = if status.running {
        "runs"
    } else {
        "does not run"
    };
    format!(
        "lab {} {state} ({}, namespace {})\n{table}\n",
        status.name,
        kernel(status),
        status.netns.display()
    )
}
