//! Finds the commit for `--version`, lists the built-in roles, and compiles the library that lvsctl preloads into user-mode Linux
//! (src/lab/uml/ptrace.rs), which lvsctl then carries inside. An empty file takes its place on machines for which there is no user-mode Linux.

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::process::Command;

const SOURCE: &str = "src/lab/uml/ptrace.rs";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rustc-env=LVSCTL_COMMIT={}", commit());
    println!("cargo::rerun-if-changed={SOURCE}");
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    std::fs::write(out.join("built_in_roles.rs"), built_in_roles()?)?;
    let library = out.join("ptrace.so");
    let target = env::var("TARGET")?;
    if !(target.starts_with("x86_64-") && target.contains("linux")) {
        return Ok(std::fs::write(library, "")?);
    }
    let mut rustc = Command::new(env::var("RUSTC")?);
    rustc
        .args(["--crate-name=ptrace", "--crate-type=cdylib"])
        .args(["--edition=2024", "--target", &target])
        .args(["-Copt-level=3", "-Cpanic=abort", "-Cstrip=symbols"])
        // A library without libc of its own, as the static musl target would otherwise give it.
        .args(["-Ctarget-feature=-crt-static", "-Clink-arg=-nostdlib"])
        .arg("-o")
        .arg(&library);
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        rustc.arg(format!("-Clinker={linker}"));
    }
    if rustc.arg(SOURCE).status()?.success() {
        Ok(())
    } else {
        Err(format!("{SOURCE}: rustc failed").into())
    }
}

/// The roles that make a cluster, in the order in which messages name them; the others follow by name.
const FIRST_ROLES: [&str; 7] = [
    "director",
    "backup",
    "realserver",
    "client",
    "router",
    "web",
    "answer",
];

/// A constant with the names of the roles in `roles/`.
fn built_in_roles() -> Result<String, Box<dyn Error>> {
    println!("cargo::rerun-if-changed=roles");
    let mut names = Vec::new();
    for entry in std::fs::read_dir("roles")? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            names.extend(
                path.file_stem()
                    .map(|name| name.to_string_lossy().into_owned()),
            );
        }
    }
    let place = |name: &str| FIRST_ROLES.iter().position(|first| *first == name);
    names.sort_by_cached_key(|name| (place(name).unwrap_or(FIRST_ROLES.len()), name.clone()));
    Ok(format!(
        "/// The roles that come with lvsctl.\npub const BUILT_IN_ROLES: &[&str] = &{names:?};\n"
    ))
}

/// The commit and its date, as ` (1a2b3c4d 2026-01-31)`; empty where Git does not know them, as in a package of crates.io,
/// and in builds for development, which each commit would otherwise begin anew.
fn commit() -> String {
    if env::var("PROFILE").is_ok_and(|profile| profile != "release") {
        return String::new();
    }
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo::rerun-if-changed={log}");
    }
    let format = ["log", "-1", "--format= (%h %cs)", "--abbrev=8"];
    let root = env::var("CARGO_MANIFEST_DIR").ok();
    let ours = git(&["rev-parse", "--show-toplevel"]) == root;
    ours.then(|| git(&format))
        .flatten()
        .map_or_else(String::new, |text| format!(" {text}"))
}
