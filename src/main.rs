//! Arguments in, exit status out.

use std::process::ExitCode;

use lvsctl::cli::Cli;
use lvsctl::exit::Exit;
use lvsctl::{command, lab};

fn main() -> ExitCode {
    // This program is also the lab's init, with an internal command line.
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|verb| verb == lab::INIT_COMMAND) {
        return ExitCode::from(lab::init_main(args));
    }
    match Cli::read(std::env::args_os()) {
        Ok(cli) => command::run(&cli).into(),
        Err(error) => {
            // clap returns help and version as errors too.
            let _ = error.print();
            if error.use_stderr() {
                Exit::Usage.into()
            } else {
                Exit::Done.into()
            }
        }
    }
}
