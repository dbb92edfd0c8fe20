//! What a host of the lab is to be like, and the files that make it so.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use nix::sys::stat::{Mode, SFlag, makedev, mknod};

pub(crate) struct HostSpec {
    pub name: String,
    pub users: Vec<User>,
    pub root_password: Option<String>,
    /// Lines of sshd_config.
    pub sshd: String,
    /// Of the host keys, as ssh-keygen calls them. Known to the controller are those in `known`.
    pub host_keys: Vec<&'static str>,
    pub known: Vec<&'static str>,
    pub sudoers: String,
    files: Vec<(PathBuf, String, u32)>,
    missing: Vec<PathBuf>,
}

pub(crate) struct User {
    pub name: &'static str,
    pub password: Option<&'static str>,
    pub shell: &'static str,
}

impl User {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            password: None,
            shell: "/bin/bash",
        }
    }
}

impl HostSpec {
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            users: Vec::new(),
            root_password: None,
            sshd: String::new(),
            host_keys: vec!["ed25519"],
            known: vec!["ed25519"],
            sudoers: String::new(),
            files: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// A user who is let in with the controller's key.
    pub(crate) fn user(mut self, name: &'static str, password: Option<&'static str>) -> Self {
        self.users.push(User {
            password,
            ..User::new(name)
        });
        self
    }

    pub(crate) fn shell(mut self, name: &'static str, shell: &'static str) -> Self {
        self.users.push(User {
            shell,
            ..User::new(name)
        });
        self
    }

    pub(crate) fn sudoers(mut self, lines: &str) -> Self {
        self.sudoers.push_str(lines);
        self.sudoers.push('\n');
        self
    }

    pub(crate) fn sshd(mut self, lines: &str) -> Self {
        self.sshd.push_str(lines);
        self.sshd.push('\n');
        self
    }

    pub(crate) fn host_keys(mut self, kinds: &[&'static str], known: &[&'static str]) -> Self {
        self.host_keys = kinds.to_vec();
        self.known = known.to_vec();
        self
    }

    pub(crate) fn file(
        mut self,
        path: impl Into<PathBuf>,
        text: impl Into<String>,
        mode: u32,
    ) -> Self {
        self.files.push((path.into(), text.into(), mode));
        self
    }

    /// A file that this machine has and the host has not, such as `/usr/sbin/ip`.
    pub(crate) fn without(mut self, path: impl Into<PathBuf>) -> Self {
        self.missing.push(path.into());
        self
    }

    /// Writes the upper layer of the host's overlay.
    pub(super) fn write(&self, upper: &Path, key: &str) {
        let log = "AuthorizedKeysFile .ssh/authorized_keys\nUsePAM no\nPrintMotd no\nPrintLastLog no\nUseDNS no\n";
        let mut config = self.sshd.clone();
        config.push_str("LogLevel VERBOSE\nSubsystem sftp internal-sftp\n");
        for kind in &self.host_keys {
            config.push_str(&format!("HostKey /etc/ssh/lvsctl_{kind}\n"));
        }
        // The first value of a setting is the one that counts.
        config.push_str("PermitRootLogin yes\nMaxStartups 100\n");
        config.push_str(log);
        write(&upper.join("etc/ssh/sshd_config"), &config, 0o600);
        write(
            &upper.join("etc/hostname"),
            &format!("{}\n", self.name),
            0o644,
        );
        let sudoers = format!("Defaults logfile=/var/log/sudo.log\n{}", self.sudoers);
        write(&upper.join("etc/sudoers.d/lvsctl"), &sudoers, 0o440);
        fs::create_dir_all(upper.join("var/log")).expect("a folder");
        self.write_users(upper, key);
        for (path, text, mode) in &self.files {
            write(&inside(upper, path), text, *mode);
        }
        for path in &self.missing {
            remove(upper, path);
        }
    }

    fn write_users(&self, upper: &Path, key: &str) {
        let mut passwd = fs::read_to_string("/etc/passwd").expect("passwd");
        let mut shadow = fs::read_to_string("/etc/shadow").expect("shadow");
        let mut group = fs::read_to_string("/etc/group").expect("group");
        authorize(&upper.join("root"), key, 0);
        // What this machine's root has there is not the host's: bash reads it at each login over SSH.
        write(&upper.join("root/.bashrc"), "", 0o644);
        for (n, user) in self.users.iter().enumerate() {
            let id = 3000 + u32::try_from(n).expect("few users");
            let name = user.name;
            passwd.push_str(&format!(
                "{name}:x:{id}:{id}::/home/{name}:{}\n",
                user.shell
            ));
            shadow.push_str(&format!("{name}:*:19000:0:99999:7:::\n"));
            group.push_str(&format!("{name}:x:{id}:\n"));
            authorize(&upper.join("home").join(name), key, id);
        }
        write(&upper.join("etc/passwd"), &passwd, 0o644);
        write(&upper.join("etc/shadow"), &shadow, 0o640);
        write(&upper.join("etc/group"), &group, 0o644);
    }

    /// For chpasswd.
    pub(super) fn passwords(&self) -> String {
        let root = self.root_password.iter().map(|p| format!("root:{p}\n"));
        let users = self
            .users
            .iter()
            .filter_map(|u| Some(format!("{}:{}\n", u.name, u.password?)));
        root.chain(users).collect()
    }
}

fn authorize(home: &Path, key: &str, id: u32) {
    let ssh = home.join(".ssh");
    let file = ssh.join("authorized_keys");
    write(&file, key, 0o600);
    for path in [home, &ssh, &file] {
        chown(path, Some(id), Some(id)).expect("owns its home");
    }
    for dir in [home, &ssh] {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).expect("a private folder");
    }
}

fn inside(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

fn write(path: &Path, text: &str, mode: u32) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("writes");
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

/// Overlayfs takes a character device 0:0 in its upper layer as the absence of what is below. Both the name and what it
/// links to are gone.
fn remove(upper: &Path, path: &Path) {
    let folder = |p: &Path| -> PathBuf {
        let parent = fs::canonicalize(p.parent().expect("a folder")).expect("it is there");
        parent.join(p.file_name().expect("a name"))
    };
    let real = fs::canonicalize(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    for gone in [folder(path), real] {
        let whiteout = inside(upper, &gone);
        fs::create_dir_all(whiteout.parent().expect("a folder")).expect("a folder");
        if fs::symlink_metadata(&whiteout).is_err() {
            mknod(&whiteout, SFlag::S_IFCHR, Mode::empty(), makedev(0, 0)).expect("a whiteout");
        }
    }
}
