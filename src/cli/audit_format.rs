//! The formats of an audit, and the files that reports go to.

use std::path::PathBuf;

use clap::ValueEnum;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AuditFormat {
    Text,
    Json,
    /// JUnit XML
    Junit,
    /// SARIF 2.1.0
    Sarif,
    /// Metrics for a textfile collector
    Prometheus,
    /// One line and an exit status from 0 to 3, as a monitoring plugin
    Nagios,
    Markdown,
    /// One self-contained page
    Html,
}

/// Ends of file names, and what they stand for.
const ENDS: &[(&str, AuditFormat)] = &[
    ("txt", AuditFormat::Text),
    ("json", AuditFormat::Json),
    ("xml", AuditFormat::Junit),
    ("sarif", AuditFormat::Sarif),
    ("prom", AuditFormat::Prometheus),
    ("md", AuditFormat::Markdown),
    ("html", AuditFormat::Html),
];

/// A file that a report goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportTo {
    pub format: AuditFormat,
    pub path: PathBuf,
}

impl ReportTo {
    /// `FILE`, or `FORMAT:FILE`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let forced = text.split_once(':').and_then(|(word, path)| {
            let format = AuditFormat::from_str(word, false).ok()?;
            Some((format, path))
        });
        if let Some((format, path)) = forced {
            if path.is_empty() {
                return Err("expected a file after the format".to_owned());
            }
            let path = PathBuf::from(path);
            return Ok(Self { format, path });
        }
        let path = PathBuf::from(text);
        let end = path.extension().and_then(|end| end.to_str());
        let known = ENDS.iter().find(|(known, _)| Some(*known) == end);
        match known {
            Some((_, format)) => Ok(Self {
                format: *format,
                path,
            }),
            None => {
                let ends: Vec<String> = ENDS.iter().map(|(end, _)| format!(".{end}")).collect();
                Err(format!(
                    "expected a file name that ends with {}, or FORMAT:FILE, such as junit:{text}",
                    ends.join(" ")
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_the_end_of_the_name_or_stands_before_it() {
        for (text, expected) in [
            ("a.json", Some((AuditFormat::Json, "a.json"))),
            ("/x/y.z.html", Some((AuditFormat::Html, "/x/y.z.html"))),
            ("a.xml", Some((AuditFormat::Junit, "a.xml"))),
            ("junit:a.txt", Some((AuditFormat::Junit, "a.txt"))),
            ("nagios:/run/lvs", Some((AuditFormat::Nagios, "/run/lvs"))),
            ("odd:a.md", Some((AuditFormat::Markdown, "odd:a.md"))),
            ("a.pdf", None),
            ("a", None),
            ("json:", None),
        ] {
            let found = ReportTo::parse(text).ok();
            let found = found.map(|to| (to.format, to.path));
            let expected = expected.map(|(format, path)| (format, PathBuf::from(path)));
            assert_eq!(found, expected, "{text}");
        }
        assert!(ReportTo::parse("a.pdf").unwrap_err().contains(".sarif"));
    }
}
