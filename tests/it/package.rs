//! What Cargo.toml says of the package is true: which Rust builds it, and what the Debian package needs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What deny.toml names too.
const TARGETS: [&str; 2] = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"];

/// What the language as it is written here needs: chains of `let` in conditions. Clippy holds the same for the standard
/// library (`incompatible_msrv`).
const LANGUAGE: Version = (1, 88, 0);

type Version = (u32, u32, u32);

fn version(text: &str) -> Version {
    let mut numbers = text
        .split('.')
        .map(|n| n.parse().unwrap_or_else(|_| panic!("the version {text}")));
    let mut next = || numbers.next().unwrap_or(0);
    (next(), next(), next())
}

/// Runs without network, as its packages have been built already for this test.
fn cargo(arguments: &[&str]) -> String {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(program)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(arguments)
        .args(["--locked", "--offline"])
        .output()
        .expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {arguments:?}: {said}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn metadata(arguments: &[&str]) -> Vec<Value> {
    let text = cargo(&[&["metadata", "--format-version=1"], arguments].concat());
    let mut value: Value = serde_json::from_str(&text).expect("JSON");
    match value["packages"].take() {
        Value::Array(packages) => packages,
        other => panic!("packages: {other}"),
    }
}

fn lvsctl() -> Value {
    let packages = metadata(&["--no-deps"]);
    let mut found = packages.into_iter().filter(|p| p["name"] == "lvsctl");
    found.next().expect("lvsctl")
}

/// `name version` of the packages that are compiled, and the Rust that each says it needs. What `cargo metadata`
/// resolves is more: also what optional features that are off would bring.
fn dependencies(edges: &str) -> BTreeMap<String, Version> {
    let mut all = BTreeMap::new();
    for target in TARGETS {
        let says: BTreeMap<String, Version> = metadata(&["--filter-platform", target])
            .iter()
            .filter_map(|p| {
                let rust = p["rust_version"].as_str()?;
                let name = format!("{} v{}", p["name"].as_str()?, p["version"].as_str()?);
                Some((name, version(rust)))
            })
            .collect();
        let tree = cargo(&[
            "tree", "--target", target, "--edges", edges, "--prefix", "none",
        ]);
        let compiled: BTreeSet<String> = tree
            .lines()
            .map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "))
            .filter(|name| !name.starts_with("lvsctl "))
            .collect();
        assert!(compiled.len() > 100, "{tree}");
        all.extend(says.into_iter().filter(|(name, _)| compiled.contains(name)));
    }
    all
}

fn rust_version() -> Version {
    version(lvsctl()["rust_version"].as_str().expect("rust-version"))
}

#[test]
fn the_minimum_rust_is_what_the_dependencies_need() {
    let needed = dependencies("normal,build")
        .into_iter()
        .map(|(name, rust)| (rust, name))
        .chain([(LANGUAGE, "lvsctl".to_owned())])
        .max();
    let (needed, by) = needed.expect("dependencies");
    assert_eq!(
        rust_version(),
        needed,
        "rust-version in Cargo.toml (left) is not what {by} needs (right)"
    );
}

/// They do not raise the minimum, as who installs lvsctl never compiles them; but whoever has the stated Rust can also
/// run the tests. One that asks for more is to be kept at an older version.
#[test]
fn what_only_tests_use_needs_no_newer_rust() {
    let ours = rust_version();
    for (name, rust) in dependencies("normal,build,dev") {
        assert!(
            rust <= ours,
            "{name} needs {rust:?}, and Cargo.toml says {ours:?}"
        );
    }
}

fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in [root.to_owned(), root.join("docs")] {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("a file").path();
            if path.extension().is_some_and(|e| e == "md") {
                files.push(path);
            }
        }
    }
    files
}

#[test]
fn documents_name_the_minimum_rust() {
    let ours = rust_version();
    let mut naming = BTreeSet::new();
    for file in documents() {
        let text = fs::read_to_string(&file).expect("a document");
        let words: Vec<&str> = text.split_whitespace().collect();
        for four in words.windows(4) {
            if let [
                "Rust",
                stated,
                "or",
                "later" | "later;" | "later:" | "later.",
            ] = four
            {
                let place = file.display();
                assert_eq!(version(stated), ours, "{place}: Rust {stated} or later");
                naming.extend(file.file_name().map(std::ffi::OsStr::to_owned));
            }
        }
    }
    for name in ["README.md", "guide.md"] {
        assert!(naming.contains(std::ffi::OsStr::new(name)), "{name}");
    }
}

fn words(value: &Value) -> BTreeSet<&str> {
    let list = value.as_array().expect("a list");
    list.iter().map(|w| w.as_str().expect("a word")).collect()
}

/// Recommended, so that a machine that works on real hosts alone may do without.
#[test]
fn the_debian_package_recommends_what_the_lab_needs() {
    let package = lvsctl();
    let deb = &package["metadata"]["deb"];
    let lab: BTreeSet<&str> = lvsctl::lab::PACKAGES.iter().copied().collect();
    assert_eq!(words(&deb["recommends"]), lab);
    assert_eq!(words(&deb["depends"]), BTreeSet::from(["$auto"]));
}

/// Whether a file of the repository is in the Debian package.
fn is_packaged(assets: &[&str], file: &str) -> bool {
    assets.iter().any(|asset| match asset.split_once('*') {
        Some((folder, ending)) => {
            let name = file.strip_prefix(folder);
            name.is_some_and(|name| name.ends_with(ending) && !name.contains('/'))
        }
        None => *asset == file,
    })
}

#[test]
fn packaged_pages_link_to_packaged_files() {
    let package = lvsctl();
    let assets = package["metadata"]["deb"]["assets"].as_array();
    let assets: Vec<&str> = assets
        .expect("assets")
        .iter()
        .filter_map(|asset| asset[0].as_str())
        .collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut broken = Vec::new();
    let mut links = 0;
    for page in documents() {
        let local = page.strip_prefix(root).expect("below the root");
        if !is_packaged(&assets, &local.to_string_lossy()) {
            continue;
        }
        let text = fs::read_to_string(&page).expect("a document");
        for rest in text.split("](").skip(1) {
            let link = rest.split([')', '#']).next().unwrap_or_default();
            if link.is_empty() || link.contains(':') {
                continue;
            }
            links += 1;
            let mut target = local.parent().expect("a folder").to_owned();
            for part in Path::new(link) {
                if part == ".." {
                    target.pop();
                } else {
                    target.push(part);
                }
            }
            let whole = target.to_string_lossy();
            // A folder is packaged if a file of it is.
            let fits = is_packaged(&assets, &whole)
                || assets
                    .iter()
                    .any(|asset| Path::new(asset).parent() == Some(&target));
            if !fits {
                broken.push(format!("{}: {link}", local.display()));
            }
        }
    }
    assert!(links > 50, "{links} links");
    assert!(
        broken.is_empty(),
        "not in the package: {}",
        broken.join(", ")
    );
}
