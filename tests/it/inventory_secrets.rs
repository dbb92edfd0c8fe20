//! No message and no excerpt shows what may be a secret, wherever it was written and whatever its key is called.

use lvsctl::inventory::{self, BUILT_IN_ROLES};

const SECRET: &str = "Hunter2x";

/// `%` is a place for a key of that map: of the inventory, of a host, of its SSH, and of the VRRP instance.
const BASE: &str = "\
cluster: web
networks: { lan: 192.168.100.0/24 }
%inventory
hosts:
  lb1: { role: director, address: 192.168.100.14 }
  lb2: { role: backup, address: 192.168.100.15 }
  rs1:
    role: realserver
    address: 192.168.100.12
    %host
    ssh:
      user: root
      %ssh
vrrp:
  virtual_router_id: 51
  %vrrp
services:
  web:
    vip: 192.168.100.200
    port: 80
";

fn with(place: &str, lines: &str) -> String {
    let mut text = String::new();
    for line in BASE.lines() {
        let body = line.trim_start();
        match body.strip_prefix('%') {
            None => text += &format!("{line}\n"),
            Some(name) if name == place => {
                let indent = &line[..line.len() - body.len()];
                for own in lines.lines() {
                    text += &format!("{indent}{own}\n");
                }
            }
            Some(_) => {}
        }
    }
    text
}

/// All that is said of an inventory, as people and programs see it.
fn said(text: &str) -> String {
    match inventory::parse("t.yaml", text, BUILT_IN_ROLES) {
        Ok(loaded) => {
            let all = loaded.warnings.iter().chain(&[]);
            let advice = loaded.advice();
            let all = all.chain(&advice);
            all.map(|p| format!("{} {p:?}", p.render(200, false)))
                .collect()
        }
        Err(error) => {
            let json: Vec<String> = error
                .problems()
                .iter()
                .map(|p| serde_json::to_string(p).expect("JSON"))
                .collect();
            format!(
                "{error} {} {error:?} {}",
                error.render(200, false),
                json.concat()
            )
        }
    }
}

#[test]
fn a_secret_is_not_shown_whatever_its_key() {
    let keys = "auth_pass auth-pass AUTH_PASS authPass auth_password pass passwd password pasword passphrase secret \
                secert token api_token api_key private_key ssh_key ssh_password sudo_pass sudo_password \
                sudo_pasword host_password ssh_host_password file_password ansible_password ansible_ssh_pass ansible_become_password ansible_become_pass pwd psk";
    for place in ["inventory", "host", "ssh", "vrrp"] {
        for key in keys.split_whitespace() {
            for value in [
                format!("{key}: {SECRET}"),
                format!("{key}: '{SECRET}'"),
                format!("{key}: {{ value: {SECRET} }}"),
                format!("{key}: {{ {key}: {SECRET} }}"),
                format!("{key}: {{ {SECRET} }}"),
                format!("{key}: {{ env: {SECRET} }}"),
                format!("{key}: {{ env: '${SECRET}' }}"),
                format!("{key}: {{ env: PW, value: {SECRET} }}"),
                format!("{key}: [{SECRET}]"),
                format!("{key}: |\n  {SECRET}"),
                format!("{key}:\n  value: {SECRET}"),
                format!("{key}: {{ {SECRET}: x }}"),
                format!("{key}: {{ '{SECRET}{}' }}", "y".repeat(70)),
                format!("list:\n  - {key}={SECRET}\n  - --{key}={SECRET}"),
                format!("x: {{ p: &p {SECRET} }}\n{key}: *p"),
                format!("{key}: {SECRET}\nbogus: 1"),
                format!("bogus: 1\n{key}: {SECRET}"),
                format!("bogus: 1 # {key}: {SECRET}"),
                // Twice, and where the YAML is broken.
                format!("{key}: {SECRET}\n{key}: {SECRET}"),
                format!("{key}: {SECRET}\n[a: b"),
                format!("{key}: |\n  {SECRET}\n[a: b"),
            ] {
                let said = said(&with(place, &value));
                assert!(!said.contains(SECRET), "{place}: {value}:\n{said}");
            }
        }
    }
}

/// Hints that quote a whole map leave out what is secret in it.
#[test]
fn a_hint_that_moves_a_map_leaves_its_secrets_out() {
    for text in [
        "cluster: m\nvrrp:\n  - name: main\n    virtual_router_id: 10\n    vips: 10.0.0.100\n    auth_pass:\n      value: SECRET\n",
        "cluster: m\nlb1:\n  role: director\n  address: 10.0.0.2\n  ssh:\n    password:\n      value: SECRET\n",
        "cluster: m\nhosts:\n  lb1:\n    role: director\n    address: 10.0.0.2\n    ssh: { vars: { p: &p SECRET } }\n    password: *p\n",
        "cluster: m\nx-a: &a { password: SECRET }\nhosts: { lb1: *a }\n",
        "cluster: m\nservices:\n  web:\n    vip: 10.0.0.1\n    HTTP_GET:\n      url:\n        path: /\n        token:\n          value: SECRET\n",
        "cluster: m\nvrrp: { virtual_router_id: 1, notify: '/bin/x --password=SECRET' }\n",
    ] {
        let said = said(&text.replace("SECRET", SECRET));
        assert!(!said.contains(SECRET), "{text}\n{said}");
    }
}

/// What is shown all the same: where to read a secret, and values of other keys.
#[test]
fn what_is_no_secret_is_shown() {
    for (place, line, shown) in [
        ("vrrp", "auth_pass: { evn: LVSCTL_AUTH_PASS }", "evn"),
        (
            "vrrp",
            "auth_pass: { env: LVSCTL_AUTH_PASS }\nbogus: 1",
            "env: LVSCTL_AUTH_PASS",
        ),
        ("vrrp", "auth_pass: { file: pass }\nbogus: 1", "file: pass"),
        (
            "vrrp",
            "auth_pass: { env: 1NAME }",
            "this is no name of an environment variable",
        ),
        (
            "host",
            "ansible_ssh_private_key_file: /root/.ssh/id",
            "/root/.ssh/id",
        ),
        ("ssh", "host_key_checking: no", "no"),
    ] {
        let said = said(&with(place, line));
        assert!(said.contains(shown), "{line}: no {shown:?} in\n{said}");
    }
}
