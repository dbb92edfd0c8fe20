//! Reads the secrets that an inventory refers to: from the environment, from files, from the terminal.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::cli::Global;
use crate::exit::Exit;
use crate::secret::{Secret, SecretSource, Secrets};

use super::setup::Setup;
use super::{Failure, Result};

/// The most that a file with a secret may hold.
const FILE_LIMIT: u64 = 64 * 1024;

/// Each secret that the chosen hosts need, read once; those of templates only where templates are compared.
pub fn read(global: &Global, setup: &Setup, templates: bool) -> Result<Secrets> {
    let mut sources = BTreeSet::new();
    for host in setup.hosts(global)? {
        let ssh = &host.ssh;
        sources.extend(
            [&ssh.password, &ssh.passphrase, &ssh.sudo_password]
                .into_iter()
                .flatten()
                .cloned(),
        );
    }
    if templates {
        sources.extend(
            setup
                .cluster()
                .vrrp
                .iter()
                .filter_map(|instance| instance.auth_pass.clone()),
        );
    }
    let folder = global.inventory.parent().unwrap_or(Path::new("."));
    let mut secrets = Secrets::new();
    for source in sources {
        let value = read_one(&source, folder)?;
        secrets.insert(source, value);
    }
    setup
        .loaded
        .check_secrets(&secrets)
        .map_err(|e| Failure::new(Exit::Invalid, e.render(120, false)))?;
    Ok(secrets)
}

fn read_one(source: &SecretSource, folder: &Path) -> Result<Secret> {
    let invalid = |message: String| Failure::new(Exit::Invalid, format!("error: {message}\n"));
    match source {
        SecretSource::Env(name) => match std::env::var(name) {
            Ok(value) if !value.is_empty() => Ok(Secret::new(value)),
            Ok(_) => Err(invalid(format!(
                "environment variable {name} is empty, and a secret is expected in it"
            ))),
            Err(_) => Err(invalid(format!(
                "environment variable {name} is not set (or not UTF-8), and a secret is expected in it"
            ))),
        },
        SecretSource::File(path) => {
            let path = folder.join(path);
            let shown = path.display();
            let file = std::fs::File::open(&path)
                .map_err(|e| invalid(format!("{shown}: a secret is expected there: {e}")))?;
            let metadata = file
                .metadata()
                .map_err(|e| invalid(format!("{shown}: {e}")))?;
            if !metadata.is_file() {
                return Err(invalid(format!(
                    "{shown}: expected a regular file with a secret"
                )));
            }
            let mode = metadata.permissions().mode() & 0o777;
            if mode & 0o077 != 0 {
                return Err(invalid(format!(
                    "{shown}: others can read this secret (mode {mode:04o}); mend it with: chmod 600 {shown}"
                )));
            }
            let mut text = String::new();
            file.take(FILE_LIMIT)
                .read_to_string(&mut text)
                .map_err(|e| invalid(format!("{shown}: {e}")))?;
            let first = text.lines().next().unwrap_or_default();
            if first.is_empty() {
                return Err(invalid(format!(
                    "{shown}: its first line is empty, and a secret is expected in it"
                )));
            }
            Ok(Secret::new(first))
        }
        SecretSource::Prompt(text) => {
            if !std::io::stdin().is_terminal() {
                return Err(invalid(format!(
                    "a secret is asked for ({text}), and there is no terminal to ask on; use `env` or `file`"
                )));
            }
            let value = rpassword::prompt_password(format!("{text}: "))
                .map_err(|e| Failure::of(Exit::Invalid, &e))?;
            Ok(Secret::new(value))
        }
    }
}
