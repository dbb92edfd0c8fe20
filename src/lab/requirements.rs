//! What the lab needs of this machine, and how to get it.

use std::path::{Path, PathBuf};

use super::kernel::Kernel;

/// Debian packages that bring all of it, for every kernel.
pub const PACKAGES: &[&str] = &[
    "apt-utils",
    "debian-archive-keyring",
    "iproute2",
    "kmod",
    "mmdebstrap",
    "openssh-client",
    "qemu-system-x86",
    "systemd-container",
    "user-mode-linux",
    "util-linux",
];

/// Something that this machine lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The program, file or right, in words.
    pub what: String,
    /// The Debian package that brings it, where one does.
    pub package: Option<&'static str>,
    /// The fix where no package does.
    pub hint: Option<&'static str>,
}

impl Missing {
    /// One line that fixes all of them.
    pub fn remedy(missing: &[Self]) -> String {
        let mut packages: Vec<_> = missing.iter().filter_map(|m| m.package).collect();
        packages.sort_unstable();
        packages.dedup();
        let mut words: Vec<String> = missing
            .iter()
            .filter_map(|m| m.hint)
            .map(str::to_owned)
            .collect();
        if !packages.is_empty() {
            words.push(format!(
                "apt-get install --no-install-recommends {}",
                packages.join(" ")
            ));
        }
        words.join("; ")
    }
}

struct Tool {
    program: &'static str,
    package: &'static str,
    /// Where just one kernel needs it.
    kernel: Option<Kernel>,
}

const TOOLS: &[Tool] = &[
    tool("ip", "iproute2", None),
    tool("ssh", "openssh-client", None),
    tool("ssh-keygen", "openssh-client", None),
    tool("systemd-nspawn", "systemd-container", None),
    tool("mmdebstrap", "mmdebstrap", None),
    tool("apt-ftparchive", "apt-utils", None),
    tool("unshare", "util-linux", None),
    tool("chroot", "coreutils", None),
    tool("linux.uml", "user-mode-linux", Some(Kernel::Uml)),
    tool("qemu-system-x86_64", "qemu-system-x86", Some(Kernel::Qemu)),
    tool("modprobe", "kmod", Some(Kernel::Native)),
    tool("modprobe", "kmod", Some(Kernel::Qemu)),
    tool("depmod", "kmod", Some(Kernel::Qemu)),
];

const fn tool(program: &'static str, package: &'static str, kernel: Option<Kernel>) -> Tool {
    Tool {
        program,
        package,
        kernel,
    }
}

/// Where programs are looked for, whatever the caller's environment says: the lab runs them as root.
pub(super) const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
pub(super) const UML_MODULES: &str = "/usr/lib/uml/modules";

/// What of it this machine lacks; empty when a lab can be made.
pub fn requirements(kernel: Kernel) -> Vec<Missing> {
    let root_user = nix::unistd::geteuid().is_root();
    requirements_in(kernel, SYSTEM_PATH, root_user, Path::new("/"))
}

pub(super) fn requirements_in(
    kernel: Kernel,
    path: &str,
    root_user: bool,
    root: &Path,
) -> Vec<Missing> {
    let mut missing = Vec::new();
    if !root_user {
        missing.push(Missing {
            what: "the rights of root".to_owned(),
            package: None,
            hint: Some("run it with sudo"),
        });
    }
    for tool in TOOLS
        .iter()
        .filter(|t| t.kernel.is_none_or(|k| k == kernel))
    {
        if executable(tool.program, path).is_none() {
            missing.push(Missing {
                what: format!("the program {}", tool.program),
                package: Some(tool.package),
                hint: None,
            });
        }
    }
    if !root.join(KEYRING.trim_start_matches('/')).exists() {
        missing.push(Missing {
            what: format!("Debian's keys in {KEYRING}"),
            package: Some("debian-archive-keyring"),
            hint: None,
        });
    }
    if kernel.is_guest() && !root.join("dev/net/tun").exists() {
        missing.push(Missing {
            what: "/dev/net/tun".to_owned(),
            package: None,
            hint: Some("modprobe tun"),
        });
    }
    if kernel == Kernel::Uml && !root.join(UML_MODULES.trim_start_matches('/')).is_dir() {
        missing.push(Missing {
            what: format!("the kernel modules in {UML_MODULES}"),
            package: Some("user-mode-linux"),
            hint: None,
        });
    }
    missing
}

fn executable(program: &str, path: &str) -> Option<PathBuf> {
    std::env::split_paths(path)
        .map(|folder| folder.join(program))
        .find(|file| nix::unistd::access(file, nix::unistd::AccessFlags::X_OK).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn an_empty_machine_lacks_everything_and_one_line_mends_it() {
        let empty = tempfile::tempdir().unwrap();
        let mut packages = BTreeSet::new();
        for kernel in [Kernel::Uml, Kernel::Native, Kernel::Qemu] {
            std::fs::create_dir_all(empty.path().join("proc")).unwrap();
            std::fs::write(empty.path().join("proc/modules"), "").unwrap();
            let missing = requirements_in(kernel, "/nowhere", false, empty.path());
            packages.extend(missing.iter().filter_map(|m| m.package));
            let uml = missing.iter().any(|m| m.what.contains("linux.uml"));
            assert_eq!(uml, kernel == Kernel::Uml);
            let remedy = Missing::remedy(&missing);
            assert!(remedy.starts_with("run it with sudo; "), "{remedy}");
            let line = "apt-get install --no-install-recommends apt-utils coreutils debian-archive-keyring iproute2";
            assert!(remedy.contains(line), "{remedy}");
        }
        // coreutils is on every Debian.
        packages.remove("coreutils");
        assert_eq!(packages, PACKAGES.iter().copied().collect());
    }

    #[test]
    fn a_program_must_be_executable() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        std::fs::write(folder.path().join("ip"), "").unwrap();
        assert_eq!(executable("ip", path), None);
        let runs = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.path().join("ip"), runs).unwrap();
        assert_eq!(executable("ip", path), Some(folder.path().join("ip")));
    }
}
