//! Comparison of reports: reading and writing stored reports, and `verify --since`.

use std::io::Write as _;
use std::path::Path;

use crate::check::{Changes, Findings, Known, Report, known};
use crate::cli::{AuditFormat, Global};
use crate::exit::Exit;
use crate::report;

use super::output::show;
use super::{Failure, Result};

/// The findings of a report of `verify --format json`.
pub(super) fn read(path: &Path) -> Result<Vec<Known>> {
    let wrong = |why: String| {
        let path = path.display();
        let message =
            format!("error: {path}: expected a report of `lvsctl verify --format json`: {why}\n");
        Failure::new(Exit::Invalid, message).kind("report")
    };
    let text = std::fs::read_to_string(path).map_err(|e| wrong(e.to_string()))?;
    Report::read(&text).map_err(wrong)
}

/// Keeps findings for the next run. A reader sees the old file or the new one.
pub(super) fn write(path: &Path, findings: &[Known]) -> Result<()> {
    let failed = |e: &dyn std::error::Error| {
        let message = format!("error: {}: {e}\n", path.display());
        Failure::new(Exit::Failed, message).kind("state-file")
    };
    let report = Report {
        format: 1,
        findings: findings.to_vec(),
    };
    let text = serde_json::to_string_pretty(&report).map_err(|e| failed(&e))?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))
        .map_err(|e| failed(&e))?;
    writeln!(file, "{text}").map_err(|e| failed(&e))?;
    file.persist(path).map_err(|e| failed(&e.error))?;
    Ok(())
}

/// The stored report of `verify --since`, and the format for the differences.
pub(super) struct Before {
    findings: Vec<Known>,
    json: bool,
}

impl Before {
    pub(super) fn read(path: &Path, format: AuditFormat) -> Result<Self> {
        let json = match format {
            AuditFormat::Text => false,
            AuditFormat::Json => true,
            _ => {
                let message = "error: --since shows what changed as text or json: omit --format, or write further reports with --report\n";
                return Err(Failure::new(Exit::Usage, message));
            }
        };
        Ok(Self {
            findings: read(path)?,
            json,
        })
    }

    /// Shows the differences. Only new findings count for the exit status.
    pub(super) fn compare(&self, global: &Global, findings: &Findings) -> Result<Exit> {
        let changes = Changes::between(&self.findings, &known(findings));
        show(global, |out, style| {
            if self.json {
                report::changes::json(out, &changes)
            } else {
                report::changes::text(out, &changes, style)
            }
        })?;
        Ok(if changes.new.is_empty() {
            Exit::Done
        } else {
            Exit::Findings
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        assert!(read(&path).unwrap_err().message.contains("state.json"));
        let finding = Known {
            host: "rs1".to_owned(),
            check: "lro".to_owned(),
            what: "eth0".to_owned(),
            expected: String::new(),
            found: String::new(),
            fix: String::new(),
            severity: "warning".to_owned(),
        };
        for _ in 0..2 {
            write(&path, std::slice::from_ref(&finding))
                .unwrap_or_else(|f| panic!("{}", f.message));
        }
        assert_eq!(read(&path).ok(), Some(vec![finding]));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
