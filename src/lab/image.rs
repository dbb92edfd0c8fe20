//! Builds folders of unpacked Debian packages with mmdebstrap, each once, and keeps them under a hash of the recipe.
//! What is in them is not known here: see `rootfs` and `qemu`.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::fcntl::{Flock, FlockArg};
use sha2::{Digest, Sha256};

use super::error::LabError;
use super::layout::hex;
use super::tool::{describe, end_with_us, last_lines, program};
use super::wait::{check, pause};
use crate::cancel::CancelToken;

/// The unpacked packages in a finished folder; what else is there, the script has made.
pub(super) const ROOT: &str = "root";
const LOG: &str = "build.log";

const OPTIONS: &[&str] = &[
    "--mode=root",
    "--skip=cleanup/apt",
    "--aptopt=APT::Install-Recommends \"false\"",
];

pub(super) struct Recipe<'a> {
    /// Debian's name of the release.
    pub suite: &'a str,
    /// For mmdebstrap.
    pub options: &'a [&'a str],
    pub packages: &'a [&'a str],
    /// When mmdebstrap runs the script: `customize`, but `extract` for packages that are unpacked alone.
    pub hook: &'a str,
    /// Run with the unpacked packages as `$1` and the folder itself as `$FOLDER`.
    pub script: &'a str,
    pub environment: &'a [(&'a str, &'a str)],
}

impl Recipe<'_> {
    /// Name of the folder in the cache.
    pub(super) fn name(&self) -> String {
        let mut hasher = Sha256::new();
        let environment = self
            .environment
            .iter()
            .flat_map(|(name, value)| [*name, *value]);
        let words = [self.suite, std::env::consts::ARCH, self.hook, self.script].into_iter();
        let lists = OPTIONS
            .iter()
            .chain(self.options)
            .chain(self.packages)
            .copied();
        for word in words.chain(lists).chain(environment) {
            hasher.update(word.as_bytes());
            hasher.update([0]);
        }
        hex(&hasher.finalize(), 8)
    }
}

/// The finished folder; built where the cache has none of this recipe.
pub(super) fn ensure(
    cache: &Path,
    recipe: &Recipe<'_>,
    cancel: &CancelToken,
    say: &mut dyn FnMut(&str),
) -> Result<PathBuf, LabError> {
    let image = cache.join(recipe.name());
    if image.is_dir() {
        return Ok(image);
    }
    make_cache(cache)?;
    let _lock = lock(cache, cancel, say)?;
    if image.is_dir() {
        return Ok(image);
    }
    let partial = image.with_extension("partial");
    // Left by a build that was killed.
    remove_tree(&partial)?;
    build(&partial, recipe, cancel, say).inspect_err(|_| {
        let _ = remove_tree(&partial);
    })?;
    let what = || LabError::io(format!("{}: cannot be renamed", partial.display()));
    fs::rename(&partial, &image).map_err(what())?;
    Ok(image)
}

/// For root alone: the root file systems in it have set-uid programs, which nothing updates.
pub(super) fn make_cache(cache: &Path) -> Result<(), LabError> {
    let what = || LabError::io(format!("{}: cannot be made", cache.display()));
    fs::create_dir_all(cache).map_err(what())?;
    fs::set_permissions(cache, PermissionsExt::from_mode(0o700)).map_err(what())
}

pub(super) fn lock(
    cache: &Path,
    cancel: &CancelToken,
    say: &mut dyn FnMut(&str),
) -> Result<Flock<File>, LabError> {
    let path = cache.join("lock");
    let what = || LabError::io(format!("{}: cannot be locked", path.display()));
    let mut file = File::create(&path).map_err(what())?;
    let mut announced = false;
    loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((back, nix::Error::EWOULDBLOCK)) => file = back,
            Err((_, errno)) => return Err(what()(errno.into())),
        }
        if !announced {
            say("waiting for another lvsctl that builds what labs share");
            announced = true;
        }
        pause(cancel)?;
    }
}

fn remove_tree(path: &Path) -> Result<(), LabError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(LabError::io(format!(
            "{}: cannot be removed",
            path.display()
        ))(error)),
        _ => Ok(()),
    }
}

fn build(
    folder: &Path,
    recipe: &Recipe<'_>,
    cancel: &CancelToken,
    say: &mut dyn FnMut(&str),
) -> Result<(), LabError> {
    let what = || LabError::io(format!("{}: cannot be written", folder.display()));
    fs::create_dir(folder).map_err(what())?;
    let script = folder.join("customize.sh");
    fs::write(&script, recipe.script).map_err(what())?;
    let mut command = command(folder, &script, recipe);
    let shown = format!("mmdebstrap {} ({})", recipe.suite, describe(&command));
    let failed = || LabError::io(format!("{shown}: cannot be run"));
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed())?;
    let log = follow(&mut child, cancel, say).map_err(failed())?;
    let status = child.wait().map_err(failed())?;
    check(cancel)?;
    if !status.success() {
        return Err(LabError::Command {
            command: shown,
            status: status.to_string(),
            output: last_lines(&log, 20),
        });
    }
    fs::write(folder.join(LOG), log).map_err(what())?;
    fs::remove_file(&script).map_err(what())
}

/// What the build prints; its steps are passed on.
fn follow(
    child: &mut Child,
    cancel: &CancelToken,
    say: &mut dyn FnMut(&str),
) -> std::io::Result<String> {
    let mut log = String::new();
    let Some(stderr) = child.stderr.take() else {
        return Ok(log);
    };
    for line in BufReader::new(stderr.take(64 << 20)).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        // mmdebstrap marks its steps so; between them lie dpkg's.
        if let Some(step) = line.strip_prefix("I: ") {
            say(step);
        }
        log.push_str(&line);
        log.push('\n');
        if cancel.is_cancelled() {
            // Ends the whole process namespace of the build.
            let _ = child.kill();
        }
    }
    Ok(log)
}

/// mmdebstrap in process and mount namespaces that end with it, so that nothing is left running or mounted.
fn command(folder: &Path, script: &Path, recipe: &Recipe<'_>) -> Command {
    let mut command = program("unshare");
    command
        .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
        .arg("mmdebstrap")
        .args(OPTIONS)
        .args(recipe.options)
        .arg(format!("--include={}", recipe.packages.join(",")))
        .arg(format!(
            "--{}-hook=sh {} \"$1\"",
            recipe.hook,
            crate::shell::quote(&script.to_string_lossy())
        ))
        .arg(recipe.suite)
        .arg(folder.join(ROOT))
        .envs(recipe.environment.iter().copied())
        .env("FOLDER", folder)
        .env("LC_ALL", "C")
        .env("DEBIAN_FRONTEND", "noninteractive");
    end_with_us(&mut command);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECIPE: Recipe<'_> = Recipe {
        suite: "bookworm",
        options: &[],
        packages: &["dash"],
        hook: "customize",
        script: "",
        environment: &[],
    };

    #[test]
    fn a_finished_folder_is_taken_as_it_is() {
        let cache = tempfile::tempdir().unwrap();
        let image = cache.path().join(RECIPE.name());
        fs::create_dir(&image).unwrap();
        let mut said = Vec::new();
        let found = ensure(cache.path(), &RECIPE, &CancelToken::default(), &mut |s| {
            said.push(s.to_owned());
        });
        assert_eq!(found.unwrap(), image);
        assert!(said.is_empty());
    }

    #[test]
    fn a_recipe_that_differs_has_another_folder() {
        let others = [
            Recipe {
                suite: "trixie",
                ..RECIPE
            },
            Recipe {
                options: &["--variant=minbase"],
                ..RECIPE
            },
            Recipe {
                packages: &["bash"],
                ..RECIPE
            },
            Recipe {
                script: "true",
                ..RECIPE
            },
            Recipe {
                environment: &[("A", "b")],
                ..RECIPE
            },
        ];
        for other in others {
            assert_ne!(other.name(), RECIPE.name());
        }
    }

    #[test]
    fn waiting_for_another_build_can_be_interrupted() {
        let cache = tempfile::tempdir().unwrap();
        let cancel = CancelToken::default();
        let _held = lock(cache.path(), &cancel, &mut |_| {}).unwrap();
        let stop = cancel.clone();
        let mut said = 0;
        let result = ensure(cache.path(), &RECIPE, &cancel, &mut |_| {
            said += 1;
            stop.cancel();
        });
        assert!(matches!(result, Err(LabError::Interrupted)));
        assert_eq!(said, 1);
    }
}
