//! Chooses the kernel of a lab: this machine's where it has IPVS, else user-mode Linux where it starts, else QEMU.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::error::LabError;
use super::kernel::Kernel;
use super::options::{KernelChoice, LabEvent, UpOptions, own_program};
use super::requirements::{Missing, requirements};
use super::spec::LabSpec;
use super::tool::program;
use super::trial::{self, Outcome};
use crate::model::IptablesBackend;

/// What is known of a machine before a kernel is chosen; each is asked when it is needed.
trait Machine {
    fn has_ipvs(&self) -> bool;
    fn lacks(&self, kernel: Kernel) -> Vec<Missing>;
    fn try_uml(&self) -> Result<Outcome, LabError>;
}

/// The kernel, and why it is that one.
pub(super) fn choose(
    spec: &LabSpec,
    options: &UpOptions,
    report: &mut dyn FnMut(LabEvent),
) -> Result<(Kernel, String), LabError> {
    let init = own_program(options.program.as_deref())?;
    let machine = ThisMachine { options, init };
    let wants = |backend| {
        let mut hosts = spec.hosts.iter();
        hosts.any(|host| host.options.iptables == Some(backend))
    };
    let (kernel, reason) = decide(options.kernel, wants(IptablesBackend::Nft), &machine)?;
    if kernel == Kernel::Native && !machine.has_ipvs() {
        report(LabEvent::Warning(
            "this machine's kernel has no IPVS: hosts will boot, but no virtual server can be made on them"
                .to_owned(),
        ));
    }
    Ok((kernel, reason))
}

fn decide(
    choice: KernelChoice,
    nft: bool,
    machine: &impl Machine,
) -> Result<(Kernel, String), LabError> {
    let asked = |kernel| Ok((kernel, "asked for".to_owned()));
    match choice {
        KernelChoice::Native => asked(Kernel::Native),
        KernelChoice::Qemu => asked(Kernel::Qemu),
        KernelChoice::Uml => {
            // What is missing is named by the caller.
            if machine.lacks(Kernel::Uml).is_empty()
                && let Outcome::Fails(log) = machine.try_uml()?
            {
                let kernel = Kernel::Uml;
                return Err(LabError::DoesNotStart { kernel, log });
            }
            asked(Kernel::Uml)
        }
        KernelChoice::Auto if machine.has_ipvs() => {
            Ok((Kernel::Native, "this machine's kernel has IPVS".to_owned()))
        }
        KernelChoice::Auto => {
            let no_ipvs = "this machine's kernel has no IPVS";
            let qemu = |why: String| Ok((Kernel::Qemu, format!("{no_ipvs}, {why}")));
            if nft {
                return qemu("and user-mode Linux no nf_tables for a host's iptables".to_owned());
            }
            let missing = machine.lacks(Kernel::Uml);
            if missing.is_empty() {
                return match machine.try_uml()? {
                    Outcome::Starts => Ok((Kernel::Uml, no_ipvs.to_owned())),
                    Outcome::Fails(log) => qemu(format!(
                        "and user-mode Linux does not start on it: {}",
                        log.display()
                    )),
                };
            }
            if machine.lacks(Kernel::Qemu).is_empty() {
                let words: Vec<_> = missing.iter().map(|m| m.what.as_str()).collect();
                return qemu(format!("and user-mode Linux lacks {}", words.join(", ")));
            }
            Ok((Kernel::Uml, no_ipvs.to_owned()))
        }
    }
}

struct ThisMachine<'a> {
    options: &'a UpOptions,
    init: PathBuf,
}

impl Machine for ThisMachine<'_> {
    /// After the kernel was asked to load it.
    fn has_ipvs(&self) -> bool {
        let has = || Path::new("/proc/net/ip_vs").exists();
        if !has() {
            // Fails where there is no such module, which is the answer.
            let _ = program("modprobe")
                .args(["-q", "ip_vs"])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
        }
        has()
    }

    fn lacks(&self, kernel: Kernel) -> Vec<Missing> {
        requirements(kernel)
    }

    fn try_uml(&self) -> Result<Outcome, LabError> {
        trial::user_mode_linux(&self.options.cache, &self.init, &self.options.cancel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Given {
        ipvs: bool,
        lacks: &'static [Kernel],
        uml_starts: bool,
    }

    impl Machine for Given {
        fn has_ipvs(&self) -> bool {
            self.ipvs
        }
        fn lacks(&self, kernel: Kernel) -> Vec<Missing> {
            let missing = Missing {
                what: format!("{kernel}'s program"),
                package: None,
                hint: None,
            };
            if self.lacks.contains(&kernel) {
                vec![missing]
            } else {
                Vec::new()
            }
        }
        fn try_uml(&self) -> Result<Outcome, LabError> {
            let log = "/cache/uml-trial.log".into();
            Ok(if self.uml_starts {
                Outcome::Starts
            } else {
                Outcome::Fails(log)
            })
        }
    }

    #[test]
    fn the_first_kernel_that_serves_is_chosen_and_the_reason_said() {
        use KernelChoice::{Auto, Uml};
        let bare = Given {
            ipvs: false,
            lacks: &[],
            uml_starts: true,
        };
        let ipvs = Given { ipvs: true, ..bare };
        let amx = Given {
            uml_starts: false,
            ..bare
        };
        let no_uml = Given {
            lacks: &[Kernel::Uml],
            ..bare
        };
        let nothing = Given {
            lacks: &[Kernel::Uml, Kernel::Qemu],
            ..bare
        };
        let cases = [
            (
                "this machine's kernel",
                &ipvs,
                Auto,
                false,
                Kernel::Native,
                "has IPVS",
            ),
            (
                "this machine's kernel with nft",
                &ipvs,
                Auto,
                true,
                Kernel::Native,
                "has IPVS",
            ),
            ("no IPVS", &bare, Auto, false, Kernel::Uml, "has no IPVS"),
            ("nft hosts", &bare, Auto, true, Kernel::Qemu, "no nf_tables"),
            (
                "UML does not start",
                &amx,
                Auto,
                false,
                Kernel::Qemu,
                "/cache/uml-trial.log",
            ),
            (
                "UML is not installed",
                &no_uml,
                Auto,
                false,
                Kernel::Qemu,
                "lacks user-mode Linux's program",
            ),
            (
                "nothing is installed",
                &nothing,
                Auto,
                false,
                Kernel::Uml,
                "has no IPVS",
            ),
            ("asked for", &ipvs, Uml, false, Kernel::Uml, "asked for"),
        ];
        for (name, machine, choice, nft, kernel, reason) in cases {
            let (found, why) = decide(choice, nft, machine).unwrap();
            assert_eq!(found, kernel, "{name}");
            assert!(why.contains(reason), "{name}: {why}");
        }
    }

    #[test]
    fn a_kernel_that_was_asked_for_and_does_not_start_is_an_error_with_its_log() {
        let amx = Given {
            ipvs: false,
            lacks: &[],
            uml_starts: false,
        };
        let error = decide(KernelChoice::Uml, false, &amx)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("user-mode Linux does not start") && error.contains("uml-trial.log"),
            "{error}"
        );
    }
}
