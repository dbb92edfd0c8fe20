//! The files of roles and templates: built in, or of a folder, which replaces and adds. What they hold is read
//! elsewhere.

use std::collections::BTreeMap;
use std::path::Path;

use include_dir::Dir;

use super::RoleError;

/// The most that a role or template of the user's may hold.
const FILE_LIMIT: u64 = 1024 * 1024;

/// A file's text, and its path where it is the user's.
pub(super) struct Text {
    pub text: String,
    pub path: Option<String>,
}

pub(super) type Texts = BTreeMap<String, Text>;

pub(super) fn built_in(dir: &Dir) -> Texts {
    let texts = dir.files().filter_map(|file| {
        let name = file.path().to_str()?.to_owned();
        let text = file.contents_utf8()?.to_owned();
        Some((name, Text { text, path: None }))
    });
    texts.collect()
}

/// Messages about files that replace a built-in one go to `replaced`.
pub(super) fn read_folder(
    folder: &Path,
    what: &str,
    into: &mut Texts,
    replaced: &mut Vec<String>,
) -> Result<(), RoleError> {
    let fail = |path: &Path| {
        let path = shown(path);
        move |source| RoleError::Read { path, source }
    };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(fail(folder)(e)),
    };
    for entry in entries {
        let path = entry.map_err(fail(folder))?.path();
        let metadata = path.metadata().map_err(fail(&path))?;
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        if !metadata.is_file() || name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        if metadata.len() > FILE_LIMIT {
            return Err(RoleError::TooLarge {
                path: shown(&path),
                limit: FILE_LIMIT,
            });
        }
        let text = Text {
            text: std::fs::read_to_string(&path).map_err(fail(&path))?,
            path: Some(shown(&path)),
        };
        if into.insert(name.to_owned(), text).is_some() {
            replaced.push(format!("{} replaces the built-in {what}", shown(&path)));
        }
    }
    replaced.sort();
    Ok(())
}

/// As the user would name it beside the inventory.
fn shown(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}
