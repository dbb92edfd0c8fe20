//! From a path to text: regular files only, bounded, UTF-8.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::secret_masking::masked;
use crate::diagnostic::{Fault, LoadError, Source};

/// The largest inventory that is read. Clusters of thousands of hosts fit.
pub const MAX_BYTES: u64 = 1024 * 1024;

pub(super) fn read(path: &Path) -> Result<String, LoadError> {
    let name = path.display().to_string();
    let bytes = match bytes(path) {
        Ok(bytes) => bytes,
        Err(fault) => return Err(LoadError::file(name, *fault)),
    };
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
        let fault = Fault::new("this is not UTF-8 text")
            .label("first bad byte")
            .help("save the file as UTF-8: `iconv -f ISO-8859-1 -t UTF-8`")
            .at((good, 0).into());
        let masked = masked(None, &text, false);
        LoadError::new(&Source::new(name, &text, masked), vec![fault])
    })
}

fn bytes(path: &Path) -> Result<Vec<u8>, Box<Fault>> {
    let unreadable = |error: std::io::Error| {
        let help = match error.kind() {
            std::io::ErrorKind::NotFound => {
                "check the path; `lvsctl check FILE` names the file to read"
            }
            std::io::ErrorKind::PermissionDenied => {
                "give yourself the right to read it: `chmod u+r`"
            }
            _ => "check the path and the file system",
        };
        Fault::new(format!("cannot be read: {}", said(&error))).help(help)
    };
    // Looked at before it is opened, as opening a device may do something.
    regular(&std::fs::metadata(path).map_err(unreadable)?)?;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(nix::libc::O_NONBLOCK)
        .open(path)
        .map_err(unreadable)?;
    let found = file.metadata().map_err(unreadable)?;
    regular(&found)?;
    let mut bytes = Vec::new();
    if found.len() <= MAX_BYTES {
        file.take(MAX_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
    }
    if found.len() > MAX_BYTES || bytes.len() as u64 > MAX_BYTES {
        return Err(too_large(found.len().max(bytes.len() as u64)).into());
    }
    Ok(bytes)
}

pub(super) fn too_large(bytes: u64) -> Fault {
    Fault::new(format!(
        "too large for an inventory: {:.1} MiB, at most 1 MiB is read",
        bytes as f64 / MAX_BYTES as f64
    ))
    .help("check that this is the right file; `defaults` holds what all hosts share")
}

fn regular(found: &std::fs::Metadata) -> Result<(), Box<Fault>> {
    if found.is_dir() {
        let fault = Fault::new("is a directory, an inventory is a file");
        return Err(fault.help("name the YAML file in it").into());
    }
    if !found.is_file() {
        let fault = Fault::new("is not a regular file");
        return Err(fault.help("write the inventory to a file first").into());
    }
    Ok(())
}

/// The system's words without its number.
fn said(error: &std::io::Error) -> String {
    let said = error.to_string();
    said.split(" (os error")
        .next()
        .unwrap_or_default()
        .to_lowercase()
}
