//! Output of an audit: one format to standard output, further formats to files.

use std::fs::Permissions;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::cli::{AuditFormat, Global, ReportTo, VerifyArgs};
use crate::command::output::show;
use crate::command::{Failure, Result};
use crate::exit::Exit;
use crate::report::Style;
use crate::report::audit::{self, AuditReport, Kind, nagios};

fn kind(format: AuditFormat) -> Kind {
    match format {
        AuditFormat::Text => Kind::Text,
        AuditFormat::Json => Kind::Json,
        AuditFormat::Junit => Kind::Junit,
        AuditFormat::Sarif => Kind::Sarif,
        AuditFormat::Prometheus => Kind::Prometheus,
        AuditFormat::Nagios => Kind::Nagios,
        AuditFormat::Markdown => Kind::Markdown,
        AuditFormat::Html => Kind::Html,
    }
}

/// Writes the result and all reports. A file that cannot be written is an error once the others are.
pub(super) fn write(global: &Global, args: &VerifyArgs, report: &AuditReport) -> Result<()> {
    show(global, |out, style| match args.format {
        AuditFormat::Nagios => nagios::line(out, report, args.strict),
        format => audit::write(out, kind(format), report, style),
    })?;
    files(args, report)
}

/// Writes the reports alone.
pub(super) fn files(args: &VerifyArgs, report: &AuditReport) -> Result<()> {
    let mut errors = String::new();
    for to in &args.report {
        if let Err(error) = file(to, args.strict, report) {
            errors.push_str(&format!("error: {}: {error}\n", to.path.display()));
        }
    }
    if errors.is_empty() {
        return Ok(());
    }
    Err(Failure::new(Exit::Failed, errors))
}

/// A reader, such as a collector, sees the former file or the whole new one.
fn file(to: &ReportTo, strict: bool, report: &AuditReport) -> io::Result<()> {
    let folder = match to.path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    match to.format {
        AuditFormat::Nagios => nagios::line(&mut file, report, strict)?,
        format => audit::write(&mut file, kind(format), report, Style::plain())?,
    }
    file.flush()?;
    file.as_file()
        .set_permissions(Permissions::from_mode(0o644))?;
    file.persist(&to.path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::audit::sample;

    fn to(path: &Path) -> ReportTo {
        ReportTo {
            format: AuditFormat::Json,
            path: path.to_owned(),
        }
    }

    #[test]
    fn a_report_is_whole_and_readable_for_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        std::fs::write(&path, "former").unwrap();
        file(&to(&path), false, &sample::report()).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with('{') && text.ends_with("}\n"), "{text}");
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644);
        let all = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(all, 1);
    }

    #[test]
    fn what_cannot_be_written_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing/a.json");
        assert!(file(&to(&missing), false, &sample::report()).is_err());
        let taken = folder.path().join("taken");
        std::fs::create_dir(&taken).unwrap();
        std::fs::write(taken.join("x"), "").unwrap();
        assert!(file(&to(&taken), false, &sample::report()).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
