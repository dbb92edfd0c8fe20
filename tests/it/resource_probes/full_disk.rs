//! A disk without space: a step fails, what was in place stays whole, and no temporary file is left.

use std::fs;
use std::path::Path;

use lvsctl::fact::Facts;
use lvsctl::plan::manifest::{Entry, Manifest};
use lvsctl::resource::{Before, Context, Resource};
use lvsctl::secret::Secrets;
use nix::mount::{MsFlags, mount, umount};

use super::host::{SCRATCH, Shell, busybox_alone, inside, shells};

fn small(folder: &str) {
    fs::create_dir_all(folder).expect("a folder");
    let none = MsFlags::empty();
    mount(Some("tmpfs"), folder, Some("tmpfs"), none, Some("size=64k")).expect("a small tmpfs");
}

fn file(path: &str, content: &str) -> Resource {
    let file = serde_json::json!({ "file": { "path": path, "content": content } });
    serde_json::from_value(file).expect("a file")
}

fn left(folder: &str) -> Vec<String> {
    let all = fs::read_dir(folder).expect("a folder").flatten();
    let mut names: Vec<String> = all
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn fails(shell: &Shell, script: &str, what: &str) {
    let said = shell.fails(script);
    let said = said.unwrap_or_else(|| panic!("{what}, {}: it did not fail", shell.name));
    assert!(
        said.contains("No space left"),
        "{what}, {}: {said}",
        shell.name
    );
}

fn of(shell: &Shell) {
    let large = "0123456789abcde\n".repeat(10_000);
    let etc = format!("{SCRATCH}/small");
    small(&etc);
    let path = format!("{etc}/conf");
    fs::write(&path, "old\n").expect("a file");
    let desired = file(&path, &large);
    let secrets = Secrets::new();
    let cx = Context {
        secrets: &secrets,
        earlier: &[],
        recorded: None,
    };
    let change = desired.diff(&Facts::default(), &cx).expect("a change");
    fails(shell, &change.steps[0].script, "a file");
    assert_eq!(left(&etc), ["conf"], "{}", shell.name);
    assert_eq!(fs::read_to_string(&path).expect("the file"), "old\n");

    let state = "/var/lib/lvsctl";
    small(state);
    let mut manifest = Manifest::new("t");
    manifest.entries.push(Entry {
        resource: file("/etc/a", ""),
        before: Before::Absent,
    });
    shell.run(&manifest.store(""));
    let whole = manifest.text();
    let many = (0..2000).map(|n| Entry {
        resource: file(&format!("/etc/{n}"), ""),
        before: Before::Absent,
    });
    manifest.entries.extend(many);
    fails(shell, &manifest.store(""), "the manifest");
    assert_eq!(left(state), ["t.json"], "{}", shell.name);
    let kept = fs::read_to_string(Path::new(state).join("t.json")).expect("the manifest");
    assert_eq!(kept, whole, "{}", shell.name);

    let stands = format!("{SCRATCH}/stands");
    fs::write(&stands, &large).expect("a file");
    let backup = Before::Backup(format!("{state}/backup/mnt%2fstands"));
    let keep = file(&stands, "new\n")
        .keep(&backup, false)
        .expect("a backup");
    fails(shell, &keep, "a backup");
    assert_eq!(left(&format!("{state}/backup")), [""; 0], "{}", shell.name);
    for folder in [state, &etc] {
        umount(folder).expect("it goes");
    }
}

#[test]
#[ignore = "needs root: make test-root"]
fn a_full_disk_leaves_what_was_there() {
    inside(|| {
        for shell in shells().iter().chain([&busybox_alone()]) {
            of(shell);
        }
    });
}
