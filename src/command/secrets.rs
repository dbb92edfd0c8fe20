//! Reads the secrets that an inventory refers to: from the environment, from files, from the terminal.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use crate::cli::Global;
use crate::exit::Exit;
use crate::inventory::Problem;
use crate::model::Host;
use crate::secret::{SecretSource, Secrets, Unread};

use super::context::{self, Context};
use super::{Failure, Result};

/// The most that a file with a secret may hold.
const FILE_LIMIT: u64 = 64 * 1024;

/// Reads each secret that the hosts of a run need once; secrets of templates only if templates are compared.
pub(super) fn read(global: &Global, context: &Context, templates: bool) -> Result<Secrets> {
    let (prompts, others) = sources(global, context, templates)?;
    let (mut secrets, unread) = read_all(others, global);
    if !unread.is_empty() {
        return Err(invalid(global, &context.loaded.unread(&unread)));
    }
    // No prompt if the command fails for another secret anyway.
    let (asked, unread) = read_all(prompts, global);
    if !unread.is_empty() {
        return Err(invalid(global, &context.loaded.unread(&unread)));
    }
    secrets.extend(asked);
    // A step may depend on hosts outside of the run. Without its secret, such a host counts as not read.
    let cluster = context.cluster();
    let of_others = cluster.hosts.iter().flat_map(of_ssh);
    let of_others = of_others.filter(|source| {
        !secrets.contains_key(source) && !matches!(source, SecretSource::Prompt(_))
    });
    let (of_others, _) = read_all(of_others.collect(), global);
    secrets.extend(of_others);
    check(global, context, &secrets)?;
    Ok(secrets)
}

/// Secrets that are needed to log in to a host.
fn of_ssh(host: &Host) -> impl Iterator<Item = SecretSource> + '_ {
    let all = host.ssh.secrets().into_iter();
    all.filter_map(|(_, source)| source.clone())
}

/// Checks the secrets before a run, without prompts. Secrets that cannot be read yet are warnings.
pub(super) fn look(global: &Global, context: &Context) -> Result<Vec<Problem>> {
    let (_, others) = sources(global, context, true)?;
    let (secrets, unread) = read_all(others, global);
    check(global, context, &secrets)?;
    Ok(context.loaded.unread_yet(&unread))
}

fn check(global: &Global, context: &Context, secrets: &Secrets) -> Result<()> {
    let checked = context.loaded.check_secrets(secrets);
    checked.map_err(|e| invalid(global, &e))
}

fn invalid(global: &Global, error: &crate::inventory::LoadError) -> Failure {
    Failure::new(Exit::Invalid, context::rendered(global, error))
}

/// The sources of secrets: prompts, and all others.
fn sources(
    global: &Global,
    context: &Context,
    templates: bool,
) -> Result<(BTreeSet<SecretSource>, BTreeSet<SecretSource>)> {
    let mut sources = BTreeSet::new();
    let chosen = context.hosts(global)?;
    let chosen: BTreeSet<&str> = chosen.iter().map(|host| host.name.as_str()).collect();
    // Commands without templates (start, stop, destroy) also run steps on directors that are not chosen.
    let takes_part =
        |host: &&Host| chosen.contains(host.name.as_str()) || (!templates && host.is_director());
    for host in context.cluster().hosts.iter().filter(takes_part) {
        sources.extend(of_ssh(host));
    }
    if templates {
        let instances = context.cluster().vrrp.iter();
        sources.extend(instances.filter_map(|instance| instance.auth_pass.clone()));
    }
    let asks = |source: &SecretSource| matches!(source, SecretSource::Prompt(_));
    Ok(sources.into_iter().partition(asks))
}

fn read_all(sources: BTreeSet<SecretSource>, global: &Global) -> (Secrets, Vec<Unread>) {
    let folder = global.inventory.parent().unwrap_or(Path::new("."));
    let mut secrets = Secrets::new();
    let mut unread = Vec::new();
    for source in sources {
        match read_one(&source, folder) {
            Ok(value) => drop(secrets.insert(source, value)),
            Err(Wrong { why, fix }) => unread.push(Unread { source, why, fix }),
        }
    }
    (secrets, unread)
}

/// A secret that the command line names, outside an inventory.
pub(super) fn read_alone(source: &SecretSource) -> std::result::Result<SecretString, String> {
    read_one(source, Path::new("")).map_err(|Wrong { why, fix }| format!("{why}; {fix}"))
}

/// All sources of secrets; reads none.
pub(super) fn all_sources(global: &Global, context: &Context) -> Result<BTreeSet<SecretSource>> {
    let (mut prompts, others) = sources(global, context, true)?;
    prompts.extend(others);
    Ok(prompts)
}

/// The file that systemd gives a service for the credential of this name (`LoadCredential=`, systemd.exec(5)).
fn credential(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY")?;
    let path = PathBuf::from(folder).join(name);
    (!name.contains('/') && path.exists()).then_some(path)
}

/// Why a secret cannot be read, and the fix.
struct Wrong {
    why: String,
    fix: String,
}

fn wrong(why: impl Into<String>, fix: impl Into<String>) -> Wrong {
    Wrong {
        why: why.into(),
        fix: fix.into(),
    }
}

fn read_one(source: &SecretSource, folder: &Path) -> std::result::Result<SecretString, Wrong> {
    match source {
        SecretSource::Env(name) => {
            if std::env::var_os(name).is_none()
                && let Some(path) = credential(name)
            {
                return of_file(&path, Others::Trusted);
            }
            let why = match std::env::var(name) {
                Ok(value) if !value.is_empty() => return Ok(SecretString::from(value)),
                Ok(_) => "is empty",
                Err(std::env::VarError::NotPresent) => "is not set",
                Err(std::env::VarError::NotUnicode(_)) => "is not UTF-8",
            };
            if !SecretSource::is_likely_variable(name) {
                // It may be the secret itself, so it is not repeated.
                return Err(wrong(
                    format!(
                        "the environment variable that `env` names {why}, and a secret is expected in it"
                    ),
                    "`env` takes the name of a variable and not the secret: write `{ env: LVSCTL_AUTH_PASS }`, and `export LVSCTL_AUTH_PASS=...` before lvsctl",
                ));
            }
            Err(wrong(
                format!("environment variable {name} {why}, and a secret is expected in it"),
                format!("`export {name}=...` before lvsctl"),
            ))
        }
        SecretSource::File(path) => of_file(&folder.join(path), Others::Refused),
        SecretSource::Prompt(text) => {
            if !std::io::stdin().is_terminal() {
                return Err(wrong(
                    format!("a secret is asked for ({text}), and there is no terminal to ask on"),
                    "run lvsctl on a terminal, or write `{ env: NAME }` or `{ file: PATH }`",
                ));
            }
            let value = rpassword::prompt_password(format!("{text}: "));
            value.map(SecretString::from).map_err(|e| {
                wrong(
                    format!("a secret is asked for ({text}), and nothing was read: {e}"),
                    "write `{ env: NAME }` or `{ file: PATH }` instead",
                )
            })
        }
    }
}

/// Who else may read a file with a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Others {
    Refused,
    /// systemd opens its folder to the service alone; an access control list shows as permission of the group.
    Trusted,
}

fn of_file(path: &Path, others: Others) -> std::result::Result<SecretString, Wrong> {
    let shown = path.display();
    let create =
        || format!("write the secret to the first line of {shown}, and `chmod 600 {shown}`");
    let failed = |e: std::io::Error| {
        let why = format!("{shown}: a secret is expected there: {e}");
        wrong(why, create())
    };
    // Opening a FIFO would wait for its writer.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        let why = format!("{shown}: expected a regular file with a secret");
        return Err(wrong(why, create()));
    }
    let file = std::fs::File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 && others == Others::Refused {
        return Err(wrong(
            format!("{shown}: others can read this secret (mode {mode:04o})"),
            format!("`chmod 600 {shown}`"),
        ));
    }
    let mut text = String::new();
    file.take(FILE_LIMIT)
        .read_to_string(&mut text)
        .map_err(failed)?;
    match text.lines().next().unwrap_or_default() {
        "" => Err(wrong(
            format!("{shown}: its first line is empty, and a secret is expected in it"),
            create(),
        )),
        first => Ok(SecretString::from(first)),
    }
}
