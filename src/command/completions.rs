//! `lvsctl completions`: the completion script of a shell, generated from the definition of the command line.

use crate::cli::{self, CompletionsArgs};
use crate::exit::Exit;

use super::{Result, print};

pub(super) fn run(args: &CompletionsArgs) -> Result<Exit> {
    print(&script(args.shell))?;
    Ok(Exit::Done)
}

fn script(shell: clap_complete::Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli::command(), "lvsctl", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn each_shell_completes_each_command() {
        for shell in clap_complete::Shell::value_variants() {
            let script = script(*shell);
            for command in cli::command().get_subcommands() {
                assert!(script.contains(command.get_name()), "{shell}: {command}");
            }
        }
    }

    #[test]
    fn bash_offers_the_commands_that_begin_so() {
        let ask = format!(
            "{}\nCOMP_WORDS=(lvsctl ver) COMP_CWORD=1; _lvsctl lvsctl ver lvsctl; echo \"${{COMPREPLY[*]}}\"",
            script(clap_complete::Shell::Bash)
        );
        let output = Command::new("bash").args(["-c", &ask]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "verify\n");
    }

    #[test]
    fn bash_offers_the_checks() {
        for words in ["explain clo", "verify --only clo", "verify --skip clo"] {
            let words: Vec<&str> = words.split(' ').collect();
            let (at, before) = (words.len(), words[words.len() - 2]);
            let ask = format!(
                "{}\nCOMP_WORDS=(lvsctl {}) COMP_CWORD={at}; _lvsctl lvsctl clo {before}; echo \"${{COMPREPLY[*]}}\"",
                script(clap_complete::Shell::Bash),
                words.join(" ")
            );
            let output = Command::new("bash").args(["-c", &ask]).output().unwrap();
            assert_eq!(
                String::from_utf8_lossy(&output.stdout),
                "clocks\n",
                "{words:?}"
            );
        }
    }
}
