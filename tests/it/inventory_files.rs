//! Files that are no inventories at all: each is refused in a moment, and says why.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use lvsctl::inventory::{self, BUILT_IN_ROLES};

/// What is said of the file; the test fails if that takes long.
fn refused(path: &Path) -> String {
    let start = Instant::now();
    let result = inventory::load(path, BUILT_IN_ROLES);
    let took = start.elapsed();
    assert!(
        took < Duration::from_secs(5),
        "{} took {took:?}",
        path.display()
    );
    match result {
        Ok(_) => panic!("{} was accepted", path.display()),
        Err(error) => {
            let [problem] = error.problems() else {
                panic!("{}", error.render(100, false))
            };
            assert_eq!(problem.file(), path.display().to_string());
            assert!(problem.fix().is_some(), "{problem}");
            problem.to_string()
        }
    }
}

#[test]
fn missing_directory_and_device() {
    let folder = tempfile::tempdir().unwrap();
    let missing = refused(&folder.path().join("none.yaml"));
    assert!(
        missing.ends_with("cannot be read: no such file or directory"),
        "{missing}"
    );
    assert!(refused(folder.path()).ends_with("is a directory, an inventory is a file"));
    assert!(refused(Path::new("/dev/zero")).ends_with("is not a regular file"));

    // A FIFO without a writer would block whoever opens it.
    let fifo = folder.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert!(refused(&fifo).ends_with("is not a regular file"));
}

#[test]
fn no_permission() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret.yaml");
    fs::write(&path, "cluster: a\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if nix::unistd::geteuid().is_root() {
        // Root may read it all the same; a name below a file that is no directory is refused to all.
        assert!(refused(&path.join("below")).contains("not a directory"));
    } else {
        assert!(refused(&path).ends_with("cannot be read: permission denied"));
    }
}

#[test]
fn a_huge_file_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.yaml");
    fs::write(&path, "a: b\n".repeat(20 * 1024 * 1024)).unwrap();
    let said = refused(&path);
    assert!(
        said.ends_with("too large for an inventory: 100.0 MiB, at most 1 MiB is read"),
        "{said}"
    );

    // A tebibyte of nothing: to read it whole would take minutes, and more memory than there is.
    let sparse = folder.path().join("sparse.yaml");
    File::create(&sparse).unwrap().set_len(1 << 40).unwrap();
    assert!(refused(&sparse).contains("too large"));
}

#[test]
fn the_limit_is_where_it_is_said_to_be() {
    let good = "cluster: a\nhosts: { h: { role: client, address: 10.0.0.1/24 } }\n#";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.yaml");
    let limit = usize::try_from(inventory::MAX_BYTES).unwrap();
    let padded = |len: usize| good.to_owned() + &"x".repeat(len - good.len());
    fs::write(&path, padded(limit)).unwrap();
    assert!(inventory::load(&path, BUILT_IN_ROLES).is_ok());
    fs::write(&path, padded(limit + 1)).unwrap();
    assert!(refused(&path).contains("too large"));
    assert!(inventory::parse("text", &padded(limit + 1), BUILT_IN_ROLES).is_err());
}

#[test]
fn not_utf_8() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("latin1.yaml");
    fs::write(&path, b"cluster: web\n# gr\xfc\xdfe\nhosts: {}\n").unwrap();
    let error = inventory::load(&path, BUILT_IN_ROLES).unwrap_err();
    let [problem] = error.problems() else {
        panic!()
    };
    assert_eq!(problem.position(), Some((2, 5)));
    assert_eq!(problem.message(), "this is not UTF-8 text");
}

#[test]
fn bytes_that_mean_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("zeros.yaml");
    fs::write(&path, [0; 4096]).unwrap();
    refused(&path);
    fs::write(&path, []).unwrap();
    assert!(refused(&path).ends_with("the inventory is empty"));
}
