//! Arguments in, exit status out.

use std::process::ExitCode;

use lvsctl::cli::Cli;
use lvsctl::exit::Exit;
use lvsctl::{command, lab};

fn main() -> ExitCode {
    // The lab's init is this program too, and gets words that are not for people.
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|verb| verb == lab::INIT_COMMAND) {
        return ExitCode::from(lab::init_main(args));
    }
    match Cli::read(std::env::args_os()) {
        Ok(cli) => command::run(&cli).into(),
        Err(error) => {
            // Help and version are printed this way too, and are no errors.
            let _ = error.print();
            if error.use_stderr() {
                Exit::Usage.into()
            } else {
                Exit::Done.into()
            }
        }
    }
}
