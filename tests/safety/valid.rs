//! What these tests write is a valid inventory with valid roles. Needs neither root nor a lab.

use std::fs;
use std::path::Path;

use libtest_mimic::{Failed, Trial};

use crate::cluster::{AUTH_PASS, PROGRAM, Ran, below_comment};
use crate::edits::{Edit, HITLESS, SHORT};
use crate::lockout;
use crate::pair::{CLIENT, SPARE, write_password};

const SHIPPED: &str = include_str!("../../inventories/dr-keepalived.yaml");

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("valid::edits", || {
            let mut all = HITLESS.iter().chain(SHORT);
            all.try_for_each(|edit| check(edit, None))
        }),
        Trial::test("valid::lock_outs", || {
            let mut all = lockout::ALL.iter();
            all.try_for_each(|one| check(&one.edit, Some(&one.role("192.168.100.1"))))
        }),
    ]
}

/// An edit changes the inventory, `lvsctl check` accepts it, and the way back leads to the same text.
fn check(edit: &Edit, role: Option<&str>) -> Result<(), Failed> {
    let about = |what: &str| Failed::from(format!("{}: {what}", edit.name));
    let before = below_comment(SHIPPED, CLIENT, SPARE).ok_or("no client in the inventory")?;
    let after = below_comment(&before, edit.from, edit.to)
        .ok_or_else(|| about(&format!("no {:?} in\n{before}", edit.from)))?;
    let back = edit.back();
    if below_comment(&after, back.from, back.to).as_ref() != Some(&before) {
        return Err(about("the way back leads elsewhere"));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    write_password(&at("password"));
    fs::write(at("inventory.yaml"), after).expect("an inventory");
    if let Some(role) = role {
        fs::create_dir(at("roles")).expect("a folder");
        fs::write(at("roles/lock-out.yaml"), role).expect("a role");
    }
    let ran = checked(&at("inventory.yaml"));
    if ran.status == 0 {
        Ok(())
    } else {
        Err(about(&format!("{}{}", ran.stdout, ran.stderr)))
    }
}

fn checked(inventory: &Path) -> Ran {
    let output = std::process::Command::new(PROGRAM)
        .arg("check")
        .arg(inventory)
        .env("LVSCTL_AUTH_PASS", AUTH_PASS)
        .output();
    output.expect("the program runs").into()
}
