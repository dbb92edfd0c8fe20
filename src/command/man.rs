//! `lvsctl man`: manual pages, generated from the definition of the command line.

use std::path::Path;

use clap_mangen::Man;

use crate::cli::{self, ManArgs};
use crate::exit::Exit;

use super::{Failure, Result, print};

pub(super) fn run(args: &ManArgs) -> Result<Exit> {
    match &args.output {
        Some(folder) => write(folder)?,
        None => {
            let mut page = Vec::new();
            Man::new(cli::command())
                .render(&mut page)
                .map_err(|e| Failure::of(Exit::Failed, &e))?;
            print(&String::from_utf8_lossy(&page))?;
        }
    }
    Ok(Exit::Done)
}

fn write(folder: &Path) -> Result<()> {
    let failed = |e: std::io::Error| {
        let message = format!("error: {}: {e}\n", folder.display());
        Failure::new(Exit::Failed, message)
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(cli::command(), folder).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_a_page() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path()).unwrap();
        let commands = cli::command();
        let names = commands.get_subcommands().map(clap::Command::get_name);
        for name in names.map(|name| format!("lvsctl-{name}.1")) {
            let page = std::fs::read_to_string(folder.path().join(&name));
            assert!(page.is_ok_and(|p| p.contains(".SH SYNOPSIS")), "{name}");
        }
        let page = std::fs::read_to_string(folder.path().join("lvsctl.1")).unwrap();
        assert!(page.contains("Exit status"), "{page}");
    }
}
