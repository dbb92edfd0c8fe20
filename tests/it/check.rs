//! `lvsctl check` and what other commands say without a host: the program itself, over files that a test writes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

const VARIABLE: &str = "LVSCTL_TEST_AUTH_PASS";

fn inventory(folder: &Path, secret: &str, ssh: &str) {
    let text = format!(
        "cluster: web
networks: 192.168.100.0/24
hosts:
  lb1: {{ role: director, address: 192.168.100.14{ssh} }}
  lb2: {{ role: backup, address: 192.168.100.15 }}
  rs1: {{ role: realserver, address: 192.168.100.12 }}
  user: {{ role: client, address: 192.168.100.20 }}
vrrp:
  virtual_router_id: 10
  auth_pass: {{ {secret} }}
services:
  web: {{ vip: 192.168.100.200, port: 80 }}
"
    );
    fs::write(folder.join("web.yaml"), text).expect("the inventory");
}

fn lvsctl(folder: &Path, words: &[&str], value: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lvsctl"));
    command
        .current_dir(folder)
        .env_remove("LVSCTL_INVENTORY")
        .env_remove(VARIABLE)
        .args(words);
    if let Some(value) = value {
        command.env(VARIABLE, value);
    }
    command.output().expect("the program runs")
}

/// Exit status, and what is said beside the result.
fn check(folder: &Path, value: Option<&str>) -> (i32, String) {
    let output = lvsctl(folder, &["check", "web.yaml"], value);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // Lines are wrapped where a terminal would end.
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    (output.status.code().unwrap_or(-1), said)
}

#[test]
fn check_looks_at_secrets_without_showing_them() {
    let env = format!("env: {VARIABLE}");
    let file = "file: pass";
    let unset = "[web.yaml:10:21]";
    for (secret, value, mode, status, says) in [
        (env.as_str(), Some("hunter22"), 0, 0, &[][..]),
        (
            &env,
            None,
            0,
            0,
            &["is not set", unset, "`export LVSCTL_TEST_AUTH_PASS=...`"],
        ),
        (&env, Some(""), 0, 0, &["is empty", unset]),
        (
            &env,
            Some("hunter222"),
            0,
            4,
            &["has 9 characters", "web.yaml:10:"],
        ),
        (file, Some("hunter22"), 0o600, 0, &[]),
        (
            file,
            Some("hunter22"),
            0o640,
            0,
            &[
                "others can read this secret (mode 0640)",
                "[web.yaml:10:22]",
                "`chmod 600 pass`",
            ],
        ),
        (file, Some("hunter222"), 0o400, 4, &["has 9 characters"]),
        (
            file,
            Some("\nhunter"),
            0o600,
            0,
            &["its first line is empty"],
        ),
        (
            file,
            None,
            0,
            0,
            &[
                "pass: a secret is expected there",
                "[web.yaml:10:22]",
                "chmod 600",
            ],
        ),
        ("prompt: hush", None, 0, 0, &[]),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        inventory(folder, secret, "");
        let of_file = value.filter(|_| secret == file);
        if let Some(value) = of_file {
            let path = folder.join("pass");
            fs::write(&path, value).expect("a secret");
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
        }
        let (found, said) = check(folder, value.filter(|_| of_file.is_none()));
        assert_eq!(found, status, "{secret}: {said}");
        for words in says {
            assert!(said.contains(words), "{secret}: no {words:?} in {said}");
        }
        assert_eq!(said.is_empty(), says.is_empty(), "{secret}: {said}");
        assert!(!said.contains("hunter"), "{secret}: {said}");
    }
}

/// What `env` names may be the secret itself, so the message does not suggest to export it.
#[test]
fn what_is_no_likely_name_of_a_variable_is_not_repeated() {
    for (name, repeated) in [
        ("s3cret", false),
        ("hunter2", false),
        ("Hunter2", false),
        ("VRRP", true),
        ("lvsctl_auth_pass", true),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        inventory(folder, &format!("env: {name}"), "");
        let (status, said) = check(folder, None);
        assert_eq!(status, 0, "{said}");
        assert!(said.contains("is not set"), "{said}");
        assert_eq!(said.contains(name), repeated, "{said}");
        let export = if repeated { name } else { "LVSCTL_AUTH_PASS" };
        assert!(said.contains(&format!("`export {export}=...`")), "{said}");
    }
}

/// Quotes hold what keepalived's parser would act on; the rest is refused before a host is contacted.
#[test]
fn passwords_that_keepalived_can_and_cannot_read() {
    for (password, good) in [
        ("s3cr3t", true),
        ("ab}cd1", true),
        ("a{b}c", true),
        ("{x", true),
        ("}x", true),
        ("#!'~@;%$", true),
        ("a$b", true),
        ("pa$$w", true),
        ("abc\\", false),
        ("a\\b", false),
        ("a\"b", false),
        ("a bc", false),
        ("a\tb", false),
        ("$_PWD", false),
        ("${ab}", false),
        ("pässe", false),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        inventory(folder, &format!("env: {VARIABLE}"), "");
        let (status, said) = check(folder, Some(password));
        assert_eq!(status, if good { 0 } else { 4 }, "{password}: {said}");
        assert_eq!(said.is_empty(), good, "{password}: {said}");
        // The message names what no password may hold, which may be all that this one is.
        let hidden = password.len() < 4 || !said.contains(password);
        assert!(hidden, "{said}");
        if good {
            let words = ["render", "lb1", "--show-secrets", "-i", "web.yaml"];
            let output = lvsctl(folder, &words, Some(password));
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let line = format!("auth_pass \"{password}\"");
            assert!(text.lines().any(|l| l.trim_start() == line), "{text}");
        }
    }
}

#[test]
fn check_says_that_no_client_will_ask_for_the_services() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    inventory(folder, "prompt: hush", "");
    assert_eq!(check(folder, None), (0, String::new()));
    let path = folder.join("web.yaml");
    let text = fs::read_to_string(&path).expect("the inventory");
    fs::write(&path, text.replace("role: client", "role: router")).expect("the inventory");
    let (status, said) = check(folder, None);
    assert_eq!(status, 0, "{said}");
    for words in ["no host is a client", "[web.yaml:3:1]", "`role: client`"] {
        assert!(said.contains(words), "no {words:?} in {said}");
    }
}

#[test]
fn a_prompt_for_a_secret_of_ssh_shows_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let ssh = format!(", ssh: {{ password: {{ env: {VARIABLE} }} }}");
    inventory(folder, "prompt: hush", &ssh);
    let (status, said) = check(folder, None);
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("[web.yaml:4:75]"), "{said}");
}

#[test]
fn a_missing_secret_is_reported_with_its_place_and_fix() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    inventory(folder, &format!("env: {VARIABLE}"), "");
    let words = ["render", "lb1", "--show-secrets", "-i", "web.yaml"];
    let output = lvsctl(folder, &words, None);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("web.yaml:10:21"), "{said}");
    assert!(said.contains(&format!("export {VARIABLE}=...")), "{said}");
}

#[test]
fn a_file_that_replaces_a_built_in_one_is_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    inventory(folder, "prompt: hush", "");
    for (path, text, what) in [
        ("roles/realserver.yaml", "resources: []", "role"),
        ("templates/exports.tera", "", "template"),
        ("roles/mine.yaml", "resources: []", ""),
    ] {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        let (status, said) = check(folder, None);
        assert_eq!(status, 0, "{said}");
        let replaces = format!("{} replaces the built-in {what};", path.display());
        let replaces = replaces.replace(&format!("{}/", folder.display()), "");
        assert_eq!(said.contains(&replaces), !what.is_empty(), "{said}");
    }
}

#[test]
fn render_shows_what_another_distribution_would_get() {
    let inventory = Path::new(env!("CARGO_MANIFEST_DIR")).join("inventories/dr.yaml");
    let inventory = inventory.to_str().expect("a path");
    for (os, there, absent) in [
        (
            "debian",
            "/etc/systemd/system/lvsctl-dr.service",
            "/etc/init.d/",
        ),
        ("alpine", "/etc/init.d/lvsctl-dr", "/etc/systemd/"),
        ("rhel", "/usr/share/nginx/html/index.html", "/var/www/"),
    ] {
        let words = ["render", "rs1", "-i", inventory, "--os", os];
        let output = lvsctl(Path::new("/"), &words, None);
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains(there), "{os}: no {there} in\n{text}");
        assert!(!text.contains(absent), "{os}: {absent} in\n{text}");
    }
}
